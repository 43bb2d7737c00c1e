"""Answers to questions on videos: letters, numbers, texts, frames and intervals."""

from __future__ import annotations

import math
import random
from functools import cache

import pytest

from assay.verifiers import get, score
from assay.verifiers.audit import audit
from assay.verifiers.video.frames import UnreadableError, covered, frames_in, intervals_in, merged, overlap
from assay.verifiers.video.keyframes import named_frames
from assay.verifiers.video.letters import first_letter, priority_letter, strict_letter
from assay.verifiers.video.sequences import common_length, edit_distance
from assay.verifiers.video.texts import LONGEST, rouge, word_error_rate, words

ABCD = ("A", "B", "C", "D")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"), ("b", "B"), (" B.\n", "B"), ("(B)", "B"), ("**B**", "B"), ("\\boxed{B}", "B"), ("B)", "B"),
        ("The answer is (B).", "B"), ("The correct option is B", "B"), ("Answer: B", "B"), ("B. The red car", "B"),
        ("(B) A man walks in", "B"), ("**B.** Two", "B"), ("D: 4", "D"),
        ("", None), ("E", None), ("A B C D", None), ("A, B", None), ("A or B", None), ("The answer is A or B", None),
        ("A. one B. two", None), ("Because it is red", None), ("Dogs", None), ("A man", None), ("ABCD", None),
        ("The answer is A. The answer is B.", None), ("B. The red car, or D", None), ("not B? I say C", None),
    ],
)  # fmt: skip
def test_the_strict_letter(text, letter):
    assert strict_letter(text, ABCD) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A", "A"), ("(B)", "B"), ("A. The cat", "A"), ("I think the final one, C", "C"),
        ("B is likely but (C) is better, so D", "B"),  # a bare letter at the start outranks one at the end
        ("The answer is (C).", "C"), ("First (A), then (B).", "B"), ("x A. y B. z", "B"), ("x A: (B) y", "B"),
        ("the car is A) red", "A"), ("nothing", ""), ("", ""), ("!!", ""), ("CAB driver", "B"), ("xCx", "C"),
        ("A, B, C", "A"), ("답은 C 입니다", "C"),
    ],
)  # fmt: skip
def test_the_letter_by_rank_of_format(text, letter):
    assert priority_letter(text, ABCD) == letter


def test_after_a_phrase_the_furthest_first_occurrence_wins():
    assert priority_letter("so the answer is B because of the Dog", ABCD) == "D"
    assert priority_letter("so the answer is B, yes", ABCD) == "B"


@pytest.mark.parametrize(
    ("text", "letter"),
    [("The best answer is B.", "B"), ("A car", "A"), ("Best of all: C or A", "B"), ("none", ""), ("The answer D", "D")],
)
def test_the_first_letter(text, letter):
    assert first_letter(text, ABCD) == letter


def test_parity_pays_what_the_strict_reading_does_not():
    truth = {"answer": "A", "letters": ["A", "B", "C", "D"]}
    for text, strict, ranked, first in (("A, B, C, D", 0, 1, 1), ("(A)", 1, 1, 1), ("B or (A)", 0, 0, 0)):
        found = [score("video.mcq_letter", text, truth, parity=parity).reward for parity in (False, True, "first")]
        assert found == [strict, ranked, first]
    assert score("video.mcq_letter", "(A)", truth, parity="priority") == score(
        "video.mcq_letter", "(A)", truth, parity=True
    )


GOOD = "<think>I see.</think> <answer>B</answer>"


@pytest.mark.parametrize(
    ("response", "layout", "reward"),
    [
        (GOOD, "tagged", 2.0), (GOOD, "any", 2.0), ("B", "any", 1.0), ("B", "tagged", 0.0),
        ("<answer>B</answer>", "tagged", 1.0), ("<think>I see.</think> <answer>C</answer>", "tagged", 1.0),
        ("<think>A</think> B", "any", 1.0), ("<think>A</think> B", "tagged", 0.0), ("<think>B", "any", 0.0),
        (GOOD + "<answer>B</answer>", "any", 0.0), ("<think><answer>B</answer></think>", "any", 0.0),
        ("", "tagged", 0.0),
    ],
)  # fmt: skip
def test_accuracy_and_format(response, layout, reward):
    for name, truth in (("video.mcq_letter", {"answer": "B"}), ("video.answer", {"problem": "mcq", "answer": "B"})):
        found = score(name, response, truth, layout=layout, format_weight=1.0)
        assert found.reward == reward
        assert found.parts["accuracy"] + found.parts["format"] == reward


@pytest.mark.parametrize(
    ("problem", "answer", "response", "value"),
    [
        ("numerical", "3", "3", 1), ("numerical", "3", "3.0", 0), ("numerical", "3", "about 3 cars", 1),
        ("numerical", "3.50", "3.5", 1), ("numerical", "3.5", "3.504", 1), ("numerical", "3.5", "3.51", 0),
        ("numerical", "1,200", "1200", 1), ("numerical", "3", "3 or 4", 0), ("numerical", "3", "nan", 0),
        ("numerical", "3", "three", 0), ("numerical", "7.50", "7.50-7.5097.5047.50", 0), ("numerical", "3", "3e0", 1),
        ("regression", "100", "90", 0.9), ("regression", "100", "100", 1), ("regression", "100", "250", 0),
        ("regression", "-10", "-12.5", 0.75), ("regression", "0", "0", 1), ("regression", "0", "0.01", 0),
        ("regression", "100", "nan", 0), ("regression", "100", "1e999", 0),
        ("ocr", "NO ENTRY 24h", "NO ENTRY 24h", 1), ("ocr", "NO ENTRY 24h", "no ENTRY 24h", 2 / 3),
        ("ocr", "NO ENTRY 24h", "NO  ENTRY\n24h today", 2 / 3), ("ocr", "NO ENTRY", "NO ENTRY NO ENTRY", 0),
        ("free", "a red car", "A red car!", 1), ("free", "a red car", "", 0),
        ("free", "a red car", "a red bus", ((2 / 3 + 1 / 2 + 2 / 3) / 3) ** 2), ("free", "cat", "cat", 1),
        ("free", "红色的车", "红色 的 车", 1),
    ],
)  # fmt: skip
def test_what_an_answer_is_worth(problem, answer, response, value):
    found = score("video.answer", response, {"problem": problem, "answer": answer})
    assert found.reward == pytest.approx(value)
    assert found.correct is (value == 1)


@pytest.mark.parametrize(
    ("problem", "answer", "response", "value"),
    [
        ("mcq", "B", "B", 1), ("mcq", "B", "B.", 0), ("numerical", "3", "3", 1), ("numerical", "3", "about 3", 0),
        ("numerical", "1,200", "1200", 0), ("numerical", "1,200", "1,200", 1), ("numerical", "0.125", "0.12", 1),
        ("regression", "100", "90", 0.9), ("regression", "100", "nan", 1), ("regression", "0", "0", 0),
        ("ocr", "NO ENTRY", "NO entry", 0.5), ("free", "a red car", "a red bus", (2 / 3 + 1 / 2 + 2 / 3) / 3),
        ("free", "cat", "cat", 2 / 3),
    ],
)  # fmt: skip
def test_the_official_reading_with_its_quirks(problem, answer, response, value):
    truth = {"problem": problem, "answer": answer}
    found = score("video.answer", f"<answer>{response}</answer><answer>zzz</answer>", truth, parity=True)
    assert found.reward == pytest.approx(value, abs=1e-8)
    assert score("video.answer", response, truth, parity=True).reward == 0.0  # no tag, no answer


@pytest.mark.parametrize(
    ("problem", "answers"), [("mcq", ["B", "C"]), ("numerical", ["3", "12", "0.5"]), ("ocr", ["GO 4", "CAFÉ DE PARIS"])]
)
def test_types_without_near_misses_leave_nothing_for_attacks(problem, answers):
    tasks = [{"truth": {"problem": problem, "answer": answer}} for answer in answers]
    report = audit("video.answer", tasks, floor=0.0, seconds=60.0, size=20_000)
    assert report.ok, report.table()


@pytest.mark.parametrize("name", ["video.mcq_letter", "video.answer", "video.keyframes", "video.temporal_iou"])
def test_the_audit_holds_where_the_layout_is_paid(name):
    floor = 1.0 + get(name).floor
    report = audit(name, full=2.0, floor=floor, seconds=60.0, size=20_000, layout="tagged", format_weight=1.0)
    assert report.ok, report.table()


def test_the_official_readings_are_told_as_what_they_are():
    assert "attacks" in audit("video.mcq_letter", parity=True, seconds=60.0, size=20_000).failed()
    assert "attacks" in audit("video.answer", parity=True, seconds=60.0, size=20_000).failed()


def slow_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def slow_common(a, b):
    @cache
    def at(i, j):
        if i == len(a) or j == len(b):
            return 0
        return 1 + at(i + 1, j + 1) if a[i] == b[j] else max(at(i + 1, j), at(i, j + 1))

    return at(0, 0)


def test_bit_parallel_distances_equal_the_obvious_ones():
    rng = random.Random(5)
    for _ in range(600):
        size = rng.choice([2, 4, 30])
        a, b = ([str(rng.randrange(size)) for _ in range(rng.randrange(90))] for _ in range(2))
        assert edit_distance(a, b) == slow_distance(a, b)
        assert common_length(a, b) == slow_common(tuple(a), tuple(b))


def test_what_is_cut_short_could_not_have_counted():
    rng = random.Random(6)
    for _ in range(200):
        a = [str(rng.randrange(3)) for _ in range(rng.randrange(1, 12))]
        b = [str(rng.randrange(3)) for _ in range(rng.randrange(40))]
        assert min(1.0, word_error_rate(a, b)) == min(1.0, slow_distance(a, b) / len(a))
    assert rouge(["x"], ["x"] * (LONGEST + 1)) == (0.0, 0.0, 0.0)
    assert rouge(["x"], ["x"] * LONGEST)[0] == pytest.approx(2 / (1 + LONGEST))


def test_rouge_by_hand():
    reference, answer = words("police killed the gunman"), words("the gunman police killed")
    assert rouge(reference, answer) == pytest.approx((1.0, 2 / 3, 0.5))
    assert words("Café_au-lait 2") == ["café", "au", "lait", "2"]
    assert words("Café 2", parity=True) == ["caf", "2"]


FRAMES = {
    "events": [[2.0, 4.0], [10.0, 12.0]], "seconds": [float(t) for t in range(20)], "k": 4, "tolerance": 0.5,
    "saliency": [1.0 if t in (3, 11) else 0.5 if t in (5, 6) else 0.0 for t in range(20)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("response", "coverage", "precision", "saliency"),
    [
        ("[3, 11]", 1.0, 1.0, 2 / 3), ("[3]", 0.5, 1.0, 1 / 3), ("[2, 3, 4, 11]", 1.0, 1.0, 2 / 3),
        ("[3, 11, 5, 6]", 1.0, 0.5, 1.0), ("[5, 6]", 0.0, 0.0, 1 / 3), ("I name [ 3,11 ].", 1.0, 1.0, 2 / 3),
        ('{"frames": [3, 11]}', 1.0, 1.0, 2 / 3), ("```json\n[3, 11]\n```", 1.0, 1.0, 2 / 3), ("[1]", 0.0, 0.0, 0.0),
    ],
)  # fmt: skip
def test_named_frames(response, coverage, precision, saliency):
    found = score("video.keyframes", response, FRAMES)
    assert (found.parts["coverage"], found.parts["precision"]) == (coverage, precision)
    assert found.parts["saliency"] == pytest.approx(saliency)
    assert found.reward == coverage
    assert found.correct is (coverage == 1.0)
    assert score("video.keyframes", response, FRAMES, pays="saliency").reward == pytest.approx(saliency)
    both = coverage + precision
    assert score("video.keyframes", response, FRAMES, pays="f1").reward == pytest.approx(
        2 * coverage * precision / both if both else 0.0
    )


@pytest.mark.parametrize(
    "response",
    [
        "", "[]", "3, 11", "[3, 11, 3]", "[0, 1, 2, 3, 4]", "[20]", "[-1]", "[3.0]", "[3] [11]", "[[3], [11]]",
        '["3"]', "[true]", "[3, 11", str(list(range(20))), "[" * 300_000, "[" + "1, " * 300_000 + "1]", "[٣]",
        "<think>[3, 11]",
    ],
)  # fmt: skip
def test_frames_that_cannot_be_read(response):
    found = score("video.keyframes", response, FRAMES)
    assert (found.reward, found.parsed, found.correct) == (0.0, False, False)
    with pytest.raises(UnreadableError):
        named_frames(response, 20, 4)


def test_frames_are_given_in_order():
    assert frames_in("[9, 2, 4]", 10, 3) == [2, 4, 9]
    assert named_frames("<think>[1]</think><answer>[9, 2]</answer>", 10, 3, "tagged") == [2, 9]


def test_coverage_against_the_obvious_count():
    rng = random.Random(7)
    for _ in range(300):
        seconds = sorted(rng.uniform(0, 50) for _ in range(rng.randrange(1, 9)))
        events = [(b, b + rng.uniform(0, 5)) for b in (rng.uniform(0, 50) for _ in range(rng.randrange(1, 6)))]
        slack = rng.choice([0.0, 0.5, 2.0])
        slow = sum(any(b - slack <= t <= e + slack for t in seconds) for b, e in events)
        assert covered(seconds, events, slack) == slow


@pytest.mark.parametrize(
    ("response", "iou"),
    [
        ("[[10, 20]]", 1.0), ("[10, 20]", 1.0), ("From [15, 25] s", 1 / 3), ("[[10, 15], [15, 20]]", 1.0),
        ("[[10, 20], [10, 20], [12, 14]]", 1.0), ("[[0, 60]]", 1 / 6), ("[[0, 1e9]]", 1 / 6), ("[30, 40]", 0.0),
        ("[[10, 20], [30, 40]]", 0.5),
    ],
)  # fmt: skip
def test_intervals(response, iou):
    found = score("video.temporal_iou", response, {"events": [[10, 20]], "duration": 60})
    assert found.reward == pytest.approx(iou)
    assert found.correct is (iou >= 0.5)
    assert score("video.temporal_iou", response, {"events": [[10, 20]], "duration": 60}, threshold=0.1).correct is (
        iou > 0.1
    )


@pytest.mark.parametrize(
    "text",
    ["", "10 - 20", "[]", "[[]]", "[10]", "[20, 10]", "[10, 10]", "[-1, 5]", "[1, NaN]", "[1, Infinity]", "[true, 5]",
     "[1, 2] [3, 4]", "[[1, 2], 3]", "[3, [1, 2]]", '["1", "2"]', "[[1, 2]", "[" * 900_000 + "]" * 9,
     str([[i, i + 1] for i in range(300)]), "[1e999, 2e999]", "[1, 1" + "0" * 4000 + "]"],
)  # fmt: skip
def test_intervals_that_cannot_be_read(text):
    with pytest.raises(UnreadableError):
        intervals_in(text)
    assert score("video.temporal_iou", text, {"events": [[10, 20]]}).parsed is False


def test_overlap_against_counting_instants():
    rng = random.Random(8)
    for _ in range(200):
        sets = [
            [(b, b + rng.randrange(1, 9)) for b in (rng.randrange(40) for _ in range(rng.randrange(5)))]
            for _ in range(2)
        ]
        ours, theirs = ({t for b, e in each for t in range(b, e)} for each in sets)
        slow = len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0
        assert overlap(merged(sets[0]), merged(sets[1])) == pytest.approx(slow)


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("video.mcq_letter", {"answer": "E"}), ("video.mcq_letter", {"answer": "b"}),
        ("video.mcq_letter", {"answer": "A", "letters": ["A", "A"]}),
        ("video.mcq_letter", {"answer": "A", "letters": "AB"}),
        ("video.answer", {"problem": "essay", "answer": "x"}), ("video.answer", {"problem": "numerical", "answer": 3}),
        ("video.answer", {"problem": "numerical", "answer": "three"}),
        ("video.answer", {"problem": "free", "answer": "!"}),
        ("video.answer", {"problem": "ocr", "answer": "w " * 5000}),
        ("video.keyframes", FRAMES | {"k": 0}), ("video.keyframes", FRAMES | {"k": True}),
        ("video.keyframes", FRAMES | {"events": []}), ("video.keyframes", FRAMES | {"events": [[4, 2]]}),
        ("video.keyframes", FRAMES | {"seconds": [3.0, 1.0]}), ("video.keyframes", FRAMES | {"saliency": [1.0]}),
        ("video.keyframes", FRAMES | {"tolerance": -1}), ("video.keyframes", FRAMES | {"events": [[math.nan, 1]]}),
        ("video.temporal_iou", {"events": [[3, 3]]}), ("video.temporal_iou", {"events": [[9, 10]], "duration": 5}),
        ("video.temporal_iou", {"events": [[0, 10**400]]}),
    ],
)  # fmt: skip
def test_malformed_truths(name, truth):
    with pytest.raises(ValueError, match="truth"):
        score(name, "B", truth)


def test_saliency_is_paid_only_where_it_is_known():
    truth = {key: value for key, value in FRAMES.items() if key != "saliency"}
    assert "saliency" not in score("video.keyframes", "[3]", truth).parts
    with pytest.raises(ValueError, match="saliency"):
        score("video.keyframes", "[3]", truth, pays="saliency")
