"""Distribution matching: its weights to the digit, and three ways to one target."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from assay.training import cli
from assay.training.analysis.posterior import exact
from assay.training.logs import read_metrics
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.proposal import SampledBy, WhenCloser
from assay.training.objectives.schedule import RolloutPlan
from assay.training.objectives.target import TargetWeight
from assay.training.recipes import RunFacts, check_recipe, get_recipe

A, B = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([1.0, 0.0, 1.0])
PI = torch.tensor([0.4, 0.3, 0.3])


def arms(reward, ref, old, proposal=None, group=None):
    """One row an arm, with these probabilities."""
    anchors = {"ref": ref.log().unsqueeze(-1)}
    if proposal is not None:
        anchors["proposal"] = proposal.log().unsqueeze(-1)
    return TrajectoryBatch.of(reward, group, old_logp=old.log().unsqueeze(-1), anchor_logp=anchors)


def test_the_weights():
    z = math.log(0.7)
    batch = arms(B, A, PI, proposal=A)
    plain = TargetWeight(target="constraint", baseline=False, proposal=True, log_z=z, count=1.0)
    assert plain(batch)[:, 0].tolist() == pytest.approx([1.0, 0.0, 1.0], abs=1e-6)
    found = TargetWeight(target="constraint", proposal=True, log_z=z, count=1.0)(batch)[:, 0]
    assert found.tolist() == pytest.approx([0.44, -0.7, -0.05], abs=1e-6)
    assert float((A * found).sum()) == pytest.approx(0.0, abs=1e-6)
    divided = TargetWeight(target="constraint", proposal=True, divide=True, log_z=z, count=1.0)(batch)[:, 0]
    assert divided.tolist() == pytest.approx((found / 0.7).tolist(), abs=1e-6)
    on_policy = TargetWeight(target="constraint", log_z=z, count=1.0)(arms(B, A, PI))[:, 0]
    assert on_policy.tolist() == pytest.approx([0.5 / 0.4 - 0.7, -0.7, 0.2 / 0.3 - 0.7], abs=1e-6)


def test_first_step_coefficients():
    recipe = get_recipe("gdc", {"target": "constraint", "proposal": "frozen"})
    objective = recipe.objective(1)
    batch = arms(B, A, PI, proposal=A)
    objective, noticed = objective.seen(batch)
    assert math.exp(noticed["target/log_z"]) == pytest.approx(2 / 3)  # the mean of P/q = (1, 0, 1)
    advantage = objective.prepare(batch)
    logp = PI.log().unsqueeze(-1).requires_grad_()
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    loss.backward()
    ratio = torch.tensor([1.0, 0.0, 1.0]) - 2 / 3 * PI / A
    assert (-3 * logp.grad[:, 0]).tolist() == pytest.approx(ratio.tolist(), abs=1e-6)


def test_the_normaliser_is_a_running_mean_and_survives_a_checkpoint():
    slot = TargetWeight(target="constraint", proposal=True)
    first, _ = slot.seen(arms(B, A, PI, proposal=A))
    second, noticed = first.seen(arms(torch.ones(3), A, PI, proposal=PI))
    parts = [1.0, 0.0, 1.0, *(A / PI).tolist()]
    assert math.exp(second.log_z) == pytest.approx(sum(parts) / 6)
    assert noticed["target/in_support"] == 1.0
    assert slot.restored(second.state()) == second
    nothing, noticed = slot.seen(arms([math.nan] * 3, A, PI, proposal=A))
    assert (nothing, noticed) == (slot, {})


def test_a_step_without_support_moves_nothing():
    slot, noticed = TargetWeight(target="constraint").seen(arms(torch.zeros(3), A, PI))
    assert slot(arms(torch.zeros(3), A, PI)).abs().max() == 0
    assert noticed["target/in_support"] == 0.0
    assert noticed["target/effective_samples"] == 0.0


def test_each_prompt_has_its_own_normaliser():
    weights = TargetWeight(beta=1.0, conditional=True, baseline=False)
    reward = torch.tensor([1.0, 0.0, 5.0, 4.0, -math.inf, -math.inf, math.nan])
    prior = torch.full((7,), 0.25)
    found = weights(arms(reward, prior, prior, group=[0, 0, 1, 1, 2, 2, 2]))[:, 0].tolist()
    one, zero = 2 * math.e / (1 + math.e), 2 / (1 + math.e)
    assert found == pytest.approx([one, zero, one, zero, 0.0, 0.0, 0.0], abs=1e-6)
    balanced = TargetWeight(beta=1.0, conditional=True)(arms(reward, prior, prior, group=[0, 0, 1, 1, 2, 2, 2]))
    assert balanced[:2].sum() == pytest.approx(0.0, abs=1e-6)


def play(name, constants, reward, prior, steps, samples, lr, seed=0):
    """The distribution after training a table that starts as the prior, and the objective."""
    g = torch.Generator().manual_seed(seed)
    objective = get_recipe(name, constants).objective(1)
    logits = prior.log().clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=lr)
    for _ in range(steps):
        logp = torch.log_softmax(logits, -1)
        arm = torch.multinomial(logp.exp().detach().float(), samples, replacement=True, generator=g)
        now = logp[arm].detach().unsqueeze(-1)
        batch = TrajectoryBatch.of(reward[arm], rollout_logp=now, anchor_logp={"ref": prior.log()[arm].unsqueeze(-1)})
        objective, _ = objective.seen(batch)
        advantage = objective.prepare(batch)
        out = PolicyOutputs(logp[arm].unsqueeze(-1))
        loss, _ = objective.loss(out, batch, advantage, objective.totals(batch, advantage))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.softmax(logits.detach().double(), -1).numpy(), objective


COPG = {"beta": 0.5}
WAYS = [("kl-rl", {"kl_beta": 0.5}), ("gdc", {"beta": 0.5, "divide_by_z": True}), ("copg", COPG)]


@pytest.mark.parametrize(("name", "constants"), WAYS, ids=lambda value: value if isinstance(value, str) else "")
def test_all_three_end_at_the_same_target(name, constants):
    reward, prior = torch.tensor([2.5, 2.0, 1.0]), torch.full((3,), 1 / 3, dtype=torch.float64)
    steps, samples = (900, 64) if name != "copg" else (900, 16)
    policy, _ = play(name, constants, reward, prior, steps, samples, 0.02)
    assert exact(policy, prior.numpy(), reward.double().numpy(), 0.5).distance < 1e-3


@pytest.fixture(scope="module")
def increasing():
    """64 sequences of 4 symbols, right if strictly increasing: four of them; and a random prior."""
    right = [float(a < b < c) for a in range(4) for b in range(4) for c in range(4)]
    prior = np.random.default_rng(2).dirichlet(np.ones(64))
    return torch.tensor(right), torch.from_numpy(np.maximum(prior, 1e-4) / np.maximum(prior, 1e-4).sum())


@pytest.mark.parametrize(("name", "constants"), [("kl-rl", {}), ("gdc", {"divide_by_z": True})], ids=["kl-rl", "gdc"])
def test_matching_keeps_the_targets_entropy_where_plain_rl_collapses(increasing, name, constants):
    reward, prior = increasing
    policy, objective = play(name, constants, reward, prior, 1000, 64, 0.02)
    found = exact(policy, prior.numpy(), reward.double().numpy(), 0.25)
    assert max(found.kl_to_target, found.kl_from_target, found.distance) < 1e-3
    assert found.entropy == pytest.approx(found.target_entropy, abs=1e-2)
    assert found.reward == pytest.approx(found.target_reward, abs=1e-2)
    if name == "gdc":
        assert objective.advantage.log_z == pytest.approx(found.log_z, abs=0.02)


def test_plain_rl_collapses(increasing):
    reward, prior = increasing
    policy, _ = play("kl-rl", {"kl_beta": 0.0}, reward, prior, 600, 64, 0.02)
    found = exact(policy, prior.numpy(), reward.double().numpy(), 0.25)
    assert found.reward > 0.99
    assert found.collapsed
    assert found.distance > 0.1


@pytest.mark.parametrize(
    ("name", "constants", "run", "word"),
    [
        ("gdc", {}, RunFacts(8, 8, top_p=0.9), "top_p"),
        ("gdc", {}, RunFacts(8, 8, temperature=0.7), "temperature"),
        ("cdpg", {}, RunFacts(1, 8), "group_size"),
        ("gdc", {"beta": 0}, RunFacts(8, 8), "beta must be positive"),
        ("kl-rl", {"advantage": "grpo"}, RunFacts(8, 8), "rloo"),
    ],
)
def test_what_is_refused(name, constants, run, word):
    with pytest.raises(ValueError, match=word):
        check_recipe(get_recipe(name, constants), run)


def test_the_proposal_follows_when_the_policy_is_closer():
    recipe = get_recipe("cdpg", {"proposal": "frozen", "update_every": 5})
    assert recipe.objective(8).companions == {"ref", "proposal"}
    assert recipe.schedule() == SampledBy("proposal")
    assert recipe.schedule().plan(0, RolloutPlan(4, 8, 1.0)) == RolloutPlan(4, 8, 1.0, sampler="proposal")
    rule = recipe.anchors()
    closer = {"target/kl_policy": 0.2, "target/kl_proposal": 0.3}
    assert isinstance(rule, WhenCloser)
    assert rule.after_step(4, closer)[1] is None
    assert rule.after_step(5, {**closer, "target/kl_policy": 0.4})[1] is None
    assert rule.after_step(5, {})[1] is None
    assert rule.after_step(5, closer)[1].names == {"proposal"}
    with pytest.raises(ValueError, match="at least 1"):
        get_recipe("gdc", {"proposal": "frozen", "update_every": 0}).anchors()


def test_a_frozen_proposal_samples_while_the_policy_moves(tmp_path):
    out = tmp_path / "run"
    words = ["--model", "tiny", "--recipe", "cdpg", "--recipe.proposal", "frozen", "--recipe.update-every", "3",
             "--steps", "3", "--rollout.groups", "2", "--rollout.group-size", "4", "--rollout.max-tokens", "2",
             "--lr", "3e-3", "--optim.weight-decay", "20", "--sft.epochs", "0", "--eval.tasks", "4",
             "--eval.every", "0", "--out", str(out)]  # fmt: skip
    assert cli.train(words) == 0
    first, second, third = read_metrics(out, "train")
    assert first["target/kl_policy"] == pytest.approx(first["target/kl_proposal"], abs=1e-4)
    for step in (second, third):  # the weights decay, the proposal's do not
        assert abs(step["target/kl_policy"] - step["target/kl_proposal"]) > 1e-3
        assert "logprob_gap" not in step, "another policy sampled: that is no error"
    closer = third["target/kl_policy"] < third["target/kl_proposal"]
    assert len(read_metrics(out, "refresh")) == closer
