"""What ``--dataset`` makes of a file, a folder or a name, and what a run says of the data."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from typing import Any

import pytest

from assay.envs import env_class
from assay.training import cli
from assay.training.cli_evaluate import parse_evaluation
from assay.training.datasets import about, dataset_options, image_env
from assay.training.errors import UserError
from assay.training.flags import parse_train
from assay.training.preflight import suited

TEXT, IMAGE = (env_class(name).Options for name in ("text_classification", "image_classification"))


@pytest.mark.parametrize(
    ("name", "source"),
    [("a.csv", "csv"), ("a.TSV", "csv"), ("a.txt", "csv"), ("a.csv.gz", "csv"), ("a.json", "jsonl"),
     ("a.ndjson", "jsonl"), ("a.jsonl.gz", "jsonl"), ("a.parquet", "parquet")],
)  # fmt: skip
def test_files_by_suffix(tmp_path, name, source):
    path = tmp_path / name
    path.write_bytes(b"x")
    assert dataset_options(TEXT, str(path)) == {"source": source, "path": str(path)}
    assert dataset_options(IMAGE, str(path), image="pic")["source"] == "csv"


def test_folders_by_what_they_hold(tmp_path):
    tables, photos, coop, idx = (tmp_path / name for name in ("tables", "photos", "coop", "idx"))
    for folder in (tables, photos / "cat", coop, idx):
        folder.mkdir(parents=True)
    for name in ("train.csv", "test.csv", "validation.csv", "readme.md"):
        (tables / name).write_text("text,label\n")
    (photos / "cat" / "a.JPG").write_bytes(b"")
    (coop / "split_zhou_Pets.json").write_text("{}")
    (idx / "train-images-idx3-ubyte.gz").write_bytes(b"")
    assert dataset_options(TEXT, str(tables)) == {
        "source": "csv",
        "path": str(tables / "train.csv"),
        "dev_path": str(tables / "validation.csv"),
        "test_path": str(tables / "test.csv"),
    }
    for folder, source in ((photos, "folder"), (coop, "coop"), (idx, "idx")):
        assert dataset_options(IMAGE, str(folder)) == {"source": source, "path": str(folder)}
        assert image_env(str(folder)) == "image_classification"
        assert parse_train(["--dataset", str(folder)]).env == "image_classification"
        assert parse_evaluation(["--dataset", str(folder), "--model", "random"])[0].env == "image_classification"
    assert image_env(str(tables)) == image_env("someone/mails") == image_env("") == ""
    with pytest.raises(UserError, match="holds images: add --env image_classification"):
        dataset_options(TEXT, str(photos))


def test_a_named_column_of_images_chooses_the_environment_unless_it_is_named():
    config = parse_train(["--dataset", "someone/pets", "--image", "photo", "--label", "breed"])
    assert config.env == "image_classification"
    assert config.env_options == {"source": "hub", "path": "someone/pets", "image": "photo", "label": "breed"}
    with pytest.raises(UserError, match="this environment takes no --image"):
        parse_train(["--env", "text_classification", "--dataset", "someone/pets", "--image", "photo"])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("nowhere.csv", "no such file: nowhere.csv"), ("./nowhere", "no such file or folder: ./nowhere"),
     ("a/b/c", "no such file or folder: a/b/c")],
)  # fmt: skip
def test_what_is_not_there_is_one_line(dataset, message):
    with pytest.raises(UserError, match=message):
        dataset_options(TEXT, dataset)


def test_a_spreadsheet_is_named_as_one(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"cannot read .xlsx; known: .csv.*save the sheet as CSV"):
        dataset_options(TEXT, str(tmp_path / "a.xlsx"))


def table(path: Any, rows: Any) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return str(path)


def test_a_run_says_how_even_the_classes_are(tmp_path):
    rows = [(f"text {i}", "common" if i % 10 else "rare") for i in range(100)]
    path = table(tmp_path / "rows.csv", [*rows, rows[0]])
    held = table(tmp_path / "held.csv", [("a new text", "rare")])
    tasks = env_class("text_classification")(source="csv", path=path, test_path=held).tasks
    assert about(tasks) == (
        "data: 100 train, 1 test; 2 labels, the most frequent is 90 % of the training rows, 9 times the rarest; "
        "left out: 1 repeated"
    )
    assert about([1, 2]) == ""


def test_answers_are_as_long_as_the_longest_label(tmp_path):
    rows = [(f"text {i}", ("short", "long " * 30)[i % 2]) for i in range(40)]
    path = table(tmp_path / "rows.csv", rows)
    tokens = {
        words: suited(parse_train(["--dataset", path, *words])).rollout.max_tokens
        for words in ((), ("--env.numeric",), ("--env.think-mode", "think"), ("--rollout.max-tokens", "9"))
    }
    assert list(tokens.values()) == [151, 32, 375, 9]


def test_a_first_run_on_a_file_that_nobody_cleaned(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = (
        ["Ticket Text;Team"]
        + [f'"case {i}; caf\xe9, it says ""{i % 3}""";team {i % 3}' for i in range(90)]
        + ["broken"]
    )
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress("\r\n".join(lines).encode("latin-1")))
    words = ["--dataset", "t.csv.gz", "--text", "ticket text", "--label", "TEAM", "--model", "tiny", "--steps", "1",
             "--rollout.groups", "2", "--rollout.group-size", "2", "--eval.tasks", "4", "--sft.examples", "4",
             "--threads", "1", "--out", "run"]  # fmt: skip
    with pytest.warns(UserWarning, match="t.csv.gz") as told:
        assert cli.train(words) == 0
    said = {str(each.message) for each in told if "t.csv.gz" in str(each.message)}
    assert len(said) == 2
    assert "3 labels" in capsys.readouterr().out


def test_notes_are_one_line_each_on_the_command_line(tmp_path):
    path = table(tmp_path / "rows.csv", [*((f"text {i}", f"l{i % 2}") for i in range(40)), ("no label", "")])
    code = "import sys; from assay.training.cli import evaluate; sys.exit(evaluate())"
    words = ["--dataset", path, "--model", "random", "--tasks", "2", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if line.strip()]
    assert notes == [f"note: {path}: 1 of 41 rows have no 'label' (the first is row 41); left out"]
