"""The composition: what it asks of the trainer, what it measures, and the types that pass through it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from assay.training.objectives.advantage import DrGRPO
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.entropy import EntropyBonus
from assay.training.objectives.gae import GAE
from assay.training.objectives.kl import KLLoss
from assay.training.objectives.metrics import Metrics
from assay.training.objectives.mismatch import Mismatch
from assay.training.objectives.objective import Objective
from assay.training.objectives.surrogate import PPOClip, Reinforce
from assay.training.objectives.types import Entropy, Surrogate

NAN = float("nan")


def compose(**slots):
    chosen = {"advantage": DrGRPO(), "surrogate": PPOClip(), "aggregation": "token-mean", "max_length": 4, **slots}
    return Objective(**chosen)


def test_what_it_asks_for():
    assert compose().needs == frozenset()
    assert compose(regularisers=(EntropyBonus(0.1), KLLoss(0.1))).needs == {Entropy()}
    assert compose(advantage=GAE()).needs_critic
    assert not compose().needs_critic
    assert compose().uses_old
    assert not compose(surrogate=Reinforce()).uses_old
    assert compose(surrogate=Reinforce(), weights=(Mismatch(),)).uses_old


def test_zero_advantage_is_inert_only_without_other_terms():
    assert compose().zero_advantage_is_inert
    assert compose(weights=(Mismatch(),)).zero_advantage_is_inert
    assert not compose(regularisers=(EntropyBonus(0.1),)).zero_advantage_is_inert


def test_refuses_nonsense():
    with pytest.raises(ValueError, match="median"):
        compose(aggregation="median")
    with pytest.raises(ValueError, match="max_length"):
        compose(max_length=0)


@dataclass(frozen=True)
class Pairs(Surrogate):
    """A sequence-level surrogate in the manner of pairwise objectives: -A sum(log pi)."""

    @property
    def level(self):
        return "sequence"

    @property
    def needs_whole_groups(self):
        return True

    def __call__(self, out, batch, advantage):
        return -advantage[:, 0] * (out.logp * batch.action_mask).sum(-1)


def test_a_sequence_level_surrogate():
    mask = torch.tensor([[1.0, 1, 0], [1, 1, 1], [0, 0, 0]])
    batch = TrajectoryBatch.of([1, 0, 0.5], action_mask=mask, truncated=torch.tensor([False] * 3))
    objective = compose(surrogate=Pairs())
    assert objective.needs_whole_groups
    assert not objective.zero_advantage_is_inert
    advantage = torch.tensor([[0.5], [-0.5], [3.0]]).expand(3, 3)
    logp = torch.full((3, 3), -1.0)
    totals = objective.totals(batch, advantage)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, totals)
    assert loss.item() == pytest.approx((0.5 * 2 - 0.5 * 3) / 2)
    weighted = compose(surrogate=Pairs(), weights=(Mismatch("tis", "sequence", high=2.0),))
    tilted = TrajectoryBatch.of([1, 0, 0.5], action_mask=mask, rollout_logp=torch.full((3, 3), -2.0), old_logp=logp)
    loss, _ = weighted.loss(PolicyOutputs(logp), tilted, advantage, totals)
    assert loss.item() == pytest.approx(2 * (0.5 * 2 - 0.5 * 3) / 2)


def test_batch_metrics_say_what_teaches_nothing():
    batch = TrajectoryBatch.of([1, 0, 1, 1, 5, NAN, 2, 2], group=[0, 0, 1, 1, 2, 2, 3, 3])
    objective = compose()
    result = objective.batch_metrics(batch, objective.prepare(batch)).result()
    assert result["groups_dead"] == pytest.approx(3 / 4)
    assert result["groups_of_one"] == pytest.approx(1 / 4)
    assert result["rows_without_reward"] == pytest.approx(1 / 8)
    assert result["rows_dropped"] == 0
    assert result["advantage_abs"] == pytest.approx(1 / 8)


def test_groups_of_unequal_size_weigh_the_same():
    batch = TrajectoryBatch.of([1, 0, 1, 1, 1, 1, 1, 1], group=[0, 0, 1, 1, 1, 1, 1, 1])
    assert compose().batch_metrics(batch, compose().prepare(batch)).result()["groups_dead"] == pytest.approx(0.5)


def test_loss_metrics():
    old = torch.tensor([[-1.0, -1.0]])
    logp = torch.tensor([[-0.5, -1.0]])
    batch = TrajectoryBatch.of([0.0], length=2, old_logp=old, rollout_logp=old, anchor_logp={"ref": old})
    _, metrics = compose().loss(PolicyOutputs(logp), batch, torch.ones(1, 2), compose().totals(batch, torch.ones(1, 2)))
    result = metrics.result()
    assert result["ratio"] == pytest.approx((torch.tensor(0.5).exp().item() + 1) / 2, abs=1e-6)
    assert result["ratio_max"] == pytest.approx(torch.tensor(0.5).exp().item(), abs=1e-6)
    assert result["clip_fraction"] == 0.5
    assert result["kl"] == pytest.approx((torch.tensor(-0.5).exp().item() - 0.5) / 2, abs=1e-6)
    assert result["logprob_gap"] == 0


def test_first_update_needs_no_old_logprobs():
    logp = torch.tensor([[-1.0, -2.0], [-0.5, -0.1]], requires_grad=True)
    grads = []
    for old in (None, logp.detach()):
        batch = TrajectoryBatch.of([1, 0], length=2, old_logp=old)
        advantage = compose().prepare(batch)
        loss, _ = compose().loss(PolicyOutputs(logp), batch, advantage, compose().totals(batch, advantage))
        grads.append(torch.autograd.grad(loss, logp)[0])
    assert torch.equal(*grads)
    assert torch.allclose(grads[0], -advantage / 4)


def test_metrics_combine_exactly():
    values, mask = torch.arange(6.0).reshape(2, 3), torch.tensor([[1.0, 1, 0], [0, 1, 1]])
    whole, parts = Metrics(), Metrics()
    whole.mean("a", values, mask)
    whole.max("b", values, mask)
    for i in range(2):
        piece = Metrics()
        piece.mean("a", values[i], mask[i])
        piece.max("b", values[i], mask[i])
        parts = parts.merge(piece)
    assert whole.result() == parts.result() == {"a": (0 + 1 + 4 + 5) / 4, "b": 5.0}


def test_metrics_of_nothing_are_absent():
    metrics = Metrics()
    metrics.mean("a", torch.full((2,), NAN), torch.zeros(2))
    metrics.max("b", torch.ones(2), torch.zeros(2))
    metrics.max("c", torch.ones(0), torch.ones(0))
    assert metrics.result() == {}


def test_rows_pick_every_field():
    batch = TrajectoryBatch.of(
        [1, 2, 3],
        group=[0, 1, 2],
        length=2,
        old_logp=torch.randn(3, 2, generator=torch.Generator().manual_seed(0)),
        anchor_logp={"ref": torch.arange(6.0).reshape(3, 2)},
        reward_parts={"format": torch.tensor([0.0, 1, 2])},
        rollout_id=torch.tensor([5, 6, 7]),
    )
    part = batch.rows(torch.tensor([2, 0]))
    assert part.reward.tolist() == [3, 1]
    assert part.group_id.tolist() == [2, 0]
    assert part.rollout_id.tolist() == [7, 5]
    assert part.reward_parts["format"].tolist() == [2, 0]
    assert part.anchor_logp["ref"].tolist() == [[4, 5], [0, 1]]
    assert torch.equal(part.old_logp, batch.old_logp[[2, 0]])
    assert part.values is None
    assert len(part) == 2
    assert len(batch.to(torch.device("cpu"))) == 3
