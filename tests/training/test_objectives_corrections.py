"""What changes rewards, weights and masks: overlong penalty, mismatch, truncated rows."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training.objectives.advantage import DrGRPO
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.mismatch import Mismatch, mismatch_ratio
from assay.training.objectives.objective import Objective
from assay.training.objectives.reward import SoftOverlong, overlong_penalty
from assay.training.objectives.surrogate import PPOClip
from assay.training.objectives.verdict import OnlyVerdict
from assay.training.objectives.weights import DropTruncated


def test_overlong_numbers_of_the_paper():
    penalty = overlong_penalty(torch.tensor([100.0, 16384, 18432, 20480, 99999]), 20480, 4096)
    assert penalty.tolist() == pytest.approx([0, 0, -0.5, -1, -1])


def test_overlong_is_part_of_the_reward():
    mask = torch.tensor([[1.0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    batch = TrajectoryBatch.of([1, 1, 1], action_mask=mask)
    assert SoftOverlong(4, 2, 0.5)(batch).tolist() == pytest.approx([1, 0.75, 0.5])
    objective = Objective(DrGRPO(), PPOClip(), "token-mean", 4, transforms=(SoftOverlong(4, 2),))
    assert objective.prepare(batch)[:, 0].tolist() == pytest.approx([0.5, 0, -0.5])


def test_branches_of_a_rollout_share_their_penalty():
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0]])
    batch = TrajectoryBatch.of([1, 1, 1], action_mask=mask, rollout_id=torch.tensor([3, 3, 8]))
    assert SoftOverlong(4, 2)(batch).tolist() == [0, 0, 1]


@pytest.mark.parametrize("buffer", [0, -1, 5])
def test_impossible_buffer(buffer):
    with pytest.raises(ValueError, match="overlong_buffer"):
        SoftOverlong(4, buffer)


ROLL = torch.tensor([[-1.0, -1.0, -1.0, -1.0]])
OLD = ROLL + torch.tensor([[0.2, -0.1, 0.4, 5.0]])
MASK = torch.tensor([[1.0, 1, 1, 0]])


def weight(mismatch):
    batch = TrajectoryBatch.of([0.0], action_mask=MASK, rollout_logp=ROLL, old_logp=OLD)
    return mismatch(batch, torch.ones(1, 4), PolicyOutputs(OLD))[0, :3].tolist()


def test_mismatch_numbers():
    assert weight(Mismatch("tis", "token", high=1.2)) == pytest.approx([1.2, 0.904837, 1.2], abs=1e-6)
    assert weight(Mismatch("tis", "sequence", high=1.5)) == pytest.approx([1.5] * 3)
    assert mismatch_ratio(OLD, ROLL, MASK, "sequence").item() == pytest.approx(1.648721, abs=1e-6)
    assert mismatch_ratio(OLD, ROLL, MASK, "geometric").item() == pytest.approx(1.181360, abs=1e-6)


def test_mask_zeroes_what_is_outside_the_band():
    assert weight(Mismatch("mask", "token", 0.95, 1.3)) == pytest.approx([math.exp(0.2), 0, 0], abs=1e-6)
    assert weight(Mismatch("mask", "sequence", 0.5, 1.7)) == pytest.approx([1.648721] * 3, abs=1e-6)
    assert weight(Mismatch("mask", "sequence", 0.5, 1.6)) == [0, 0, 0]
    assert weight(Mismatch("mask", "geometric", 0.9, 1.2)) == [1, 1, 1]
    assert weight(Mismatch("mask", "geometric", 0.9, 1.1)) == [0, 0, 0]


def test_share_outside_the_band():
    batch = TrajectoryBatch.of([0.0], action_mask=MASK, rollout_logp=ROLL, old_logp=OLD)
    for mismatch, expected in [
        (Mismatch("tis", "token", high=1.2), [True, False, True]),
        (Mismatch("mask", "token", 0.95, 1.3), [False, True, True]),
        (Mismatch("mask", "sequence", 0.5, 1.7), [False] * 3),
        (Mismatch("mask", "geometric", 0.9, 1.1), [True] * 3),
    ]:
        assert mismatch.cut(batch, torch.ones(1, 4), PolicyOutputs(OLD))[0, :3].tolist() == expected


def test_bypass_is_not_corrected_twice():
    batch = TrajectoryBatch.of([0.0], action_mask=MASK, rollout_logp=ROLL, old_logp=ROLL)
    assert Mismatch("tis")(batch, torch.ones(1, 4), PolicyOutputs(OLD))[0, :3].tolist() == [1, 1, 1]


def test_without_old_the_policy_itself_is_compared_with_the_sampler():
    batch = TrajectoryBatch.of([0.0], action_mask=MASK, rollout_logp=ROLL)
    assert Mismatch("tis", high=1.2)(batch, torch.ones(1, 4), PolicyOutputs(OLD))[0, :3].tolist() == pytest.approx(
        [1.2, 0.904837, 1.2], abs=1e-6
    )


@pytest.mark.parametrize(
    "constants",
    [("tis", "token", 2.0, 1.0), ("tis", "geometric"), ("mask", "word"), ("icebox",), ("mask", "token", -1.0)],
)
def test_impossible_mismatch(constants):
    with pytest.raises(ValueError, match=r"mismatch|geometric"):
        Mismatch(*constants)


def test_mismatch_scales_the_loss_and_is_measured():
    batch = TrajectoryBatch.of([1, 0], action_mask=MASK.expand(2, 4), rollout_logp=ROLL.expand(2, 4),
                               old_logp=OLD.expand(2, 4))  # fmt: skip
    plain = Objective(DrGRPO(), PPOClip(), "token-mean", 4)
    fixed = Objective(DrGRPO(), PPOClip(), "token-mean", 4, weights=(Mismatch("mask", "token", 0.95, 1.3),))
    advantage = plain.prepare(batch)
    totals = plain.totals(batch, advantage)
    grads = []
    for objective in (plain, fixed):
        logp = OLD.expand(2, 4).clone().requires_grad_()
        loss, metrics = objective.loss(PolicyOutputs(logp), batch, advantage, totals)
        loss.backward()
        grads.append(logp.grad)
    ratio = torch.tensor([math.exp(0.2), 0, 0, 0])
    assert torch.allclose(grads[1], grads[0] * ratio, atol=1e-7)
    result = metrics.result()
    assert result["weight_cut"] == pytest.approx(2 / 3)
    assert result["weight"] == pytest.approx(math.exp(0.2) / 3, abs=1e-6)
    assert result["logprob_gap"] == pytest.approx(0.7 / 3, abs=1e-6)
    assert result["logprob_gap_max"] == pytest.approx(0.4, abs=1e-6)


def test_masks():
    batch = TrajectoryBatch.of(
        [1, 0, 0],
        length=2,
        truncated=torch.tensor([False, True, False]),
        correct=torch.tensor([1.0, 0.0, float("nan")]),
    )
    ones = torch.ones(3, 2)
    assert DropTruncated()(batch, ones)[:, 0].tolist() == [1, 0, 1]
    assert OnlyVerdict((1.0,))(batch, ones)[:, 0].tolist() == [1, 0, 0]
    assert OnlyVerdict((0.0,))(batch, ones)[:, 0].tolist() == [0, 1, 0]


def test_dropped_rows_still_count_in_the_baseline_but_not_in_the_loss():
    batch = TrajectoryBatch.of([1, 0], length=2, truncated=torch.tensor([False, True]))
    objective = Objective(DrGRPO(), PPOClip(), "token-mean", 2, keeps=(DropTruncated(),))
    advantage = objective.prepare(batch)
    assert advantage[0, 0].item() == 0.5
    totals = objective.totals(batch, advantage)
    assert (totals.tokens, totals.sequences, totals.length) == (2.0, 1.0, 2.0)
    assert objective.inert(batch, advantage).tolist() == [False, True]
    assert objective.batch_metrics(batch, advantage).result()["rows_dropped"] == 0.5
