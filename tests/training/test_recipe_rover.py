"""ROVER: the numbers of arXiv:2509.24981, and a policy on the tree of four goals."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.readouts import MeanLogp
from assay.training.objectives.schedule import Plain
from assay.training.recipes import RunFacts, check_recipe, get_recipe

GOALS = ("ACD", "BDC", "CAB", "DBA")


def objective(**constants):
    return get_recipe("rover", constants).objective(3)


def outputs(logits, actions):
    """The policy of a table of logits [B, T, V] at some actions, the mean by its readout."""
    logp = torch.log_softmax(logits, -1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    mean = MeanLogp()(logits.flatten(0, 1), None).view(logp.shape)
    return PolicyOutputs(logp, {"mean_logp": mean})


def two_steps(mask=(1.0, 1.0), **constants):
    actions = torch.tensor([[0, 1]])
    old = outputs(torch.tensor([[[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]]]).log(), actions)
    new = outputs(torch.tensor([[[0.6, 0.25, 0.15], [0.5, 0.3, 0.2]]]).log(), actions)
    new.logp.requires_grad_()
    new.aux["mean_logp"].requires_grad_()
    batch = TrajectoryBatch.of([1.0], length=2, old_logp=old.logp, old_aux=old.aux, action_mask=torch.tensor([mask]))
    return objective(**constants), new, batch, torch.full((1, 2), 0.75) * batch.action_mask


def test_two_steps():
    chosen, out, batch, advantage = two_steps()
    q = out.logp.detach() - batch.old_logp
    assert q[0].tolist() == pytest.approx([0.182322, 0.0], abs=1e-6)
    relative = out.aux["mean_logp"].detach() - batch.old_aux["mean_logp"]
    assert relative[0, 1].item() == pytest.approx(0.170275, abs=1e-6)
    assert chosen.surrogate.target(out, batch, advantage)[0].tolist() == pytest.approx([0.920275, 0.75], abs=1e-6)
    loss, _ = chosen.loss(out, batch, advantage, chosen.totals(batch, advantage))
    assert loss.item() == pytest.approx(0.553538, abs=1e-6)
    loss.backward()
    assert out.aux["mean_logp"].grad is None  # the target is a constant
    assert out.logp.grad[0].tolist() == pytest.approx([0.182322 - 0.920275, -0.75], abs=1e-6)


def test_the_bellman_term_can_be_scaled_off_and_stops_at_what_was_not_sampled():
    for constants, mask in (({"next_q_scale": 0.0}, (1.0, 1.0)), ({}, (1.0, 0.0))):
        chosen, out, batch, advantage = two_steps(mask, **constants)
        assert chosen.surrogate.target(out, batch, advantage)[0, 0].item() == pytest.approx(0.75)
    assert objective(next_q_scale=0.0).needs == frozenset()
    half, out, batch, advantage = two_steps(next_q_scale=0.5)
    assert half.surrogate.target(out, batch, advantage)[0, 0].item() == pytest.approx(0.75 + 0.170275 / 2, abs=1e-6)
    warm, out, batch, advantage = two_steps(rho=2.0)
    assert warm.surrogate.target(out, batch, advantage)[0, 0].item() == pytest.approx(0.75 + 2 * 0.170275, abs=1e-6)


def test_over_responses_the_mean_q_is_regressed():
    chosen, out, batch, advantage = two_steps(level="response")
    loss, _ = chosen.loss(out, batch, advantage, chosen.totals(batch, advantage))
    assert loss.item() == pytest.approx((0.182322 / 2 - 0.75) ** 2, abs=1e-6)
    assert objective(level="response").needs == frozenset()


def gradient(name, batch, constants):
    chosen = get_recipe(name, constants).objective(3)
    logits = torch.randn(len(batch), 3, 5, generator=torch.Generator().manual_seed(4)).requires_grad_()
    actions = torch.randint(0, 5, (len(batch), 3), generator=torch.Generator().manual_seed(5))
    out = outputs(logits, actions)
    out = PolicyOutputs(out.logp * batch.action_mask, out.aux)
    advantage = chosen.prepare(batch)
    loss, _ = chosen.loss(out, batch, advantage, chosen.totals(batch, advantage))
    return torch.autograd.grad(loss, logits)[0]


@pytest.mark.parametrize("rho", [1.0, 0.5])
def test_the_first_step_is_that_of_dr_grpo(rho):
    mask = torch.ones(8, 3)
    mask[1, 2] = mask[6, 1] = 0.0
    batch = TrajectoryBatch.of([1.0, 0, 0, 0, 1, 1, 0, 1], [0] * 4 + [1] * 4, action_mask=mask)
    theirs = gradient("dr-grpo", batch, {"aggregation": "token-mean"})
    assert theirs.abs().max() > 0.01
    assert torch.allclose(gradient("rover", batch, {"rho": rho}), 2 * rho * theirs, atol=1e-6)
    scaled = gradient("grpo", batch, {"aggregation": "token-mean", "kl_beta": 0.0})
    assert torch.allclose(gradient("rover", batch, {"scale": "std"}), 2 * scaled, atol=1e-6)


def test_a_unanimous_group_is_pulled_back_unless_it_is_dropped():
    chosen, out, batch, _ = two_steps()
    nothing = torch.zeros(1, 2)
    loss, _ = chosen.loss(out, batch, nothing, chosen.totals(batch, nothing))
    loss.backward()
    assert out.logp.grad[0, 0] > 0  # raised since it was sampled: lowered again
    assert not chosen.inert(batch, nothing).any()
    assert get_recipe("rover").schedule() == Plain()
    dropping = get_recipe("rover", {"drop_homogeneous": True}).schedule()
    assert not dropping.keep_group([1.0, 1.0])
    assert dropping.keep_group([1.0, 0.0])
    assert dropping.wants_more(0, 8, 0)
    assert not dropping.wants_more(3, 8, 1)  # what was dropped is not replaced


def test_what_its_theorem_does_not_cover_is_said():
    assert get_recipe("rover").cautions(RunFacts(8, 32)) is None
    assert "by chance" in get_recipe("rover").cautions(RunFacts(8, 32, multi_turn=True))
    assert get_recipe("grpo").cautions(RunFacts(8, 32, multi_turn=True)) is None


@pytest.mark.parametrize("constants", [{"rho": 0.0}, {"rho": -1.0}])
def test_a_temperature_that_is_none(constants):
    with pytest.raises(ValueError, match="recipe rover: rho must be positive"):
        check_recipe(get_recipe("rover", constants), RunFacts(8, 32))


def right_table():
    right = torch.zeros(4, 4, 4)
    for goal in GOALS:
        right[tuple("ABCD".index(letter) for letter in goal)] = 1.0
    return right


def on_the_tree(name, updates, seed, samples=64, limit=800):
    """A softmax over 21 states of 4 actions, until it succeeds in 9 of 10: effective modes, and steps taken."""
    g, right = torch.Generator().manual_seed(seed), right_table()
    logits = torch.zeros(21, 4, requires_grad=True)  # the root, 4 states after one letter, 16 after two
    optimizer = torch.optim.SGD([logits], lr=0.5)
    chosen = get_recipe(name, {"aggregation": "token-mean"}).objective(3)
    for step in range(limit):
        table = torch.log_softmax(logits.detach(), -1)
        goals = (table[0].view(4, 1, 1) + table[1:5].unsqueeze(-1) + table[5:].view(4, 4, 4)).exp() * right
        if goals.sum() > 0.9:
            share = goals[right > 0] / goals.sum()
            return math.exp(-(share * share.log()).sum().item()), step
        draw = torch.multinomial(torch.softmax(logits.detach(), -1), samples, replacement=True, generator=g)
        # draw is [state, sample]: what each rollout would do in each state
        rollout = torch.arange(samples)
        first = draw[0]
        second = draw[1 + first, rollout]
        after = 5 + 4 * first + second
        action = torch.stack([first, second, draw[after, rollout]], 1)
        state = torch.stack([torch.zeros_like(first), 1 + first, after], 1)
        reward = right[action[:, 0], action[:, 1], action[:, 2]]
        old = outputs(logits.detach()[state], action)
        batch = TrajectoryBatch.of(reward, length=3, rollout_logp=old.logp, old_logp=old.logp, old_aux=old.aux)
        advantage = chosen.prepare(batch)
        totals = chosen.totals(batch, advantage)
        for _ in range(updates):
            loss, _ = chosen.loss(outputs(logits[state], action), batch, advantage, totals)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    raise AssertionError(f"{name} has not learned the tree in {limit} steps")


def mean_over_seeds(name, updates, seeds):
    modes, steps = zip(*(on_the_tree(name, updates, seed) for seed in range(seeds)), strict=True)
    return sum(modes) / seeds, sum(steps) / seeds


def compare(seeds):
    (rover, sooner), (dr_grpo, later) = mean_over_seeds("rover", 4, seeds), mean_over_seeds("dr-grpo", 4, seeds)
    assert rover >= dr_grpo
    assert sooner < later


# Effective modes differ by 1.47 against 1.30 over 24 seeds, with a spread of 0.3 between seeds: three are too few.
def test_four_updates_a_rollout_keep_more_goals_in_fewer_steps():
    compare(6)


@pytest.mark.slow
def test_the_same_over_more_seeds_and_what_one_update_is():
    compare(24)
    (_, one_rover), (_, one_dr_grpo) = mean_over_seeds("rover", 1, 6), mean_over_seeds("dr-grpo", 1, 6)
    assert one_dr_grpo / one_rover == pytest.approx(2.0, rel=0.1)  # one update differs in nothing but its size
