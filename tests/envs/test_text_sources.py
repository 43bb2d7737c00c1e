"""Where texts come from: files, hub data sets and the embedded documentation; and what is refused."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assay.envs import env_class, play
from assay.envs.tables import read_table
from assay.envs.text_classification import docstrings
from assay.envs.text_classification.corpus import few_per_label, fold_text
from assay.envs.text_classification.sources import Row

Env = env_class("text_classification")
BANKING = Path(__file__).parents[2].parent / "shared/data/banking77"
ROWS = [(f"text number {i}", f"label {i % 4}") for i in range(200)]


def write(path: Path, rows: list[Any], header: tuple[str, ...] = ("text", "label")) -> str:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        table = pytest.importorskip("pyarrow").table
        parquet.write_table(table({name: [row[i] for row in rows] for i, name in enumerate(header)}), path)
    else:
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows([header, *rows])
    return str(path)


def pairs(env: Any) -> list[tuple[str, str]]:
    return [(t.prompt[-1]["content"].split('"""\n')[1].rstrip("\n"), t.truth["label"]) for t in env.tasks]


@pytest.mark.parametrize(
    ("source", "suffix"), [("csv", "csv"), ("csv", "tsv"), ("jsonl", "jsonl"), ("parquet", "parquet")]
)
def test_file_sources_give_the_same_tasks(tmp_path, source, suffix):
    path = write(tmp_path / f"rows.{suffix}", ROWS)
    reference = write(tmp_path / "reference.csv", ROWS)
    for split in ("train", "test"):
        env, expected = Env(source=source, path=path, split=split), Env(source="csv", path=reference, split=split)
        assert env.tasks.ids == expected.tasks.ids
        assert pairs(env) == pairs(expected)
    assert set(pairs(Env(source=source, path=path))) < set(ROWS)


def test_columns_are_chosen_by_name_and_labels_shown_as_they_are(tmp_path):
    path = write(tmp_path / "rows.csv", [(f"q {i}", f"card_{i % 2}", "x") for i in range(50)], ("query", "intent", "z"))
    env = Env(source="csv", path=path, text="query", label="intent")
    assert env.tasks.labels == ["card_0", "card_1"]
    with pytest.raises(ValueError, match=r"rows.csv has no column 'body'; it has: query, intent, z"):
        Env(source="csv", path=path, text="body")
    with pytest.raises(ValueError, match=r"no column 'folder'; it has: query, intent, z"):
        Env(source="csv", path=path, text="query", label="folder")


def test_integer_labels_are_labels(tmp_path):
    path = write(tmp_path / "rows.jsonl", [(f"text {i}", i % 3) for i in range(60)])
    assert Env(source="jsonl", path=path).tasks.labels == ["0", "1", "2"]


def test_splits_by_hash_do_not_move_and_near_copies_stay_together(tmp_path):
    rows = [row for text, label in ROWS for row in ((text, label), (f"  {text.upper()} ", label))]
    path = write(tmp_path / "rows.csv", rows)
    options: dict[str, Any] = {"source": "csv", "path": path, "dev_share": 0.2}
    found = {split: pairs(Env(**options, split=split)) for split in ("train", "dev", "test")}
    folded = {split: {fold_text(text) for text, _ in rows} for split, rows in found.items()}
    assert not folded["train"] & folded["test"]
    assert not folded["train"] & folded["dev"]
    assert not folded["dev"] & folded["test"]
    assert sum(map(len, found.values())) == 400
    assert 40 < len(found["test"]) < 120
    write(tmp_path / "rows.csv", rows[::-1][:300])
    for split in found:
        assert set(pairs(Env(**options, split=split))) <= set(found[split])


def test_a_text_in_two_given_splits_is_refused_or_dropped(tmp_path):
    data: dict[str, Any] = {
        "source": "csv",
        "path": write(tmp_path / "train.csv", ROWS[:100]),
        "test_path": write(tmp_path / "test.csv", ROWS[97:120]),
        "dev_path": write(tmp_path / "dev.csv", [*ROWS[120:140], ROWS[0]]),
    }
    with pytest.raises(ValueError, match="3 texts stand in both train and test; overlap='drop' drops them from train"):
        Env(**data)
    for split in ("train", "test", "dev"):
        env = Env(**data, overlap="drop", split=split)
        assert len(env.tasks) == {"train": 96, "test": 23, "dev": 21}[split]
        assert env.tasks.summary["dropped"] == {"also held out": 4}


def test_splits_that_are_not_given_are_cut_out_of_training(tmp_path):
    data: dict[str, Any] = {"source": "csv", "path": write(tmp_path / "train.csv", ROWS[:150])}
    given = {name: write(tmp_path / f"{name}.csv", ROWS[150:]) for name in ("test_path", "dev_path")}
    for name, missing in (("test_path", "dev"), ("dev_path", "test")):
        options = {**data, name: given[name], f"{missing}_share": 0.3}
        whole = Env(**{**options, f"{missing}_share": 0.0}).tasks
        train, cut = Env(**options).tasks, Env(**options, split=missing).tasks
        assert len(whole) == 150
        assert len(train) + len(cut) == 150
        assert 25 < len(cut) < 65
        assert not set(train.ids) & set(cut.ids)
        assert len(Env(**options, split=name.removesuffix("_path")).tasks) == 50


def test_texts_that_differ_in_case_or_spacing_are_dropped_from_training_and_counted(tmp_path):
    train = write(tmp_path / "train.csv", [*ROWS[:100], (f" {ROWS[150][0].title()}\n", ROWS[150][1])])
    test = write(tmp_path / "test.csv", ROWS[100:160])
    env = Env(source="csv", path=train, test_path=test)
    assert len(env.tasks) == 100
    assert env.tasks.summary["dropped"] == {"also held out": 1}


def test_repeats_and_contradictions_are_dropped_and_counted(tmp_path):
    rows = [*ROWS[:80], ROWS[3], ROWS[3], (ROWS[5][0], "label 3"), ("", "label 1")]
    path = write(tmp_path / "train.csv", rows)
    env = Env(source="csv", path=path, test_path=write(tmp_path / "test.csv", ROWS[100:140]))
    assert env.tasks.summary["dropped"] == {"repeated": 3, "with two labels": 1}
    assert len(env.tasks) == 80  # 80 - 1 contradiction + the empty text, which keeps its row
    assert ROWS[5][0] not in {text for text, _ in pairs(env)}


def test_balance_is_reported(tmp_path):
    rows = [(f"text {i}", "common" if i % 10 else "rare") for i in range(100)]
    env = Env(
        source="csv", path=write(tmp_path / "a.csv", rows), test_path=write(tmp_path / "b.csv", [("new", "rare")])
    )
    summary = env.tasks.summary
    assert summary["rows"] == {"train": 100, "dev": 0, "test": 1}
    assert summary["per_label"] == {"common": 90, "rare": 10}
    assert summary["majority_share"] == 0.9
    assert summary["imbalance"] == 9.0
    assert env.trivial(env.tasks) == {"majority": "common"}


def test_a_subset_of_labels_and_few_rows_of_each(tmp_path):
    data: dict[str, Any] = {"source": "csv", "path": write(tmp_path / "rows.csv", ROWS)}
    env = Env(**data, labels=("label 2", "label 0"))
    assert env.tasks.labels == ["label 2", "label 0"]
    assert env.tasks.summary["dropped"]["of other labels"] == 100
    assert Env(**data, labels="label 2, label 0").tasks.ids == env.tasks.ids
    few, fewer = Env(**data, per_label=5), Env(**data, per_label=3)
    assert Counter(label for _, label in pairs(few)) == {f"label {i}": 5 for i in range(4)}
    assert set(fewer.tasks.ids) < set(few.tasks.ids)
    assert Env(**data, per_label=5, split="test").tasks.ids == Env(**data, split="test").tasks.ids
    with pytest.raises(ValueError, match=r"no row has the label 'label 9'; the 4 labels begin with: label 0, label 1"):
        Env(**data, labels=("label 9", "label 0"))


def test_few_per_label_keeps_order_and_does_not_depend_on_it():
    rows = [Row(f"t{i}", str(i % 2)) for i in range(20)]
    kept = few_per_label(rows, 3)
    assert kept == [row for row in rows if row in set(kept)]
    assert set(few_per_label(rows[::-1], 3)) == set(kept)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "has no rows"),
        ([("a", "Yes"), ("b", "yes ")], "'Yes' and 'yes' are one label once case and spacing are folded"),
        ([("a", "New York"), ("b", "new  york.")], "are one label"),
        ([("a", "only"), ("b", "only")], "at least two labels; there is 'only'"),
        ([("a", ""), ("b", " ")], "rows.csv: the column 'label' is empty in all 2 rows"),
    ],
)
def test_data_that_cannot_be_used_is_refused_in_one_line(tmp_path, rows, message):
    with pytest.raises(ValueError) as caught:
        Env(source="csv", path=write(tmp_path / "rows.csv", rows))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unseen_held_out_label_is_refused(tmp_path):
    train, test = write(tmp_path / "a.csv", ROWS[:50]), write(tmp_path / "b.csv", [("new text", "label 77")])
    with pytest.raises(ValueError, match="held-out rows have labels that training rows lack: label 77"):
        Env(source="csv", path=train, test_path=test)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "csv"}, "source 'csv' needs a path"),
        ({"source": "csv", "path": "nowhere.csv"}, "no such file: nowhere.csv"),
        ({"source": "jsonl", "path": "rows.csv"}, "source 'jsonl' reads .jsonl, .ndjson and .json files; got rows.csv"),
        ({"path": "rows.csv"}, "source 'docstrings' takes no path; for a file give source csv"),
        ({"source": "synthetic", "test_path": "x"}, "source 'synthetic' takes no test_path"),
        ({"split": "dev"}, "the dev split of documentation of Python"),
        ({"candidates": "few"}, "candidates must be auto, all or a number of at least 2; got 'few'"),
        ({"k": "3"}, "option 'k' must be a whole number; got '3'"),
        ({"think_mode": "deep"}, "must be one of none, think, after, adaptive; got 'deep'"),
        ({"definitions_path": "no.json"}, "no.json: No such file"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(ValueError) as caught:
        Env(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_files_are_one_line(tmp_path):
    limit = csv.field_size_limit()
    cases = {
        "a.jsonl": (b'{"text": "x", "label": "y"}\n{"text": \n', "a.jsonl:2 is not JSON"),
        "b.jsonl": (b"[1]\n", "b.jsonl:1 is not a JSON object"),
        "c.csv": (b"text,label\na,b\nc\n", "data row 2 does not have the"),
        "d.csv": (b"PK\x03\x04 and so on", "is a spreadsheet or archive, not text: export it as CSV"),
        "e.parquet": (b"not parquet", "is not a whole Parquet file"),
        "f.csv": (b"text,label\na,b,c\n", "data row 1 does not have the"),
        "g.xlsx": (b"x", ".json, .parquet (save the sheet as CSV)"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        with pytest.raises(ValueError) as caught:
            read_table(tmp_path / name)
        assert message in str(caught.value), name
        assert "\n" not in str(caught.value)
    (tmp_path / "g.csv").write_text("text,label\n" + "x" * 200_000 + ",b\n")
    assert len(read_table(tmp_path / "g.csv")[0]["text"]) == 200_000
    assert csv.field_size_limit() == limit


def test_a_hub_data_set_is_loaded_by_name_or_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "hub"
    folder.mkdir()
    write(folder / "train.csv", ROWS[:100])
    write(folder / "test.csv", ROWS[100:140])
    write(folder / "validation.csv", ROWS[140:150])
    for split, count in (("train", 100), ("test", 40), ("dev", 10)):
        assert len(Env(source="hub", path=str(folder), split=split).tasks) == count
    with pytest.raises(ValueError, match="no column 'intent'; it has: text, label"):
        Env(source="hub", path=str(folder), label="intent")
    with pytest.raises(ValueError, match="cannot load the data set"):
        Env(source="hub", path=str(tmp_path / "nothing"))
    assert datasets


def test_hub_class_indices_become_names(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    data = datasets.Dataset.from_dict({"text": [f"t {i}" for i in range(60)], "label": [0, 1] * 30}, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda name, config: datasets.DatasetDict({"train": data}))
    env = Env(source="hub", path="anything")
    assert env.tasks.labels == ["no", "yes"]
    assert {label for _, label in pairs(env)} == {"no", "yes"}
    assert len(env.tasks) + len(Env(source="hub", path="anything", split="test").tasks) == 60


def test_docstrings_are_distinct_sentences_of_balanced_topics():
    rows = docstrings.docstring_rows()
    counts = Counter(topic for _, topic in rows)
    assert set(counts) == set(docstrings.TOPICS)
    assert min(counts.values()) >= 80
    assert max(counts.values()) <= docstrings.CAP
    assert len({fold_text(text) for text, _ in rows}) == len(rows)
    assert all(text.count(" ") >= 1 and len(text) <= 300 for text, _ in rows)
    docstrings.docstring_rows.cache_clear()
    assert docstrings.docstring_rows() == rows


def test_docstrings_do_not_name_the_modules_of_their_topic():
    for text, topic in docstrings.docstring_rows():
        names = {name.strip("_") for name in docstrings.TOPICS[topic].split()}
        assert not set(re.findall(r"\w+", text.lower())) & names, text
        assert text.count("[name]") <= 2
    assert docstrings.redact("Like os.path.join() or fooBar(x) of `some_name`.", frozenset({"like"})) == (
        "[name] [name] or [name] of [name]."
    )


def test_openings_are_whole_sentences_and_short():
    assert docstrings.opening("One.\n\nTwo.") == "One."
    assert docstrings.opening("A first short one. And a second. A third.") == "A first short one. And a second."
    first = "This first sentence is quite long enough to stand without any other."
    assert docstrings.opening(first + " Second one.") == first
    assert len(docstrings.opening("word " * 200)) <= 240


def test_docstrings_can_be_learned_but_not_by_a_constant():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, test = pairs(Env()), pairs(Env(split="test"))
    vectors = TfidfVectorizer(ngram_range=(1, 2)).fit([text for text, _ in train])
    model = LogisticRegression(C=20, max_iter=300).fit(vectors.transform([t for t, _ in train]), [y for _, y in train])
    assert model.score(vectors.transform([t for t, _ in test]), [y for _, y in test]) > 0.6
    assert Env(split="test").tasks.summary["majority_share"] < 0.2
    assert sklearn


def test_a_python_without_sources_is_told(monkeypatch, tmp_path):
    docstrings.docstring_rows.cache_clear()
    monkeypatch.setattr(docstrings.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(ValueError, match="no standard-library sources under"):
        Env()
    monkeypatch.undo()
    docstrings.docstring_rows.cache_clear()


@pytest.mark.skipif(not BANKING.is_dir(), reason="needs Banking77 beside the repository (shared/data/banking77)")
def test_banking77_with_all_intents_and_with_ten():
    data: dict[str, Any] = {
        "source": "csv",
        "path": str(BANKING / "train.csv"),
        "test_path": str(BANKING / "test.csv"),
        "label": "category",
    }
    test = Env(**data, split="test")
    assert len(test.tasks) == 3080
    assert sorted(test.tasks.labels) == sorted(json.loads((BANKING / "categories.json").read_text()))
    assert test.tasks.summary["rows"] == {"train": 9996, "dev": 0, "test": 3080}
    assert test.tasks.summary["dropped"] == {"also held out": 7}
    assert test.gold(test.tasks[0]) == "card_arrival"
    assert play(test, ["Card_Arrival"], task_id=test.tasks[0].id).score.correct
    ten = Env(**data, labels=tuple(test.tasks.labels[:10]), per_label=5)
    assert len(ten.tasks) == 50
