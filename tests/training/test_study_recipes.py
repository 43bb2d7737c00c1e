"""``assay-study recipes``: what it reads, what it measures, what it writes, and that it goes on where it stopped."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest

from assay.training.config import TrainConfig
from assay.training.errors import UserError
from assay.training.logs import read_metrics
from assay.training.stats import paired_difference, pass_at_k, student_interval
from assay.training.studies import cli
from assay.training.studies.recipes.arms import read_arm, read_arms
from assay.training.studies.recipes.flags import parse
from assay.training.studies.recipes.runs import carry_out, jobs_of, stored
from assay.training.studies.recipes.table import arm_row, cell, differences, markdown, single_row

SMALL = ["--env", "countdown", "--env.terse", "--env.levels", "1", "--model", "tiny", "--warm-up", "3", "--recipes",
         "grpo", "dapo:clip_high=0.3,max_num_gen_batches=2", "--steps", "2", "--rollouts", "3x4",
         "--rollout.max-tokens", "6", "--eval.tasks", "6", "--eval.every", "1", "--sft.batch-size", "4"]  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "s"
    assert cli.main(["recipes", *SMALL, "--seeds", "2", "--samples", "4", "--out", str(out)]) == 0
    return out


def one_line(capsys, words):
    assert cli.main(["recipes", *words]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    return shown


def test_kinds_are_found_by_folder(capsys):
    kinds = [each.name for each in cli.studies()]
    assert {"recipes", "gencls", "cls-rl"} <= set(kinds)
    assert cli.main(["--help"]) == 0
    assert "recipes  " in capsys.readouterr().out
    assert cli.main([]) == 2
    assert "usage: assay-study" in capsys.readouterr().err
    assert cli.main(["recipe"]) == 2
    assert capsys.readouterr().err.startswith(
        f"error: no study is called 'recipe'; did you mean recipes? (there is: {', '.join(kinds)})"
    )


def test_help_teaches(capsys):
    assert cli.main(["recipes", "--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("--warm-up", "--pass-k", "--jobs", "grpo:clip_high=0.28", "goes on", "train-agent --help"):
        assert word in shown


def test_an_arm_is_a_recipe_with_constants_and_settings():
    arm = read_arm("brorl:rollout.groups=4,rollout.group-size=32,clip-high=2e-1,name=x,flag=true,many=[1,2]")
    assert arm.recipe == "brorl"
    assert arm.settings == {"rollout.groups": 4, "rollout.group_size": 32}
    assert arm.constants == {"clip_high": 0.2, "name": "x", "flag": True, "many": (1, 2)}
    config = read_arm("grpo:optim.lr=1,rollout.groups=4").configured(TrainConfig())
    assert (config.optim.lr, config.rollout.groups, config.recipe) == (1.0, 4, "grpo")
    assert read_arm("a-lol:run.data=[logs/a,logs/b]").configured(TrainConfig()).data == ("logs/a", "logs/b")
    own = read_arm("my/file.py:mine:tau=1")
    assert (own.recipe, own.constants) == ("my/file.py:mine", {"tau": 1})
    short = read_arm("reset@prorl:kl_beta=0.3,n_samples_later=[32@15]")
    assert (short.label, short.recipe, short.constants["n_samples_later"]) == ("reset", "prorl", ("32@15",))
    assert read_arm("prorl:n_samples_later=[32@15]").label == "prorl:n_samples_later=[32@15]"
    assert read_arm("grpo:clip_high=0.28").folder == "grpo-clip-high-0.28"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "name what to compare"),
        (["grpo", "grpo"], "'grpo' twice"),
        (["grpo:clip_high"], "cannot read 'clip_high' in --recipes grpo:clip_high: constants are NAME=VALUE"),
        ([":x=1"], "names no recipe"),
    ],
)
def test_arms_that_cannot_be_read(texts, message):
    with pytest.raises(UserError, match=message):
        read_arms(texts)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipes", "grop"], "did you mean"),
        (["--recipes", "grpo:clip_hihg=0.1"], "clip_hihg"),
        (["--recipes", "grpo:rollout.gruops=4"], "a run has no setting 'rollout.gruops'; did you mean groups?"),
        (["--recipes", "grpo:rollout.groups=many"], "rollout.groups is int, and cannot be 'many'"),
        (["--recipes", "grpo", "dapo:rollout.groups=4"], "dapo:rollout.groups=4 samples 32 rollouts a step where the"),
        (["--recipes", "grpo", "--rollouts", "16"], "--rollouts is TASKSxEACH, such as 16x8; got '16'"),
        (["--recipes", "grpo", "--rollouts", "4x1"], "grpo"),
        (["--recipes", "grpo", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--recipes", "grpo", "--seeds", "x"], "invalid int value: 'x'"),
        (["--recipes", "grpo", "--seed", "3"], "--seed is no flag of a study: --seeds N runs"),
        (["--recipes", "grpo", "--recipe", "dapo"], "--recipe is no flag of a study"),
        (["--recipes", "grpo", "--sft.epochs", "2"], "say --warm-up STEPS instead of --sft.epochs"),
        (["--recipes", "grpo", "--pass-k", "8", "--samples", "4"], "--pass-k 8 needs --samples 8 or more"),
        (["--recipes", "grpo", "--setps", "3"], "unknown flag --setps; did you mean --steps?"),
        (["--recipes", "grpo", "--env", "contdown"], "unknown environment 'contdown'; did you mean countdown?"),
        ([], "name what to compare"),
    ],
)
def test_mistakes_are_one_line_and_load_no_model(words, message, capsys, monkeypatch):
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("a model was loaded"))
    assert message in one_line(capsys, words)


def test_flags_become_a_plan():
    plan = parse([*SMALL, "--seeds", "3", "--pass-k", "1", "256", "--lr", "1e-3"])
    assert (plan.seeds, plan.warm_up, plan.samples, plan.ks) == ([0, 1, 2], 3, 256, (1, 256))
    assert plan.base.optim.lr == 1e-3
    assert (plan.base.rollout.groups, plan.base.rollout.group_size) == (3, 4)
    assert (plan.base.eval.temperature, plan.base.eval.samples, plan.base.sft.epochs) == (1.0, 4, 0)
    assert plan.configs[1].recipe_options == {"clip_high": 0.3, "max_num_gen_batches": 2}
    assert parse([*SMALL, "--samples", "20"]).ks == (1, 4, 16)
    assert parse(SMALL).out == Path("runs/study-countdown")


def test_a_study_leaves_table_figures_and_summary(study):
    table = (study / "table.md").read_text()
    for name in ("majority", "start", "grpo", "dapo:clip_high=0.3,max_num_gen_batches=2", "minus grpo, by seed"):
        assert f"| {name} |" in table
    assert "2 steps of 3 tasks x 4 rollouts, 2 seeds" in table
    for picture in ("curves.png", "pass_k.png"):
        assert (study / picture).read_bytes().startswith(b"\x89PNG")
    summary = json.loads((study / "summary.json").read_text())
    assert set(summary["arms"]) == {"grpo", "dapo:clip_high=0.3,max_num_gen_batches=2"}
    assert summary["arms"]["grpo"]["sampled"] == [24.0, 24.0]
    assert summary["arms"]["grpo"]["updates"] == [2.0, 2.0]
    assert all(value > 24 for value in summary["arms"]["dapo:clip_high=0.3,max_num_gen_batches=2"]["sampled"])
    with (study / "table.csv").open() as lines:
        rows = {(row["name"], row["metric"]): row for row in csv.DictReader(lines)}
    finals = [json.loads((study / "runs" / f"grpo-s{seed}" / "final.json").read_text()) for seed in (0, 1)]
    known = student_interval([final["entropy"] for final in finals])
    row = rows["grpo", "entropy"]
    assert [float(row[name]) for name in ("mean", "low", "high")] == pytest.approx(list(known), rel=1e-5)


def test_every_run_starts_from_the_one_warm_model(study):
    starts = set()
    for run in sorted((study / "runs").iterdir()):
        starts.add(read_metrics(run, "eval")[0]["accuracy"])
        assert not read_metrics(run, "sft")
        final = json.loads((run / "final.json").read_text())
        assert final["kl"] >= 0.0
        assert final["judged"] == [4] * 6
        assert final["pass@4"] == pytest.approx(sum(pass_at_k(4, c, 4) for c in final["right"]) / 6)
        assert 0 <= final["distinct"] <= 4
    assert len(starts) == 1


def test_a_study_goes_on_and_repeats_nothing(study, tmp_path, monkeypatch, capsys):
    """A run that was killed after a step, and one that was never measured, end as they would have."""
    again = tmp_path / "again"
    shutil.copytree(study, again)
    expected = json.loads((again / "runs" / "grpo-s1" / "final.json").read_text())
    (again / "runs" / "grpo-s1" / "final.json").unlink()
    shutil.rmtree(again / "runs" / "grpo-s0")
    (again / "runs" / "grpo-s0").mkdir()
    (again / "runs" / "grpo-s0" / "metrics.jsonl").write_text('{"step": 0')
    trained = []
    import assay.training.trainer

    real = assay.training.trainer.train
    monkeypatch.setattr(assay.training.trainer, "train", lambda c, d: trained.append(c.out) or real(c, d))
    for path in (again / "runs").glob("*/config.yaml"):
        path.write_text(path.read_text().replace(str(study), str(again)))
    asked = again / "measured-start" / "final.json"
    asked.write_text(asked.read_text().replace(str(study), str(again)))
    assert cli.main(["recipes", *SMALL, "--seeds", "2", "--samples", "4", "--out", str(again)]) == 0
    assert "2 of 4 runs are finished already" in capsys.readouterr().out
    assert [Path(out).name for out in trained] == ["grpo-s0"]
    found = json.loads((again / "runs" / "grpo-s1" / "final.json").read_text())
    for name in ("right", "entropy", "length", "sampled", "updates"):
        assert found[name] == expected[name]
    fresh = json.loads((again / "runs" / "grpo-s0" / "final.json").read_text())
    assert fresh["right"] == json.loads((study / "runs" / "grpo-s0" / "final.json").read_text())["right"]


def test_another_study_in_the_same_folder_is_refused(study, capsys):
    same = ["--seeds", "2", "--samples", "4", "--out", str(study)]
    assert "cannot resume" in one_line(capsys, [*SMALL, *same, "--lr", "0.5"])
    fewer = [word if word != "3" else "5" for word in SMALL]
    assert "was warmed up otherwise (steps)" in one_line(capsys, [*fewer, "--seeds", "1", "--samples", "4", "--out",
                                                               str(study), "--recipes", "rloo"])  # fmt: skip


@pytest.mark.slow
def test_jobs_in_processes_give_the_same_numbers(study, tmp_path):
    out = tmp_path / "jobs"
    assert cli.main(["recipes", *SMALL, "--seeds", "2", "--samples", "4", "--jobs", "2", "--out", str(out)]) == 0
    for run in (study / "runs").iterdir():
        one, other = (json.loads((folder / "final.json").read_text()) for folder in (run, out / "runs" / run.name))
        assert one["right"] == other["right"]
        assert one["entropy"] == pytest.approx(other["entropy"], rel=1e-4)


def test_a_finished_job_is_not_carried_out_again(study, monkeypatch):
    plan = parse([*SMALL, "--seeds", "2", "--samples", "4", "--out", str(study)])
    job = jobs_of(plan, str(study / "start"))[0]
    monkeypatch.setattr("assay.training.trainer.train", lambda *_: pytest.fail("it was run again"))
    assert carry_out(job) == stored(job)


def final(**values):
    return {"right": [1, 3], "judged": [4, 4], "pass@1": 0.5, **values}


def test_rows_have_student_intervals_over_seeds_and_bootstrap_ones_of_a_single_run():
    finals = [final(**{"pass@1": value, "entropy": entropy}) for value, entropy in ((0.2, 1.0), (0.4, math.nan))]
    row = arm_row("a", finals, ["pass@1", "entropy", "ece"])
    assert row.intervals["pass@1"] == student_interval([0.2, 0.4])
    assert row.intervals["entropy"].mean == 1.0
    assert math.isnan(row.intervals["entropy"].low)
    assert math.isnan(row.intervals["ece"].mean)
    alone = arm_row("b", [final(entropy=0.7)], ["pass@1", "entropy", "ece"])
    assert alone.intervals["pass@1"].low == pytest.approx(0.25)
    assert alone.intervals["pass@1"].high == pytest.approx(0.75)
    assert single_row("random", {"pass@1": 0.1}, ["pass@1"]).intervals["pass@1"].mean == 0.1
    table = markdown([row, alone], ["pass@1", "entropy", "ece"])
    assert "ECE" not in table
    assert "| b | 50.0 [25.0, 75.0] | 0.700 |" in table


def test_differences_are_paired_by_seed():
    one = arm_row("one", [final(length=value) for value in (5.0, 7.0, 9.0)], ["length"])
    other = arm_row("other", [final(length=value) for value in (4.0, 6.5, 8.0)], ["length"])
    found = differences([one, other], one, ["length"])
    assert found["other"]["length"] == paired_difference([4.0, 6.5, 8.0], [5.0, 7.0, 9.0])
    assert list(found) == ["other"]
    assert cell("length", found["other"]["length"], signed=True).startswith("-0.83 [")
