"""Choosing one of several samples, and several analyses of one answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.agents.decoding.analyses import AnalysisEnsemble
from assay.agents.decoding.votes import SELECTORS, confidence_vote, majority, max_confidence
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.scaffolds.confidence_prompts import filled_in
from assay.verifiers.calibration import brier, read_strict


def test_three_samples():
    answers, q = ["A", "B", "B"], [0.9, 0.4, 0.4]
    assert answers[majority(answers)] == "B"
    assert answers[confidence_vote(answers, q)] == "A"
    assert answers[max_confidence(answers, q)] == "A"
    assert {"majority": majority, "confidence-vote": confidence_vote, "max-confidence": max_confidence} == SELECTORS


def test_ties_go_to_the_earliest_sample():
    assert majority(["B", "A", "A", "B"]) == 0
    assert max_confidence(["A", "B", "C"], [0.2, 0.7, 0.7]) == 1
    assert confidence_vote(["A", "B", "B"], [0.3, 0.1, 0.2]) == 0  # .3 and .1 + .2 differ in the last bit
    assert confidence_vote(["B", "A", "B"], [0.1, 0.3, 0.2]) == 0


def test_a_vote_without_confidence_is_a_majority():
    assert confidence_vote(["A", "B", "B"], [0.0, 0.0, 0.0]) == 1
    assert confidence_vote([None, "B", "C", "C"], [0.9, 0.0, 0.0, 0.0]) == 2


def test_what_cannot_be_read_is_chosen_last():
    for name, select in SELECTORS.items():
        assert select([None, None, "A"], [0.9, 0.9, 0.1]) == 2, name
        assert select([None, None], [0.1, 0.9]) == 0, name
        with pytest.raises(ValueError, match="samples"):
            select([], [])
    with pytest.raises(ValueError, match="each sample needs one"):
        confidence_vote(["A"], [])


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "C", None]), st.integers(0, 10)), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_against_slow_obvious_votes(samples):
    answers, tenths = [a for a, _ in samples], [k for _, k in samples]
    q = [k / 10 for k in tenths]
    readable = [i for i, a in enumerate(answers) if a is not None]
    counts = {i: answers.count(answers[i]) for i in readable}
    sums = {i: sum(k for a, k in samples if a == answers[i]) for i in readable}
    firsts = [i for i in readable if answers.index(answers[i]) == i]

    def first_best(height):
        return min(firsts, key=lambda i: (-height[i], i), default=0)

    assert majority(answers) == first_best(counts)
    assert confidence_vote(answers, q) == first_best(sums if any(sums.values()) else counts)
    assert max_confidence(answers, q) == min(readable, key=lambda i: (-tenths[i], i), default=0)


def test_the_average_of_two_analyses():
    assert (brier([0.9], [1]) + brier([0.5], [1])) / 2 == pytest.approx(0.13)
    assert brier([(0.9 + 0.5) / 2], [1]) == pytest.approx(0.09)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.booleans())
@settings(max_examples=100, deadline=None)
def test_averaging_never_hurts(qs, right):
    ok = float(right)
    assert brier([sum(qs) / len(qs)], [ok]) <= brier(qs, [ok] * len(qs)) + 1e-12


def ids_of(text):
    return tuple(map(ord, text))


class Characters:
    """A policy whose tokens are characters: answers at first, then another confidence at every call it continues."""

    def __init__(self, *confidences, broken=False):
        self.confidences, self.broken, self.requests = confidences, broken, []

    def generate(self, requests):
        self.requests.append(list(requests))
        return [self._say(k, request) for k, request in enumerate(requests)]

    def _say(self, k, request):
        prompt = "".join(map(chr, request.ids))
        if "</answer>" not in prompt:
            text = filled_in("cat", "tabc", self.confidences[0])
            text = text.replace("</think>", "") if self.broken else text
        else:
            text = f"\n<analysis>again</analysis><confidence>{self.confidences[k + 1]}</confidence>"
        return Completion(text, ids_of(text), tuple(-0.1 for _ in text))


def ensemble(policy, **options):
    def encode(request):
        return request.ids or ids_of(request.messages[0]["content"])

    return AnalysisEnsemble(policy, lambda ids: "".join(map(chr, ids)), encode, **options)


ASK = Request([{"role": "user", "content": "which? "}], seed=7, sampling=Sampling(max_tokens=400))


def test_an_ensemble_continues_the_answer_and_states_the_mean():
    policy = Characters(0.9, 0.5, 0.1)
    (said,) = ensemble(policy, analyses=3).generate([ASK])
    read = read_strict(said.text)
    assert (read.answer, read.confidence) == ("cat", pytest.approx(0.5))
    first = filled_in("cat", "tabc", 0.9)
    assert said.ids == ids_of(first)
    assert said.text == first.replace("0.9", "0.500000")
    _, again = policy.requests
    for request in again:
        assert "".join(map(chr, request.ids)) == "which? " + first[: first.index("</answer>") + 9]
        assert request.sampling.max_tokens == 400 - first.index("</answer>") - 9
    assert len({request.seed for request in [ASK, *again]}) == 3


def test_what_has_no_layout_stays_as_it_is():
    policy = Characters(0.9, broken=True)
    (said,) = ensemble(policy, analyses=4).generate([ASK])
    assert said.text == filled_in("cat", "tabc", 0.9).replace("</think>", "")
    assert len(policy.requests) == 1


def test_analyses_that_fail_are_left_out():
    (said,) = ensemble(Characters(0.8, "most of it", 0.4), analyses=3).generate([ASK])
    assert read_strict(said.text).confidence == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("options", "words"), [({"analyses": 1}, "at least 2"), ({"analyses": 3, "pattern": "tac"}, "no analysis")]
)
def test_ensembles_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        ensemble(Characters(0.5), **options)


def test_an_ensemble_needs_tokens():
    class Words:
        def generate(self, requests):
            return [Completion(filled_in("cat", "tabc", 0.5)) for _ in requests]

    with pytest.raises(ValueError, match="returns none"):
        ensemble(Words(), analyses=2).generate([ASK])
