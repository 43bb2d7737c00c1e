"""Aggregation, and that cutting a minibatch into micro-batches changes neither loss nor gradient nor metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from assay.training.objectives.aggregate import AGGREGATIONS, aggregate
from assay.training.objectives.types import PolicyOutputs, Totals, TrajectoryBatch
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
        reward_parts={"confidence": (torch.arange(rows) % 4) / 4, "format": (torch.arange(rows) % 6 > 0).float()},
        old_logp=old,
        anchor_logp={name: old + 0.3 * torch.randn(rows, width, generator=g) * mask for name in ("ref", "prev")},
        behaviour_logp=old + 0.2 * torch.randn(rows, width, generator=g) * mask,
        values=torch.rand(rows, width, generator=g) * mask,
    )


def with_readouts(objective, batch):
    """The batch with whatever the objective wants the policy of then to have been read for."""
    g = torch.Generator().manual_seed(8)
    read = {readout.name: torch.rand(batch.action_mask.shape, generator=g) for readout in objective.old_needs}
    return replace(batch, old_aux={name: values * batch.action_mask for name, values in read.items()})


def policy_at(objective, logp):
    """A policy of given log-probabilities [B, T], with every readout that the objective needs."""
    g = torch.Generator().manual_seed(9)
    read = {readout.name: torch.rand(logp.shape, generator=g) for readout in sorted(objective.needs, key=repr)}
    return PolicyOutputs(logp, {"entropy": -logp.detach()} | read)


def rows_of(out, index):
    return PolicyOutputs(out.logp[index], {name: values[index] for name, values in out.aux.items()})


VARIANTS = [(name, {}) for name in recipe_names()] + [
    ("grpo", {"mismatch": "mask", "mismatch_level": "sequence", "entropy_coef": 0.01, "aggregation": "seq-sum-norm"}),
    ("rloo", {"kl_beta": 0.05}),
    ("dapo", {"mismatch": "tis", "overlong_buffer": 3}),
]


@pytest.mark.parametrize(("name", "constants"), VARIANTS, ids=str)
@pytest.mark.parametrize("cut", [[12], [1] * 12, [5, 0, 7], [3, 4, 5]], ids=str)
def test_micro_batches_change_nothing(name, constants, cut):
    objective = get_recipe(name, constants).objective(max_length=7)
    batch = with_readouts(objective, random_batch())
    advantage = objective.prepare(batch)
    totals = objective.totals(batch, advantage)
    start = batch.old_logp + 0.3 * torch.randn(12, 7, generator=torch.Generator().manual_seed(5)) * batch.action_mask

    def run(index_sets):
        logp = start.clone().requires_grad_()
        total, metrics = 0.0, None
        for index in index_sets:
            out = rows_of(policy_at(objective, logp), index)
            loss, measured = objective.loss(out, batch.rows(index), advantage[index], totals)
            metrics = measured if metrics is None else metrics.merge(measured)
            loss.backward()
            total += loss.item()
        return total, logp.grad, metrics.result()

    whole = run([torch.arange(12)])
    order = torch.randperm(12, generator=torch.Generator().manual_seed(6))
    if objective.needs_whole_groups:
        order, cut = (
            order[batch.group_id[order].argsort()],
            [4 * round(size / 4) for size in cut] if len(cut) < 4 else [4] * 3,
        )
    pieces = run(list(order.split(cut)))
    assert pieces[0] == pytest.approx(whole[0], rel=1e-6, abs=1e-6)
    assert torch.allclose(pieces[1], whole[1], atol=1e-7)
    assert pieces[2] == pytest.approx(whole[2], rel=1e-6)
    assert whole[1].abs().max() > 0
    assert torch.equal(whole[1] == 0, whole[1] * batch.action_mask == 0)  # no gradient outside the mask


@pytest.mark.parametrize(("name", "constants"), VARIANTS, ids=str)
def test_skipping_inert_rows_changes_nothing(name, constants):
    batch = random_batch()
    batch.reward[batch.group_id == 1] = 2.0  # a unanimous group
    batch.correct[batch.group_id == 1] = 1.0
    objective = get_recipe(name, constants).objective(max_length=7)
    batch = with_readouts(objective, batch)
    advantage = objective.prepare(batch)
    totals = objective.totals(batch, advantage)
    inert = objective.inert(batch, advantage)
    gradients = []
    for index in (torch.arange(12), torch.nonzero(~inert).flatten()):
        logp = (batch.old_logp + 0.1 * batch.action_mask).requires_grad_()
        out = rows_of(policy_at(objective, logp), index)
        loss, _ = objective.loss(out, batch.rows(index), advantage[index], totals)
        loss.backward()
        gradients.append((loss.item(), logp.grad))
    assert gradients[0][0] == pytest.approx(gradients[1][0], rel=1e-6, abs=1e-7)
    assert torch.equal(gradients[0][1], gradients[1][1])
    assert inert[5] or objective.needs_whole_groups
    if objective.needs_whole_groups:
        assert not inert.any()
    elif objective.regularisers:
        assert torch.nonzero(inert).flatten().tolist() == [5]
    elif name in ("dr-grpo", "gspo", "cispo") or (name == "rloo" and not constants):
        assert inert[batch.group_id == 1].all()
        assert not inert.all()
