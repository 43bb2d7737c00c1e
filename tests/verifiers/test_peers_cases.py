"""What the scorers of others were found to pay for, and ours must not."""

import pytest

from assay.verifiers import get, names, score

NONSENSE = ["definitely wrong", "", "zzz 1", "zzz", "True", "False", "0", "None", "1.0"]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("response", NONSENSE)
def test_nonsense_earns_nothing_anywhere(name, response):
    found = get(name)
    for sample in found.samples:
        if response in {"0", "1.0"} and "1" in str(found.gold(sample)):
            continue
        assert found(response, sample).reward <= 0.0


@pytest.mark.parametrize("gold", ["12", "21", "101"])
def test_containing_a_digit_of_the_gold_earns_nothing(gold):
    for response in ("zzz 1", "1", r"\boxed{1}", "the answer is 1"):
        assert score("math.numeric", response, {"answer": gold}).reward == 0.0


def test_truthiness_is_no_answer():
    truth = {"label": "False", "labels": ["True", "False"]}
    assert score("classify.label", "True", truth).reward == 0.0
    assert score("classify.label", "anything", truth).reward == 0.0
    assert score("classify.label", "False", truth).reward == 1.0


@pytest.mark.parametrize("n", [2, 5, 77])
def test_listing_all_candidates_earns_less_than_a_guess(n):
    labels = [f"label {k}" for k in range(n)]
    truth = {"label": "label 1", "labels": labels}
    for joiner in (", ", "\n", " or ", "</answer><answer>"):
        listing = joiner.join(labels)
        assert score("classify.label", listing, truth).reward == 0.0
        assert score("classify.label", f"<answer>{listing}</answer>", truth, mode="tagged").reward == 0.0
    numbers = ", ".join(map(str, range(n)))
    assert score("math.numeric", numbers, {"answer": "1"}).reward == 0.0
    assert score("math.numeric", rf"\boxed{{{numbers}}}", {"answer": "1"}).reward == 0.0


def test_no_scorer_raises_on_words_where_numbers_are_expected():
    assert score("math.numeric", "two times three", {"answer": "2*3"}).reward == 0.0


def test_the_hostile_tower_of_powers_is_decided():
    for response in (
        "$9^{9^{9^{9}}}$",
        r"\boxed{9^{9^{9^{9^{9^{9}}}}}}",
        r"\boxed{(9^{9^{9}})!}",
        r"\boxed{\sqrt{9^{9^{9^{9}}}}}",
    ):
        found = score("math.numeric", response, {"answer": "1"})
        assert (found.correct, found.parsed) == (False, True)
