import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.text import dfa
from assay.verifiers.text.dfa import matches
from assay.verifiers.text.f1 import normalise, token_f1
from assay.verifiers.text.nfa import compile_pattern

PATTERNS = [
    r"a*b", r"(a+)+b", r"(a|aa)*c?", r"[^ab]+", r"\bfoo\b|a", r"^a$", r"(?m)^a$", r"a{2,3}b{0,2}", r"(?i)AbC[d-f]",
    r"\d+\s\w\S\D\W?", r".*x.", r"(?s).*x.", r"(?:)|a", r"(?x) a b # c", r"\Aab\Z", r"a+?b*?", r"(?:a|b|)*c", r"\Bb",
    r"[\w.-]+@[\w-]+", r"((a*)*)*b", r"(?a)\w+", r"a$\n?", r"(?i)[à-ü]+", r"[^\d\s]", r"a{3}|b{2,}", r"(ab){2}",
    r"x?y?z?",
]  # fmt: skip


@given(st.sampled_from(PATTERNS), st.text(alphabet="abcxyz \n1AB.@é_ß", min_size=1, max_size=8))
@settings(max_examples=1500)
def test_the_automaton_agrees_with_the_standard_library(pattern, text):
    assert matches(pattern, text) is bool(re.fullmatch(pattern, text))
    assert matches(pattern, text, search=True) is bool(re.search(pattern, text))


@given(
    st.recursive(
        st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\b", "^", "$"]),
        lambda inner: (
            st.builds(lambda x, y: x + y, inner, inner)
            | st.builds(lambda x, y: f"(?:{x}|{y})", inner, inner)
            | st.builds(lambda x, s: f"(?:{x}){s}", inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?"]))
        ),
        max_leaves=6,
    ),
    st.text(alphabet="ab \n", min_size=1, max_size=6),
)
@settings(max_examples=400)
def test_random_patterns_agree_with_the_standard_library(pattern, text):
    assert matches(pattern, text) is bool(re.fullmatch(pattern, text))
    assert matches(pattern, text, search=True) is bool(re.search(pattern, text))


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(a|a)*b", r"(a*)*b", r"(.*)*x", r"(\w+\s?)*!", r"([a-z]+)*\d"])
def test_patterns_that_backtrack_for_ever_elsewhere(pattern):
    assert score("text.regex", "a" * 5_000, {"pattern": pattern}).reward == 0.0
    assert score("text.regex", "a" * 1_000_000, {"pattern": pattern}).reward == 0.0


def test_what_would_cost_too_much_is_no_match_and_says_so(monkeypatch):
    monkeypatch.setattr(dfa, "BUDGET", 200_000)
    import random

    rng = random.Random(0)
    text = "".join(rng.choice("ab") for _ in range(20_000))
    found = score("text.regex", text, {"pattern": "(a|b)*a(a|b){300}c"})
    assert (found.reward, found.parsed) == (0.0, False)
    assert found == score("text.regex", text, {"pattern": "(a|b)*a(a|b){300}c"})


@pytest.mark.parametrize(
    "pattern",
    ["(", "a**", "[z-a]", r"(a)\1", "(?=a)b", "(?!a)b", "(?<=a)b", "a++", "(?>a)", "a{100000}", "(?:){1000000000}",
     "(a{400}){400}", "(?i:a)", "((?:){900}){900}", "(" * 500 + ")" * 500],
)  # fmt: skip
def test_patterns_that_are_refused(pattern):
    with pytest.raises(ValueError):
        score("text.regex", "x", {"pattern": pattern})


@pytest.mark.parametrize("truth", [{}, {"pattern": 1}, {"pattern": None}])
def test_a_truth_without_a_pattern(truth):
    with pytest.raises(ValueError, match="pattern"):
        score("text.regex", "x", truth)


def test_modes_case_and_whitespace():
    truth = {"pattern": "[a-z]+ cat"}
    assert score("text.regex", " black cat\n", truth).correct is True
    assert score("text.regex", " black cat\n", truth, strip=False).correct is False
    assert score("text.regex", "the black cat sat", truth).correct is False
    assert score("text.regex", "the black cat sat", truth, mode="search").correct is True
    assert score("text.regex", "BLACK CAT", truth).correct is False
    assert score("text.regex", "BLACK CAT", truth, ignore_case=True).correct is True
    assert score("text.regex", "cafe\u0301", {"pattern": "café"}).correct is True


@pytest.mark.parametrize("pattern", [".*", "", "a?", r"\s*", "x*"])
def test_the_empty_response_earns_nothing_whatever_the_pattern(pattern):
    for response in ("", " ", "\n\t"):
        assert score("text.regex", response, {"pattern": pattern}).reward == 0.0


def test_threads_share_an_automaton():
    truth = {"pattern": r"(?:[a-z]+\d*)+-\w{3,9}"}
    texts = [f"abc{k}-{'x' * (k % 12)}" for k in range(300)]
    expected = [bool(re.fullmatch(truth["pattern"], text)) for text in texts]
    found = []
    threads = [
        threading.Thread(target=lambda: found.append([score("text.regex", t, truth).correct for t in texts]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_the_automaton_stays_small():
    assert len(compile_pattern("a{100}").kind) < 250


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("The Eiffel  Tower!", "eiffel tower"),
        ("a an the", ""),
        ("U.S.A.", "usa"),
        ("theory", "theory"),
        ("42", "42"),
        ("don't", "dont"),
    ],
)
def test_normalisation_of_squad(text, folded):
    assert normalise(text) == folded


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("a b c", "a b c", 1.0),
        ("a b", "a b c", 0.8),
        ("a a", "a", 2 / 3),
        ("x", "a", 0.0),
        ("", "", 1.0),
        ("", "a", 0.0),
        ("b a c", "a b", 0.8),
    ],
)
def test_token_f1(prediction, gold, expected):
    assert token_f1(prediction, gold) == pytest.approx(expected)


def test_f1_takes_the_best_reference_and_pays_equality_by_default():
    truth = {"answers": ["Eiffel Tower", "the tower in Paris"]}
    assert score("text.f1", "the Eiffel tower.", truth).reward == 1.0
    partly = score("text.f1", "tower in Paris, France", truth)
    assert (partly.reward, partly.correct) == (0.0, False)
    assert partly.parts["f1"] == pytest.approx(6 / 7)
    assert score("text.f1", "tower in Paris, France", truth, reward="f1").reward == pytest.approx(6 / 7)


def test_paying_f1_would_pay_for_lists():
    golds = ["red", "green", "blue", "gray"]
    listing = " ".join(golds)
    paid = score("text.f1", listing, {"answer": "blue"}, reward="f1").reward
    assert paid == pytest.approx(2 / (len(golds) + 1))
    assert paid > 1 / len(golds)
    assert score("text.f1", listing, {"answer": "blue"}).reward == 0.0


def test_parity_leaves_unicode_alone():
    truth = {"answer": "café"}
    assert score("text.f1", "cafe\u0301", truth).correct is True
    assert score("text.f1", "cafe\u0301", truth, parity=True).correct is False
    assert score("text.f1", "", {"answer": "the"}, parity=True).reward == 1.0


@pytest.mark.parametrize(
    "truth", [{}, {"answer": 3}, {"answers": []}, {"answers": [1]}, {"answer": "the"}, {"answers": ["x", "!"]}]
)
def test_malformed_references(truth):
    with pytest.raises(ValueError):
        score("text.f1", "x", truth)
