"""Letters, numbers, angles, points and words: the specification's numbers, and where the released scorer differs."""

import json
import math
import random

import pytest

from assay.verifiers import get, score
from assay.verifiers.spatial.masks import encode_mask, mask_of
from assay.verifiers.spatial.mra import THRESHOLDS, accuracy
from assay.verifiers.video.layout import tagged

CHOICES = ["red cube", "the blue ball", "green cone"]
MCQ = {"answer": "B", "choices": CHOICES}
GRAVITY = {"roll": 10, "pitch": 10, "vfov": 50, "u": {"roll": 2, "pitch": 2, "vfov": 5}}


def reward(name, response, truth, **options):
    return score(f"spatial.{name}", response, truth, **options).reward


@pytest.mark.parametrize(
    ("said", "worth"), [("10", 1.0), ("9.5", 1.0), ("9", 0.9), ("12", 0.6), ("5", 0.1), ("4.9", 0.0), ("16", 0.0)]
)
def test_mean_relative_accuracy_is_that_of_the_specification(said, worth):
    for parity in (False, True):
        found = score("spatial.mra", said, {"answer": "10"}, parity=parity)
        assert found.reward == pytest.approx(worth)
        assert found.correct is (worth >= 0.9)


def test_the_thresholds_are_those_that_numpy_makes():
    numpy = pytest.importorskip("numpy")
    points = int((0.95 - 0.5) / 0.05 + 2)
    assert list(THRESHOLDS) == numpy.linspace(0.5, 0.95, points).tolist()
    for value in numpy.linspace(-3, 25, 400):
        slow = (abs(value - 10) / 10 <= 1 - numpy.linspace(0.5, 0.95, points)).mean()
        assert accuracy(float(value), 10.0) == pytest.approx(slow)


def test_the_number_finder_removes_commas_under_parity_alone():
    assert reward("mra", "(3,4) 12", {"answer": "34"}, parity=True) == 1
    assert reward("mra", "(3,4) 12", {"answer": "34"}) == 0
    assert reward("mra", "1,234 m", {"answer": "1234"}) == 1
    assert reward("mra", "2.4 or 9", {"answer": "2.40"}) == 0
    assert reward("mra", "2.4 or 9", {"answer": "2.40"}, parity=True) == 1


def test_a_right_zero_pays_nothing_and_a_negative_one_everything_under_parity():
    assert reward("mra", "0", {"answer": "0"}) == reward("mra", "0", {"answer": "0"}, parity=True) == 0
    assert reward("mra", "999", {"answer": "-7.5"}, parity=True) == 1
    assert reward("mra", "999", {"answer": "-7.5"}) == 0
    assert reward("mra", "-7.5", {"answer": "-7.5"}) == 1


def test_gravity_is_that_of_the_specification():
    said = '{"roll": 10, "pitch": 12, "vfov": 60}'
    for parity in (False, True):
        found = score("spatial.gravity", said, GRAVITY, parity=parity)
        assert round(found.reward, 5) == 0.58062
        assert found.parts["pitch"] == pytest.approx(0.60653, abs=1e-5)
        assert found.parts["vfov"] == pytest.approx(0.13534, abs=1e-5)
        assert found.correct is False
    assert score("spatial.gravity", '{"roll": 12, "pitch": 8, "vfov": 45}', GRAVITY).correct is True


def test_an_uncertainty_of_nothing_pays_nothing_and_a_missing_angle_forfeits_all():
    certain = {**GRAVITY, "u": {"roll": 0, "pitch": -1, "vfov": 5}}
    assert reward("gravity", '{"roll": 10, "pitch": 10, "vfov": 50}', certain) == pytest.approx(1 / 3)
    assert reward("gravity", '{"roll": 10, "pitch": 10}', GRAVITY) == 0
    assert reward("gravity", '{"roll": 10, "pitch": 10, "vfov": 50,}', GRAVITY) == 1
    assert reward("gravity", "roll: 10, pitch: 10, vfov: 50", GRAVITY) == 0
    assert reward("gravity", "roll: 10, pitch: 10, vfov: 50", GRAVITY, parity=True) == 1
    assert reward("gravity", 'so ```json\n{"roll": 10, "pitch": 10, "vfov": 50}\n``` {}', GRAVITY, parity=True) == 1
    assert reward("gravity", '{"roll": NaN, "pitch": 10, "vfov": 50}', GRAVITY) == 0
    assert reward("gravity", '{"roll": NaN, "pitch": 10, "vfov": 50}', GRAVITY, parity=True) == pytest.approx(2 / 3)


def test_azimuth_and_rotation_go_round_and_the_polar_angle_does_not():
    truth = {"azimuth": 359, "polar": 10, "rotation": 1, "u": {"azimuth": 2, "polar": 2, "rotation": 2}}
    found = score("spatial.angles", '{"azimuth": 1, "polar": 370, "rotation": -361}', truth)
    assert found.parts["azimuth"] == pytest.approx(math.exp(-0.5))
    assert found.parts["rotation"] == pytest.approx(math.exp(-0.5))
    assert found.parts["polar"] == pytest.approx(0)
    assert score("spatial.angles", '{"azimuth": 1, "polar": 10, "rotation": 1}', truth, parity=True).parts[
        "azimuth"
    ] == pytest.approx(0)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("B", True), ("(B)", True), ("The answer is B.", True), ("B. the blue ball", True), ("the blue ball", True),
        ("The Blue Ball.", True), ("B or C", False), ("A. the blue ball", False), ("a blue ball, I think", False),
        ("The answer is A. The answer is B.", False), ("red cube, the blue ball", False), ("D", False), ("", False),
    ],
)  # fmt: skip
def test_one_option_is_chosen_or_none(said, right):
    assert reward("mcq", said, MCQ) == float(right)
    assert score("spatial.mcq", said, MCQ).correct is right


def test_choices_may_carry_their_letter():
    truth = {"answer": "B", "choices": ["A. 2 m", "B. 4 m", "C. 6 m"]}
    assert reward("mcq", "4 m", truth) == reward("mcq", "B. 4 m", truth) == reward("mcq", "(B) 4 m", truth) == 1
    assert reward("mcq", "6 m", truth) == 0


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("answer: B", "B"), ("A (B) C ", "B"), ("(A) then (C)", "C"), ("VITAMIN A is a B vitamin", "B"),
        ("DNA says so", "A"), ("Answer: B", "B"), ("The correct option is C but The answer is A", "C"),
        ("it must be the blue ball as far as I see", "B"), ("Consequently, the correct option is A", None),
        ("Consequently, the correct option is AThe correct option is B", "B"), ("Answer: xBx", "B"),
    ],
)  # fmt: skip
def test_the_released_reader_takes_letters_almost_anywhere(said, letter):
    right = [x for x in "ABC" if reward("mcq", said, {"answer": x, "choices": CHOICES}, parity=True)]
    assert right == [letter] if letter else len(right) == 1


def test_a_guess_is_made_under_parity_alone_and_depends_on_the_response_alone():
    counts = dict.fromkeys("ABC", 0)
    for number in range(600):
        said = f"?{number}"
        assert reward("mcq", said, MCQ) == 0
        won = [x for x in "ABC" if reward("mcq", said, {"answer": x, "choices": CHOICES}, parity=True)]
        assert won == [x for x in "ABC" if reward("mcq", said, {"answer": x, "choices": CHOICES}, parity=True)]
        assert len(won) == 1
        counts[won[0]] += 1
    assert min(counts.values()) > 150
    assert score("spatial.mcq", "?1", MCQ, parity=True).parsed is False


def test_know_contains_no_under_parity_alone():
    truth = {"answer": "no"}
    assert reward("yesno", "I don't know", truth, parity=True) == 1
    assert reward("yesno", "I don't know", truth) == 0
    assert reward("yesno", "Nothing moved. Yes", {"answer": "yes"}) == 1
    assert reward("yesno", "Yes, I know", {"answer": "yes"}, parity=True) == 0


@pytest.mark.parametrize(("said", "right"), [("No. I look again. Yes.", True), ("yes or no", False), ("yes, no", False),
                                             ("no\nyes", True), ("Yes!", True), ("yes, yes", True)])  # fmt: skip
def test_the_last_yes_or_no_counts_unless_it_stands_with_the_other(said, right):
    assert reward("yesno", said, {"answer": "yes"}) == float(right)


def picture():
    rows = [[0] * 64 for _ in range(48)]
    for y in range(20, 30):
        rows[y][30:50] = [255] * 20
    rows[3][5:8] = [51, 102, 204]
    rows[0][0] = 255
    return rows


def test_a_mask_is_what_was_encoded():
    rows = picture()
    mask = mask_of(json.loads(json.dumps(encode_mask(rows))))
    assert [[mask.at(x, y) for x in range(64)] for y in range(48)] == rows
    rng = random.Random(0)
    flags = [[rng.random() < 0.3 for _ in range(17)] for _ in range(9)]
    assert [[mask_of(encode_mask(flags)).at(x, y) == 255 for x in range(17)] for y in range(9)] == flags
    assert encode_mask([[0, 1], [1, 0]])["rows"] == [[1, 1], [0, 1]]
    for broken in ([], [[]], [[0], [0, 1]], [[256]], [[-1]]):
        with pytest.raises(ValueError, match="mask"):
            encode_mask(broken)


@pytest.mark.parametrize(
    ("said", "worth", "official"),
    [
        ("[40, 25]", 1, 1), ("(40, 25)", 1, 1), ("x: 40, y: 25", 1, 1), ("y = 25, x = 40", 1, 1), ("40, 25", 1, 1),
        ("[0.6, 0.5]", 1, 1), ("[7, 3]", 0.8, 0.8), ("[5, 3]", 0.2, 0.2), ("[1, 1]", 0, 0), ("[10, 10]", 0, 0),
        ("(1, 2) no, (40, 25)", 0, 1), ("[40, 25, 0.9]", 0, 1), ("[-4, -4]", 0, 1), ("[2000, 25]", 0, 0),
        ("40 25", 0, 0), ("", 0, 0),
    ],
)  # fmt: skip
def test_a_point_earns_the_mask_there(said, worth, official):
    truth = {"mask": encode_mask(picture())}
    assert reward("affmask", said, truth) == pytest.approx(worth)
    assert reward("affmask", said, truth, parity=True) == pytest.approx(official)
    assert score("spatial.affmask", said, truth).correct is (worth >= 0.5)


SLOTS = {"keywords": [["left", "leftwards"], ["fast", "quickly"]], "wrong": [["right", "rightwards"], ["slow"]]}
ROUTE = {"keywords": [["forward"], ["left"], ["back"]], "wrong": [[], ["right"], []], "ordered": True}


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ("It goes quickly to the left.", 1), ("It goes left.", 2 / 3), ("It goes left, slow", 1 / 2),
        ("left right fast slow", 0), ("left and right, fast", 1 / 2), ("It does not go left", 0),
        ("It isn\u2019t going left; it is fast", 2 / 3), ("instead of left it goes fast", 2 / 3), ("leftover steak", 0),
        ("LEFTWARDS, Fast", 1), ("left left left", 2 / 3), ("right, slow", 0), ("left, fast " * 150, 0),
    ],
)  # fmt: skip
def test_a_caption_earns_the_f1_of_its_slots(said, worth):
    found = score("spatial.caption", said, SLOTS)
    assert found.reward == pytest.approx(worth)
    assert found.correct is (worth == 1)


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ("forward, then left, then back", 1), ("back, left, forward", 1 / 3), ("left, forward, back", 2 / 3),
        ("forward, forward, left, back", 1), ("forward, right, back", 2 / 3), ("forward", 1 / 2),
        ("forward left back right forward left", 0), ("forward, left, back, right", 4 / 7),
    ],
)  # fmt: skip
def test_where_order_counts_captions_are_sequences(said, worth):
    assert reward("caption", said, ROUTE) == pytest.approx(worth)


@pytest.mark.parametrize("name", ["mcq", "mra", "gravity", "angles", "affmask", "yesno", "cogmap", "agentic_nav",
                                  "manipulate", "caption"])  # fmt: skip
def test_layouts_pay_for_the_format_and_read_only_the_tag(name):
    found = get(f"spatial.{name}")
    truth = found.samples[0]
    gold = found.gold(truth)
    assert set(found.options) >= {"layout", "format_weight", "parity"}
    assert found(tagged(gold, "tagged"), truth, layout="tagged", format_weight=0.5).reward == pytest.approx(1.5)
    assert found(gold, truth, layout="tagged").reward == 0
    assert found(gold, truth, format_weight=0.5).reward == pytest.approx(1)
    assert found(gold, truth).parts["score"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("mcq", {"answer": "D", "choices": ["a", "b"]}), ("mcq", {"answer": "A", "choices": ["a"]}),
        ("mra", {"answer": "nan"}), ("mra", {"answer": 3}), ("yesno", {"answer": "maybe"}),
        ("gravity", {**GRAVITY, "u": {"roll": 1}}), ("gravity", {**GRAVITY, "roll": True}),
        ("affmask", {"mask": {"width": 2, "height": 1, "rows": [[1, 2]]}}), ("affmask", {"mask": [[0, 1]]}),
        ("caption", {"keywords": [["left"]], "wrong": [["Left"]]}),
        ("caption", {"keywords": [["left"], ["right"]], "wrong": [["right"], []]}),
        ("caption", {"keywords": [["a"]], "wrong": []}),
    ],
)  # fmt: skip
def test_a_malformed_truth_is_refused(name, truth):
    with pytest.raises(ValueError, match="truth"):
        reward(name, "x", truth)
