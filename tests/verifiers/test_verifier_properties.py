"""What holds for every registered verifier, on arbitrary input."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.verifiers import Score, get, names

ANY = st.text(st.characters(exclude_categories=()), max_size=60)
MARKUP = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<answer>", "</answer>", "<confidence>", "</confidence>", "\\boxed{", "}", "{", "$",
         "^", "\\frac", "1", "9", ",", ".", "-", "\n", " or ", "answer is ", "sports", "\ud800", "é", "\\text{", "(",
         "]", "|", "%", "\\pm", "="]
    ),
    max_size=16,
).map("".join)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", names())
@given(response=ANY | MARKUP, data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_text_is_scored(name, response, data):
    found = get(name)
    truth = data.draw(st.sampled_from(found.samples))
    options = {
        key: data.draw(st.sampled_from(option.choices))
        for key, option in found.options.items()
        if option.choices and key != "symbolic"
    }
    score = found(response, truth, **options)
    assert isinstance(score, Score)
    assert math.isfinite(score.reward)
    assert "\n" not in score.detail
    assert found(response, truth, **options) == score
    assert Score.from_dict(score.to_dict()) == score


@pytest.mark.parametrize("name", names())
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_malformed_truth_is_a_value_error_and_nothing_else(name, data):
    found = get(name)
    keys = sorted({key for sample in found.samples for key in sample})
    truth = data.draw(st.dictionaries(st.sampled_from(keys), VALUES, max_size=3))
    message = ""
    try:
        found("x", truth)
    except ValueError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize("name", names())
def test_the_gold_of_every_sample_earns_full_reward(name):
    found = get(name)
    for sample in found.samples:
        score = found(found.gold(sample), sample)
        assert (score.reward, score.correct, score.parsed) == (found.full, True, True)
