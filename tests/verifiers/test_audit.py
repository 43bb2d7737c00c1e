"""Every verifier of ours passes its audit, and the audit fails verifiers that break any one promise."""

import random
import re
import time

import pytest

from assay.verifiers import Score, get, names
from assay.verifiers.audit import audit
from assay.verifiers.audit.guard import slow_calls
from assay.verifiers.registry import Verifier

PATIENT = 60.0  # seconds: a guard against hanging, not a measure
SMALL = 50_000


@pytest.mark.parametrize("name", names())
def test_ours_keep_every_promise(name):
    report = audit(name, seconds=PATIENT)
    assert report.ok, report.table()
    assert report.attack_rate == 0.0


@pytest.mark.parametrize("mode", ["exact", "tagged"])
@pytest.mark.parametrize("think", ["none", "think", "after", "adaptive"])
def test_label_in_every_layout(think, mode):
    thinking = think != "none"
    report = audit(
        "classify.label",
        full=2.0 if thinking else 1.0,
        floor=float(thinking),
        seconds=PATIENT,
        size=SMALL,
        think_mode=think,
        mode=mode,
    )
    assert report.ok, report.table()


@pytest.mark.parametrize(
    ("name", "options"),
    [("classify.calibrated", {"pattern": "ac"}), ("classify.calibrated", {"pattern": "tbac"}),
     ("math.numeric", {"extract": "boxed"}), ("math.numeric", {"form": "same"}),
     ("math.numeric", {"symbolic": False}), ("text.f1", {"parity": True})],
)  # fmt: skip
def test_ours_under_other_options(name, options):
    report = audit(name, seconds=PATIENT, size=SMALL, **options)
    broken = {"invariance", "bad truth"} if options == {"parity": True} else set()
    assert set(report.failed()) <= broken, report.table()


def test_the_lenient_options_are_told_as_what_they_are():
    assert "attacks" in audit("classify.label", mode="contains", seconds=PATIENT, size=SMALL).failed()
    assert "hedges" in audit("text.f1", reward="f1", seconds=PATIENT, size=SMALL).failed()
    assert "attacks" in audit("math.numeric", form="value", seconds=PATIENT, size=SMALL).failed()
    assert "invariance" in audit("classify.label", equality="strict", seconds=PATIENT, size=SMALL).failed()


SAMPLES = ({"answer": "red"}, {"answer": "green"}, {"answer": "navy blue"}, {"answer": "rosé"})


def answer_of(truth):
    answer = truth.get("answer")
    if not isinstance(answer, str):
        raise ValueError("the truth needs an answer")
    return answer


def good(response, truth):
    """Equality."""
    return exact(response, truth)


def exact(response, truth):
    from assay.verifiers.parse import fold

    same = fold(response) == fold(answer_of(truth))
    return Score(float(same), correct=same)


def subject(function, **about):
    about = {
        "gold": lambda truth: truth["answer"],
        "attacks": lambda truth: [f"{truth['answer']} or pink", "pink"],
        "samples": SAMPLES,
    } | about
    return Verifier("test.subject", function, **about)


def checked(function, tasks=None, seconds=5.0, size=50_000, **about):
    return audit(subject(function, **about), tasks, seconds=seconds, size=size)


def failed(function, **about):
    return set(checked(function, **about).failed())


def test_a_sound_verifier_passes():
    assert failed(good) == set()


def test_paying_any_text():
    def pays(response, truth):
        answer_of(truth)
        return Score(float(bool(response.strip())), correct=bool(response.strip()))

    assert {"empty", "other golds", "attacks"} <= failed(pays)


def test_casting_to_bool():
    def pays(response, truth):
        same = bool(response) == bool(answer_of(truth))
        return Score(float(same), correct=same)

    assert {"other golds", "attacks", "empty"} <= failed(pays)


def test_paying_a_substring():
    def pays(response, truth):
        same = answer_of(truth) in response
        return Score(float(same), correct=same)

    assert {"hedges", "attacks"} <= failed(pays)


def test_paying_the_share_of_the_gold_in_the_answer():
    def pays(response, truth):
        gold = answer_of(truth)
        return Score(len(gold) / len(response) if gold in response else 0.0, correct=response == gold)

    assert {"hedges", "attacks"} <= failed(pays)


def test_a_consolation_for_anything():
    def pays(response, truth):
        right = exact(response, truth)
        return right if right.correct else Score(0.1, correct=False)

    assert {"attacks", "other golds", "empty"} <= failed(pays)


def test_a_gold_that_earns_less_than_full():
    assert "gold" in failed(lambda r, t: Score(0.9 * exact(r, t).reward, correct=exact(r, t).correct))


def test_more_than_full_reward():
    assert "unicode" in failed(lambda r, t: exact(r, t) if len(r) < 15 else Score(2.0, correct=False))


def test_a_pattern_that_backtracks_for_ever_is_killed():
    pattern = re.compile(r"(a+)+$")

    def hangs(response, truth):
        pattern.match(response)
        return exact(response, truth)

    report = checked(hangs, seconds=0.3)
    assert "time" in report.failed()
    assert "killed" in report.checks[0].failures[0]
    assert "already takes too long" in report.table()


def test_quadratic_time_on_a_megabyte():
    def slow(response, truth):
        text = response
        while len(text) > 1000:
            text = text[1:]
        return exact(response, truth)

    assert failed(slow, seconds=0.1, size=1_000_000) == {"time"}


def test_raising_on_some_text():
    def raises(response, truth):
        response.encode()
        return exact(response, truth)

    report = checked(raises)
    assert report.failed() == ["unicode"]
    assert "UnicodeEncodeError" in report.table()


def test_chance():
    rng = random.Random(0)
    assert "repeat" in failed(lambda r, t: Score(exact(r, t).reward, {"luck": rng.random()}, exact(r, t).correct))


def test_a_memory_of_earlier_calls():
    seen = set()

    def remembers(response, truth):
        known = (response, answer_of(truth)) in seen
        seen.add((response, answer_of(truth)))
        verdict = exact(response, truth)
        return Score(verdict.reward, {"seen": float(known)}, verdict.correct)

    assert "repeat" in failed(remembers)


def test_state_shared_by_threads():
    class Unsafe:
        current = ""

        def __call__(self, response, truth):
            self.current = response
            for _ in range(5):
                time.sleep(0)
            return exact(self.current, truth)

    report = checked(Unsafe())
    assert report.failed() == ["repeat"]
    assert "in a thread" in report.table()


def test_changing_the_truth():
    def changes(response, truth):
        verdict = exact(response, truth)
        truth["seen"] = True
        return verdict

    report = checked(changes, samples=tuple(dict(sample) for sample in SAMPLES))
    assert "repeat" in report.failed()
    assert "the truth was changed" in report.table()


def test_malformed_truths_accepted_or_badly_refused():
    def accepts(response, truth):
        same = bool(response) and response.strip() == str(truth.get("answer"))
        return Score(float(same), correct=same)

    def key_error(response, truth):
        same = response.strip() == truth["answer"] + ""
        return Score(float(same), correct=same)

    assert "bad truth" in failed(accepts)
    assert "bad truth" in failed(key_error)


def test_whitespace_and_unicode_form():
    def plain(response, truth):
        same = response == answer_of(truth)
        return Score(float(same), correct=same)

    def composed_only(response, truth):
        same = response.strip() == answer_of(truth)
        return Score(float(same), correct=same)

    assert failed(plain) == {"invariance"}
    assert failed(composed_only) == {"invariance"}


def test_a_ladder_that_falls():
    def ladder(truth):
        return ["pink", truth["answer"] + "!", truth["answer"]]

    def falls(response, truth):
        verdict = exact(response, truth)
        return Score(-1.0, correct=False) if response.endswith("!") else verdict

    assert failed(falls, monotone=ladder) == {"monotone"}
    assert failed(good, monotone=ladder) == set()
    assert failed(good, monotone=lambda truth: ["pink", "red?"]) == {"monotone"}


def test_what_cannot_be_tried_is_not_passed():
    assert failed(good, gold=None) >= {"gold", "hedges", "invariance"}
    assert failed(good, attacks=None) == {"attacks"}
    with pytest.raises(ValueError, match="no sample tasks"):
        audit(subject(good, samples=()))


def test_what_is_no_score():
    assert "unicode" in failed(lambda r, t: exact(r, t).reward)
    assert "unicode" in failed(lambda r, t: Score(exact(r, t).reward, correct=exact(r, t).correct, detail="two\nlines"))


def test_partial_credit_is_allowed_where_it_is_declared():
    from assay.verifiers.text.f1 import token_f1

    def near(response, truth):
        verdict = exact(response, truth)
        share = 0.4 * token_f1(response.lower(), answer_of(truth).lower()) if "or" not in response else 0.0
        return verdict if verdict.correct else Score(share, correct=False)

    samples = ({"answer": "navy blue"}, {"answer": "light blue"})
    strict = checked(near, samples=samples)
    assert "other golds" in strict.failed()
    relaxed = checked(near, samples=samples, partial=True)
    assert "other golds" not in relaxed.failed()


def test_group_verifiers_can_be_audited():
    def group(responses, truth):
        return [exact(response, truth) for response in responses]

    assert failed(group, group=True) == set()


def test_own_tasks_and_their_golds():
    tasks = [{"truth": {"answer": "red"}, "gold": "RED"}, {"truth": {"answer": "green"}}]
    assert checked(good, tasks).ok
    wrong = checked(good, [{"truth": {"answer": "red"}, "gold": "blue"}, *tasks])
    assert "gold" in wrong.failed()
    with pytest.raises(ValueError, match="needs a truth"):
        audit(subject(good), [{"gold": "red"}])
    with pytest.raises(ValueError, match="no option"):
        audit("text.f1", speed=1)


def test_slow_calls_names_the_culprits_and_goes_on():
    def work(seconds):
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    found = slow_calls(work, [0.0, 5.0, 0.0, 0.25, 0.0], 0.2)
    assert [index for index, _ in found] == [1, 3]
    assert found[0][1] is None


def test_a_report_reads_well():
    report = audit("text.f1", seconds=PATIENT, size=SMALL)
    assert "every promise kept" in report.table()
    assert report.table().count("ok  ") == len(report.checks)
    assert get("text.f1").name in str(report)
