"""Why harsh penalties make a screening policy reject everyone, in two weights: the real recipes, rewards and losses.

An applicant has one noisy feature x and is qualified with probability sigmoid(1.2 x); the policy accepts with
probability sigmoid(w x + b). 400 applicants, groups of 8 decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe
from assay.verifiers import registry
from assay.verifiers.resume.presets import PRESETS, accept_threshold

APPLICANTS, GROUP, GROUPS, LR, START = 400, 8, 16, 0.3, 1.5
REINFORCE = {"advantage": "dr_grpo", "surrogate": "reinforce"}
ANCHORED = {**REINFORCE, "kl_beta": 0.01}
WORDS = ("REJECTED", "SELECTED")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Steps this small are slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rewards(penalties):
    """Of a bare decision, [label, decision], as the verifier gives them."""
    score = registry.score
    table = [
        [score("resume.rubric", said, {"label": label}, penalties=penalties).reward for said in WORDS]
        for label in WORDS
    ]
    return torch.tensor(table)


@dataclass
class Screening:
    """A pool of applicants and a policy of two weights."""

    recipe: str
    penalties: tuple[float, ...]
    constants: dict = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        x = self.rng.normal(size=APPLICANTS)
        y = self.rng.random(APPLICANTS) < 1 / (1 + np.exp(-1.2 * x))
        self.x, self.y = torch.tensor(x, dtype=torch.float32), torch.tensor(y).long()
        self.theta = torch.tensor([START, 0.0], requires_grad=True)
        self.start = self.theta.detach().clone()
        self.rewards = rewards(self.penalties)
        self.objective = get_recipe(self.recipe, self.constants).objective(1)

    def draw(self):
        """Applicants [rows] and decisions [rows]: some groups, in the order of the groups."""
        who = torch.tensor(self.rng.integers(APPLICANTS, size=GROUPS)).repeat_interleave(GROUP)
        p = torch.sigmoid(self.theta.detach()[0] * self.x[who] + self.theta.detach()[1])
        return who, (torch.tensor(self.rng.random(len(who))) < p).long()

    def logp(self, theta, who, said):
        z = theta[0] * self.x[who] + theta[1]
        return logsigmoid(torch.where(said == 1, z, -z)).unsqueeze(-1)

    def loss(self, who, said):
        """Of the real objective."""
        old = self.logp(self.theta, who, said).detach()
        reference = self.logp(self.start, who, said)
        group = torch.arange(GROUPS).repeat_interleave(GROUP).tolist()
        batch = TrajectoryBatch.of(
            self.rewards[self.y[who], said],
            group,
            rollout_logp=old,
            old_logp=old,
            correct=(said == self.y[who]).float(),
            anchor_logp=dict.fromkeys(self.objective.anchors, reference),
        )
        advantage = self.objective.prepare(batch)
        out = PolicyOutputs(self.logp(self.theta, who, said), {})
        return self.objective.loss(out, batch, advantage, self.objective.totals(batch, advantage))[0]

    def train(self, steps):
        """Plain gradient descent; returns itself."""
        for _ in range(steps):
            (grad,) = torch.autograd.grad(self.loss(*self.draw()), self.theta)
            with torch.no_grad():
                self.theta -= LR * grad
        return self

    def measured(self):
        """Recall, accuracy and accept rate, expected over the policy's decisions."""
        p, y = torch.sigmoid(self.theta.detach()[0] * self.x + self.theta.detach()[1]), self.y.float()
        return [float(each) for each in ((p * y).sum() / y.sum(), (p * y + (1 - p) * (1 - y)).mean(), p.mean())]


def test_the_objective_is_reinforce_with_a_group_mean_written_out():
    mine = Screening("gentle-polish", PRESETS["gentle"].penalties, ANCHORED)
    mine.theta.data += torch.tensor([0.3, -0.2])  # away from the anchor
    who, said = mine.draw()
    (found,) = torch.autograd.grad(mine.loss(who, said), mine.theta)
    theta, wanted = mine.theta.detach().numpy().astype(float), np.zeros(2)
    for first in range(0, len(who), GROUP):
        rows = range(first, first + GROUP)
        mean = sum(float(mine.rewards[mine.y[who[i]], said[i]]) for i in rows) / GROUP
        for i in rows:
            x, a = float(mine.x[who[i]]), float(said[i])
            p = 1 / (1 + np.exp(-(theta[0] * x + theta[1])))
            slope = (a - p) * np.array([x, 1.0])  # of the log-probability
            gap = float(mine.logp(mine.start, who, said)[i] - mine.logp(mine.theta, who, said)[i].detach())
            advantage = float(mine.rewards[mine.y[who[i]], said[i]]) - mean
            wanted += (-advantage + 0.01 * (1 - np.exp(gap))) * slope / len(who)
    assert np.allclose(found.numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_gentle_keeps_its_recall_and_aggressive_loses_it(seed):
    recall, accuracy, _ = Screening("gentle-polish", PRESETS["gentle"].penalties, ANCHORED, seed).train(800).measured()
    assert 0.55 <= recall <= 0.72
    assert 0.63 <= accuracy <= 0.70
    recall, _, accepted = (
        Screening("aggressive", PRESETS["aggressive"].penalties, REINFORCE, seed).train(800).measured()
    )
    assert recall <= 0.25
    assert 0.005 <= accepted <= 0.15


def test_with_ten_for_a_false_accept_nobody_is_accepted():
    _, _, accepted = Screening("aggressive", (10.0, 0.2, 2.0), REINFORCE).train(1500).measured()
    assert accepted < 0.01
    assert accept_threshold(0.5, 10.0, 0.2) > 0.93


def test_as_they_come_only_aggressive_collapses_and_division_by_the_deviation_hides_the_penalties():
    gentle = Screening("gentle-polish", PRESETS["gentle"].penalties).train(400).measured()
    aggressive = Screening("aggressive", PRESETS["aggressive"].penalties).train(400).measured()
    divided = Screening("aggressive", PRESETS["aggressive"].penalties, {"advantage": "grpo"}).train(400).measured()
    assert gentle[0] >= 0.55
    assert aggressive[0] <= 0.25
    assert divided[0] >= 0.55  # in a group where all is right or wrong, (R - mean) / std is the same for any penalty
