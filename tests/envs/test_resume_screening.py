"""``resume-screening-v0``: procedural data and its leaks, redaction, counterparts, turns, own records."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from assay.envs import env_class
from assay.envs.base import text_of
from assay.envs.resume_screening import Options, ResumeScreeningEnv
from assay.envs.resume_screening.baselines import ats_answer
from assay.envs.resume_screening.counterfactual import swapped
from assay.envs.resume_screening.forms import HELD_OUT, TRAINING
from assay.envs.resume_screening.oracle import decide
from assay.envs.resume_screening.procedural import forms_of, procedural_records
from assay.envs.resume_screening.records import Job, Person, Record, Resume, read_records, write_records
from assay.envs.resume_screening.redact import infer_person, redact
from assay.envs.resume_screening.tasks import counterparts, task_of
from assay.verifiers.resume.aliases import ALIASES
from assay.verifiers.resume.keywords import literal_coverage
from assay.verifiers.resume.skills import found_in

COUNT = 300


def prompt_of(task):
    return "\n\n".join(map(text_of, task.prompt))


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_text_alone_tells_the_label_and_keywords_do_not(split, short):
    env = ResumeScreeningEnv(split=split, count=COUNT, length="short" if short else "full")
    labels = [task.truth["label"] for task in env.tasks]
    assert 0.48 <= labels.count("SELECTED") / COUNT <= 0.52
    assert [decide(prompt_of(task)) for task in env.tasks] == labels
    right = [env.score([ats_answer(task)], task.truth).correct for task in env.tasks]
    assert 0.5 < sum(right) / COUNT <= 0.75


@pytest.mark.parametrize("short", [False, True])
def test_facts_follow_from_the_rule(short):
    for record in procedural_records("train", COUNT, 3, short):
        gold, job = record.gold, record.job
        shown = found_in(" ".join(record.resume.skills), job.required_skills)
        assert tuple(shown) == gold.matched
        assert set(gold.matched) | set(gold.missing) == set(job.required_skills)
        enough = len(gold.matched) >= 0.6 * len(job.required_skills) - 1e-9
        assert (record.label == "SELECTED") == (enough and gold.years_ok and gold.degree_ok)
        assert gold.years_ok == (record.resume.years >= job.min_years)


def test_the_hard_thirds_are_there():
    records = procedural_records("train", 1000, 0, False)
    selected = [r for r in records if r.label == "SELECTED"]
    rejected = [r for r in records if r.label == "REJECTED"]
    unseen = [r for r in selected if literal_coverage(r.job.required_skills, r.resume.text) == 0]
    stuffed = [r for r in rejected if r.meta["stuffed"]]
    assert 0.25 < len(unseen) / len(selected) < 0.36
    assert 0.25 < len(stuffed) / len(rejected) < 0.36
    assert all(literal_coverage(r.job.required_skills, r.resume.text) >= 0.6 for r in stuffed)


def test_single_facts_are_balanced():
    records = procedural_records("train", 1000, 0, False)

    def mean(label, value):
        values = [value(r) for r in records if r.label == label]
        return sum(values) / len(values)

    for value, slack in ((lambda r: r.resume.years, 0.25), (lambda r: r.job.min_years, 0.25),
                         (lambda r: len(r.resume.text) / 100, 0.15), (lambda r: r.meta["stuffed"], 0.06)):  # fmt: skip
        assert abs(mean("SELECTED", value) - mean("REJECTED", value)) < slack
    for form in forms_of("train"):
        shares = [r.label == "SELECTED" for r in records if r.template == f"form-{form}"]
        assert 0.4 < sum(shares) / len(shares) < 0.6


def test_splits_share_no_job_and_no_form():
    def keys(split):
        records = procedural_records(split, 400, 0, False)
        jobs = {(frozenset(r.gold.matched + r.gold.missing), r.job.min_years, r.job.min_degree) for r in records}
        return jobs, {r.template for r in records}, {r.id for r in records}

    sets = [keys(split) for split in ("train", "dev", "test")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        for a, b in zip(sets[first], sets[second], strict=True):
            assert not a & b


def test_forms_name_no_skill():
    for form in (*TRAINING, *HELD_OUT):
        for piece in form[1:-1]:
            for text in (piece,) if isinstance(piece, str) else piece:
                assert not found_in(text, ALIASES), text


def test_the_short_form_is_short():
    env = ResumeScreeningEnv(count=COUNT, length="short")
    words = [len(prompt_of(task)) for task in env.tasks]
    assert max(words) < 760
    assert max(len(env.gold(task)) for task in env.tasks) < 270


@pytest.mark.parametrize("options", [{}, {"answer": "decision"}, {"think": True}, {"length": "short"}])
def test_gold_is_right_in_every_form(options):
    env = ResumeScreeningEnv(count=40, split="test", **options)
    for task in env.tasks:
        score = env.score([env.gold(task)], task.truth)
        assert score.correct
        assert score.reward == pytest.approx(0.575 if options.get("answer") else 1.0)


@pytest.mark.parametrize("turns", [2, 3])
def test_sections_are_shown_on_request(turns):
    env = ResumeScreeningEnv(count=20, split="test", max_turns=turns)
    obs, _ = env.reset(seed=1)
    hidden = obs["messages"][-1]["content"]
    sections = env.current_task.sections
    assert not any(text in hidden for text in sections.values())
    for left in range(turns - 1, 0, -1):
        obs, reward, terminated, *_ = env.step(env.expert())
        assert (reward, terminated) == (0.0, False)
        assert ("Decide now" in obs["messages"][-1]["content"]) == (left == 1)
    assert sections["experience"] in obs["messages"][3]["content"]
    _, reward, terminated, _, info = env.step(env.expert())
    assert (reward, terminated, info["score"].correct) == (1.0, True, True)


def test_asking_too_long_is_a_scored_failure_and_an_unknown_section_is_told():
    env = ResumeScreeningEnv(count=20, split="test", max_turns=2)
    env.reset(seed=1)
    obs, *_ = env.step('{"section": "salary"}')
    assert "No such section; there is" in obs["messages"][-1]["content"]
    _, reward, terminated, _, info = env.step('{"section": "experience"}')
    assert (reward, terminated, info["score"].parsed) == (-0.2, True, False)
    env.reset(seed=1)
    _, _, terminated, _, info = env.step("no idea")
    assert terminated
    assert not info["score"].parsed


def test_nothing_of_the_person_is_in_a_redacted_prompt_truth_or_meta():
    for task in ResumeScreeningEnv(count=60, split="test").tasks:
        person = task.record.resume.person
        known = json.dumps([task.prompt, task.truth, task.meta, dict(task.sections)])
        for word in (*person.name.split(), person.address):
            assert word not in known
        assert all(other is task for other in counterparts(task).values())


def test_unredacted_prompts_differ_by_the_swap_alone():
    env = ResumeScreeningEnv(count=30, split="test", redact=False)
    for task in env.tasks:
        others = counterparts(task)
        assert set(others) == {"name", "pronouns", "age", "address", "all"}
        old = task.record.resume.person
        for kind, other in others.items():
            assert other.id != task.id
            assert env.tasks.get(other.id).prompt == other.prompt
            assert other.truth == task.truth
            assert decide(prompt_of(other)) == task.truth["label"]
            assert (old.name in prompt_of(other)) == (kind not in ("name", "all"))
            assert (old.address in prompt_of(other)) == (kind not in ("address", "all"))


LEAKY = """Maria Elena O'Brien
14 Elm Street, Leeds
maria.obrien@example.org | +44 20 7946 0958 | github.com/mariaobrien
Age: 34
Date of birth: 3 May 1990

Experience
Analyst at Acme, 2015 - 2019. Mrs. O'Brien led her team; she won awards. MARIA built dashboards.
Aged 34, mother of two, chairwoman of the club. Master of Science. Used SQL for 4 years.
"""


def test_free_text_is_redacted():
    person = infer_person(LEAKY)
    assert person == Person("Maria Elena O'Brien", "she/her", 34, "14 Elm Street, Leeds")
    clean = redact(LEAKY, person)
    for word in (
        "maria",
        "elena",
        "brien",
        "elm",
        "leeds",
        "@",
        "7946",
        "34",
        "1990",
        "github",
        "mrs",
        "mother",
        "woman",
    ):
        assert word not in clean.lower(), (word, clean)
    assert not {"she", "her", "he", "his"} & set(clean.lower().replace(".", " ").replace(";", " ").split())
    for kept in ("2015 - 2019", "Acme", "Master of Science", "SQL for 4 years", "dashboards", "chair of the club"):
        assert kept in clean


def test_the_swap_catches_a_name_that_redaction_misses():
    text = "Jonathan Crowe\n\nExperience\nWrote the jonathancrowe_utils package in python."
    record = Record(
        "r", Job("Dev", required_skills=("python",)), Resume(text, person=Person("Jonathan Crowe")), "SELECTED"
    )
    task = task_of(record, Options(source="jsonl"))
    others = counterparts(task)
    assert others["name"] is not task
    assert others["pronouns"] is others["age"] is task
    clean = replace(record, resume=replace(record.resume, text=text.replace("jonathancrowe_", "")))
    task = task_of(clean, Options(source="jsonl"))
    assert all(other is task for other in counterparts(task).values())


def test_pronouns_are_swapped_with_their_case():
    resume = Resume("She kept her word. People trust her. Herself", person=Person("Ann Lee", "she/her"))
    record = Record("x", Job("Dev"), resume, "SELECTED")
    kinds = {swapped(replace(record, id=str(i)), "pronouns").resume.text for i in range(20)}
    assert kinds == {
        "He kept his word. People trust him. Himself", "They kept their word. People trust them. Themselves",
    }  # fmt: skip


def test_records_come_back_and_split_without_overlap(tmp_path):
    records = procedural_records("test", 200, 1, False)
    write_records(tmp_path / "tasks.jsonl", records)
    assert [replace(r, meta={}) for r in read_records(tmp_path / "tasks.jsonl")] == [
        replace(r, meta={}) for r in records
    ]
    parts = [ResumeScreeningEnv(source="jsonl", path=str(tmp_path), split=split).tasks for split in ("train", "test")]
    jobs = [{task.record.job for task in part} for part in parts]
    assert not jobs[0] & jobs[1]
    assert sum(map(len, parts)) == 200
    few = ResumeScreeningEnv(source="jsonl", path=str(tmp_path), split="test", split_by="resume").tasks
    assert 20 <= len(few) <= 60


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1"),
        ('{"job": {"title": "a"}, "resume": {"text": "b"}, "label": "HIRED"}', "label must be"),
        ('{"job": {}, "resume": {"text": "b"}, "label": "SELECTED"}', "title or a description"),
        ('{"job": {"title": "a"}, "resume": {"text": " "}, "label": "SELECTED"}', "resume.text"),
        ('{"job": {"title": "a", "min_degree": "x"}, "resume": {"text": "b"}, "label": "SELECTED"}', "min_degree"),
        ('{"job": {"title": "a", "min_years": -1}, "resume": {"text": "b"}, "label": "SELECTED"}', "min_years"),
        (
            '{"job": {"title": "a", "required_skills": "b"}, "resume": {"text": "b"}, "label": "SELECTED"}',
            "list of texts",
        ),
        ("", "no record"),
    ],
)
def test_a_bad_record_is_one_line(tmp_path, line, message):
    path = tmp_path / "x.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=message) as error:
        ResumeScreeningEnv(source="jsonl", path=str(path))
    assert "\n" not in str(error.value)


def test_two_labels_for_one_application_are_refused(tmp_path):
    row = {"job": {"title": "a"}, "resume": {"text": "b"}}
    lines = [json.dumps({**row, "label": label}) for label in ("SELECTED", "REJECTED")]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match="both labels"):
        ResumeScreeningEnv(source="jsonl", path=str(tmp_path / "x.jsonl"))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"path": "x"}, "takes no path"), ({"source": "jsonl"}, "needs a path"), ({"count": 1}, "balanced"),
     ({"weights": (1.0,)}, "4 numbers"), ({"source": "jsonl", "path": "/no/such"}, "No such file")],
)  # fmt: skip
def test_bad_options_are_one_line(options, message):
    with pytest.raises(ValueError, match=message):
        ResumeScreeningEnv(**options)


def test_the_reward_options_reach_the_verifier():
    env = ResumeScreeningEnv(count=20, split="test", reward="aggressive")
    assert env.reward_range(env.options) == (-2.0, 1.0)
    assert env.score(["?"], env.tasks[0].truth).reward == -2.0
    env = env_class("resume_screening")(count=20, split="test", weights=(1, 0, 0, 0), penalties=(0, 0, 0.5))
    assert env.score(["?"], env.tasks[0].truth).reward == -0.5
    assert env.score([env.tasks[0].truth["label"]], env.tasks[0].truth).reward == 1.0
