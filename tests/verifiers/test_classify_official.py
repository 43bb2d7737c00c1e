"""Parity with the rewards of CLS-RL; the linear-time readings against the patterns that they stand for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.classify import official

DOG = {"label": "golden retriever", "labels": ["golden retriever", "cat"]}
THINK = re.compile(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL)
AFTER = re.compile(r"<answer>.*?</answer>\s*<think>.*?</think>", re.DOTALL)
LINE = re.compile(r"<answer>(.*?)</answer>")
PIECES = ["<think>", "</think>", "<answer>", "</answer>", "a", " ", "\n", "\u2003", "<", "cat"]
markup = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("response", "mode", "reward"),
    [
        ("<think>a</think> <answer>golden retriever</answer>", "think", 2),
        ("<think>a</think> <answer>Golden Retriever</answer>", "think", 2),
        ("golden retriever", "think", 1),
        ("<think>a</think> <answer>cat</answer>", "think", 1),
        ("so: <think>a</think> <answer>golden retriever</answer>", "think", 1),
        ("<think>a</think> <answer>golden\nretriever</answer>", "think", 1),
        ("golden retriever", "none", 1),
        ("Golden retriever", "none", 0),
        ("golden retriever.", "none", 0),
        (" golden retriever", "none", 0),
        ("<think>a</think>golden retriever", "none", 0),
        ("<answer>golden retriever</answer> <think>a</think>", "after", 2),
        ("<think>a</think> <answer>golden retriever</answer>", "after", 1),
        ("<answer>golden retriever</answer>", "adaptive", 2),
        ("<think>a</think> <answer>golden retriever</answer>", "adaptive", 2),
        ("golden retriever", "adaptive", 1),
    ],
)
def test_the_rewards_of_the_spec(response, mode, reward):
    verdict = score("classify.label", response, DOG, think_mode=mode, parity=True)
    assert verdict.reward == reward
    assert verdict.correct is bool(verdict.parts["accuracy"])


def test_where_the_strict_reading_differs():
    two = "<think>a</think><answer>golden retriever</answer><answer>cat</answer>"
    assert score("classify.label", two, DOG, think_mode="think", parity=True).reward == 2.0
    assert score("classify.label", two, DOG, think_mode="think").reward == 0.0
    listing = "golden retriever, cat"
    assert score("classify.label", listing, DOG, parity=True).parts["lenient"] == 1.0
    assert score("classify.label", listing, DOG, parity=True).reward == 0.0


@given(markup)
def test_full_match_is_the_regular_expression(text):
    assert official.full_match(text, "think") is bool(THINK.fullmatch(text))
    assert official.full_match(text, "after") is bool(AFTER.fullmatch(text))


@given(markup)
def test_line_answer_is_the_regular_expression(text):
    match = LINE.search(text)
    assert official.line_answer(text) == (match.group(1) if match else None)


@given(markup, st.sampled_from(["cat", "a cat", "CAT", "a_a"]))
def test_accuracy_and_lenient_are_the_original_rules(text, gold):
    match = LINE.search(text)
    answer = match.group(1).strip() if match else text.strip()
    assert official.accuracy_reward(text, gold, "think") == float(answer.lower() == gold.lower())
    inside = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
    free = (inside.group(1) if inside else text).lower()
    expected = gold.lower() in free or gold.lower().replace("_", " ") in free.replace("_", " ")
    assert official.lenient(text, gold) is expected
