"""The benchmarks of GUI grounding, on records made in their published formats: the same true box from every one."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from assay.envs import env_class, play
from assay.envs.gui_grounding.sources.ui_vision import CATEGORIES

SIZE = (400, 200)
BOX = [50.0, 60.0, 150.0, 80.0]


def pictures(folder, *names, size=SIZE):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "white").save(folder / name)


def dump(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(json.dumps(row) for row in rows)
    path.write_text(lines if path.suffix == ".jsonl" else json.dumps(rows), encoding="utf-8")


def screenspot(folder, **change):
    pictures(folder, "screenspot_imgs/a.png")
    row = {"img_filename": "a.png", "instruction": "Click it", "bbox": [50, 60, 100, 20], "data_type": "text",
           "data_source": "ios"} | change  # fmt: skip
    for platform in ("mobile", "desktop", "web"):
        dump(folder / f"screenspot_{platform}.json", [row, row | {"data_type": "icon", "instruction": "The other"}])


def screenspot_v2(folder, **change):
    pictures(folder, "screenspotv2_image/a.png")
    row = {"img_filename": "a.png", "instruction": "Click it", "bbox": [50, 60, 100, 20], "data_type": "text",
           "data_source": "windows"} | change  # fmt: skip
    for platform in ("mobile", "desktop", "web"):
        dump(folder / f"screenspot_{platform}_v2.json", [row, row | {"data_type": "icon"}])


def screenspot_pro(folder, **change):
    pictures(folder, "images/blender_windows/a.png")
    row = {"img_filename": "blender_windows/a.png", "img_size": [400, 200], "instruction": "Click it",
           "instruction_cn": "点击", "bbox": [50, 60, 150, 80], "application": "blender", "platform": "windows",
           "group": "Creative", "ui_type": "text", "id": "blender_0"} | change  # fmt: skip
    dump(folder / "annotations/blender_windows.json", [row, row | {"ui_type": "icon"}])
    dump(
        folder / "annotations/word_macos.json", [row | {"application": "word", "group": "Office", "platform": "macos"}]
    )


def ui_vision(folder, **change):
    pictures(folder, "images/element_grounding/a.png")
    row = {"image_path": "element_grounding/a.png", "image_size": [400, 200], "prompt_to_evaluate": "Click it",
           "bbox": [50, 60, 150, 80], "platform": "GIMP", "element_type": "x"} | change  # fmt: skip
    for setting in ("basic", "functional", "spatial"):
        dump(folder / f"annotations/element_grounding/element_grounding_{setting}.json",
             [row, row | {"platform": "Mozilla Firefox", "bbox": [150, 80, 50, 60]}])  # fmt: skip


def mmbench_gui(folder, **change):
    pictures(folder, "offline_images/os_mac/a.png", "offline_images/web/a.png")
    row = {"image_path": "a.png", "image_size": [400, 200], "instruction": "Click it", "bbox": [0.125, 0.3, 0.375, 0.4],
           "platform": "os_mac", "grounding_type": "basic", "app_name": "Notes"} | change  # fmt: skip
    dump(folder / "L2_annotations.json", [row, row | {"grounding_type": "advanced"}, row | {"platform": "web"}])


def ui_i2e(folder, **change):
    pictures(folder, "images/a.png")
    row = {"image": "images/a.png", "instruction": "Click it", "bounding_box": [50, 60, 150, 80],
           "annotations": {"instr_type": "explicit"}, "source": "Windows"} | change  # fmt: skip
    dump(
        folder / "I2E-bench-annotation.jsonl", [row, row | {"annotations": {"instr_type": "implicit"}, "source": "web"}]
    )


def mirror(folder, **change):
    datasets = pytest.importorskip("datasets")
    pictures(folder.parent, "m.png")
    row = {"file_name": "a.png", "bbox": [0.125, 0.3, 0.375, 0.4], "instruction": "Click it", "data_type": "text",
           "data_source": "android", "image": {"bytes": (folder.parent / "m.png").read_bytes(), "path": "a.png"},
           **change}  # fmt: skip
    rows = datasets.Dataset.from_list([row, row | {"data_source": "macos"}])
    (folder / "data").mkdir(parents=True)
    rows = rows.cast_column("image", datasets.Image())
    rows.to_parquet(str(folder / "data" / "test-00000-of-00001.parquet"))


MADE = {
    "screenspot": screenspot, "screenspot-v2": screenspot_v2, "screenspot-pro": screenspot_pro,
    "ui-vision": ui_vision, "mmbench-gui": mmbench_gui, "ui-i2e": ui_i2e,
}  # fmt: skip
FIELDS = {name: "bounding_box" if name == "ui-i2e" else "bbox" for name in MADE}
IMAGES = {
    "screenspot": "img_filename", "screenspot-v2": "img_filename", "screenspot-pro": "img_filename",
    "ui-vision": "image_path", "mmbench-gui": "image_path", "ui-i2e": "image",
}  # fmt: skip


def load(name, folder, **options):
    return env_class("gui_grounding")(source=name, path=str(folder), split="test", **options)


@pytest.mark.parametrize("name", MADE)
def test_the_same_true_box_from_every_format(name, tmp_path):
    MADE[name](tmp_path)
    env = load(name, tmp_path, coord="abs_original", think=False)
    assert {tuple(task.truth["box"]) for task in env.tasks} == {tuple(BOX)}
    task = env.tasks[0]
    assert play(env, ['[{"point_2d": [50, 60]}]'], task_id=task.id).score.correct
    assert not play(env, ['[{"point_2d": [49, 60]}]'], task_id=task.id).score.correct
    assert task.meta["split"] == "test"


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("family", ["infigui-g1", "qwen3-vl", "seeclick", "os-atlas"])
def test_the_oracle_is_right_everywhere(name, family, tmp_path):
    MADE[name](tmp_path)
    env = load(name, tmp_path, family=family)
    verdicts = [env.score([env.gold(task)], task.truth) for task in env.tasks]
    assert all(verdict.correct for verdict in verdicts)
    assert {verdict.reward for verdict in verdicts} == {env.reward_range(env.options)[1]}


def test_the_mirror_has_shares_and_images_inside(tmp_path, monkeypatch):
    config = pytest.importorskip("datasets").config
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    mirror(tmp_path / "set")
    env = load("screenspot", tmp_path / "set", coord="abs_original")
    assert [task.truth["box"] for task in env.tasks] == [pytest.approx(BOX)] * 2
    assert [task.meta["platform"] for task in env.tasks] == ["mobile", "desktop"]
    assert env.reset(seed=0)[0]["images"][0].size == tuple(env.tasks[0].meta["shown"])


def test_the_convention_is_never_guessed_from_the_numbers(tmp_path):
    """A box x, y, w, h with w > x and h > y looks like two corners."""
    screenspot_v2(tmp_path / "v2", bbox=[50, 60, 100, 80])
    screenspot_pro(tmp_path / "pro", bbox=[50, 60, 100, 80])
    assert load("screenspot-v2", tmp_path / "v2").tasks[0].truth["box"] == [50, 60, 150, 140]
    assert load("screenspot-pro", tmp_path / "pro").tasks[0].truth["box"] == [50, 60, 100, 80]


def test_repeated_annotations_count_as_often_as_they_stand_there(tmp_path):
    screenspot_v2(tmp_path)
    assert len(load("screenspot-v2", tmp_path).tasks) == 6
    assert len(load("screenspot-v2", tmp_path, limit=4).tasks) == 4


def test_pro_speaks_two_languages_and_has_targets_that_are_not_there(tmp_path):
    screenspot_pro(tmp_path, gt_type="negative", bbox=None)
    env = load("screenspot-pro", tmp_path, language="cn", think=False)
    assert "点击" in env.tasks[0].prompt[1]["content"][1]["text"]
    assert play(env, ["[]"], task_id=env.tasks[0].id).score.correct
    assert not play(env, ['[{"point_2d": [60, 70]}]'], task_id=env.tasks[0].id).score.correct


def test_applications_of_ui_vision_have_one_category_each(tmp_path):
    apps = [app for names in CATEGORIES.values() for app in names.split(", ")]
    assert len(apps) == len(set(apps)) == 83
    ui_vision(tmp_path)
    assert {task.meta["category"] for task in load("ui-vision", tmp_path).tasks} == {"creativity", "browsers"}


@pytest.mark.parametrize("name", MADE)
def test_wrong_boxes_and_images_are_named(name, tmp_path):
    field = FIELDS[name]
    for number, (change, said) in enumerate(
        [
            ({field: [1, 2, 3]}, f"item 1: field '{field}' is a list of 4 numbers"),
            ({field: "50,60,100,20"}, f"item 1: field '{field}' is a list of 4 numbers"),
            ({field: [5000, 5000, 6000, 6000]}, f"item 1: field '{field}' is off the image of 400 x 200 pixels"),
            ({IMAGES[name]: "b.png"}, f"item 1: field '{IMAGES[name]}': no such image: .*b.png"),
            ({IMAGES[name]: "../../b.png"}, f"item 1: field '{IMAGES[name]}': .*b.png is outside of"),
            ({IMAGES[name]: 5}, f"item 1: field '{IMAGES[name]}' is text that is not empty, got 5"),
        ]
    ):
        MADE[name](tmp_path / str(number), **change)
        with pytest.raises(ValueError, match=said) as error:
            load(name, tmp_path / str(number))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("screenspot", {"data_type": "picture"}, "field 'data_type' is one of text, icon; got 'picture'"),
        ("screenspot-v2", {"bbox": [50, 60, -10, 20]}, "field 'bbox' is no box .xywh."),
        ("screenspot-v2", {"instruction": ""}, "field 'instruction' is text that is not empty"),
        (
            "screenspot-pro",
            {"img_size": [400, 300]},
            r"field 'img_size' is \[400, 300\], but the image has \[400, 200\]",
        ),
        ("screenspot-pro", {"group": "Games"}, "field 'group' is one of cad, dev, .*; got 'Games'"),
        ("screenspot-pro", {"bbox": [150, 60, 50, 80]}, "field 'bbox' is no box .xyxy."),
        ("mmbench-gui", {"image_size": None}, "field 'image_size' is a list of 2 numbers"),
        ("mmbench-gui", {"grounding_type": None}, "field 'grounding_type' is one of basic, advanced; got None"),
        ("ui-i2e", {"annotations": "explicit"}, "field 'annotations' is an object"),
        ("ui-i2e", {"annotations": {}}, "annotations: field 'instr_type' is one of explicit, implicit; got None"),
    ],
)
def test_wrong_fields_are_named(name, change, said, tmp_path):
    MADE[name](tmp_path, **change)
    with pytest.raises(ValueError, match=f"(json|jsonl): item 1: {said}"):
        load(name, tmp_path)


@pytest.mark.parametrize("name", MADE)
def test_other_folders_and_splits(name, tmp_path):
    with pytest.raises(ValueError, match=r"has n.* json|\.json"):
        load(name, tmp_path)
    with pytest.raises(ValueError, match=r"no such folder: .*nowhere"):
        load(name, tmp_path / "nowhere")
    MADE[name](tmp_path)
    with pytest.raises(ValueError, match=f"{name} has a test split only: train on qt, web or your own records"):
        env_class("gui_grounding")(source=name, path=str(tmp_path), split="train")


def test_images_that_are_still_packed(tmp_path):
    screenspot_v2(tmp_path, img_filename="b.png")
    (tmp_path / "screenspotv2_image.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"no such image: .*b.png \(unpack screenspotv2_image.zip first\?\)"):
        load("screenspot-v2", tmp_path)


def test_files_that_are_no_lists_of_objects(tmp_path):
    screenspot_v2(tmp_path)
    broken = tmp_path / "screenspot_web_v2.json"
    for content, said in [
        ("{", "is not JSON"),
        ("{}", "a list of objects is wanted, got dict"),
        ("[3]", "item 1: an object"),
    ]:
        broken.write_text(content)
        with pytest.raises(ValueError, match=f"screenspot_web_v2.json.* {said}"):
            load("screenspot-v2", tmp_path)


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def unreachable(*args, **given):
        raise OSError("no route to host\nand much more")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(
        ValueError, match=r"cannot fetch likaixin/ScreenSpot-Pro from the hub .no route to host."
    ) as error:
        load("screenspot-pro", "")
    assert "\n" not in str(error.value)
