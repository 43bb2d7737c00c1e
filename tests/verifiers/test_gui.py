"""Points against boxes: the rewards of the paper to the digit, what is refused, and the official program's quirks."""

from __future__ import annotations

import math

import pytest

from assay.verifiers import score
from assay.verifiers.gui.aer import accuracy, on_a_line
from assay.verifiers.gui.attacks import said
from assay.verifiers.gui.points import UnreadableError, first_list, loose_point

BOX = {"box": [100, 100, 200, 200]}
HIT, MISS = (150, 150), (10, 10)


@pytest.mark.parametrize(
    ("points", "reward"),
    [
        ([HIT], 2.0),
        ([MISS], 0.0),
        ([MISS, HIT], 1.5),
        ([HIT, MISS], 1.70711),
        ([MISS, (20, 5)], 0.5),
        ([MISS, (20, 5), (30, 90)], 0.66667),
        ([MISS, (20, 5), HIT], 1.33333),
        ([MISS, (20, 5), (30, 90), HIT], 1.25),
        ([MISS, (20, 20), (30, 30)], -1.0),
        ([HIT, HIT, (1, 2)], -1.0),
        ([(200, 200)], 2.0),
        ([(200.001, 200)], 0.0),
        ([], 0.0),
    ],
)
@pytest.mark.parametrize("parity", [False, True])
def test_the_reward_of_the_papers_program(points, reward, parity):
    found = score("gui.aer", said(points), BOX, parity=parity)
    assert found.reward == pytest.approx(reward, abs=1e-5)
    assert found.correct is (bool(points) and points[0] in (HIT, (200, 200)))


LIST = '[{"point_2d": [150, 150]}]'


@pytest.mark.parametrize(
    "response",
    [
        '<think>a</think>{"point_2d": [150, 150]}',
        LIST,
        f"<think></think>{LIST}",
        f"<think> \n</think>{LIST}",
        f"<think>a</think><think>b</think>{LIST}",
        f"<think>a<think>b</think>{LIST}",
        f"a <think>b</think>{LIST}",
        f"<think>a</think>[1] is {LIST}",
        "<think>a</think>",
        "<think>a</think>[",
        '<think>a</think>[{"point_2d": [1, 2, 3]}]',
        '<think>a</think>[{"point_2d": [1, "2"]}]',
        '<think>a</think>[{"point": [1, 2]}]',
        "<think>a</think>[[150, 150]]",
        "<think>a</think>[" + "[" * 100_000 + "]" * 100_001,
    ],
)
@pytest.mark.parametrize("parity", [False, True])
def test_what_cannot_be_read_costs_one(response, parity):
    found = score("gui.aer", response, BOX, parity=parity)
    assert (found.reward, found.parsed, found.correct) == (-1.0, False, False)
    assert score("gui.aer", response, BOX, parity=parity, reward_variant="paper").reward == 0.0


def test_what_may_stand_around_the_list():
    for response in (
        f"<think>a</think>\n```json\n{LIST}\n```",
        f"<think>a</think>Here: {LIST} and no more",
        '<think>a</think>[{"point_2d": [150, 150], "label": "Save"}]',
        f"<think>[9, 9]</think>{LIST} [9, 9]",
    ):
        assert score("gui.aer", response, BOX).reward == 2.0
    assert score("gui.aer", LIST, BOX, think=False).reward == 2.0


def test_quirks_of_the_program_are_kept_for_parity_alone():
    spaced = f" <think>a</think>{LIST}"
    assert score("gui.aer", spaced, BOX, parity=True).reward == -1.0
    assert score("gui.aer", spaced, BOX).reward == 2.0
    for odd in ('[{"point_2d": [1, 1], "point_2d": [150, 150]}]', '[{"point_2d": [Infinity, 150]}]'):
        response = f"<think>a</think>{odd}"
        assert score("gui.aer", response, BOX).parsed is False
        assert score("gui.aer", response, BOX, parity=True).parsed is True
    spiral = [(500 + 40 * math.cos(i * 1.7) + i, 500 + 30 * math.sin(i * 2.3) - i * i / 9) for i in range(11)]
    assert not on_a_line(spiral)
    assert score("gui.aer", said(spiral), BOX, parity=True).reward == pytest.approx(1 - 1 / 11)
    assert score("gui.aer", said(spiral), BOX).reward == -1.0
    assert score("gui.aer", said([(i, i * i) for i in range(100)]), BOX, parity=True).parts["is_collinear"] == 1.0


def test_switches():
    second = said([MISS, HIT])
    assert score("gui.aer", second, BOX, aer="no_rank").reward == pytest.approx(1 + 1 / math.sqrt(2))
    assert score("gui.aer", second, BOX, aer="naive").reward == 2.0
    assert score("gui.aer", said([MISS]), BOX, aer="naive").reward == 0.0
    assert score("gui.aer", second, BOX, multi_answer=False).reward == -1.0
    line = said([MISS, (20, 20), (30, 30)])
    assert score("gui.aer", line, BOX, reward_variant="paper").reward == 0.0
    assert score("gui.aer", line, BOX, collinear=False).reward == pytest.approx(1 - 1 / 3)
    assert score("gui.aer", second, BOX, fmt_weight=0.5, acc_weight=2.0).reward == pytest.approx(0.5 + 1.0)


def test_the_numbers_that_are_logged():
    found = score("gui.aer", said([MISS, HIT]), BOX)
    assert found.parts == {
        "format": 1.0, "accuracy": 0.5, "num_pred": 2.0, "has_correct": 1.0, "first_correct": 0.0, "only_correct": 0.0,
        "is_collinear": 0.0,
    }  # fmt: skip
    assert score("gui.aer", said([HIT]), BOX).parts["only_correct"] == 1.0
    assert found.detail == "hit by point 2 of 2"


def test_responses_in_other_coordinates():
    truth = {"box": [640, 360, 700, 400], "scale": [1.28, 0.72]}
    assert score("gui.aer", said([(520, 520)]), truth).reward == 2.0
    assert score("gui.aer", said([(660, 380)]), truth).reward == 0.0


def test_nothing_is_meant():
    nothing = {"nothing": True}
    assert score("gui.aer", said([]), nothing).reward == 2.0
    assert score("gui.aer", said([HIT, MISS]), nothing).reward == 0.5
    assert score("gui.point_in_box", "[]", nothing).correct is True
    assert score("gui.point_in_box", LIST, nothing).correct is False


@pytest.mark.parametrize(
    "truth",
    [
        {}, {"box": None}, {"box": [1, 2, 3]}, {"box": [3, 1, 2, 4]}, {"box": [0, 0, math.nan, 1]}, {"box": "0 0 1 1"},
        {"box": [0, 0, 10**400, 1]}, {"box": [0, 0, 1, 1], "scale": [0, 1]}, {"box": [0, 0, 1, 1], "scale": 2},
        {"box": [True, 0, 1, 1]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["gui.aer", "gui.point_in_box"])
def test_a_malformed_truth(name, truth):
    with pytest.raises(ValueError, match="truth"):
        score(name, said([HIT]), truth)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("[150, 160]", (150, 160)),
        ("The button is at (150.5, 160).", (150.5, 160)),
        ("click(150, 160)", (150, 160)),
        ("<point>150 160</point>", (150, 160)),
        ("[100, 120, 200, 200]", (150, 160)),
        ("<|box_start|>(150,160)<|box_end|>", (150, 160)),
        (LIST, (150, 150)),
        ("(0.15, 0.16)", (0.15, 0.16)),
        ("<think>(1, 2)</think>(150, 160)", (150, 160)),
    ],
)
def test_loose_points(text, point):
    wide = {"box": [point[0] - 0.01, point[1] - 0.01, point[0] + 0.01, point[1] + 0.01]}
    assert score("gui.point_in_box", text, wide, layout="any").correct is True


def test_no_point_at_all():
    for text in ("", "150, 160", "nowhere", "(x, y)", "[" * 200_000):
        with pytest.raises(UnreadableError):
            loose_point(text)
    with pytest.raises(UnreadableError):
        first_list("no list ]")
    assert score("gui.point_in_box", "nothing", BOX, layout="any").parsed is False


def test_costs():
    assert accuracy([False, False, True]) == pytest.approx(1 / 3)
    assert accuracy([False, True, True], "no_rank") == pytest.approx(1 / math.sqrt(3))
    assert accuracy([]) == -1.0
    assert accuracy([], wanted=False) == 1.0
    assert accuracy([False] * 4, wanted=False) == -0.25
