"""Tables, baselines and pictures of GUI grounding."""

from __future__ import annotations

import json

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from assay.envs import env_class
from assay.envs.gui_grounding.baselines import BASELINES, Read, best_match
from assay.envs.gui_grounding.draw import points_of
from assay.envs.gui_grounding.records import Record, write_records
from assay.envs.gui_grounding.rollup import LAYOUTS, tables
from assay.envs.results import cell
from assay.envs.tasks import Task
from assay.verifiers.score import Score

ENV = env_class("gui_grounding")


def told(correct, points=1, parsed=True, any_right=None):
    found = correct if any_right is None else any_right
    parts = {"num_pred": float(points), "has_correct": float(found)}
    return Score(0.0, parts, correct=correct, parsed=parsed)


def judged(*groups):
    """Tasks and scores of (meta, right, of how many)."""
    tasks, scores = [], []
    for meta, right, count in groups:
        for number in range(count):
            tasks.append(Task(f"{len(tasks)}", [], {}, meta))
            scores.append([told(number < right)])
    return tasks, scores


def rows(table):
    return {row[0]: row[1:] for row in table.rows}


def test_every_average_is_a_micro_average():
    """UI-Vision's published 36.2, 31.9 and 11.5 with 1772, 1772 and 1935 tasks are 26.1 together, not 26.5."""
    groups = [("basic", 641, 1772), ("functional", 565, 1772), ("spatial", 223, 1935)]
    tasks, scores = judged(*(({"setting": name, "category": "other"}, right, n) for name, right, n in groups))
    table = rows(tables("ui-vision", tasks, scores)[0])
    assert [round(100 * table[name][-2], 1) for name, *_ in groups] == [36.2, 31.9, 11.5]
    assert round(100 * table["overall"][-2], 1) == 26.1
    assert table["overall"][-1] == 5479


def test_the_table_of_screenspot_pro():
    made = judged(
        ({"group": "cad", "ui_type": "text", "gt_type": "positive", "app": "autocad"}, 1, 4),
        ({"group": "cad", "ui_type": "icon", "gt_type": "positive", "app": "autocad"}, 1, 1),
        ({"group": "dev", "ui_type": "text", "gt_type": "negative", "app": "vscode"}, 2, 5),
    )
    first, negatives, apps, points = tables("screenspot-pro", *made)
    assert [column.name for column in first.columns] == ["group", "text", "icon", "all", "n"]
    assert first.rows == (
        ("dev", 0.4, None, 0.4, 5), ("cad", 0.25, 1.0, 0.4, 5), ("overall", pytest.approx(3 / 9), 1.0, 0.4, 10),
    )  # fmt: skip
    assert rows(negatives)["negative"] == (0.4, None, 0.4, 5)
    assert set(rows(apps)) == {"autocad", "vscode", "overall"}
    assert points.rows[0][1] == 0.4


def test_the_first_point_any_point_and_how_many():
    tasks = [Task(str(i), [], {}, {"kind": "literal", "hard": False}) for i in range(4)]
    scores = [
        [told(True, 1), told(False, 3, any_right=True)],
        [told(False, 2), told(False, 0, parsed=False)],
        [],  # nothing but infrastructure errors
        [told(True, 4), told(True, 2)],
    ]
    table, points = tables("qt", tasks, scores)
    assert rows(table)["overall"] == (0.5, 0.5, 3)
    name, first, found, mean, unread, n = points.rows[0]
    assert (name, first, found, mean, unread, n) == ("qt", 0.5, pytest.approx(4 / 6), pytest.approx(12 / 5), 1, 3)


def test_known_groups_come_in_the_published_order_and_others_after_them():
    made = judged(*(({"platform": name, "grounding_type": "basic"}, 0, 1) for name in ("zune", "web", "windows")))
    assert [row[0] for row in tables("mmbench-gui", *made)[0].rows] == ["windows", "web", "zune", "overall"]
    assert set(LAYOUTS) == {"screenspot", "screenspot-v2", "screenspot-pro", "ui-vision", "mmbench-gui", "ui-i2e"}


def test_cells():
    shown = [cell(0.456, "share"), cell(None, "share"), cell(2.0, "number"), cell(7, "count"), cell("dev", "share")]
    assert shown == ["45.6", "-", "2.00", "7", "dev"]
    assert cell(float("nan"), "share") == "-"


def a_task(tmp_path, box=(100, 100, 200, 140), instruction='Click "Save"', draw=None, **options):
    picture = Image.new("RGB", (800, 400), "white")
    if draw:
        draw(ImageDraw.Draw(picture))
    folder = tmp_path / "set"
    if not folder.exists():
        write_records(folder, [(Record("x", (800, 400), instruction, box, kind="literal"), picture)])
    given = {"source": "jsonl", "path": str(folder), "split": "test", "test_share": 1.0, **options}
    env = ENV(**given)
    return env, env.tasks[0]


@pytest.mark.parametrize("coord", ["abs_resized", "abs_original", "rel1", "rel1000"])
@pytest.mark.parametrize("family", ["infigui-g1", "seeclick"])
def test_blind_guesses_are_on_the_screen(tmp_path, coord, family):
    env, task = a_task(tmp_path, coord=coord, family=family, box=(0, 0, 800, 400))
    answers = {BASELINES["random"].answer(task, (), seed) for seed in range(40)}
    assert len(answers) == 40
    for answer in (*answers, BASELINES["centre"].answer(task, (), 0)):
        env.reset(seed=0)
        assert env.step(answer)[-1]["score"].correct, answer
    assert BASELINES["random"].answer(task, (), 7) == BASELINES["random"].answer(task, (), 7)


def test_random_hits_as_often_as_the_box_is_large(tmp_path):
    _, task = a_task(tmp_path, box=(0, 0, 400, 200))
    hits = [ENV.score([BASELINES["random"].answer(task, (), seed)], task.truth).correct for seed in range(2000)]
    assert 0.21 < sum(hits) / len(hits) < 0.29


LINES = [
    Read("File Edit View", (0, 0, 140, 20)), Read("Save", (300, 100, 340, 120)), Read("Save as", (300, 130, 370, 150)),
    Read("Do not save", (500, 300, 600, 320)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "where"),
    [
        ('Click "Save"', (320, 110)), ("Click Save", (320, 110)), ("Click the Save as button", (335, 140)),
        ("Open the Edit menu", (70, 10)), ('Press "Do not save"', (550, 310)), ("Click Sava as", (335, 140)),
        ("keep the changes on disk", None), ("Click the", None), ("", None),
    ],
)  # fmt: skip
def test_text_is_found_by_its_words(instruction, where):
    found = best_match(instruction, LINES)
    assert found == (where if where is None else pytest.approx(where, abs=6))


def test_the_reader_reads_a_screenshot(tmp_path):
    pytest.importorskip("rapidocr_onnxruntime")

    def draw(pen):
        for number, word in enumerate(("Save", "Print", "Settings")):
            pen.rectangle((100, 100 + 80 * number, 260, 140 + 80 * number), outline="black")
            pen.text((120, 106 + 80 * number), word, fill="black", font=ImageFont.load_default(24))

    env, task = a_task(tmp_path, box=(100, 260, 260, 300), instruction='Click "Settings"', draw=draw)
    obs, _ = env.reset(seed=0)
    answer = BASELINES["ocr"].answer(task, obs["images"], 0)
    assert env.step(answer)[-1]["score"].correct, answer


def test_a_reader_that_is_not_there_says_what_to_install(monkeypatch):
    from assay.envs.gui_grounding import baselines

    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    baselines._reader.cache_clear()
    with pytest.raises(ImportError, match=r"pip install 'assay\[ocr\]'"):
        BASELINES["ocr"].check()


def test_pictures_show_box_points_and_reward(tmp_path):
    _, task = a_task(tmp_path, coord="abs_original", think=False)
    said = json.dumps([{"point_2d": [600, 300]}, {"point_2d": [150, 120]}])
    picture = ENV.picture(task, [said], ENV.score([said], task.truth))
    assert picture.width == 800
    assert picture.height > 400
    colours = {colour for _, colour in picture.crop((0, 0, 800, 400)).getcolors(1 << 20)}
    assert {(0, 160, 80), (0, 96, 224), (224, 32, 32)} <= colours
    changed = ImageChops.difference(picture.crop((0, 0, 800, 400)), Image.new("RGB", (800, 400), "white"))
    assert changed.crop((300, 0, 560, 400)).getbbox() is None
    assert changed.crop((580, 280, 640, 320)).getbbox() is not None
    written = ImageChops.difference(picture.crop((0, 400, 800, picture.height)), Image.new("RGB", (800, 400), "white"))
    assert written.getbbox() is not None


@pytest.mark.parametrize("said", ["", "[]", "nonsense", '[{"point_2d": [1e6, -1e6]}]', "[" * 100_000, "a" * 100_000])
def test_any_response_can_be_drawn(tmp_path, said):
    for options in ({}, {"family": "seeclick"}):
        _, task = a_task(tmp_path, **options)
        assert ENV.picture(task, [said], None) is not None
    assert ENV.picture(task, [], None) is not None


def test_points_are_drawn_whatever_else_is_wrong():
    assert points_of('no thought [{"point_2d": [1, 2]}]', loose=False) == [(1, 2)]
    assert points_of("<think>[3, 4]</think>(5, 6)", loose=True) == [(5, 6)]
    assert points_of("none", loose=True) == []
