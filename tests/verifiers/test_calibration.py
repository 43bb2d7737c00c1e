"""Stated confidence: the two readings, the rewards, the metrics; the numbers of arXiv 2507.16806 as tests."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.verifiers import Score, cli, score
from assay.verifiers.audit import audit
from assay.verifiers.calibration import (
    PATTERNS,
    auroc,
    brier,
    ece,
    read_lenient,
    read_strict,
    reliability,
    reward,
    with_stated,
)
from assay.verifiers.calibration.attacks import laid_out
from assay.verifiers.calibration.reward import penalty

TRUTH = {"answer": "Marie Curie"}
GRID = [k / 100 for k in range(101)]


def verdict(answer="Marie Curie", q="0.8", pattern="tabc", **options):
    return score("calibration.rlcr", laid_out(answer, q, pattern), TRUTH, pattern=pattern, **options)


@pytest.mark.parametrize(
    ("answer", "q", "paper", "code"),
    [("Marie Curie", "0.8", 0.96, 1.48), ("Ada", "0.8", -0.64, 0.68), ("Ada", "0.1", -0.01, 0.995)],
)
def test_rewards_of_both_forms(answer, q, paper, code):
    found = verdict(answer, q)
    assert found.reward == pytest.approx(paper, abs=1e-12)
    assert verdict(answer, q, form="code").reward == pytest.approx(code, abs=1e-12)
    ok = float(answer == "Marie Curie")
    expected = {"format": 1.0, "accuracy": ok, "brier": (float(q) - ok) ** 2, "confidence": float(q)}
    assert found.parts == pytest.approx(expected)
    assert found.correct is bool(ok)


@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize("q", ["80%", "1.2", "", "nan", "inf", "-inf", "-0.1", "1_0", "٠", "half", "1e99", "0.5, 0.6"])
def test_a_confidence_that_is_no_number_fails_the_format(q, form):
    found = verdict(q=q, form=form)
    assert (found.reward, found.correct, found.parsed) == (0.0, False, False)
    assert set(found.parts.values()) == {0.0}


@pytest.mark.parametrize(
    ("q", "expected", "readable"),
    [("80%", 0.8, True), ("1.2", 0.012, True), ("0.8", 0.8, True), ("1", 1.0, True), ("100", 1.0, True),
     ("about 0.35 or so", 0.35, True), ("I say 70 of 100", 0.7, True), ("100.5", 0.0, False), ("-0.2", 0.0, False),
     ("quite", 0.0, False), ("", 0.0, False), ("nan", 0.0, False)],
)  # fmt: skip
def test_the_lenient_reading(q, expected, readable):
    stated = read_lenient(laid_out("Marie Curie", q))
    assert (stated.answer, stated.formatted) == ("Marie Curie", readable)
    assert stated.confidence == pytest.approx(expected)
    found = verdict(q=q, lenient=True)
    assert found.correct
    assert found.parts["confidence"] == pytest.approx(expected)


def test_the_lenient_reading_takes_last_tags_in_any_layout():
    text = "<confidence>0.3</confidence> no: <answer>a</answer> or <answer>b</answer> <confidence>40</confidence> bye"
    assert (read_lenient(text).answer, read_lenient(text).confidence) == ("b", 0.4)
    assert read_lenient("b, surely") == read_lenient("")
    assert read_lenient("").answer is None
    quoting = laid_out("Ada", "0.5").replace("against it", "against it <answer>Marie Curie</answer>")
    assert read_lenient(quoting).answer == "Ada"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern):
    q = 0.8 if "c" in pattern else 0.0
    read = read_strict(laid_out("x", "0.8", pattern), pattern)
    assert (read.answer, read.confidence, read.formatted) == ("x", q, True)
    assert laid_out("x", "0.8", pattern)[: read.end].endswith("<answer>x</answer>")
    if "c" in pattern:
        assert verdict(pattern=pattern).reward == pytest.approx(0.96)
    for other in PATTERNS:
        if other not in (pattern, "t" + pattern) and pattern != "t" + other:
            assert not read_strict(laid_out("x", "0.8", pattern), other).formatted
    with pytest.raises(ValueError, match="tabc"):
        read_strict("x", "cab")


def test_the_pattern_without_a_confidence_pays_the_verdict():
    assert verdict(pattern="ta").reward == 1.0
    assert verdict(pattern="ta", form="code").reward == 1.0
    assert verdict("Ada", pattern="ta", form="code").reward == 0.5
    assert set(verdict(pattern="ta").parts) == {"format", "accuracy"}


@pytest.mark.parametrize(
    "text",
    [
        "", "Marie Curie", laid_out("", "0.5"), laid_out(" \n", "0.5"), laid_out("x", "0.5") + ".",
        laid_out("x", "0.5").replace("</think>", ""), laid_out("x", "0.5").replace("</think>", "</think> so"),
        laid_out("x", "0.5", "tacb"), laid_out("x", "0.5", "tcab"), laid_out("x", "0.5", "tac"),
        laid_out("x", "0.5").replace("<answer>", ""), laid_out("x", "0.5").replace("</analysis>", ""),
        laid_out("x</answer> y", "0.5"), laid_out("x", "0.5").upper(),
    ],
)  # fmt: skip
def test_broken_layouts(text):
    read = read_strict(text)
    assert (read.answer, read.confidence, read.formatted) == (None, 0.0, False)
    assert read.problem


def test_the_last_occurrence_counts():
    drafts = "<answer>a</answer><analysis>?</analysis><confidence>0.9</confidence> no. "
    assert read_strict(drafts + laid_out("b", "0.2")).answer == "b"
    assert read_strict(drafts + laid_out("b", "0.2")).confidence == 0.2
    revised = laid_out("a</answer>\n<answer>b", "0.2")
    assert read_strict(revised).answer == "b"
    assert read_strict(laid_out("a", "0.9</confidence>\n<confidence>0.2")).formatted is False  # two in a row: no layout


@pytest.mark.parametrize("scoring", ["brier", "spherical"])
@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.7, 0.9])
def test_honesty_is_best_and_being_right_pays(p, form, scoring):
    def expected(q, p=p):
        return p * reward(q, 1, form=form, scoring=scoring) + (1 - p) * reward(q, 0, form=form, scoring=scoring)

    best = max(GRID, key=expected)
    assert best == pytest.approx(p)
    if (form, scoring) == ("paper", "brier"):
        assert expected(best) == pytest.approx(p * p, abs=1e-12)
    assert expected(p) > expected(p - 0.05, p - 0.05)


@pytest.mark.parametrize(("p", "value"), [(0.1, -0.2251), (0.3, -0.3109), (0.7, 0.0891), (0.9, 0.5749)])
def test_the_log_score_pays_for_being_surely_wrong(p, value):
    found = p * reward(p, 1, form="paper", scoring="log") + (1 - p) * reward(p, 0, form="paper", scoring="log")
    assert found == pytest.approx(value, abs=5e-5)
    assert max(GRID, key=lambda q: p * reward(q, 1, scoring="log") + (1 - p) * reward(q, 0, scoring="log")) == p


def test_where_the_log_score_begins_to_pay():
    low, high = 0.5, 0.9
    while high - low > 1e-9:
        p = (low + high) / 2
        value = p + p * math.log(p) + (1 - p) * math.log(1 - p)
        ours = p * reward(p, 1, form="paper", scoring="log") + (1 - p) * reward(p, 0, form="paper", scoring="log")
        assert ours == pytest.approx(value)
        low, high = (p, high) if ours < 0 else (low, p)
    assert low == pytest.approx(0.648420, abs=1e-6)
    assert penalty(0.0, 1, "log") == penalty(0.01, 1, "log") == pytest.approx(-math.log(0.01))


def test_metrics_of_four_answers():
    q, ok = (0.95, 0.85, 0.65, 0.15), (1, 0, 1, 0)
    assert ece(q, ok) == pytest.approx(0.35)
    assert brier(q, ok) == pytest.approx(0.2175)
    assert auroc(q, ok) == pytest.approx(0.75)
    assert math.isnan(auroc(q, (1, 1, 1, 1)))
    assert math.isnan(auroc(q, (0, 0, 0, 0)))
    assert all(math.isnan(metric([], [])) for metric in (ece, brier, auroc))
    for metric in (ece, brier, auroc):
        with pytest.raises(ValueError, match="3 confidences but 2 verdicts"):
            metric([0.1, 0.2, 0.3], [0, 1])


def test_bins_are_closed_on_the_left_and_open_to_infinity():
    found = reliability([0.1, 0.0999, 0.3, 0.7, 1.0, -3.0, 40.0], [0, 1, 0, 1, 1, 1, 0])
    assert [(b.low, b.n) for b in found] == [(0.0, 2), (0.1, 1), (0.3, 1), (0.7, 1), (0.9, 2)]
    with pytest.raises(ValueError, match="at least one bin"):
        reliability([0.5], [1], 0)


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_metrics_against_slow_obvious_ones(pairs):
    q, ok = [k / 10 for k, _ in pairs], [float(right) for _, right in pairs]
    total = 0.0
    for k in range(10):
        mine = [i for i, a in enumerate(q) if (k == 0 or a >= k / 10) and (k == 9 or a < (k + 1) / 10)]
        if mine:
            gap = sum(ok[i] for i in mine) / len(mine) - sum(q[i] for i in mine) / len(mine)
            total += len(mine) / len(q) * abs(gap)
    assert ece(q, ok) == pytest.approx(total)
    duels = [(a > b) + (a == b) / 2 for a, x in zip(q, ok) for b, y in zip(q, ok) if x and not y]  # noqa: B905
    if duels:
        assert auroc(q, ok) == pytest.approx(sum(duels) / len(duels))
    assert auroc(q, ok) == pytest.approx(auroc(q[::-1], ok[::-1]), nan_ok=True)


PIECES = ["<answer>", "</answer>", "<analysis>", "</analysis>", "<confidence>", "</confidence>", "</think>", "0.5",
          "7 ", "x", "\n", "é", "\ud800", "%"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(PATTERNS))
@settings(max_examples=300, deadline=None)
def test_both_readings_take_any_text(text, pattern):
    strict, lenient = read_strict(text, pattern), read_lenient(text, pattern)
    assert 0.0 <= strict.confidence <= 1.0
    assert 0.0 <= lenient.confidence <= 1.0
    assert strict.formatted == (strict.answer is not None)
    if strict.formatted:
        assert strict == lenient
        assert text[: strict.end].endswith("</answer>")


@pytest.mark.parametrize(
    ("base", "truth", "right", "wrong"),
    [
        ("math.numeric", {"answer": "1/2"}, r"\frac{1}{2}", "0.75"),
        ("classify.label", {"label": "cat", "labels": ["cat", "dog"]}, "Cat.", "dog"),
        ("text.regex", {"pattern": "[a-z]+"}, "plover", "7"),
    ],
)
def test_any_verifier_is_a_base(base, truth, right, wrong):
    found = score("calibration.rlcr", laid_out(right, "0.8"), truth, base=base)
    assert (found.correct, found.reward) == (True, pytest.approx(0.96))
    found = score("calibration.rlcr", laid_out(wrong, "0.8"), truth, base=base)
    assert (found.correct, found.reward) == (False, pytest.approx(-0.64))
    with pytest.raises(ValueError, match=r"truth|pattern"):
        score("calibration.rlcr", "no layout at all", {"unknown": 1}, base=base)


def test_options_stored_with_a_task_reach_the_base():
    truth = {"label": "cat", "labels": ["cat", "dog"], "options": {"mode": "contains"}}
    assert score("calibration.rlcr", laid_out("the cat", "1"), truth, base="classify.label").correct
    del truth["options"]
    assert not score("calibration.rlcr", laid_out("the cat", "1"), truth, base="classify.label").correct


@pytest.mark.parametrize(
    ("options", "words"),
    [({"base": "math.numerics"}, "math.numeric"), ({"base": "calibration.rlcr"}, "itself"),
     ({"base": "swe.rerank"}, "compares"), ({"base": 3}, "base"), ({"brier_weight": math.inf}, "finite"),
     ({"score": "linear"}, "spherical")],
)  # fmt: skip
def test_mistakes_are_one_line(options, words):
    with pytest.raises(ValueError, match=words) as error:
        score("calibration.rlcr", "x", TRUTH, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [{"pattern": "ac"}, {"pattern": "tbac"}, {"score": "spherical"}], ids=str)
def test_promises_hold_under_other_options(options):
    report = audit("calibration.rlcr", seconds=60, size=50_000, **options)
    assert report.ok, report.table()
    assert report.attack_rate == 0.0


def test_from_the_command_line(tmp_path, capsys, monkeypatch):
    rows = [{"id": k, "truth": {"answer": "42"}, "response": laid_out(a, q)} for k, (a, q) in
            enumerate([("42", "0.8"), ("41", "0.8"), ("42", "80%")])]  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(map(json.dumps, rows)).encode())))
    out = tmp_path / "scores.jsonl"
    words = ["calibration.rlcr", "--responses", "-", "--out", str(out), "--option", "base=math.numeric"]
    assert cli.main([*words, "--option", "form=code"]) == 0
    assert [json.loads(line)["reward"] for line in out.read_text().splitlines()] == pytest.approx([1.48, 0.68, 0.0])
    assert "33.33% (1 of 3)" in capsys.readouterr().out


def test_a_score_takes_what_was_stated():
    env = Score(0.7, {"accuracy": 1.0, "format": 0.0}, True)
    assert with_stated(env, {}, "") == env
    joined = with_stated(env, {"format": 1.0, "confidence": 0.4}, "cat")
    assert (joined.reward, joined.correct) == (0.7, True)
    assert joined.parts == {"accuracy": 1.0, "format": 1.0, "confidence": 0.4}
    failed = with_stated(Score(-1.0, {}, None, True), {"format": 0.0, "confidence": 0.0}, "")
    assert (failed.reward, failed.correct, failed.parsed) == (0.0, False, False)
