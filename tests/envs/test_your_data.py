"""Files as strangers have them: read at the first try, or refused in one line; what is broken is left out and told."""

from __future__ import annotations

import csv
import gzip
import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from assay.envs import env_class
from assay.envs.columns import find_column
from assay.envs.table_files import delimiter_of
from assay.envs.tables import DataWarning, read_table

Env = env_class("text_classification")
LABELS = ("billing", "delivery", "account", "device")
ROWS = [(f"case number {i}, about {LABELS[i % 4]}; please | help", LABELS[i % 4]) for i in range(120)]
CLEAN = [{"text": text, "label": label} for text, label in ROWS]


def delimited(delimiter: str = ",", end: str = "\n", rows: Any = ROWS, header: Any = ("text", "label")) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return out.getvalue()


def as_lines() -> str:
    return "".join(json.dumps(row) + "\n" for row in CLEAN)


GOOD = {
    "plain.csv": delimited().encode(),
    "semicolon.csv": delimited(";").encode(),
    "tab.csv": delimited("\t").encode(),
    "tab.tsv": delimited("\t").encode(),
    "tab.txt": delimited("\t").encode(),
    "bar.csv": delimited("|").encode(),
    "comma.tsv": delimited(",").encode(),
    "mark.csv": delimited().encode("utf-8-sig"),
    "wide.csv": delimited().encode("utf-16"),
    "crlf.csv": delimited(end="\r\n").encode(),
    "cr.csv": delimited(end="\r").encode(),
    "blank.csv": delimited().replace("\n", "\n\n").encode(),
    "trailing.csv": delimited(rows=[(*row, "", "") for row in ROWS], header=("text", "label", "", "")).encode(),
    "spaces.csv": delimited(header=(" text ", "label ")).encode(),
    "packed.csv.gz": gzip.compress(delimited().encode()),
    "packed.jsonl.gz": gzip.compress(as_lines().encode()),
    "packed.csv": gzip.compress(delimited().encode()),
    "lines.jsonl": as_lines().encode(),
    "lines.json": as_lines().encode(),
    "list.json": json.dumps(CLEAN).encode(),
    "nested.json": json.dumps({"version": 2, "data": CLEAN}).encode(),
    "columns.json": json.dumps({k: [row[k] for row in CLEAN] for k in ("text", "label")}).encode(),
    "frame.json": json.dumps({k: {str(i): row[k] for i, row in enumerate(CLEAN)} for k in ("text", "label")}).encode(),
}


@pytest.mark.parametrize("name", GOOD)
def test_one_table_in_many_spellings(tmp_path, name):
    (tmp_path / name).write_bytes(GOOD[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table(tmp_path / name) == CLEAN


def test_quotes_hold_delimiters_quotes_and_lines(tmp_path):
    rows = [(f'he said "no;\nnever", {i}\r\nand left', f"a, b;{i % 2}") for i in range(60)]
    for delimiter in ",;\t|":
        (tmp_path / "rows.csv").write_bytes(delimited(delimiter, rows=rows).encode())
        assert [(row["text"], row["label"]) for row in read_table(tmp_path / "rows.csv")] == rows


def test_the_delimiter_is_the_one_that_rows_agree_on():
    assert delimiter_of("a;b\n1,5;2\n1,7;2\n") == ";"
    assert delimiter_of("a,b\n1;2,x\n3;4,y\n") == ","
    assert delimiter_of("text\none\ntwo, three\n") == ","
    assert delimiter_of("", "\t") == "\t"


def test_columns_are_found_by_name_without_case_or_by_what_they_are_called():
    assert find_column(["Text", "LABEL"], "text", "text", "x") == "Text"
    assert find_column(["Text", "text"], "text", "text", "x") == "text"
    assert find_column(["id", " Label "], "", "label", "x") == " Label "
    with pytest.warns(DataWarning, match="'Review Text' is taken as the text column"):
        assert find_column(["Review Text", "Title"], "", "text", "x") == "Review Text"
    for columns, named in ((["a", "b"], ""), (["Text", "TEXT"], "text"), (["texts"], "text")):
        with pytest.raises(ValueError, match="x has no column 'text'; it has: "):
            find_column(columns, named, "text", "x")


TOLD = {
    "western.csv": (delimited().replace("help", "café").encode("latin-1"), "120 of 121 lines are not UTF-8"),
    "short.csv": (delimited().encode() + b"one field\n", "data row 121 does not have the 2 fields of the header"),
    "long.csv": (delimited().encode() + b"a,b,c\n", "data row 121 does not have"),
    "label.csv": (delimited().encode() + b"a text,\n", "1 of 121 rows have no 'label' (the first is row 121)"),
    "text.jsonl": (as_lines().encode() + b'{"label": "account"}\n', "1 of 121 rows have no 'text'"),
    "null.jsonl": (as_lines().encode() + b'{"text": null, "label": "account"}\n', "1 of 121 rows have no 'text'"),
    "cut.jsonl": (as_lines().encode() + b'{"text": "a te', "cut.jsonl:121 is not JSON"),
    "bytes.csv": (delimited().encode() + b"caf\xe9,billing\n", "1 of 122 lines are not UTF-8"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_broken_is_told_once_and_the_rest_is_unharmed(tmp_path, name):
    content, message = TOLD[name]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "clean.jsonl").write_text(as_lines())
    source = "jsonl" if name.endswith("jsonl") else "csv"
    with pytest.warns(DataWarning) as told:
        found = Env(source=source, path=str(tmp_path / name))
    assert [message in str(each.message) for each in told] == [True]
    assert "\n" not in str(told[0].message)
    expected = Env(source="jsonl", path=str(tmp_path / "clean.jsonl"))
    if "western" not in name:
        assert set(expected.tasks.ids) <= set(found.tasks.ids)
        assert len(found.tasks) - len(expected.tasks) <= 1
    assert len(found.tasks) + len(Env(source=source, path=str(tmp_path / name), split="test").tasks) in (120, 121)


REFUSED = {
    "open.csv": (delimited().encode() + b'"never closed\nand more\n', "a quote that opens in line 122 is never closed"),
    "sheet.csv": (b"PK\x03\x04\0\0", "is a spreadsheet or archive, not text"),
    "half.csv.gz": (gzip.compress(delimited().encode())[:200], "is a damaged gzip file"),
    "value.json": (b"3", "is no table"),
    "many.jsonl": (b'{"text": "a", "label": ["x"]}\n', "one label a row is needed; 'label' holds list"),
    "ids.csv": (delimited(rows=[(t, f"id {i}") for i, (t, _) in enumerate(ROWS)]).encode(), "is that the label column"),
    "none.csv": (delimited(rows=[(t, "") for t, _ in ROWS]).encode(), "the column 'label' is empty in all 120 rows"),
    "one.csv": (delimited(rows=[(t, "x") for t, _ in ROWS]).encode(), "at least two labels; there is 'x'"),
    "fold.csv": (delimited(rows=[*ROWS, ("b", "Billing")]).encode(), "are one label once case and spacing are folded"),
    "same.csv": (delimited(header=("text", "text")).encode(), "no column 'label'; it has: text, text (2)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_one_line(tmp_path, name):
    content, message = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        Env(source="jsonl" if "json" in name else "csv", path=str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cell_of_ten_megabytes_is_cut_in_the_middle_and_harms_nobody(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(delimited(rows=[*ROWS, ("word " * 2_000_000, "device")]))
    tasks = [*Env(source="csv", path=str(path)).tasks, *Env(source="csv", path=str(path), split="test").tasks]
    assert len(tasks) == 121
    longest = max(tasks, key=lambda task: len(task.prompt[-1]["content"]))
    assert len(longest.prompt[-1]["content"]) < 4100
    assert " [...] " in longest.prompt[-1]["content"]


def test_numbers_flags_and_lines_in_labels(tmp_path):
    path = tmp_path / "rows.jsonl"
    for values, labels in (((0, 1), ["0", "1"]), ((0.0, 1.0), ["0", "1"]), ((True, False), ["False", "True"]),
                           (("a\n b", "c"), ["a b", "c"])):  # fmt: skip
        path.write_text("".join(json.dumps({"text": i, "label": values[i % 2]}) + "\n" for i in range(40)))
        assert Env(source="jsonl", path=str(path)).tasks.labels == labels


def test_a_label_whose_rows_were_all_held_out_is_told(tmp_path):
    path = tmp_path / "rows.csv"
    for i in range(20):
        path.write_text(delimited(rows=[*ROWS, (f"a lonely text {i}", "rare")]))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            env = Env(source="csv", path=str(path))
        if told:
            assert "all rows of 1 labels fell into test ('rare'): training never shows them" in str(told[0].message)
            assert "rare" in env.tasks.labels
            return
    pytest.fail("no draw held the lonely row out")


def test_a_data_set_whose_test_labels_are_hidden_is_split_anew(tmp_path):
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text(delimited())
    test.write_text(delimited(rows=[(f"other {i}", "" if i else "device") for i in range(20)]))
    with pytest.warns(DataWarning, match="19 of 20 rows have no 'label'"):
        assert len(Env(source="csv", path=str(train), test_path=str(test), split="test").tasks) == 1


def test_parquet_numbers_categories_and_gaps(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(CLEAN)
    frame["label"] = [LABELS.index(each) for each in frame["label"]]
    frame.loc[3, "label"] = None
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.warns(DataWarning, match="1 of 120 rows have no 'label'"):
        assert Env(source="parquet", path=str(tmp_path / "rows.parquet")).tasks.labels == ["0", "1", "2", "3"]


def test_a_large_file_is_read_whole(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(delimited(rows=[(f"text {i}", LABELS[i % 4]) for i in range(20_000)]))
    env = Env(source="csv", path=str(path))
    assert sum(env.tasks.summary["rows"].values()) == 20_000


def test_user_paths_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(tmp_path / "rows.csv").write_text(delimited())
    assert len(read_table("~/rows.csv")) == 120
