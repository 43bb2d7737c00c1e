"""Advantages against the numbers of their papers and slow plain loops."""

from __future__ import annotations

import math
import statistics

import pytest
import torch

from assay.training.objectives.advantage import (
    GRPO,
    RLOO,
    DrGRPO,
    Lite,
    ReinforcePP,
    ReinforcePPBaseline,
    discounted_returns,
)
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.groups import whiten

GROUP_RELATIVE = [GRPO(), DrGRPO(), RLOO(), Lite(), ReinforcePPBaseline()]
NAN = float("nan")


def column(advantage, batch):
    return advantage(batch)[:, 0].tolist()


@pytest.mark.parametrize(
    ("advantage", "expected"),
    [
        (GRPO(), [1.5, -0.5, -0.5, -0.5]),
        (DrGRPO(), [0.75, -0.25, -0.25, -0.25]),
        (RLOO(), [1.0, -1 / 3, -1 / 3, -1 / 3]),
        (Lite(), [1.5, -0.5, -0.5, -0.5]),
        (ReinforcePPBaseline(), [1.5, -0.5, -0.5, -0.5]),
        (ReinforcePP(), [1.5, -0.5, -0.5, -0.5]),
    ],
)
def test_one_of_four(advantage, expected):
    assert column(advantage, TrajectoryBatch.of([1, 0, 0, 0])) == pytest.approx(expected, abs=1e-5)


def test_two_of_eight():
    batch = TrajectoryBatch.of([1, 1, 0, 0, 0, 0, 0, 0])
    std = math.sqrt((2 * 0.75**2 + 6 * 0.25**2) / 7)
    assert column(GRPO(), batch) == pytest.approx([0.75 / std] * 2 + [-0.25 / std] * 6, abs=1e-5)
    assert column(RLOO(), batch) == pytest.approx([0.75 * 8 / 7] * 2 + [-0.25 * 8 / 7] * 6, abs=1e-6)


def test_groups_are_apart_and_need_no_order():
    batch = TrajectoryBatch.of([1, 10, 0, 30, 0, 20], group=[7, 3, 7, 3, 7, 3])
    assert column(DrGRPO(), batch) == pytest.approx([2 / 3, -10, -1 / 3, 10, -1 / 3, 0], abs=1e-5)


def test_lite_divides_by_the_deviation_of_the_whole_batch():
    batch = TrajectoryBatch.of([1, 0, 1, 1, 5, 1], group=[0, 0, 1, 1, 2, 2])
    std = torch.tensor([1.0, 0, 1, 1, 5, 1]).std().item()
    assert column(Lite(), batch) == pytest.approx([0.5 / std, -0.5 / std, 0, 0, 2 / std, -2 / std], abs=1e-5)


@pytest.mark.parametrize("advantage", [*GROUP_RELATIVE, ReinforcePP()])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.3, 1e6, 0.0])
def test_a_unanimous_batch_is_exactly_zero(advantage, value):
    # 0.1 three times has a float mean that is not 0.1: a quotient by std + eps would show it.
    batch = TrajectoryBatch.of([value] * 3 + [value] * 5, group=[0] * 3 + [1] * 5, length=3)
    assert torch.equal(advantage(batch), torch.zeros(8, 3))


@pytest.mark.parametrize("advantage", [GRPO(), DrGRPO(), RLOO(), Lite()])
def test_a_unanimous_group_is_exactly_zero_beside_others(advantage):
    result = column(advantage, TrajectoryBatch.of([0.1, 0.1, 0.1, 1, 0], group=[0, 0, 0, 1, 1]))
    assert result[:3] == [0.0, 0.0, 0.0]
    assert result[3] > 0 > result[4]


@pytest.mark.parametrize("advantage", GROUP_RELATIVE)
def test_a_single_rollout_teaches_nothing(advantage):
    result = column(advantage, TrajectoryBatch.of([5.0, 1, 0], group=[0, 1, 1]))
    assert result[0] == 0.0
    assert result[1] > 0


@pytest.mark.parametrize("advantage", [*GROUP_RELATIVE, ReinforcePP()])
def test_a_row_without_a_reward_is_left_out(advantage):
    rewards, groups = [1.0, 0.0, 0.0, 2.0, 3.0], [0, 0, 0, 1, 1]
    clean = column(advantage, TrajectoryBatch.of(rewards, groups))
    holed = column(advantage, TrajectoryBatch.of([*rewards[:2], NAN, *rewards[2:]], [0, 0, 0, 0, 1, 1]))
    assert holed[2] == 0.0
    assert holed[:2] + holed[3:] == pytest.approx(clean, abs=1e-7)


def test_a_group_with_one_reward_left_is_a_single_rollout():
    assert column(RLOO(), TrajectoryBatch.of([3.0, NAN, NAN])) == [0.0, 0.0, 0.0]


def test_no_reward_at_all():
    for advantage in [*GROUP_RELATIVE, ReinforcePP()]:
        assert column(advantage, TrajectoryBatch.of([NAN, NAN])) == [0.0, 0.0]


def test_branches_of_one_rollout_count_once():
    alone = column(GRPO(), TrajectoryBatch.of([1, 0, 0, 0]))
    forked = TrajectoryBatch.of([1, 1, 1, 0, 0, 0], rollout_id=torch.tensor([0, 0, 0, 1, 2, 3]))
    assert column(GRPO(), forked) == pytest.approx([alone[0]] * 3 + alone[1:], abs=1e-7)
    assert column(RLOO(), forked)[0] == pytest.approx(1.0)


def test_a_lone_rollout_with_branches_is_a_group_of_one():
    assert column(GRPO(), TrajectoryBatch.of([1, 1], rollout_id=torch.tensor([4, 4]))) == [0.0, 0.0]


def slow_advantages(rewards, groups, kind):
    """One row at a time, as a person would."""
    everything = [reward for reward in rewards if not math.isnan(reward)]
    results = []
    for reward, group in zip(rewards, groups, strict=True):
        own = [r for r, g in zip(rewards, groups, strict=True) if g == group and not math.isnan(r)]
        if math.isnan(reward) or len(own) < 2:
            results.append(0.0)
            continue
        centred = reward - statistics.fmean(own)
        spread = {"grpo": own, "lite": everything}.get(kind)
        others = len(own) / (len(own) - 1) if kind == "rloo" else 1.0
        results.append(centred * others / (statistics.stdev(spread) + 1e-6 if spread else 1.0) if centred else 0.0)
    return results


@pytest.mark.parametrize(
    ("kind", "advantage"), [("grpo", GRPO()), ("dr_grpo", DrGRPO()), ("rloo", RLOO()), ("lite", Lite())]
)
def test_random_batches_against_a_slow_loop(kind, advantage):
    for seed in range(30):
        g = torch.Generator().manual_seed(seed)
        rows = int(torch.randint(2, 40, (1,), generator=g))
        groups = torch.randint(0, 6, (rows,), generator=g).tolist()
        rewards = (torch.randint(0, 5, (rows,), generator=g) / 4).tolist()  # exact in binary
        holes = torch.rand(rows, generator=g) < 0.15
        rewards = [NAN if hole else reward for hole, reward in zip(holes.tolist(), rewards, strict=True)]
        expected = slow_advantages(rewards, groups, kind)
        assert column(advantage, TrajectoryBatch.of(rewards, groups)) == pytest.approx(expected, abs=1e-5), seed


def test_tokens_that_were_not_sampled_get_nothing():
    mask = torch.tensor([[1.0, 0, 1], [1, 1, 0]])
    for advantage in [*GROUP_RELATIVE, ReinforcePP()]:
        assert torch.equal(advantage(TrajectoryBatch.of([1, 0], action_mask=mask)) == 0, mask == 0)


def test_token_rewards_join_the_reward_of_the_row():
    extra = torch.tensor([[0.25, 0.25], [0.0, 9.0]])
    batch = TrajectoryBatch.of([1, 0], action_mask=torch.tensor([[1.0, 1], [1, 0]]), token_reward=extra)
    assert column(DrGRPO(), batch) == pytest.approx([0.75, -0.75])  # the 9 lies on a token that was not sampled


def slow_returns(rewards, mask, gamma):
    result = [[0.0] * len(row) for row in rewards]
    for i, row in enumerate(rewards):
        steps = [t for t in range(len(row)) if mask[i][t]]
        for a, t in enumerate(steps):
            result[i][t] = sum(gamma**b * row[u] for b, u in enumerate(steps[a:]))
    return result


@pytest.mark.parametrize("gamma", [1.0, 0.9, 0.0])
def test_returns_pass_over_what_was_not_sampled(gamma):
    generator = torch.Generator().manual_seed(1)
    rewards = torch.randn(6, 9, generator=generator, dtype=torch.float64)
    mask = (torch.rand(6, 9, generator=generator) < 0.6).double()
    rewards = rewards * mask
    expected = torch.tensor(slow_returns(rewards.tolist(), mask.tolist(), gamma), dtype=torch.float64)
    assert torch.allclose(discounted_returns(rewards, mask, gamma), expected)


def test_reinforce_pp_puts_the_reward_on_the_last_sampled_token():
    mask = torch.tensor([[1.0, 0, 1, 0], [1, 1, 1, 1]])
    result = ReinforcePP(gamma=0.5)(TrajectoryBatch.of([1, 0], action_mask=mask))
    returns = torch.tensor([[0.5, 0, 1, 0], [0, 0, 0, 0]])
    kept = returns[mask > 0]
    expected = torch.where(mask > 0, (returns - kept.mean()) / (kept.var() + 1e-8).sqrt(), 0.0)
    assert torch.allclose(result, expected, atol=1e-6)


def test_baseline_form_weighs_by_tokens():
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0]])
    result = ReinforcePPBaseline()(TrajectoryBatch.of([1, 0], action_mask=mask))
    tokens = torch.tensor([0.5, 0.5, 0.5, 0.5, -0.5])
    assert result[0, 0].item() == pytest.approx(((0.5 - tokens.mean()) / tokens.std()).item(), abs=1e-5)
    assert result[1, 0].item() == pytest.approx(((-0.5 - tokens.mean()) / tokens.std()).item(), abs=1e-5)


def test_whiten_of_nearly_nothing():
    assert torch.equal(whiten(torch.tensor([5.0]), torch.tensor([1.0])), torch.zeros(1, dtype=torch.float64))
    assert torch.equal(whiten(torch.ones(3), torch.zeros(3)), torch.zeros(3, dtype=torch.float64))
