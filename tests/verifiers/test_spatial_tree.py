"""The roll-up reproduces the published rows, and only with the published weights."""

from collections import Counter

import pytest

from assay.verifiers import get, names
from assay.verifiers.spatial.tree import BY_KEY, LEAVES, LEVELS, WEIGHTS, rollup

BRANCHES = (
    "L1/Geometry", "L1/Motion", "L1/Relation", "L1/Localization", "L1/Orientation", "L2/Understanding", "L2/Memory",
    "L3/Causal Reasoning", "L3/Sequential Planning", "L4/Goal-Driven Execution", "L4/Open-World Exploration",
)  # fmt: skip
ROWS = {
    "Gemini2.5-Pro": ((47.8, 32.6, 44.4, 61.6, 47.9, 50.5, 61.5, 47.6, 58.2, 28.3, 63.3), (49.30, 53.80, 51.31, 45.80),
                      50.05),
    "GPT-4o": ((23.9, 38.6, 29.8, 24.2, 36.2, 31.2, 43.6, 29.3, 40.5, 25.8, 39.2), (26.81, 34.92, 33.22, 32.50),
               31.86),
    "auto-think": ((31.9, 28.6, 22.0, 23.1, 36.8, 28.0, 22.6, 33.5, 35.6, 23.4, 44.1), (28.98, 26.38, 34.24, 33.75),
                   30.84),
}  # fmt: skip
PUBLISHED = {
    "Qwen2.5VL-32B": ((21.4, 30.0, 25.8, 22.0, 35.1, 29.0, 21.7, 32.8, 37.0, 14.1, 38.6), 27.9),
    "Qwen3VL-30B": ((31.9, 26.0, 32.3, 20.7, 39.2, 37.8, 48.1, 32.7, 44.2, 25.8, 40.9), 35.3),
    "Qwen3VL-235B": ((33.9, 27.4, 35.1, 35.4, 38.9, 43.7, 53.4, 37.3, 44.7, 28.8, 48.9), 40.0),
    "GLM4.5V": ((35.3, 24.0, 32.5, 34.5, 43.7, 34.5, 34.1, 33.8, 41.0, 26.8, 49.7), 36.0),
}


def scores(values):
    return dict(zip(BRANCHES, values, strict=True))


@pytest.mark.parametrize("row", ROWS)
def test_published_weights_give_the_published_levels_and_average(row):
    branches, levels, average = ROWS[row]
    found = rollup(scores(branches))
    # One level lies on an edge of rounding: 34.235.
    assert [found.levels[level] for level in LEVELS] == pytest.approx(levels, abs=0.0051)
    assert found.total == pytest.approx(average, abs=0.0051)


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_rows_agree_to_the_digit_that_is_printed(row):
    branches, average = PUBLISHED[row]
    assert rollup(scores(branches)).total == pytest.approx(average, abs=0.06)


def test_the_other_two_weight_sets_do_not_reproduce_the_table():
    off = {
        weights: max(abs(rollup(scores(b), weights).total - average) for b, _, average in ROWS.values())
        for weights in WEIGHTS
    }
    assert off["published"] < 0.0051
    assert off["paper"] > 0.3
    assert off["json"] > 0.5


def test_there_are_27_leaves_whose_weights_sum_to_one_in_every_branch():
    assert Counter(leaf.level for leaf in LEAVES) == {"L1": 11, "L2": 7, "L3": 5, "L4": 4}
    sums: dict[str, float] = {}
    for leaf in LEAVES:
        sums[f"{leaf.level}/{leaf.branch}"] = sums.get(f"{leaf.level}/{leaf.branch}", 0) + leaf.weight
    assert set(sums) == set(BRANCHES)
    assert list(sums.values()) == pytest.approx([1.0] * 11)
    assert len(BY_KEY) == len({leaf.path for leaf in LEAVES}) == 27
    for weights in WEIGHTS.values():
        assert {f"{level}/{branch}" for level in weights for branch in weights[level]} == set(BRANCHES)


def test_the_metric_of_every_leaf_is_a_verifier():
    assert {f"spatial.{leaf.metric}" for leaf in LEAVES} <= set(names())
    assert all(get(f"spatial.{leaf.metric}") for leaf in LEAVES)


def test_a_missing_leaf_is_nothing_or_left_out():
    part = {"L1/Geometry/Distance": 0.8, "L1/Geometry/Size": 0.4, "L3/Sequential Planning/Route": 1.0}
    zero, renorm = rollup(part), rollup(part, missing="renorm")
    assert zero.branches["L1/Geometry"] == pytest.approx(0.65 * 0.8 + 0.25 * 0.4)
    assert zero.levels["L1"] == pytest.approx(0.5 * zero.branches["L1/Geometry"])
    assert zero.total == pytest.approx((zero.levels["L1"] + 0.35 * 0.4) / 4)
    assert renorm.branches == {
        "L1/Geometry": pytest.approx((0.65 * 0.8 + 0.25 * 0.4) / 0.9),
        "L3/Sequential Planning": 1.0,
    }
    assert renorm.total == pytest.approx((renorm.branches["L1/Geometry"] + 1) / 2)
    for found in (zero, renorm):
        assert found.coverage[""] == pytest.approx(3 / 27)
        assert found.coverage["L1/Geometry"] == pytest.approx(2 / 3)
        assert found.coverage["L4"] == 0
        assert found.coverage["L1/Geometry/Shape"] == 0
    assert len(zero.leaves) == 27
    assert set(renorm.leaves) == set(part)


def test_leaves_are_keyed_by_path_for_two_share_words():
    assert rollup({"L3/Causal Reasoning/Relation": 1.0}, missing="renorm").levels == {"L3": 1.0}


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ({"Relation": 1.0}, {}, "no 'Relation' in the tree"), ({"L1/Geometry": float("nan")}, {}, "not finite"),
        ({"L1/Geometry": 1.0, "L1/Geometry/Size": 1.0}, {}, "both have a score"),
        ({}, {"missing": "renorm"}, "no ability has a score"), ({}, {"weights": "mine"}, "there are: published"),
        ({}, {"missing": "drop"}, "zero or renorm"),
    ],
)  # fmt: skip
def test_what_cannot_be_rolled_up_is_refused(given, options, words):
    with pytest.raises(ValueError, match=words):
        rollup(given, **options)
