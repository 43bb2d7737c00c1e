"""Do they save rollouts, and tokens? Tables of logits, trained by the real updater, memory, schedules and recipes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from assay.training.batch import Batch
from assay.training.config import OptimConfig
from assay.training.forward import Row
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import RolloutPlan
from assay.training.precision import Weights
from assay.training.recipes import get_recipe
from assay.training.tree import MicroBatch
from assay.training.update import Updater, make_optimizer

ONE = np.ones(1, np.bool_)


class Table:
    """A policy whose answer to prompt i is one token, drawn from row i of a table."""

    def __init__(self, logits):
        self.model = torch.nn.Module()
        self.model.logits = torch.nn.Parameter(logits.clone())

    def plan(self, rows, units=None):
        return [MicroBatch(list(range(len(rows))), [list(range(len(rows)))])] if rows else []

    def __call__(self, rows, tries, width, readouts=(), companions=None):
        prompt, answer = torch.from_numpy(np.stack([row.ids for row in rows])).T
        logp = torch.log_softmax(self.model.logits, -1)[prompt]
        entropy = -(logp.exp() * logp).sum(-1, keepdim=True)
        return PolicyOutputs(logp.gather(-1, answer.unsqueeze(-1)), {"entropy": entropy})

    @torch.no_grad()
    def score(self, rows, width, readouts=(), companions=None):
        return self(rows, [], width)


@dataclass
class World:
    """What answers are worth: rewards and costs of (prompt, answer), and the table to start from."""

    start: torch.Tensor
    right: torch.Tensor
    cost: torch.Tensor

    def judge(self, policy):
        """Expected verdict and cost of a policy."""
        p = torch.softmax(policy.model.logits.detach(), -1)
        return float((p * self.right).sum(-1).mean()), float((p * self.cost).sum(-1).mean())


def arms(seed, prompts=64, arms=30, right=3):
    g = torch.Generator().manual_seed(seed)
    which = torch.rand(prompts, arms, generator=g).argsort(-1)[:, :right]
    table = torch.zeros(prompts, arms)
    return World(table, table.scatter(1, which, 1.0), torch.ones_like(table))


def lengths(seed, prompts=32):
    """Answers of length 1 to 8; right with .9 if it is at least what the prompt needs (1 to 4), else with .15."""
    g = torch.Generator().manual_seed(seed)
    need = torch.randint(1, 5, (prompts, 1), generator=g)
    length = torch.arange(1, 9).expand(prompts, 8)
    start = (length > 4).float()
    return World(start, torch.where(length >= need, 0.9, 0.15), length.float())


class Trainer:
    """The loop of a run: as much of it as a table needs."""

    def __init__(self, world, name, constants, steps, lr, group_size=8, seed=0):
        self.world, self.policy, self.recipe = world, Table(world.start), get_recipe(name, constants)
        config = OptimConfig(lr=lr, betas=(0.9, 0.999), clip_norm=0.0)
        weights = Weights(self.policy.model)
        self.configured = RolloutPlan(len(world.start), group_size, 1.0)
        self.schedule = self.recipe.schedule().begun(steps, self.configured)
        objective = self.recipe.objective(1)
        frozen = {name: copy.deepcopy(self.policy) for name in objective.companions}
        optimizer = make_optimizer(weights, config)
        self.updater = Updater(self.policy, objective, weights, optimizer, config, frozen, self.schedule)
        self.anchors, self.lr, self.step, self.rollouts = self.recipe.anchors(), lr, 0, 0
        self.generator = torch.Generator().manual_seed(1000 + seed)

    def sample(self, plan):
        g, size = self.generator, plan.group_size
        prompt = torch.randperm(len(self.world.start), generator=g)[: plan.groups].repeat_interleave(size)
        p = torch.softmax(self.policy.model.logits.detach(), -1)[prompt]
        answer = torch.multinomial(p, 1, generator=g).flatten()
        verdict = (torch.rand(len(prompt), generator=g) < self.world.right[prompt, answer]).float()
        data = TrajectoryBatch.of(
            verdict,
            torch.arange(plan.groups).repeat_interleave(size).tolist(),
            correct=verdict,
            rollout_logp=p.gather(-1, answer.unsqueeze(-1)).log(),
            policy_version=torch.full((len(prompt),), self.step),
            tool_calls=self.world.cost[prompt, answer],
        )
        rows = [Row(ids, 1, ONE) for ids in torch.stack([prompt, answer], -1).numpy()]
        self.rollouts += len(rows)
        return Batch(rows, data)

    def one_step(self):
        before = copy.deepcopy(self.policy.model)
        batch = self.sample(self.schedule.plan(self.step, self.configured))
        metrics = self.updater(batch, self.lr, self.step, seed=7919 * self.step + 1)
        self.step += 1
        self.anchors, wanted = self.anchors.after_step(self.step, metrics)
        for name in (wanted.names if wanted is not None else frozenset()) & self.updater.anchors.keys():
            source = before if name in wanted.lagging else self.policy.model
            self.updater.anchors[name].model.load_state_dict(source.state_dict())
        return metrics


def run_until(world, name, constants, seed, level=0.9, rollouts=10**6):
    """A run that stops once its expected verdict is above a level, or it has used its rollouts."""
    run = Trainer(world, name, constants, 200, 0.05, seed=seed)
    while world.judge(run.policy)[0] <= level and run.rollouts < rollouts:
        run.one_step()
    return run


ONLINE = ("grpo", {"kl_beta": 0})
MIX = ("remix", {"kl_beta": 0, "entropy_coef": 0, "reincarnate_at": None})
REMIX = ("remix", {"kl_beta": 0, "entropy_coef": 0, "reincarnate_at": 40})


def test_remix_needs_half_the_rollouts():
    world = arms(0)
    remix, mix = run_until(world, *REMIX, 0), run_until(world, *MIX, 0)
    online = run_until(world, *ONLINE, 0, rollouts=2 * remix.rollouts)
    assert world.judge(online.policy)[0] < 0.9
    assert mix.rollouts <= remix.rollouts < 24_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_and_ends_where_grpo_ends(seed):
    world = arms(seed)
    remix, online = run_until(world, *REMIX, seed), run_until(world, *ONLINE, seed)
    assert remix.rollouts <= online.rollouts / 2
    for run in (remix, online):
        while run.step < 250:
            run.one_step()
    print("final", seed, remix.rollouts, online.rollouts, world.judge(remix.policy)[0], world.judge(online.policy)[0])
    assert world.judge(remix.policy)[0] == pytest.approx(world.judge(online.policy)[0], abs=0.01)


def over(alpha, **constants):
    return "rorecomp", {"base": "grpo", "base_options": "kl_beta=0", "alpha": alpha, "cost": "tool_calls", **constants}


def ends(name, constants, seeds, steps, lr):
    """Mean accuracy and mean length at the end of a run."""
    found = []
    for seed in seeds:
        world = lengths(seed)
        run = Trainer(world, name, constants, steps, lr, seed=seed)
        for _ in range(steps):
            run.one_step()
        found.append(world.judge(run.policy))
    accuracy, length = np.mean(found, 0)
    return float(accuracy), float(length)


def rorecomp_claims(seeds, steps, lr, accuracy_cost):
    plain, half = ends(*ONLINE, seeds, steps, lr), ends(*over(0.5), seeds, steps, lr)
    bare = ends(*over(0.5, p_comp=0), seeds, steps, lr)
    assert half[1] <= 0.6 * plain[1]
    assert half[0] >= plain[0] - accuracy_cost
    assert bare[0] <= half[0] - 0.05, "compensation is what keeps the accuracy"
    return plain, half, bare


def test_rorecomp_shortens_and_compensation_keeps_the_accuracy():
    rorecomp_claims([0], steps=120, lr=0.075, accuracy_cost=0.01)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_rorecomp_on_four_seeds_and_length_rises_with_alpha():
    plain, half, bare = rorecomp_claims(range(4), steps=300, lr=0.03, accuracy_cost=0.01)
    between, mild = ends(*over(0.65), range(4), 300, 0.03), ends(*over(0.8), range(4), 300, 0.03)
    always = ends(*over(0.5, p="constant"), range(4), 300, 0.03)
    print("rorecomp", plain, half, between, mild, always, bare)
    assert half[1] < between[1] < mild[1] < plain[1]
    assert abs(plain[0] - 0.896) < 0.01
    assert abs(plain[1] - 5.83) < 0.2
    assert always[1] > half[1], "a compensation that never ends leaves responses longer"


@pytest.mark.parametrize("base", ["grpo", "dapo", "nft", "rloo"])
def test_all_of_alpha_is_the_base_bit_for_bit(base):
    world, logits = lengths(0), {}
    options = {"grpo": "kl_beta=0", "dapo": "overlong_buffer=0"}.get(base, ())
    whole = {"base": base, "base_options": options, "cost": "tool_calls"}
    names = {option.split("=")[0]: 0 for option in ([options] if options else [])}
    for key, name, constants in (
        ("base", base, names),
        ("all", "rorecomp", {**whole, "alpha": 1}),
        ("half", "rorecomp", {**whole, "alpha": 0.5}),
    ):
        run = Trainer(world, name, constants, 5, 0.03)
        for _ in range(5):
            run.one_step()
        logits[key] = run.policy.model.logits.detach()
        assert len(run.updater.memory) == 0 or key == "half"
    assert torch.equal(logits["base"], logits["all"])
    assert not torch.equal(logits["base"], logits["half"])
