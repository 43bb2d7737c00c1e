"""Which training rows stand before a query as demonstrations."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.envs import env_class
from assay.envs.text_classification.retrieval import Index, word_cosine

Env = env_class("text_classification")
TRAIN = [
    ("the striker scored a late goal in the match", "sports"),
    ("the coach praised the striker after the match", "sports"),
    ("a referee stopped the league match", "sports"),
    ("the team won the league on goal difference", "sports"),
    ("shares fell as the market opened lower", "business"),
    ("the bank raised interest on every loan", "business"),
    ("investors sold shares before the market closed", "business"),
    ("the firm paid a dividend to its investors", "business"),
    ("the rocket reached orbit after launch", "space news"),
    ("a telescope saw a distant galaxy", "space news"),
    ("astronauts left orbit and came home", "space news"),
    ("the satellite launch was delayed by rain", "space news"),
]
TEST = [("the goal decided the match", "sports"), ("the market punished the bank", "business")]


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    for name, rows in (("train", TRAIN), ("test", TEST)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
    return {"source": "csv", "path": str(tmp_path / "train.csv"), "test_path": str(tmp_path / "test.csv")}


@pytest.mark.parametrize("icl", ["fixed", "random", "similar", "diverse", "per-class-1"])
def test_demonstrations_come_from_training_rows_and_never_show_the_query(data, icl):
    pytest.importorskip("sklearn")
    for split in ("train", "test"):
        env = Env(**data, icl=icl, k=3, split=split)
        for task in env.tasks:
            turns = task.prompt[1:]
            assert [m["role"] for m in turns] == ["user", "assistant"] * 3 + ["user"]
            texts = [m["content"].split('"""\n')[1].rstrip("\n") for m in turns if m["role"] == "user"]
            labels = [m["content"] for m in turns if m["role"] == "assistant"]
            assert texts[-1] not in texts[:-1]
            assert len(set(texts)) == 4
            assert all((text, label) in TRAIN for text, label in zip(texts[:-1], labels, strict=True))
        assert [t.prompt for t in Env(**data, icl=icl, k=3, split=split).tasks] == [t.prompt for t in env.tasks]


def shown(task: Any) -> list[str]:
    users = [m["content"].split('"""\n')[1].rstrip("\n") for m in task.prompt if m["role"] == "user"]
    return users[:-1]


def test_fixed_demonstrations_are_the_same_for_all_with_distinct_labels_first(data):
    tasks = Env(**data, icl="fixed", k=3, split="test").tasks
    assert shown(tasks[0]) == shown(tasks[1])
    assert len({m["content"] for m in tasks[0].prompt if m["role"] == "assistant"}) == 3
    others = {tuple(shown(Env(**data, icl="fixed", k=3, split="test", seed=s).tasks[0])) for s in range(6)}
    assert len(others) > 1


def test_random_demonstrations_differ_between_queries(data):
    tasks = Env(**data, icl="random", k=3).tasks
    assert len({tuple(shown(task)) for task in tasks}) > 6


def test_similar_demonstrations_are_the_nearest_with_the_nearest_last(data):
    pytest.importorskip("sklearn")
    for split in ("train", "test"):
        env = Env(**data, icl="similar", k=3, split=split)
        texts = [text for text, _ in TRAIN]
        index = Index(texts)
        rows = TRAIN if split == "train" else TEST
        for task, (text, _), row in zip(env.tasks, rows, index.similarities([t for t, _ in rows]), strict=True):
            ranked = sorted((i for i in range(12) if texts[i] != text), key=lambda i: (-row[i], i))[:3]
            assert shown(task) == [texts[i] for i in reversed(ranked)]


def test_near_copies_of_a_training_query_are_not_shown(tmp_path):
    pytest.importorskip("sklearn")
    copy = "The striker scored a late goal in the match!"
    path, held = tmp_path / "train.csv", tmp_path / "test.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *TRAIN, (copy, "sports")])
    with held.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *TEST])
    data = {"source": "csv", "path": str(path), "test_path": str(held)}
    assert word_cosine(copy, TRAIN[0][0]) == pytest.approx(1.0)
    for icl in ("fixed", "random", "similar", "diverse"):
        env = Env(**data, icl=icl, k=10)
        query = env.tasks[0]
        assert f"\n{TRAIN[0][0]}\n" in query.prompt[-1]["content"]
        assert copy not in shown(query)
        assert len(shown(query)) == 10
    assert copy in shown(Env(**data, icl="similar", k=3, split="test").tasks[0])


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("icl", ["fixed", "random", "similar", "diverse", "per-class-1"])
def test_texts_without_words_do_not_demonstrate_themselves(tmp_path, icl):
    pytest.importorskip("sklearn")
    path = tmp_path / "odd.csv"
    odd = [(mark * 3, "sports") for mark in "!?.,;:-+"]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *odd, ("a word", "business"), ("two words", "business")])
    env = Env(source="csv", path=str(path), icl=icl, k=len(odd), test_share=0.0)
    for task, (text, _) in zip(env.tasks, odd, strict=False):
        assert f"\n{text}\n" in task.prompt[-1]["content"]
        assert text not in shown(task)
        assert shown(task)


def test_one_demonstration_of_each_class_nearest_last(data):
    pytest.importorskip("sklearn")
    task = Env(**data, icl="per-class-1", split="test").tasks[0]
    labels = [m["content"] for m in task.prompt if m["role"] == "assistant"]
    assert sorted(labels) == ["business", "space news", "sports"]
    assert labels[-1] == "sports"


def test_diverse_demonstrations_are_one_of_each_cluster(data):
    pytest.importorskip("sklearn")
    tasks = Env(**data, icl="diverse", k=3, split="test").tasks
    assert shown(tasks[0]) == shown(tasks[1])
    clusters = Index([text for text, _ in TRAIN]).cluster_order(3, 0)
    assert shown(tasks[0]) == [TRAIN[members[0]][0] for members in clusters]
    assert sorted(i for members in clusters for i in members) == list(range(12))


def test_similar_demonstrations_of_a_held_out_text_ignore_other_held_out_texts(data, tmp_path):
    pytest.importorskip("sklearn")
    before = shown(Env(**data, icl="similar", k=3, split="test").tasks[0])
    with Path(data["test_path"]).open("a", newline="") as file:
        csv.writer(file).writerows([("the goal decided the match again", "sports"), ("goal goal goal match", "sports")])
    assert shown(Env(**data, icl="similar", k=3, split="test").tasks[0]) == before


def test_demonstrations_have_the_form_of_the_target(data):
    env = Env(**data, icl="fixed", k=2, numeric=True, think_mode="think", split="test")
    task = env.tasks[0]
    for message in (m for m in task.prompt if m["role"] == "assistant"):
        number = re.fullmatch(r"<think>\n\n</think>\n<answer>(\d+)</answer>", message["content"])
        assert number
        assert number[1] in task.truth["numeric"]


def test_impossible_demonstrations_are_refused(data):
    with pytest.raises(ValueError, match="k must be from 1 to 11"):
        Env(**data, icl="fixed", k=12)
    with pytest.raises(ValueError, match="k must be from 1 to 11"):
        Env(**data, icl="random", k=0)


@pytest.mark.parametrize(
    ("options", "package"),
    [
        ({"icl": "similar"}, "sklearn"),
        ({"icl": "diverse"}, "sklearn"),
        ({"source": "hub", "path": "x"}, "datasets"),
        ({"source": "parquet", "path": "x.parquet"}, "pyarrow"),
    ],
)
def test_a_missing_package_names_the_extra(tmp_path, monkeypatch, options, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "x.parquet").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImportError) as caught:
        Env(**options)
    assert "pip install 'assay[data]'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_demonstrations_drawn_by_seed_need_no_extra(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for icl in ("fixed", "random"):
        assert len(Env(**data, icl=icl).tasks[0].prompt) == 8


def test_per_class_demonstrations_are_for_few_classes(tmp_path):
    path = tmp_path / "many.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((f"text {i} of it", f"label {i % 21}") for i in range(210))])
    with pytest.raises(ValueError, match="at most 20 labels; there are 21"):
        Env(source="csv", path=str(path), icl="per-class-1")
