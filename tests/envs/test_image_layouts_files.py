"""Images as they are published: the split files of CoOp, IDX, tables with bytes; and the two accuracies."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.envs import env_class, play
from assay.envs.image_classification.coop import read_coop
from assay.envs.image_classification.idx import FASHION, FASHION_FOLDER, read_idx, read_images
from assay.envs.image_classification.pictures import open_picture
from assay.envs.image_classification.protocol import harmonic_mean
from assay.envs.tables import DataWarning

Env = env_class("image_classification")
CLASSES = ("owl", "cat", "red fox")


def png(number: int) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def coop(root: Path, images: int = 6) -> Path:
    """A data set of three classes as CoOp lays it out; class numbers are not in the order of names."""
    rows: dict[str, list[list[Any]]] = {"train": [], "val": [], "test": []}
    for number, name in enumerate(CLASSES):
        for i in range(3 * images):
            path = f"{name.replace(' ', '_')}/{i}.png"
            (root / "images" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "images" / path).write_bytes(png(100 * number + i))
            rows[("train", "val", "test")[i % 3]].append([path, number, name])
    (root / "split_zhou_Animals.json").write_text(json.dumps(rows))
    return root


def test_coop_splits_and_classes_are_as_they_are_listed(tmp_path):
    root = coop(tmp_path)
    for path in (root, root / "split_zhou_Animals.json"):
        parts, classes = read_coop(path)
        assert classes == list(CLASSES)
        assert {split: len(rows) for split, rows in parts.items()} == {"train": 18, "dev": 18, "test": 18}
    options: dict[str, Any] = {"source": "coop", "path": str(root)}
    train, test = Env(**options), Env(**options, split="test")
    assert Counter(task.truth["label"] for task in train.tasks) == dict.fromkeys(CLASSES, 4)
    assert len(test.tasks) == 18
    assert train.tasks.labels == list(CLASSES)
    assert not set(train.tasks.ids) & set(test.tasks.ids)
    assert play(test, ["red fox"], task_id=test.tasks[-1].id).score.correct is True


def test_coop_base_to_new_halves_by_class_number(tmp_path):
    options: dict[str, Any] = {"source": "coop", "path": str(coop(tmp_path)), "protocol": "base-to-new"}
    assert {task.truth["label"] for task in Env(**options).tasks} == {"owl", "cat"}
    assert {task.truth["label"] for task in Env(**options, split="test", part="new").tasks} == {"red fox"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold an object with train, val and test"),
        ('{"train": 3}', "'train' is no list"),
        ('{"train": [["a.png", "0", "cat"]]}', r"train\[0\] is not \[path, class number, class name\]"),
        ('{"train": [["a.png", 0, "cat"], ["b.png", 0, "dog"]]}', "class 0 is called 'cat' and 'dog'"),
        ('{"test": [["a.png", 0, "cat"]]}', "lists no training images"),
        ('{"train": [["a.png", 0, "cat"]]}', "no image such as a.png"),
    ],
)
def test_broken_coop_files_are_one_line(tmp_path, content, message):
    (tmp_path / "split_zhou_X.json").write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        Env(source="coop", path=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_missing_coop_images_are_left_out_and_told(tmp_path):
    root = coop(tmp_path)
    (root / "images/cat/0.png").unlink()
    with pytest.warns(DataWarning, match="1 of 54 images are missing"):
        assert len(Env(source="coop", path=str(root)).tasks) == 12
    with pytest.raises(ValueError, match=r"has no split_zhou_NAME\.json"):
        Env(source="coop", path=str(root / "images"))


def idx(root: Path, packed: bool, train: int = 40, test: int = 20) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for stem, count in (("train", train), ("t10k", test)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            name = root / f"{stem}-{kind}-ubyte{'.gz' if packed else ''}"
            name.write_bytes(gzip.compress(head + array.tobytes()) if packed else head + array.tobytes())
    return root


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_whole(tmp_path, packed):
    root = idx(tmp_path, packed)
    source = read_idx(str(root), FASHION, "Fashion-MNIST")
    assert {split: len(items) for split, items in source.parts.items()} == {"train": 40, "test": 20}
    assert source.classes == list(FASHION)
    item = source.parts["test"][13]
    expected = np.random.default_rng(20).integers(0, 256, (20, 28, 28), dtype=np.uint8)[13]
    assert item.label == "dress"
    assert (np.asarray(open_picture(item.ref, 0)) == expected[..., None]).all()
    assert Env(source="idx", path=str(root), split="test").tasks.labels == [str(i) for i in range(10)]
    assert Env(source="fashion-mnist", path=str(root), shots=2).tasks.summary["rows"]["train"] == 20


def test_broken_idx_files_are_one_line(tmp_path):
    good = idx(tmp_path / "good", packed=False)
    content = (good / "train-images-idx3-ubyte").read_bytes()
    huge = content[:4] + b"\xff" * 12
    cases = {"cut": (content[:-1], "does not hold the"), "kind": (b"\0\0\x0d\3" + content[4:], "is no IDX file"),
             "huge": (huge, "more than"), "gzip": (gzip.compress(content)[:90], "cannot be read"),
             "empty": (b"", "is no IDX file"), "long": (content + b"x", "does not hold the")}  # fmt: skip
    for name, (data, message) in cases.items():
        read_images.cache_clear()
        root = idx(tmp_path / name, packed=False)
        (root / "train-images-idx3-ubyte").write_bytes(data)
        with pytest.raises(ValueError, match=message) as caught:
            Env(source="fashion-mnist", path=str(root))
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="apt install dataset-fashion-mnist"):
        Env(source="fashion-mnist", path=str(tmp_path))


@pytest.mark.skipif(not Path(FASHION_FOLDER).is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_fashion_mnist_of_debian():
    env = Env(source="fashion-mnist", split="test", image_size=28)
    assert len(env.tasks) == 10_000
    assert env.tasks.labels == list(FASHION)
    assert env.tasks.summary["majority_share"] == pytest.approx(0.1)
    assert play(env, ["ankle boot"], task_id=env.tasks[0].id).score.correct is True


def cells(tmp_path: Path) -> list[dict[str, Any]]:
    rows = []
    for i in range(40):
        (tmp_path / f"{i}.png").write_bytes(png(i))
        rows.append({"photo": png(i), "kind": CLASSES[i % 3]})
    return rows


@pytest.mark.parametrize("form", ["bytes", "struct", "struct of paths", "paths"])
def test_a_parquet_table_of_images(tmp_path, form):
    pyarrow = pytest.importorskip("pyarrow")
    rows = cells(tmp_path)
    for i, row in enumerate(rows):
        name = f"{i}.png"
        row["photo"] = {"bytes": row["photo"], "struct": {"bytes": row["photo"], "path": None},
                        "struct of paths": {"bytes": None, "path": name}, "paths": name}[form]  # fmt: skip
    pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    env = Env(source="csv", path=str(tmp_path / "rows.parquet"), image="photo", label="kind", shots=0)
    assert env.tasks.labels == sorted(CLASSES)
    item = env.tasks[0].prompt[0]["content"][0]["image"]
    assert open_picture(item, 0).size == (7, 9)
    test = Env(source="csv", path=str(tmp_path / "rows.parquet"), image="photo", label="kind", split="test")
    assert len(env.tasks) + len(test.tasks) == 40


def test_json_lines_may_hold_data_addresses_and_what_is_no_image_is_told(tmp_path):
    lines = [{"image": "data:image/png;base64," + base64.b64encode(png(i)).decode(), "label": CLASSES[i % 3]}
             for i in range(40)]  # fmt: skip
    lines[7]["image"] = "data:image/png;base64,????"
    lines[9]["label"] = None
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.warns(DataWarning) as told:
        env = Env(source="csv", path=str(path), shots=0)
    assert sorted(str(each.message).partition(": ")[2] for each in told)[0].startswith("1 of 40 rows have no 'label'")
    assert any("row 8: a data: address that is not base64" in str(each.message) for each in told)
    assert env.reset(seed=0)[0]["images"][0].size == (384, 384)


def test_files_of_a_folder_that_are_no_images_are_left_out_and_told(tmp_path):
    for name in CLASSES:
        (tmp_path / name).mkdir()
        for i in range(12):
            (tmp_path / name / f"{i}.png").write_bytes(png(CLASSES.index(name) * 50 + i))
    (tmp_path / "cat" / "broken.jpg").write_bytes(b"not an image")
    with pytest.warns(DataWarning, match=r"1 files cannot be read as images \(the first: .*broken.jpg\)"):
        assert len(Env(source="folder", path=str(tmp_path), shots=3).tasks) == 9
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(ValueError, match="none of its 37 files is an image"):
        Env(source="folder", path=str(tmp_path))


def test_strict_and_lenient_accuracy_of_both_parts_and_their_harmonic_mean():
    env = Env(classes=20, protocol="base-to-new", part="both", split="test")
    base = [task for task in env.tasks if task.meta["part"] == "base"]
    new = [task for task in env.tasks if task.meta["part"] == "new"]
    assert len(base) == len(new) == 100
    for part in (base, new):
        names = {task.truth["label"] for task in part}
        assert all(set(task.truth["labels"]) == names for task in part)

    def said(task: Any, i: int) -> str:
        gold = str(task.truth["label"])
        return gold if i % 4 == 0 else ", ".join(task.truth["labels"]) if i % 4 == 1 else "nothing"

    tasks = [*base[:40], *new[:20]]
    scores = [[env.score([said(task, i)], task.truth)] for i, task in enumerate(tasks)]
    scores[2] = []  # an episode without a verdict counts nowhere
    (table,) = env.tables(env.options, tasks, scores)
    assert [column.name for column in table.columns] == ["part", "strict", "lenient", "tasks"]
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows["base"] == (pytest.approx(10 / 39), pytest.approx(20 / 39), 39)
    assert rows["new"] == (pytest.approx(0.25), pytest.approx(0.5), 20)
    assert rows["H"][:2] == (pytest.approx(harmonic_mean(10 / 39, 0.25)), pytest.approx(harmonic_mean(20 / 39, 0.5)))
    few = Env(classes=20, split="test")
    (table,) = few.tables(few.options, few.tasks[:2], [[few.score(["x"], task.truth)] for task in few.tasks[:2]])
    assert table.rows == (("all", 0.0, 0.0, 2),)


def test_classes_with_few_images_are_refused_or_taken(tmp_path):
    with pytest.raises(ValueError, match="fewer than shots=21 \\(few='take' takes what there is\\)"):
        Env(classes=20, shots=21)
    assert len(Env(classes=20, shots=21, few="take").tasks) == 400
