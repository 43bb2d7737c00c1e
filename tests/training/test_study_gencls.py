"""``assay-study gencls``: what it reads, trains and asks, its verdicts, and that it goes on where it stopped."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from assay.training.errors import UserError
from assay.training.stats import student_interval
from assay.training.studies import cli
from assay.training.studies.gencls.claims import FAILED, HELD, OPEN, best_inference, judged
from assay.training.studies.gencls.data import Wanted, prepare, read_lines
from assay.training.studies.gencls.flags import GRIDS, parse
from assay.training.studies.gencls.results import Cell, Results
from assay.training.studies.gencls.runs import RL, SFT, arms_of
from assay.training.studies.gencls.strategy import NAIVE, Strategy, read_strategy
from assay.training.studies.gencls.table import BASE, as_csv, gains, page

pytest.importorskip("sklearn")

SMALL = ["--per-label", "6", "--train", "naive", "uncertain", "--infer", "naive", "similar-2+ppl", "--rl", "naive",
         "--folds", "2", "--seeds", "2", "--steps", "1", "--sft.epochs", "1", "--sft.batch-size", "16",
         "--rollout.groups", "2", "--rollout.group-size", "2", "--rollout.difficulty", "0", "--rollout.max-tokens",
         "4", "--think-tokens", "6", "--eval.tasks", "6", "--env.no-shuffle-labels"]  # fmt: skip


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    """Two labels, told apart by a word."""
    folder = tmp_path_factory.mktemp("data")
    rows = [(f"please {verb} the {noun} number {i}", label) for i in range(12)
            for label, verb, noun in (("buy", "purchase", "share"), ("sell", "offer", "bond"))]  # fmt: skip
    with (folder / "mail.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *rows])
    return folder / "mail.csv"


@pytest.fixture(scope="module")
def study(tmp_path_factory, mail):
    out = tmp_path_factory.mktemp("study") / "s"
    assert cli.main(["gencls", "--dataset", str(mail), *SMALL, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("name", sorted({name for grid in GRIDS.values() for part in grid for name in part}))
def test_a_strategy_is_what_its_name_says(name):
    assert read_strategy(name).name == name


def test_strategies_are_read_in_any_order_and_undo_each_other():
    found = read_strategy("ppl-cal+per-class+definitions+numeric+exclude")
    assert found == Strategy("per-class-1", 3, True, "exclude", True, "ppl-cal")
    assert found.written.decoding == "greedy"
    assert read_strategy("naive+ppl") == Strategy(decoding="ppl")
    assert set(NAIVE.options) == set(found.options)  # so that inference takes back whatever training had


@pytest.mark.parametrize(
    "text", ["similiar-3", "similar-0", "ppl-3", "ppl+ppl-sum", "similar-3+random-2", "", "per-class-2"]
)
def test_strategies_that_cannot_be_read(text):
    with pytest.raises(UserError, match=r"a strategy is made of|twice"):
        read_strategy(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", "nowhere.csv"], "no such data: nowhere.csv"),
        (["--train", "similar-3"], "--train needs naive"),
        (["--train", "naive", "ppl"], "decoding is a matter of inference"),
        (["--infer", "think"], "thinking is compared by runs of its own"),
        (["--rl", "numeric"], "--rl numeric is no training strategy of this study: naive, similar-3"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--steps", "0"], "--steps must be at least 1, got 0"),
        (["--recipe", "grpo"], "--recipe is no flag of this study: it is gencls"),
        (["--env.icl", "similar"], "--env.icl belongs to a strategy"),
        (["--env.no-numeric"], "--env.no-numeric belongs to a strategy"),
        (["--margin", "2"], "--margin from 0 to 1"),
        (["--grid", "big"], "invalid choice: 'big'"),
        (["--setps", "3"], "unknown flag --setps; did you mean --steps?"),
        (["uncertain"], "say where the rows go: --out doubts.jsonl"),
        (["uncertain", "--out", "doubts.csv"], "is to be a .jsonl file"),
    ],
)
def test_mistakes_are_one_line_and_load_no_model(words, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("a model was loaded"))
    assert cli.main(["gencls", *words]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    assert message in shown


def test_help_teaches(capsys):
    assert cli.main(["gencls", "--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("--grid", "--classes", "similar-3+definitions+ppl", "goes on", "uncertain", "--per-label", "scratch"):
        assert word in shown


def test_a_folder_is_a_data_set_and_its_label_column_is_found(mail, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.csv").write_bytes(mail.read_bytes())
    options = prepare(Wanted(str(tmp_path / "set"), per_label=5), tmp_path / "out")
    assert len(read_lines(Path(options["path"]))) == 10
    texts = [{row["text"] for row in read_lines(tmp_path / "out" / f"{s}.jsonl")} for s in ("train", "dev", "test")]
    assert all(texts)
    assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]
    assert set(json.loads((tmp_path / "out" / "definitions.json").read_text())) == {"buy", "sell"}
    with pytest.raises(UserError, match="made from other data or with other sizes"):
        prepare(Wanted(str(tmp_path / "set"), per_label=6), tmp_path / "out")


def test_each_strategy_is_trained_once_a_seed_and_rewards_follow_what_they_start_from(mail):
    plan = parse(["--dataset", str(mail), "--grid", "small", "--seeds", "2"])
    arms = arms_of(plan, "mail")
    assert len(arms) == len(set(arms)) == 2 * (5 + 1 + 2 + 1)
    for arm in arms:
        if arm.stage == RL:
            assert arms.index(arm) > arms.index(type(arm)(arm.data, arm.strategy, SFT, arm.seed))


def test_a_study_leaves_a_page_with_verdicts_numbers_and_a_picture(study):
    text = (study / "table.md").read_text()
    assert text.count("| (i") == 3
    for line in ("| naive | SFT | naive |", "| uncertain | SFT | similar-2+ppl |", "| think | SFT + RL | think |"):
        assert line in text
    assert (study / "heatmap.png").read_bytes().startswith(b"\x89PNG")
    with (study / "table.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    asked = {"naive": 2, "uncertain": 3}
    assert len(rows) == 2 * 2 * (asked["naive"] * 2 + asked["uncertain"] + 2)
    always = [row for row in rows if row["infer"].endswith("ppl")]
    assert {row["parsed"] for row in always} == {"1"}
    assert {float(row["n"]) for row in rows} <= {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
    assert {each["verdict"] for each in json.loads((study / "summary.json").read_text())["claims"]} <= {
        HELD,
        FAILED,
        OPEN,
    }


def test_doubts_are_made_once_and_marked_in_the_rows_that_all_runs_read(study):
    rows = read_lines(study / "data" / "mail" / "train.jsonl")
    told = json.loads((study / "data" / "mail" / "doubts.json").read_text())
    assert told["share"] == sum(row["uncertain"] for row in rows) / len(rows)
    for row in rows:
        assert row["uncertain"] == (row["predicted"] != row["label"] or row["margin"] < 0.1)


def test_the_strategy_is_kept_with_the_run(study):
    import yaml

    config = yaml.safe_load((study / "runs" / "mail" / "uncertain-sft-s1" / "config.yaml").read_text())
    assert config["env_options"]["uncertainty"] == "label"
    assert config["seed"] == 1


def test_what_is_finished_is_not_done_again(study, mail, monkeypatch, capsys):
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*.safetensors")}
    table = (study / "table.md").read_text()
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("a model was loaded"))
    assert cli.main(["gencls", "--dataset", str(mail), *SMALL, "--out", str(study)]) == 0
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*.safetensors")} == before
    assert (study / "table.md").read_text() == table
    assert cli.main(["gencls", "--dataset", str(mail), *SMALL, "--margin", "0.2", "--out", str(study)]) == 2
    assert "was cross-fitted otherwise: choose another --out" in capsys.readouterr().err


def cells(values, data="d"):
    """Cells from {(train, stage, infer): accuracies by seed}, the same on both splits."""
    rest = {"n": 100, "macro_f1": 0.5, "parsed": 1.0, "tokens": 9.0}
    each = [(row, seed, value) for row, found in values.items() for seed, value in enumerate(found)]
    return [
        Cell(data, *row, split, seed, {"accuracy": value, **rest})
        for row, seed, value in each
        for split in ("dev", "test")
    ]


CLEAR = {
    ("naive", SFT, "naive"): [0.80, 0.82, 0.81],
    ("naive", SFT, "ppl"): [0.90, 0.91, 0.92],
    ("naive", RL, "naive"): [0.90, 0.93, 0.91],
    ("think", RL, "think"): [0.80, 0.82, 0.82],
}


def test_verdicts_follow_from_the_intervals():
    first, second, third = judged(Results(cells(CLEAR)))
    assert (first.verdict, second.verdict, third.verdict) == (HELD, HELD, HELD)
    assert first.gain == pytest.approx(student_interval([0.10, 0.09, 0.11]))
    assert second.gain == pytest.approx(student_interval([0.10, 0.11, 0.10]))
    assert third.gain == pytest.approx(student_interval([-0.10, -0.11, -0.09]))
    swapped = {**CLEAR, ("naive", SFT, "ppl"): [0.7, 0.7, 0.7], ("naive", RL, "naive"): [0.70, 0.72, 0.71],
               ("think", RL, "think"): [0.9, 0.9, 0.9]}  # fmt: skip
    assert [each.verdict for each in judged(Results(cells(swapped)))] == [FAILED, FAILED, FAILED]
    noisy = {**CLEAR, ("naive", SFT, "ppl"): [0.70, 0.99, 0.80], ("naive", RL, "naive"): [0.70, 0.99, 0.80],
             ("think", RL, "think"): [0.99, 0.70, 0.90]}  # fmt: skip
    assert [each.verdict for each in judged(Results(cells(noisy)))] == [OPEN, OPEN, OPEN]


def test_one_seed_settles_nothing_and_an_unreadable_thinker_neither():
    one = {row: values[:1] for row, values in CLEAR.items()}
    assert [each.verdict for each in judged(Results(cells(one)))] == [OPEN, OPEN, OPEN]
    as_trained = {**one, ("naive", SFT, "ppl"): [0.5]}
    assert [each.verdict for each in judged(Results(cells(as_trained)))] == [OPEN, OPEN, OPEN]
    made = cells(CLEAR)
    for cell in made:
        if cell.train == "think":
            cell.numbers["parsed"] = 0.3
    third = judged(Results(made))[2]
    assert third.verdict == OPEN
    assert "only 30 % of the thinking answers can be read" in third.why


def test_the_choice_is_made_on_development_texts_alone():
    made = cells({("naive", SFT, "naive"): [0.8, 0.8], ("naive", SFT, "ppl"): [0.8, 0.8]})
    assert best_inference(Results(made), "d", "naive") == "naive"  # of equals, as trained
    for cell in made:
        if cell.infer == "ppl":
            cell.numbers["accuracy"] = 0.9 if cell.split == "dev" else 0.1
    assert best_inference(Results(made), "d", "naive") == "ppl"


def test_gains_are_absolute_and_relative():
    results = Results(cells(CLEAR))
    absolute, relative = gains(results, "d", ("naive", SFT, "ppl"))
    assert absolute.mean == pytest.approx(0.10)
    assert relative == pytest.approx(100 * 0.10 / 0.81)
    assert gains(results, "d", BASE) == (pytest.approx((0.0, 0.0, 0.0)), 0.0)
    text = page(results, judged(results), "About.")
    assert "+10.0 [+7.5, +12.5] | +12.3 |" in text
    lines = {(row["train"], row["stage"], row["infer"], row["split"], row["seed"]): row
             for row in csv.DictReader(as_csv(results).splitlines())}  # fmt: skip
    line = lines["naive", SFT, "ppl", "test", "1"]
    assert float(line["gain"]) == pytest.approx(0.09)
    assert float(line["relative_gain_percent"]) == pytest.approx(100 * 0.09 / 0.82, rel=1e-4)
