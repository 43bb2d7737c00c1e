import math
import pickle

import pytest

from assay.verifiers import Score
from assay.verifiers.compose import FirstOf, Gate, GroupRelative, WeightedSum
from assay.verifiers.rubric import Call, Leaf

TRUTH = {"answer": "blue whale", "pattern": "[a-z ]+"}


def length(response, truth):
    return Score(float(len(response)), {"words": float(len(response.split()))}, detail="counted")


def unreadable(response, truth):
    return Score(0.0, parsed=False, detail="cannot read")


ANSWER = Leaf("text.f1", (("reward", "f1"),))
STYLE = Leaf("text.regex")


def test_weighted_sum_keeps_every_part_by_name_before_weighting():
    rubric = WeightedSum((("answer", ANSWER, 1.0), ("style", STYLE, 0.2), ("size", Call(length), -0.01)))
    score = rubric.score("blue", TRUTH)
    assert score.reward == pytest.approx(2 / 3 + 0.2 - 0.04)
    assert score.parts == pytest.approx(
        {"answer": 2 / 3, "answer/exact": 0.0, "answer/f1": 2 / 3, "style": 1.0, "size": 4.0, "size/words": 1.0}
    )
    assert score.correct is False
    assert rubric.score("blue whale", TRUTH).correct is True


def test_a_penalty_lowers_the_reward_and_a_bonus_raises_it():
    short, long = "a", "a" * 10
    assert WeightedSum((("x", Call(length), -1.0),)).score(long, {}).reward == -10.0
    assert WeightedSum((("x", Call(length), 1.0),)).score(long, {}).reward == 10.0
    assert WeightedSum((("x", Call(length), -1.0),)).score(short, {}).reward > -10.0


def test_the_verdict_comes_from_the_named_child():
    rubric = WeightedSum((("style", STYLE, 1.0), ("answer", ANSWER, 1.0)), verdict="answer")
    assert rubric.score("red", TRUTH).correct is False
    assert WeightedSum((("style", STYLE, 1.0), ("answer", ANSWER, 1.0))).score("red", TRUTH).correct is True


@pytest.mark.parametrize(
    "terms",
    [
        (),
        (("a", ANSWER, 1.0), ("a", STYLE, 1.0)),
        (("a/b", ANSWER, 1.0),),
        (("", ANSWER, 1.0),),
        (("a", ANSWER, math.inf),),
    ],
)
def test_a_sum_that_makes_no_sense_is_refused(terms):
    with pytest.raises(ValueError):
        WeightedSum(terms)
    with pytest.raises(ValueError, match="no child"):
        WeightedSum((("a", ANSWER, 1.0),), verdict="b")


def test_a_gate_pays_nothing_by_itself():
    rubric = Gate(STYLE, ANSWER)
    assert rubric.score("blue whale", TRUTH).reward == 1.0
    held = rubric.score("blue whale!", TRUTH)
    assert (held.reward, held.correct) == (0.0, False)
    assert held.parts["then"] == 1.0
    assert held.parts["when"] == 0.0
    assert "held back" in held.detail
    assert Gate(STYLE, ANSWER).score("red", TRUTH).reward == 0.0


def test_first_of_takes_the_first_that_parsed():
    rubric = FirstOf((("json", Call(unreadable)), ("words", ANSWER)))
    score = rubric.score("blue whale", TRUTH)
    assert score.reward == 1.0
    assert set(score.parts) == {"json", "words", "words/exact", "words/f1"}
    nothing = FirstOf((("a", Call(unreadable)), ("b", Call(unreadable)))).score("x", {})
    assert (nothing.reward, nothing.parsed) == (0.0, False)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("center", [-1.0, 1.0, 0.0, 0.0]),
        ("zscore", [-1 / math.sqrt(2 / 3), 1 / math.sqrt(2 / 3), 0.0, 0.0]),
        ("rank", [0.0, 1.0, 0.5, 0.5]),
    ],
)
def test_group_relative(how, expected):
    rubric = GroupRelative(Call(length), how)
    scores = rubric.group(["a", "aaa", "aa", "bb"], {})
    assert [s.reward for s in scores] == pytest.approx(expected)
    assert [s.parts["child"] for s in scores] == [1.0, 3.0, 2.0, 2.0]


@pytest.mark.parametrize(("how", "alone"), [("center", 0.0), ("zscore", 0.0), ("rank", 0.5)])
def test_equal_rewards_and_groups_of_one(how, alone):
    rubric = GroupRelative(Call(length), how)
    assert [s.reward for s in rubric.group(["a"], {})] == [alone]
    assert [s.reward for s in rubric.group(["aaa", "bbb"], {})] == [alone, alone]
    assert rubric.group([], {}) == []


def test_a_comparison_needs_its_group_wherever_it_stands():
    rubric = WeightedSum((("answer", ANSWER, 1.0), ("size", Gate(STYLE, GroupRelative(Call(length))), 0.1)))
    assert rubric.needs_group
    with pytest.raises(ValueError, match=r"call group"):
        rubric.score("blue", TRUTH)
    scores = rubric.group(["blue whale", "blue"], TRUTH)
    assert scores[0].reward == pytest.approx(1.0 + 0.1 * 3.0)
    assert scores[0].parts["size/then/child/words"] == 2.0
    with pytest.raises(ValueError, match="how must be"):
        GroupRelative(ANSWER, "best")


def test_the_tree_shows_names_weights_and_values():
    rubric = WeightedSum((("answer", ANSWER, 1.0), ("size", Gate(STYLE, Call(length)), -0.5)))
    assert rubric.tree().splitlines() == [
        "weighted sum of 1 x answer, -0.5 x size",
        "  answer: text.f1(reward='f1')",
        "  size: gate: then, where when >= 1",
        "    when: text.regex",
        "    then: length",
    ]
    shown = rubric.tree(rubric.score("blue whale", TRUTH))
    assert shown.splitlines()[0].endswith("= -4")
    assert shown.splitlines()[4] == "    then: length = 10"


def test_rubrics_pickle_and_compare_by_value():
    rubric = FirstOf((("a", Gate(STYLE, ANSWER)), ("b", GroupRelative(Call(length), "rank"))))
    again = pickle.loads(pickle.dumps(rubric))
    assert again == rubric
    assert again.group(["blue whale", "x"], TRUTH) == rubric.group(["blue whale", "x"], TRUTH)


def test_a_leaf_reads_its_own_part_of_the_truth():
    leaf = Leaf("text.f1", key="text")
    assert leaf.score("a b", {"text": {"answer": "a b"}}).reward == 1.0
    with pytest.raises(ValueError, match="no 'text'"):
        leaf.score("a", {"answer": "a"})
