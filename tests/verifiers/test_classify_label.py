import pytest

from assay.verifiers import get, score

NEWS = {"label": "sports", "labels": ["world news", "sports", "business", "Sci/Tech."]}
DOG = {"label": "golden retriever", "labels": ["golden retriever", "cat", "red_fox"]}
NUMBERED = {
    "label": "sports",
    "labels": ["world", "sports", "art", "law"],
    "numeric": {"3": "sports", "0": "law", "1": "art", "2": "world"},
}


def label(response, truth=NEWS, **options):
    return score("classify.label", response, truth, **options)


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ("Sports.", "sports"),
        ("sports", "sports"),
        ('  "SPORTS"\n', "sports"),
        ("'sports'.", "sports"),
        ("“sports.”", "sports"),
        ("sports\nbecause there is a ball", "sports"),
        ("sports | uncertain", "sports"),
        ("Sports | Uncertain.", "sports"),
        ("sports or business", None),
        ("sports, business", None),
        ("the label is sports", None),
        ("sport", None),
        ("sportss", None),
        ("because\nsports", None),
        ("", None),
        ("sports | maybe", None),
        ("| uncertain", None),
        ("<answer>sports</answer>", None),
    ],
)
def test_the_parser_of_gencls(response, found):
    verdict = label(response)
    assert verdict.correct is (found == "sports")
    assert verdict.parsed is (found is not None)
    assert verdict.reward == float(found == "sports")


def test_quotes_inner_spaces_and_later_lines_of_the_spec():
    truth = {**NEWS, "label": "world news"}
    assert label('"World  News"\nbecause', truth).correct is True
    assert label("sci/tech", {**NEWS, "label": "Sci/Tech."}).correct is True


def test_the_uncertain_suffix_is_reported_and_can_be_switched_off():
    assert label("sports | uncertain").parts["uncertain"] == 1.0
    assert label("sports").parts["uncertain"] == 0.0
    assert label("sports | uncertain", uncertain="").parsed is False
    assert label("sports ?", uncertain=" ?").correct is True
    literal = {"label": "a | uncertain", "labels": ["a", "a | uncertain"]}
    assert label("a | uncertain", literal).correct is True


@pytest.mark.parametrize(
    ("response", "correct", "parsed"),
    [("3", True, True), (" 3. ", True, True), ("2", False, True), ("9", False, False), ("-3", False, False),
     ("03", False, False), ("sports", False, False), ("3 or 2", False, False), ("٣", False, False),
     ("3 | uncertain", True, True)],
)  # fmt: skip
def test_numbered_labels(response, correct, parsed):
    verdict = label(response, NUMBERED)
    assert (verdict.correct, verdict.parsed) == (correct, parsed)


def test_numbers_may_be_json_keys_or_ints():
    truth = {**NUMBERED, "numeric": {int(k): v for k, v in NUMBERED["numeric"].items()}}
    assert label("3", truth).correct is True


@pytest.mark.parametrize(
    "truth",
    [
        {},
        {"label": "a"},
        {"labels": ["a", "b"]},
        {"label": "a", "labels": "ab"},
        {"label": 1, "labels": [1, 2]},
        {"label": "a", "labels": ["a", 2]},
        {"label": "a", "labels": ["a", ["b"]]},
        {"label": "c", "labels": ["a", "b"]},
        {"label": "a", "labels": ["a", "A"]},
        {"label": "a", "labels": ["a", " a. "]},
        {"label": "a", "labels": ["a", ""]},
        {"label": "a", "labels": []},
        {"label": "a", "labels": ["a", "b"], "numeric": {"0": "a"}},
        {"label": "a", "labels": ["a", "b"], "numeric": {"0": "a", "1": "a"}},
        {"label": "a", "labels": ["a", "b"], "numeric": {"0": "a", "x": "b"}},
        {"label": "a", "labels": ["a", "b"], "numeric": ["a", "b"]},
        {"label": "a", "labels": ["a", "b"], "numeric": {"0": "a", "1": ["b"]}},
    ],
)
def test_malformed_truth(truth):
    with pytest.raises(ValueError):
        label("a", truth)


@pytest.mark.parametrize(
    ("response", "reward", "correct"),
    [
        ("<think>a</think><answer>golden retriever</answer>", 2.0, True),
        ("<think>a</think>\n\n<answer>\nGolden Retriever.\n</answer>\n", 2.0, True),
        ("<think>a</think><answer>cat</answer>", 1.0, False),
        ("golden retriever", 1.0, True),
        ("<think>a</think> golden retriever", 1.0, True),
        ("text <think>a</think><answer>golden retriever</answer>", 1.0, True),
        ("<think>a</think><answer>cat</answer><answer>golden retriever</answer>", 0.0, False),
        ("<think>a<answer>golden retriever</answer></think><answer>golden retriever</answer>", 0.0, False),
        ("<think>golden retriever", 0.0, False),
        ("<think>a</think><answer>golden retriever", 0.0, False),
        ("<think>a</think><answer>golden retriever or cat</answer>", 1.0, False),
        ("<answer>golden retriever</answer><think>a</think>", 1.0, True),
        ("<think>a</think>b</think><answer>golden retriever</answer>", 1.0, True),
    ],
)
def test_thinking_first(response, reward, correct):
    verdict = label(response, DOG, think_mode="think")
    assert (verdict.reward, verdict.correct) == (reward, correct)


def test_the_format_weight_of_gencls():
    response = "<think>a</think><answer>cat</answer>"
    assert label(response, DOG, think_mode="think", format_weight=0.1).reward == pytest.approx(0.1)
    assert label("golden retriever", DOG, format_weight=0.1).reward == 1.0


def test_answer_first_and_adaptive():
    after = "<answer>cat</answer> <think>whiskers</think>"
    first = "<think>whiskers</think><answer>cat</answer>"
    alone = "<answer>cat</answer>"
    truth = {**DOG, "label": "cat"}
    formats = {
        mode: [label(text, truth, think_mode=mode).parts["format"] for text in (after, first, alone)]
        for mode in ("think", "after", "adaptive")
    }
    assert formats == {"think": [0, 1, 0], "after": [1, 0, 0], "adaptive": [0, 1, 1]}
    assert all(label(text, truth, think_mode="adaptive").correct for text in (after, first, alone))
    assert label("cat\n<think>whiskers</think>", truth, think_mode="after").correct is True


def test_without_thinking_tags_are_no_label():
    assert label("<think>a</think>golden retriever", DOG).reward == 0.0
    assert label("<think></think>\ngolden retriever", DOG).reward == 0.0


@pytest.mark.parametrize(
    ("equality", "paid"),
    [("folded", [1, 1, 1, 1]), ("strip", [1, 1, 0, 0]), ("strict", [1, 0, 0, 0])],
)
def test_equality(equality, paid):
    responses = ["golden retriever", " golden retriever\n", "Golden retriever", "golden retriever."]
    assert [label(r, DOG, equality=equality).reward for r in responses] == paid
    assert label("golden retriever | uncertain", DOG, equality="strip").correct is True


def test_tagged_mode_insists_on_the_tag():
    assert label("golden retriever", DOG, mode="tagged").parsed is False
    assert label("It is <answer>golden retriever</answer>", DOG, mode="tagged").correct is True
    assert label("<think>x</think>golden retriever", DOG, mode="tagged", think_mode="think").reward == 0.0


def test_contains_mode_takes_one_label_and_no_list():
    truth = {"label": "York", "labels": ["York", "New York", "new york city"]}
    assert label("I think it is York!", truth, mode="contains").correct is True
    assert label("I think it is New York!", truth, mode="contains").correct is False
    assert label("Yorkshire", truth, mode="contains").parsed is False
    assert label("York or New York", truth, mode="contains").parsed is False
    assert label("York, certainly York", truth, mode="contains").correct is True


def test_lenient_is_reported_and_never_paid():
    everything = label("golden retriever, cat, red fox", {**DOG, "label": "red_fox"})
    assert (everything.reward, everything.parts["lenient"]) == (0.0, 1.0)
    assert label("cat, dog, bird", {"label": "dog", "labels": ["cat", "dog"]}).parts["lenient"] == 1.0


def test_details_read_well():
    assert label("sports").detail == "'sports' is right"
    assert label("business").detail == "read 'business', the label is 'sports'"
    assert label("sports or so").detail == "'sports or so' is not one of the 4 labels"
    assert label("<answer>a", mode="tagged").detail == "not exactly one <answer>...</answer>"


def test_the_registered_gold_earns_full_reward_in_every_mode():
    found = get("classify.label")
    for think in ("none", "think", "after", "adaptive"):
        for mode in ("exact", "tagged", "contains"):
            for truth in (NEWS, DOG, NUMBERED):
                gold = found.gold(truth, think_mode=think, mode=mode)
                verdict = found(gold, truth, think_mode=think, mode=mode)
                assert verdict.reward == (1.0 if think == "none" else 2.0)
                assert verdict.correct is True
