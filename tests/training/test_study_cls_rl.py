"""The study of thinking: its flags, its thoughts, its numbers; the whole of it on a few images where there is time."""

from __future__ import annotations

import csv
import json
import math

import pytest
from PIL import Image

from assay.training.errors import UserError
from assay.training.studies.cls_rl.flags import parse
from assay.training.studies.cls_rl.lessons import thought
from assay.training.studies.cls_rl.results import accuracy_markdown, reached, speed_markdown
from assay.training.studies.cls_rl.runs import Job, jobs_of, stored


def final(arm, strict, curve, seconds=1.0):
    parts = {"all": {"strict": strict, "lenient": strict + 0.1, "n": 10}}
    return {"arm": arm, "parts": parts, "curve": curve, "seconds": seconds, "tokens": 3.0, "inference": 0.01}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--tasks", "3"], "--tasks must be at least 20, got 3"),
        (["--start-steps", "0"], "--start-steps must be at least 1"),
        (["--lr", "0"], "--lr and --sft-lr must be above 0"),
        (["--data", "cats"], "invalid choice"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_what_cannot_work_is_one_line(words, message):
    with pytest.raises(UserError, match=message):
        parse(words)


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(
        word in said for word in ("zero-shot", "base-to-new", "--start-steps", "what is finished is not run again")
    )


def test_the_arms_differ_in_the_layout_alone():
    plan = parse(["--data", "digits", "--protocols", "few-shot", "--seeds", "2"])
    jobs = jobs_of(plan, {"digits": "start"})
    assert [(job.arm, job.seed) for job in jobs] == [(a, s) for s in (0, 1) for a in ("sft", "think", "none")]
    options = [job.config.env_options for job in jobs[:3]]
    assert [each.pop("think_mode") for each in options] == ["none", "think", "none"]
    assert options[0] == options[1] == options[2]
    assert [job.config.recipe for job in jobs[1:3]] == ["cls-rl", "no-thinking-cls-rl"]
    assert {job.config.rollout.group_size for job in jobs} == {4}
    assert len({job.dir for job in jobs}) == 6


def test_thoughts_say_how_bright_the_quarters_are():
    picture = Image.new("L", (8, 8), 0)
    picture.paste(255, (4, 0, 8, 4))
    picture.paste(100, (0, 4, 4, 8))
    assert thought(picture) == "dark bright light dark"


def test_speed_is_steps_and_seconds_to_the_same_accuracy():
    curve = [(0, 0.0, 0.2), (5, 1.5, 0.5), (10, 3.0, 0.8)]
    assert reached(curve, 0.5) == (5, 1.5)
    assert reached(curve, 0.9) is None
    slow = [(0, 0.0, 0.2), (5, 4.0, 0.3), (10, 8.0, 0.55)]
    runs = {"sft": [final("sft", 0.8, curve)], "think": [final("think", 0.5, slow)], "none": []}
    table = speed_markdown(runs)
    assert "| to 50.0 % |" in table  # half-way from .2 to .8
    assert "| imitation (sft) | 5 | 1.5 | 1 of 1 |" in table
    assert "| rewards, thinking (cls-rl) | 10 | 8.0 | 1 of 1 |" in table


def test_both_accuracies_stand_side_by_side_with_differences_by_seed():
    runs = {arm: [final(arm, value + 0.01 * i, [(0, 0.0, 0.1)]) for i in range(3)]
            for arm, value in (("sft", 0.3), ("think", 0.4), ("none", 0.6))}  # fmt: skip
    table = accuracy_markdown(runs, [final("zero-shot", 0.2, [])])
    assert table.splitlines()[0] == "| | all strict | all lenient |"
    assert "| zero-shot | 20.0 | 30.0 |" in table
    assert "| rewards, no thinking | 61.0 [58.5, 63.5] | 71.0 [68.5, 73.5] |" in table
    assert "| no thinking minus think, by seed | **+20.0 [+20.0, +20.0]**" in table


def test_a_result_of_another_plan_does_not_count(tmp_path):
    plan = parse(["--data", "digits", "--out", str(tmp_path)])
    job = Job(plan, "digits", "few-shot", "none", 0, "start")
    job.dir.mkdir(parents=True)
    (job.dir / "final.json").write_text(json.dumps({"asked": job.asked}))
    assert stored(job) == {"asked": job.asked}
    other = Job(parse(["--data", "digits", "--out", str(tmp_path), "--steps", "7"]), *list(vars(job).values())[1:])
    assert stored(other) is None


@pytest.mark.slow
def test_the_whole_study_on_a_few_images_and_again(tmp_path, capsys):
    pytest.importorskip("sklearn")
    from assay.training.studies.cls_rl.study import main

    words = ["--data", "digits", "--protocols", "base-to-new", "--seeds", "1", "--steps", "2", "--every", "1",
             "--tasks", "20", "--start-steps", "2", "--groups", "2", "--out", str(tmp_path)]  # fmt: skip
    assert main(words) == 0
    first = (tmp_path / "table.md").read_text()
    stamp = next(tmp_path.glob("runs/*none*/final.json")).stat().st_mtime_ns
    assert main(words) == 0
    assert (tmp_path / "table.md").read_text() == first
    assert next(tmp_path.glob("runs/*none*/final.json")).stat().st_mtime_ns == stamp
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == {"base", "new", "H", ""}
    assert all(math.isfinite(float(row["mean"])) for row in rows)
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert "zero-shot, thinking" in first
    assert "majority" in first
