"""Schedules decide: what to sample, what to keep, how to cut."""

from __future__ import annotations

import pytest
import torch

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.schedule import DynamicSampling, Plain, Pool, RolloutPlan, split_groups

NAN = float("nan")


def sample(schedule, batches, target):
    """A trainer in four lines: groups kept, batches generated."""
    kept, generated = [], 0
    while schedule.wants_more(len(kept), target, generated):
        kept += [group for group in batches[generated] if schedule.keep_group(group)]
        generated += 1
    return kept[:target], generated


ALIVE, DEAD = [1.0, 0.0], [1.0, 1.0]


def test_plain_takes_what_comes():
    assert sample(Plain(), [[ALIVE, DEAD]], 2) == ([ALIVE, DEAD], 1)
    assert Plain().plan(3, RolloutPlan(8, 4, 1.0)) == RolloutPlan(8, 4, 1.0)
    assert not Plain().remembers


def test_dynamic_sampling_goes_on_until_full_and_cuts_the_surplus():
    kept, generated = sample(DynamicSampling(), [[ALIVE, DEAD], [DEAD, DEAD], [ALIVE, [0, 3.0]]], 2)
    assert (kept, generated) == ([ALIVE, ALIVE], 3)


def test_dynamic_sampling_gives_up_and_never_fills_with_dead_groups():
    kept, generated = sample(DynamicSampling(max_batches=4), [[DEAD, DEAD]] * 9, 2)
    assert (kept, generated) == ([], 4)
    assert sample(DynamicSampling(max_batches=2), [[ALIVE, DEAD], [DEAD, DEAD]], 2) == ([ALIVE], 2)


@pytest.mark.parametrize(
    ("rewards", "kept"),
    [
        ([0.1] * 3, False),
        ([0.1, 0.1, 0.2], True),
        ([1.0, NAN], False),
        ([NAN, NAN], False),
        ([], False),
        ([0, NAN, 1], True),
    ],
)
def test_keep_group(rewards, kept):
    assert DynamicSampling().keep_group(rewards) is kept


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        DynamicSampling(0)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 9])
def test_minibatches_hold_whole_groups_and_every_row_once(parts):
    group = torch.tensor([5, 5, 2, 9, 2, 9, 9, 1])
    pieces = split_groups(group, parts)
    assert len(pieces) == min(parts, 4)
    assert sorted(torch.cat(pieces).tolist()) == list(range(8))
    seen = [set(group[piece].tolist()) for piece in pieces]
    assert sum(len(groups) for groups in seen) == 4
    assert max(map(len, seen)) - min(map(len, seen)) <= 1


def test_recompose():
    batch = TrajectoryBatch.of([0, 0, 0, 0], group=[0, 1, 0, 1])
    found = Plain().recompose(Pool.of(batch, torch.zeros(4, 1)), 0, 2, 0)
    assert [piece.tolist() for piece in found.minibatches] == [[0, 2], [1, 3]]
    assert found.epochs is None
    assert not len(found.keep)


def test_plain_looks_at_fresh_rows_only():
    batch = TrajectoryBatch.of([0, 0, 0, 0], group=[0, 1, 0, 1])
    pool = Pool(batch, torch.zeros(4, 1), torch.tensor([False, True, False, True]))
    assert [piece.tolist() for piece in Plain().recompose(pool, 0, 2, 0).minibatches] == [[1, 3]]
