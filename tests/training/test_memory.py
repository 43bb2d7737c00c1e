"""Rows that outlive their step keep what was known of them, and readouts are what they say they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.training.batch import Batch
from assay.training.forward import Row, Scorer
from assay.training.logprobs import read_out
from assay.training.memory import Memory, joined_data
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import Readout


def batch_of(rewards, groups, width, version, logp):
    rows = [Row(np.arange(1, width + 2), 1, np.ones(width, np.bool_)) for _ in rewards]
    data = TrajectoryBatch.of(rewards, groups, width, old_logp=torch.full((len(rewards), width), logp),
                              policy_version=torch.full((len(rewards),), version),
                              reward_parts={"exact": torch.tensor(rewards)})  # fmt: skip
    return Batch(rows, data)


def test_remembered_rows_keep_their_advantage_and_the_policy_that_sampled_them():
    old = batch_of([1.0, 0.0], [0, 0], 2, 0, -1.0)
    pool = Memory().with_fresh(old, torch.tensor([[0.5, 0.5], [-0.5, -0.5]]), torch.zeros(2, 2))
    memory = pool.kept(torch.tensor([1]))
    assert len(memory) == 1
    new = batch_of([0.0, 1.0], [0, 0], 3, 1, -2.0)
    pool = memory.with_fresh(new, torch.ones(2, 3), torch.zeros(2, 3))
    assert pool.fresh.tolist() == [False, True, True]
    assert pool.advantage.tolist() == [[-0.5, -0.5, 0.0], [1.0] * 3, [1.0] * 3]
    assert pool.batch.data.group_id.tolist() == [0, 1, 1]
    assert pool.batch.data.policy_version.tolist() == [0, 1, 1]
    behaviour = pool.batch.data.behaviour_logp
    assert behaviour[0].tolist() == [-1.0, -1.0, 0.0]
    assert behaviour[1].tolist() == [-2.0] * 3

    part = pool.batch.take([0])
    part.data.old_logp = torch.full((1, 3), -3.0)
    again = pool.replaced(torch.tensor([0]), part).kept(torch.tensor([0, 2]))
    assert again.batch.data.behaviour_logp[0].tolist() == [-1.0, -1.0, 0.0], "not the policy of now"
    assert again.batch.data.behaviour_logp[1].tolist() == [-2.0] * 3


def test_what_one_side_lacks():
    first, second = batch_of([1.0], [3], 1, 0, -1.0).data, batch_of([0.0], [3], 2, 1, -2.0).data
    second.reward_parts = {}
    second.values = torch.ones(1, 2)
    both = joined_data(first, second)
    assert both.group_id.tolist() == [3, 4]
    assert both.values is None
    assert both.reward_parts["exact"].isnan().tolist() == [False, True]
    assert both.action_mask.tolist() == [[1.0, 0.0], [1.0, 1.0]]


@dataclass(frozen=True)
class Gap(Readout):
    """Mean logit less that of another policy."""

    @property
    def name(self):
        return "gap"

    @property
    def against(self):
        return "ref"

    def __call__(self, logits, other):
        return logits.mean(-1) - other.mean(-1)


def test_a_readout_is_differentiable_and_chunks_change_nothing(monkeypatch):
    torch.manual_seed(0)
    hidden = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    other = torch.randn(7, 5, dtype=torch.float64), torch.randn(11, 5, dtype=torch.float64)
    expected = ((hidden @ weight.T).float().mean(-1) - (other[0] @ other[1].T).float().mean(-1)) ** 2
    wanted = torch.autograd.grad(expected.sum(), [hidden, weight])
    monkeypatch.setattr("assay.training.logprobs._rows_a_chunk", lambda weight: 3)
    found = read_out(Gap(), hidden, weight, 0.0, other) ** 2
    assert torch.allclose(found, expected)
    for mine, theirs in zip(torch.autograd.grad(found.sum(), [hidden, weight]), wanted, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_the_scorer_reads_both_policies_at_the_position_that_the_token_was_drawn_from():
    model, _ = tiny_model(layers=1, hidden=32)
    frozen, _ = tiny_model(layers=1, hidden=32, seed=1)
    rows = [
        Row(np.array([5, 6, 7, 8, 9]), 2, np.array([True, False, True])),
        Row(np.array([5, 6, 4]), 2, np.ones(1, bool)),
    ]
    companions = {"ref": Scorer(frozen)}
    for share in (True, False):
        scorer = Scorer(model, share_prefix=share)
        out = scorer.score(rows, 3, [Gap()], companions)
        for i, row in enumerate(rows):
            with torch.no_grad():
                ids = torch.from_numpy(row.ids)[None]
                gap = (model(ids).logits - frozen(ids).logits).mean(-1)[0]
            expected = [gap[row.prompt + t - 1].item() if on else 0.0 for t, on in enumerate(row.mask)]
            assert out.aux["gap"][i, : len(expected)].tolist() == pytest.approx(expected, abs=1e-5)
