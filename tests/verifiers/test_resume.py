"""``resume.rubric`` and ``resume.decision``: the numbers by hand, spellings, and what must not be paid."""

from __future__ import annotations

import json

import pytest

from assay.verifiers import registry
from assay.verifiers.audit import audit
from assay.verifiers.resume import PRESETS, accept_threshold, ats_keyword, resume_reward
from assay.verifiers.resume.aliases import ALIASES
from assay.verifiers.resume.attacks import answer, attacks
from assay.verifiers.resume.skills import canonical, found_in, occurs, skill_key

GOOD = {"label": "SELECTED", "gold": {"matched": ["a", "b"], "missing": ["c"], "years_ok": True, "degree_ok": True}}
BAD = {"label": "REJECTED", "gold": {"matched": ["a", "b"], "missing": ["c"], "years_ok": False, "degree_ok": True}}
HALF = ["a", "x"]  # F1 against {a, b}: one of two named, one of two found


def reward(truth, preset="gentle", **changes):
    return resume_reward(json.dumps(answer(truth, **changes)), truth, preset)[0]


@pytest.mark.parametrize("truth", [GOOD, BAD])
def test_the_rewards_by_hand(truth):
    assert reward(truth) == pytest.approx(1.0)
    assert reward(truth, matched_skills=HALF) == pytest.approx(0.9)
    for preset, cost in (("gentle", -0.2), ("aggressive", -2.0)):
        assert resume_reward("garbage", truth, preset)[0] == pytest.approx(cost)


def test_mistakes_by_hand():
    accept = {"decision": "SELECTED", "matched_skills": HALF, "score": 90, "reason": "fine"}  # adequacy 0
    reject = {"decision": "REJECTED", "matched_skills": HALF, "score": 10, "reason": "fine"}
    assert reward(BAD, **accept) == pytest.approx(0.15)
    assert reward(GOOD, **reject) == pytest.approx(0.15)
    assert reward(BAD, "aggressive", **accept) == pytest.approx(-1.75)
    assert reward(GOOD, "aggressive", **reject) == pytest.approx(0.05)


def test_the_threshold_of_accepting():
    for (w, a, b), share in {(0.5, 0.1, 0.1): 0.5, (0.5, 2, 0.2): 0.78125, (0.5, 0, 0): 0.5}.items():
        assert accept_threshold(w, a, b) == pytest.approx(share)
        below, above = share - 1e-3, share + 1e-3
        for p, accepts in ((below, False), (above, True)):
            assert (p * w - (1 - p) * a > (1 - p) * w - p * b) is accepts
    with pytest.raises(ValueError, match="positive"):
        accept_threshold(0, 1, 1)


@pytest.mark.parametrize("label", ["SELECTED", "REJECTED"])
def test_a_bare_word_is_a_decision_without_grounds(label):
    truth = {**GOOD, "label": label}
    for text in (label, label.lower(), f'"{label}"', f"<think>so</think>\n{label}."):
        total, parts = resume_reward(text, truth)
        assert parts == {"decision": 1.0, "skills": 0.0, "adequacy": 0.0, "structure": 0.5}
        assert total == pytest.approx(0.575)


def test_parts_are_kept_apart_and_add_up():
    weights, penalties = (0.4, 0.3, 0.2, 0.1), (0.7, 0.3, 0.9)
    response = json.dumps(answer(BAD, "SELECTED", matched_skills=HALF))
    score = registry.score("resume.rubric", response, BAD, weights=weights, penalties=penalties)
    assert score.parts == {
        "decision": 0.0, "skills": 0.5, "adequacy": 1.0, "structure": 1.0, "penalty": 0.7, "accept": 1.0,
    }  # fmt: skip
    assert score.reward == pytest.approx(0.3 * 0.5 + 0.2 + 0.1 - 0.7)
    assert registry.score("resume.rubric", "?", BAD, penalties=penalties).reward == pytest.approx(-0.9)


def test_without_facts_the_weight_of_skills_is_shared():
    truth = {"label": "SELECTED"}
    score = registry.score("resume.rubric", json.dumps(answer(truth)), truth)
    assert "skills" not in score.parts
    assert score.reward == pytest.approx(1.0)
    assert resume_reward("SELECTED", truth)[0] == pytest.approx((0.5 + 0.075) / 0.8)
    unknown = {**GOOD, "gold": {**GOOD["gold"], "years_ok": None, "degree_ok": None}}
    assert reward(unknown) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1, 0)}, "4 numbers"),
        ({"weights": (1, 1, 0, 0)}, "sum to 1"),
        ({"penalties": (1, -1, 0)}, "at least 0"),
        ({"preset": "harsh"}, "preset"),
    ],
)
def test_bad_options_are_one_line(options, message):
    with pytest.raises(ValueError, match=message):
        registry.score("resume.rubric", "SELECTED", GOOD, **options)


@pytest.mark.parametrize("truth", [{}, {"label": "MAYBE"}, {"label": "SELECTED", "gold": {"matched": "a"}},
                                   {"label": "SELECTED", "gold": {"matched": [], "years_ok": 1, "degree_ok": True}},
                                   {"label": "SELECTED", "aliases": {"a": "b"}}])  # fmt: skip
def test_a_malformed_truth_is_refused(truth):
    with pytest.raises(ValueError, match=r"label|gold|aliases"):
        registry.score("resume.rubric", "SELECTED", truth)


def test_spellings_are_folded_and_java_is_not_javascript():
    assert canonical("K8s") == canonical("kubernetes") == "kubernetes"
    assert canonical("Java") != canonical("JavaScript") == canonical("ECMAScript") == canonical(" js ")
    truth = {"label": "SELECTED", "gold": {"matched": ["kubernetes", "java"], "years_ok": True, "degree_ok": True}}
    assert resume_reward(json.dumps(answer(truth, matched_skills=["K8S", "JDK"])), truth)[1]["skills"] == 1.0
    assert resume_reward(json.dumps(answer(truth, matched_skills=["K8S", "JavaScript"])), truth)[1]["skills"] == 0.5
    own = {**truth, "gold": {**truth["gold"], "matched": ["zig"]}, "aliases": {"zig": ["ziglang"]}}
    assert resume_reward(json.dumps(answer(own, matched_skills=["ZigLang"])), own)[1]["skills"] == 1.0


def test_no_spelling_belongs_to_two_skills_or_stands_inside_another():
    owner = {}
    for name, others in ALIASES.items():
        for spelling in (name, *others):
            assert owner.setdefault(skill_key(spelling), name) == name
    for name, others in ALIASES.items():
        for spelling in (name, *others):
            inside = {
                other for other, more in ALIASES.items() if any(occurs(each, spelling) for each in (other, *more))
            }
            assert inside == {name}


def test_skills_are_found_as_whole_words():
    text = "Built services in JavaScript, C++ and Postgres; node.js on k8s."
    assert found_in(text, ["java", "javascript", "c++", "postgresql", "kubernetes", "js"]) == [
        "javascript", "c++", "postgresql", "kubernetes",
    ]  # fmt: skip
    assert found_in("Certified in R and Go language", ["golang"]) == ["golang"]
    assert found_in("anything", []) == []


def test_the_keyword_matcher_counts_literals():
    assert ats_keyword(["js", "css", "html"], "JS and CSS") == "SELECTED"
    assert ats_keyword(["js", "css", "html"], "javascript and CSS") == "REJECTED"


def test_stuffing_does_not_pay():
    truth = {
        "label": "REJECTED",
        "gold": {"matched": ["a"], "missing": list("bcdef"), "years_ok": True, "degree_ok": True},
    }
    honest, every = reward(truth), list("abcdef")
    assert reward(truth, reason=" ".join(every)) == pytest.approx(honest)
    assert resume_reward(json.dumps(answer(truth, matched_skills=[], reason="a b")), truth)[1]["skills"] == 0.0
    assert reward(truth, matched_skills=every, missing_skills=[]) < honest
    assert reward(truth, matched_skills=["a"] * 1000) == pytest.approx(honest)
    both = resume_reward(json.dumps(answer(truth, matched_skills=every, missing_skills=every)), truth)[1]
    assert both["skills"] == 0.0


def test_the_last_object_counts_and_anything_else_is_no_decision():
    right, wrong = json.dumps(answer(GOOD)), json.dumps(answer(GOOD, "REJECTED"))
    assert resume_reward(wrong + right, GOOD)[0] == pytest.approx(1.0)
    assert resume_reward(right + wrong, GOOD)[1]["decision"] == 0.0
    for text in ("MAYBE", "", json.dumps({"decision": "MAYBE"}), json.dumps({"decision": "AUSGEWÄHLT"}),
                 right + json.dumps({"decision": "MAYBE"}), "{" * 1_000_000, '{"decision": "SELECTED", "score": NaN}',
                 '{"decision": "SELECTED", "decision": "SELECTED"}', "I would say SELECTED"):  # fmt: skip
        score = registry.score("resume.rubric", text, GOOD)
        assert (score.parsed, score.correct, score.reward) == (False, False, -0.2)


@pytest.mark.parametrize("name", ["resume.rubric", "resume.decision"])
@pytest.mark.parametrize("truth", [GOOD, BAD, {"label": "SELECTED"}, {"label": "REJECTED"}])
def test_no_attack_is_paid(name, truth):
    floor = registry.get(name).floor
    for response in attacks(truth):
        score = registry.score(name, response, truth)
        assert score.correct is False
        assert score.reward <= floor + 1e-9


def test_decision_and_rubric_agree_on_what_is_right():
    for response in (json.dumps(answer(GOOD)), "REJECTED", "?", *attacks(GOOD)):
        verdicts = [registry.score(name, response, GOOD) for name in ("resume.rubric", "resume.decision")]
        assert verdicts[0].correct == verdicts[1].correct == (verdicts[1].reward == 1.0)


def test_weights_of_every_preset_sum_to_one():
    for preset in PRESETS.values():
        assert sum(preset.weights) == pytest.approx(1.0)


def test_the_reason_must_name_what_fails():
    assert resume_reward(json.dumps(answer(BAD, reason="weak skills")), BAD)[1]["adequacy"] == 0.5
    assert resume_reward(json.dumps(answer(BAD, reason="no degree")), BAD)[1]["adequacy"] == 0.5
    assert resume_reward(json.dumps(answer(BAD, reason="Two YEARS short")), BAD)[1]["adequacy"] == 1.0
    assert resume_reward(json.dumps(answer(BAD, score=50)), BAD)[1]["adequacy"] == 0.5


def test_the_grounds_of_another_case_with_the_same_label_are_no_attack():
    # They differ only in what nobody scores: the gold of either earns full reward on the other.
    twin = {**GOOD, "gold": {**GOOD["gold"], "missing": ["d"]}}
    report = audit("resume.rubric", [{"truth": each} for each in (GOOD, twin, BAD)], size=10_000)
    assert "other golds" not in report.failed(), report.table()
