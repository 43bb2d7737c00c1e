"""Images from folders, CSV files, hub data sets and scikit-learn, and what becomes of them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

from assay.envs import InfraError, env_class, play
from assay.envs.image_classification.pictures import open_picture
from assay.envs.tables import DataWarning

Env = env_class("image_classification")


def make_folder(root: Path, splits: tuple[str, ...] = (), classes: tuple[str, ...] = ("cat", "dog", "owl")) -> Path:
    rng = np.random.default_rng(0)
    for split in splits or ("",):
        for name in classes:
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(12):
                pixels = rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i:02d}.{'png' if i % 2 else 'jpg'}")
    return root


def test_the_open_variant_and_the_observation_never_name_the_class(tmp_path):
    folder = make_folder(tmp_path / "images")
    for options in ({"classes": 20}, {"source": "folder", "path": str(folder)}):
        env = gym.make("image-classification-v0", split="test", list_labels=False, **options)
        for task in env.unwrapped.tasks[:30]:
            obs, info = env.reset(options={"task_id": task.id})
            shown = repr((obs["messages"], info))
            assert task.truth["label"] not in shown
            assert str(tmp_path) not in shown
            assert obs["messages"][0]["content"][0] == {"type": "image"}


def test_images_are_square_rgb_of_the_size_asked_for(tmp_path):
    folder = make_folder(tmp_path / "images")
    for size, expected in ((384, (384, 384)), (50, (50, 50))):
        env = gym.make("image-classification-v0", source="folder", path=str(folder), image_size=size)
        obs, _ = env.reset(seed=0)
        assert [image.size for image in obs["images"]] == [expected]
        assert obs["images"][0].mode == "RGB"
    env = gym.make("image-classification-v0", source="folder", path=str(folder), image_size=0)
    assert env.reset(seed=0)[0]["images"][0].size[0] == 30


def test_resizing_is_lanczos(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(path)
    expected = Image.open(path).resize((100, 100), Image.Resampling.LANCZOS)
    assert open_picture(str(path), 100).tobytes() == expected.tobytes()


def test_transparent_grey_and_palette_images_become_rgb_on_white(tmp_path):
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    grey = Image.new("L", (8, 8), 77)
    palette = Image.new("RGB", (8, 8), (0, 51, 102)).convert("P")
    for name, picture, expected in (("a", clear, (255,) * 3), ("b", grey, (77,) * 3), ("c", palette, (0, 51, 102))):
        picture.save(tmp_path / f"{name}.png")
        opened = open_picture(str(tmp_path / f"{name}.png"), 0)
        assert opened.mode == "RGB"
        assert np.abs(np.array(opened.getpixel((0, 0))) - expected).max() < 8


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_image_is_an_infrastructure_error(tmp_path, content):
    folder = make_folder(tmp_path / "images")
    env = gym.make("image-classification-v0", source="folder", path=str(folder), shots=0)
    _, info = env.reset(seed=3)
    path = Path(env.unwrapped.current_task.prompt[0]["content"][0]["image"])
    path.write_bytes(content)
    open_picture.cache_clear()
    with pytest.raises(InfraError, match="cannot read the image"):
        env.reset(seed=3)
    path.unlink()
    with pytest.raises(InfraError, match="cannot read the image"):
        env.reset(options={"task_id": info["task_id"]})


def test_a_folder_is_split_by_content_or_as_given(tmp_path):
    plain = make_folder(tmp_path / "plain")
    options: dict[str, Any] = {"source": "folder", "path": str(plain), "shots": 0, "test_share": 0.4}
    train, test = Env(**options).tasks, Env(**options, split="test").tasks
    assert len(train) + len(test) == 36
    assert not set(train.ids) & set(test.ids)
    moved = tmp_path / "moved"
    plain.rename(moved)
    assert Env(**options | {"path": str(moved)}).tasks.ids == train.ids
    given = make_folder(tmp_path / "given", ("train", "val", "test"))
    for split in ("train", "dev", "test"):
        tasks = Env(source="folder", path=str(given), shots=0, split=split).tasks
        assert len(tasks) == 36
        folder = {"dev": "val"}.get(split, split)
        assert all(f"/{folder}/" in task.prompt[0]["content"][0]["image"] for task in tasks)


def test_an_image_in_two_splits_is_refused_or_dropped(tmp_path):
    folder = make_folder(tmp_path / "images", ("train", "test"))
    (folder / "test/cat/copy.png").write_bytes((folder / "train/cat/01.png").read_bytes())
    options: dict[str, Any] = {"source": "folder", "path": str(folder), "shots": 0}
    with pytest.raises(ValueError, match="1 images stand in both train and test; overlap='drop'"):
        Env(**options)
    tasks = Env(**options, overlap="drop").tasks
    assert len(tasks) == 35
    assert tasks.summary["dropped"] == {"also held out": 1}
    (folder / "train/dog/copy.png").write_bytes((folder / "train/dog/03.png").read_bytes())
    (folder / "train/owl/clash.png").write_bytes((folder / "train/dog/05.png").read_bytes())
    dropped = Env(**options, overlap="drop").tasks.summary["dropped"]
    assert dropped == {"also held out": 1, "repeated": 2, "with two labels": 1}


def test_csv_source_reads_paths_beside_it(tmp_path):
    folder = make_folder(tmp_path / "images")
    rows = [(str(path.relative_to(tmp_path)), path.parent.name) for path in sorted(folder.rglob("*.*"))]
    with (tmp_path / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "kind"), *rows])
    options: dict[str, Any] = {"source": "csv", "path": str(tmp_path / "index.csv")}
    env = Env(**options, image="file", label="kind", shots=2)
    assert Counter(task.truth["label"] for task in env.tasks) == {"cat": 2, "dog": 2, "owl": 2}
    assert env.reset(seed=0)[0]["images"][0].size == (384, 384)
    with pytest.raises(ValueError, match="no column 'image'; it has: file, kind"):
        Env(**options, image="image", label="kind")
    with (tmp_path / "index.csv").open("a", newline="") as file:
        csv.writer(file).writerow(("images/none.png", "cat"))
    with pytest.warns(DataWarning, match=r"row 37: no such image: .*none.png; 1 of 37 rows"):
        assert Env(**options, image="file", label="kind", shots=2).tasks.ids == env.tasks.ids


def test_hub_source(tmp_path):
    pytest.importorskip("datasets")
    folder = make_folder(tmp_path / "hub", ("train", "test"))
    options: dict[str, Any] = {"source": "hub", "path": str(folder)}
    train, test = Env(**options), Env(**options, split="test")
    assert train.tasks.labels == ["cat", "dog", "owl"]
    assert (len(train.tasks), len(test.tasks)) == (12, 36)
    obs, _ = test.reset(seed=0)
    assert obs["images"][0].size == (384, 384)
    assert play(test, [test.gold(test.current_task)], task_id=test.current_task.id).score.correct
    with pytest.raises(ValueError, match="no column 'picture'; it has: image, label"):
        Env(**options, image="picture")
    with pytest.raises(ValueError, match="the column 'label' holds no images but int"):
        Env(**options, image="label")


def test_digits_are_the_scans_of_scikit_learn():
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_digits

    train, test = Env(source="digits", shots=0), Env(source="digits", split="test")
    assert len(train.tasks) + len(test.tasks) == 1797
    scans = load_digits()
    for task in test.tasks[:20]:
        index = int(task.prompt[0]["content"][0]["image"].split(":")[1])
        names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
        assert task.truth["label"] == names[scans.target[index]]
        pixels = np.asarray(open_picture(f"digits:{index}", 0))
        assert pixels.shape == (8, 8, 3)
        assert np.abs(pixels[..., 0] - scans.images[index] * 255 / 16).max() <= 0.5


def test_an_empty_folder_says_what_is_expected(tmp_path):
    (tmp_path / "cat").mkdir()
    with pytest.raises(ValueError, match=r"has no images in class folders \(.*/CLASS/IMAGE.png"):
        Env(source="folder", path=str(tmp_path))
