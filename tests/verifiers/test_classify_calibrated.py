import pytest

from assay.verifiers import score

TRUTH = {"label": "cat", "labels": ["cat", "dog", "fox"]}


def response(answer="cat", q="0.8", pattern="tabc"):
    blocks = {
        "t": "whiskers</think>",
        "a": f"<answer>{answer}</answer>",
        "b": "<analysis>could be a fox</analysis>",
        "c": f"<confidence>{q}</confidence>",
    }
    return "\n".join(blocks[letter] for letter in pattern)


def calibrated(text, **options):
    return score("classify.calibrated", text, TRUTH, **options)


@pytest.mark.parametrize(
    ("answer", "q", "paper", "code"),
    [("cat", "0.8", 0.96, 1.48), ("dog", "0.8", -0.64, 0.68), ("dog", "0.1", -0.01, 0.995)],
)
def test_the_numbers_of_the_spec(answer, q, paper, code):
    assert calibrated(response(answer, q)).reward == pytest.approx(paper)
    assert calibrated(response(answer, q), form="code").reward == pytest.approx(code)


@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize(
    "text",
    [
        "", "cat", response(q="80%"), response(q="1.2"), response(q="nan"), response(q="inf"), response(q="-0.1"),
        response(q=""), response(q="1e-1"), response(q="٠"), response(answer=""), response(pattern="tacb"),
        response(pattern="tbac"), response() + response(pattern="c"), response() + "more", response() + "</think>",
        response(pattern="abc"), response().replace("</confidence>", ""),
        response().replace("<answer>", "<answer><answer>"),
    ],
)  # fmt: skip
def test_a_format_failure_earns_nothing(text, form):
    verdict = calibrated(text, form=form)
    assert (verdict.reward, verdict.parsed, verdict.correct) == (0.0, False, False)
    assert set(verdict.parts.values()) == {0.0}


@pytest.mark.parametrize("pattern", ["tabc", "tac", "tbac", "abc", "ac"])
def test_the_patterns(pattern):
    assert calibrated(response(pattern=pattern), pattern=pattern).reward == pytest.approx(0.96)
    others = {"tabc", "tac", "tbac", "abc", "ac"} - {pattern}
    assert all(calibrated(response(pattern=pattern), pattern=other).parsed is False for other in others)


@pytest.mark.parametrize("text", ["0", "1", "0.5", ".5", "1.0", "1.", "0.", " 0.5 "])
def test_plain_decimals_in_the_unit_interval_are_confidences(text):
    assert calibrated(response(q=text)).parts["confidence"] == float(text)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.7, 0.9])
def test_the_honest_confidence_is_the_best_one(p):
    grid = [k / 100 for k in range(101)]
    right = [calibrated(response("cat", str(q))).reward for q in grid]
    wrong = [calibrated(response("dog", str(q))).reward for q in grid]
    expected = [p * r + (1 - p) * w for r, w in zip(right, wrong, strict=True)]
    best = max(range(101), key=expected.__getitem__)
    assert grid[best] == p
    assert expected[best] == pytest.approx(p * p)


def test_an_unknown_label_is_wrong_but_laid_out():
    verdict = calibrated(response("cat or dog", "0"))
    assert (verdict.reward, verdict.correct, verdict.parsed) == (0.0, False, False)
    assert verdict.parts["format"] == 1.0
