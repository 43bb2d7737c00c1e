"""Aggregation, and that cutting a minibatch into micro-batches changes neither loss nor gradient nor metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from assay.training.objectives.aggregate import AGGREGATIONS, aggregate
from assay.training.objectives.data import PolicyOutputs, Totals, TrajectoryBatch
from assay.training.objectives.objective import pairs
from assay.training.recipes import get_recipe, recipe_names

LOSS = torch.tensor([[1.0, 1, 9, 9], [0.5, 0.5, 0.5, 0.5]])
KEEP = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1]])
EXPECTED = {
    "token-mean": 0.666667,
    "seq-mean-token-mean": 0.75,
    "seq-mean-token-sum": 2.0,
    "seq-sum-norm": 0.25,
}


@pytest.mark.parametrize("mode", AGGREGATIONS)
def test_two_sequences(mode):
    totals = Totals.of(KEEP, 8)
    assert aggregate(LOSS, KEEP, totals, mode).item() == pytest.approx(EXPECTED[mode], abs=1e-6)
    halves = aggregate(LOSS[:1], KEEP[:1], totals, mode) + aggregate(LOSS[1:], KEEP[1:], totals, mode)
    assert halves.item() == pytest.approx(EXPECTED[mode], abs=1e-6)


@pytest.mark.parametrize("mode", AGGREGATIONS)
def test_fully_masked_rows_leave_the_denominator(mode):
    loss, keep = torch.cat([LOSS, torch.full((3, 4), 7.0)]), torch.cat([KEEP, torch.zeros(3, 4)])
    assert aggregate(loss, keep, Totals.of(keep, 8), mode).item() == pytest.approx(EXPECTED[mode], abs=1e-6)


@pytest.mark.parametrize("mode", AGGREGATIONS)
def test_nothing_kept_is_zero_and_not_nan(mode):
    loss, keep = LOSS.clone().requires_grad_(), torch.zeros(2, 4)
    value = aggregate(loss, keep, Totals.of(keep, 8), mode)
    value.backward()
    assert value.item() == 0
    assert loss.grad.abs().max() == 0


def test_unknown_mode():
    with pytest.raises(ValueError, match=r"median.*token-mean"):
        aggregate(LOSS, KEEP, Totals.of(KEEP, 8), "median")


def random_batch(rows=12, width=7, groups=3):
    g = torch.Generator().manual_seed(11)
    mask = (torch.rand(rows, width, generator=g) < 0.7).float()
    mask[5] = 0.0  # one row has nothing of its own
    old = -torch.rand(rows, width, generator=g) * 2 * mask
    return TrajectoryBatch(
        action_mask=mask,
        group_id=torch.arange(rows) % groups,
        reward=torch.randint(0, 3, (rows,), generator=g).float(),
        correct=(torch.arange(rows) % 5 < 2).float(),
        truncated=torch.rand(rows, generator=g) < 0.3,
        rollout_logp=old + 0.2 * torch.randn(rows, width, generator=g) * mask,
        reward_parts={
            "confidence": (torch.arange(rows) % 4) / 4,
            "format": (torch.arange(rows) % 6 > 0).float(),
            "level": (torch.arange(rows) % 4 + 1).float(),
            "think_tokens": 40.0 * torch.arange(rows),
        },
        old_logp=old,
        anchor_logp={name: old + 0.3 * torch.randn(rows, width, generator=g) * mask for name in ("ref", "prev")},
        behaviour_logp=old + 0.2 * torch.randn(rows, width, generator=g) * mask,
        values=torch.rand(rows, width, generator=g) * mask,
    )


def odd_batch():
    """Whatever goes wrong with rewards: unanimous groups, rows without one, a rollout that is alone, or left alone."""
    batch = random_batch()
    nan = float("nan")
    batch.group_id[:] = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 3, 3, 4, 4])
    batch.reward[:] = torch.tensor([1.0, 1, 1, 1, 0, 1, nan, 1, 1, nan, nan, nan])
    batch.correct[:] = batch.reward
    batch.action_mask[4:6] = 1.0
    batch.old_logp[4:6] = -1.0
    return batch


def with_readouts(objective, batch):
    """The batch with whatever the objective wants the policy of then, or a critic, to have said."""
    g, mask = torch.Generator().manual_seed(8), batch.action_mask
    read = {readout.name: torch.rand(mask.shape, generator=g) * mask for readout in objective.old_needs}
    anchors = dict.fromkeys(objective.anchors, batch.anchor_logp["ref"]) | batch.anchor_logp
    values = 0.3 * torch.rand(mask.shape, generator=g) * mask  # of a critic, or of the prompts
    return replace(batch, old_aux=read, anchor_logp=anchors, values=values)


def policy_at(objective, logp):
    """A policy of given log-probabilities [B, T], with every readout that the objective needs, all differentiable."""
    g = torch.Generator().manual_seed(9)
    drawn = {readout.name: torch.rand(logp.shape, generator=g) for readout in sorted(objective.needs, key=repr)}
    return PolicyOutputs(logp, {"entropy": -logp} | {name: value * (2.0 - logp) for name, value in drawn.items()})


def rows_of(out, index):
    return PolicyOutputs(out.logp[index], {name: values[index] for name, values in out.aux.items()})


def ready(name, constants, batch):
    """Objective, batch, advantages and totals of a minibatch, and a policy that has moved."""
    objective = get_recipe(name, constants).objective(max_length=7)
    batch = with_readouts(objective, batch)
    noise = torch.randn(12, 7, generator=torch.Generator().manual_seed(5))
    start = batch.old_logp + 0.3 * noise * batch.action_mask
    advantage = objective.prepare(batch)
    pools = (
        objective.pools(policy_at(objective, start), batch, advantage) if objective.batch_terms else torch.zeros(0, 2)
    )
    objective = objective.anchored(pairs(pools - 0.5 * torch.tensor([1.0, 0.0])))  # not where the policy is now
    return objective, batch, advantage, replace(objective.totals(batch, advantage), pools=pairs(pools)), start


def pieces_of(objective, batch, cut):
    """Rows of each micro-batch: in any order, or by whole groups."""
    g = torch.Generator().manual_seed(6)
    if not objective.needs_whole_groups:
        return list(torch.randperm(12, generator=g).split(cut))
    units = [torch.nonzero(batch.group_id == group).flatten() for group in batch.group_id.unique()]
    units = [units[i] for i in torch.randperm(len(units), generator=g)]
    return [torch.cat(units[:1]), torch.cat(units[1:])] if len(cut) < 4 else units


def run(objective, batch, advantage, totals, start, index_sets):
    """Loss, its gradient by the log-probabilities, and metrics, of a minibatch that is cut."""
    logp = start.clone().requires_grad_()
    total, metrics = 0.0, None
    for index in index_sets:
        out = rows_of(policy_at(objective, logp), index)
        loss, measured = objective.loss(out, batch.rows(index), advantage[index], totals)
        metrics = measured if metrics is None else metrics.merge(measured)
        if loss.requires_grad:
            loss.backward()
        total += loss.item()
    return total, torch.zeros_like(start) if logp.grad is None else logp.grad, metrics.result()


VARIANTS = [(name, {}) for name in recipe_names()] + [
    ("grpo", {"mismatch": "mask", "mismatch_level": "sequence", "entropy_coef": 0.01, "aggregation": "seq-sum-norm"}),
    ("rloo", {"kl_beta": 0.05}),
    ("dapo", {"mismatch": "tis", "overlong_buffer": 3}),
    ("siren", {"coef": 5.0, "quantile": 0.3}),
    ("siren", {"regulariser": "naive"}),
    ("siren", {"regulariser": "topk-pg", "quantile": 0.3}),
    ("rover", {"level": "response"}),
]


@pytest.mark.parametrize(("name", "constants"), VARIANTS, ids=str)
@pytest.mark.parametrize("cut", [[12], [1] * 12, [5, 0, 7], [3, 4, 5]], ids=str)
@pytest.mark.parametrize("make", [random_batch, odd_batch], ids=["random", "odd"])
def test_micro_batches_change_nothing(name, constants, cut, make):
    objective, batch, advantage, *rest = ready(name, constants, make())
    whole = run(objective, batch, advantage, *rest, [torch.arange(12)])
    pieces = run(objective, batch, advantage, *rest, pieces_of(objective, batch, cut))
    assert pieces[0] == pytest.approx(whole[0], rel=1e-6, abs=1e-6)
    assert torch.allclose(pieces[1], whole[1], rtol=1e-5, atol=1e-7)
    assert pieces[2] == pytest.approx(whole[2], rel=1e-6)
    assert all(math.isfinite(value) for value in pieces[2].values())
    assert whole[1].isfinite().all()
    assert whole[1].abs().max() > 0
    assert torch.equal(whole[1] == 0, whole[1] * batch.action_mask == 0)  # no gradient outside the mask


@pytest.mark.parametrize(("name", "constants"), VARIANTS, ids=str)
def test_skipping_inert_rows_changes_nothing(name, constants):
    given = random_batch()
    given.reward[given.group_id == 1] = 2.0  # a unanimous group
    given.correct[given.group_id == 1] = 1.0
    objective, batch, advantage, totals, start = ready(name, constants, given)
    inert = objective.inert(batch, advantage)
    every, few = (
        run(objective, batch, advantage, totals, start, [index])
        for index in (torch.arange(12), torch.nonzero(~inert).flatten())
    )
    assert every[0] == pytest.approx(few[0], rel=1e-6, abs=1e-7)
    assert torch.allclose(every[1], few[1], rtol=1e-6, atol=0.0)
    assert inert[5] or objective.needs_whole_groups
    if objective.needs_whole_groups:
        assert not inert.any()
    elif objective.regularisers or objective.batch_terms:
        assert torch.nonzero(inert).flatten().tolist() == [5]
    elif name in ("dr-grpo", "gspo", "cispo") or (name == "rloo" and not constants):
        assert inert[batch.group_id == 1].all()
        assert not inert.all()
