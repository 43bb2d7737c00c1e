"""Records of GUI grounding: written whole or not at all, read with errors that name file, line and field."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest
from PIL import Image

import assay.envs
from assay.envs import Episode, InfraError, env_class, rescore
from assay.envs.gui_grounding.records import Record, read_records, write_records

GOOD = {
    "id": "a1", "image": "images/a.png", "size": [640, 480], "instruction": "Click Save", "box": [10, 20, 60, 40],
    "role": "button", "kind": "literal", "hard": False, "source": {"type": "qt", "app": "mail"},
    "truth_from": "widget geometry",
}  # fmt: skip


def folder_with(path, *rows, image=True):
    (path / "images").mkdir(parents=True, exist_ok=True)
    if image:
        Image.new("RGB", (640, 480), "white").save(path / "images" / "a.png")
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (path / "tasks.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make(path, **options):
    return gym.make(
        "gui-grounding-v0", source="jsonl", path=str(path), **{"split": "test", "test_share": 1.0, **options}
    )


def drawn(number=0, **given):
    fields = {"image": "x", "size": (300, 200), "instruction": f"Click {number}", "box": (10.5, 20, 60, 40.25)}
    return Record(**{**fields, **given}), Image.new("RGB", (300, 200), (number, 90, 90))


def test_what_is_written_is_read(tmp_path):
    items = [drawn(0, kind="literal", source={"type": "qt", "app": "mail"}), drawn(0, instruction="Other"), drawn(1)]
    assert write_records(tmp_path / "set", items) == 3
    read = read_records(tmp_path / "set")
    assert [(r.instruction, r.box, r.size) for r in read] == [(i.instruction, i.box, i.size) for i, _ in items]
    assert read[0].image == read[1].image != read[2].image
    assert len({record.id for record in read}) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert len(list((tmp_path / "set" / "images").iterdir())) == 2
    assert read_records(tmp_path / "set" / "tasks.jsonl") == read


def test_nothing_half_written(tmp_path):
    def fails():
        yield drawn(0)
        raise RuntimeError("the page is gone")

    with pytest.raises(RuntimeError, match="the page is gone"):
        write_records(tmp_path / "set", fails())
    with pytest.raises(ValueError, match="record 2: field 'box'"):
        write_records(tmp_path / "set", [drawn(0), drawn(1, box=(5.0, 5.0, 400.0, 9.0))])
    with pytest.raises(ValueError, match="no records to write"):
        write_records(tmp_path / "set", [])
    assert list(tmp_path.iterdir()) == []
    write_records(tmp_path / "set", [drawn(0)])
    with pytest.raises(ValueError, match="set exists and is not empty: choose another folder"):
        write_records(tmp_path / "set", [drawn(1)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"box": [10, 20, 60]}, r"tasks.jsonl:2: field 'box' is a list of 4 numbers, got \[10, 20, 60\]"),
        ({"box": [10, 20, "60", 40]}, "tasks.jsonl:2: field 'box' is a list of 4 numbers"),
        ({"box": [10, 20, float("nan"), 40]}, "tasks.jsonl:2: field 'box' is a list of 4 numbers"),
        ({"box": [60, 20, 10, 40]}, r"tasks.jsonl:2: field 'box' is \[x1, y1, x2, y2\] with x1 <= x2"),
        ({"box": [10, 20, 700, 40]}, "tasks.jsonl:2: field 'box' .* is not within the image of 640 x 480 pixels"),
        ({"size": [640, 0]}, r"tasks.jsonl:2: field 'size' is \[width, height\] in whole pixels"),
        ({"instruction": " "}, "tasks.jsonl:2: field 'instruction' is text that is not empty"),
        ({"instruction": 7}, "tasks.jsonl:2: field 'instruction' is text that is not empty, got 7"),
        ({"hard": "yes"}, "tasks.jsonl:2: field 'hard' is true or false, got 'yes'"),
        ({"source": "qt"}, "tasks.jsonl:2: field 'source' is an object, got 'qt'"),
        ({"kind": None}, "tasks.jsonl:2: field 'kind' is text, got None"),
    ],
)
def test_wrong_fields_are_named(tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        read_records(folder_with(tmp_path, GOOD, GOOD | change))


@pytest.mark.parametrize("name", ["image", "size", "instruction", "box"])
def test_missing_fields_are_named(tmp_path, name):
    row = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(ValueError, match=f"tasks.jsonl:1: no field '{name}'"):
        read_records(folder_with(tmp_path, row))


def test_files_that_hold_no_records(tmp_path):
    for content, said in [
        ("", "holds no records"),
        ("{", "tasks.jsonl:1: not a line of JSON"),
        ("[1]", "is an object"),
    ]:
        with pytest.raises(ValueError, match=said):
            read_records(folder_with(tmp_path, content))
    (tmp_path / "tasks.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not UTF-8"):
        read_records(tmp_path)
    with pytest.raises(ValueError, match=r"no such file: .*nowhere"):
        read_records(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="source 'jsonl' needs a path"):
        make("")


def test_images_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"tasks.jsonl: record 1: field 'image': no such image: .*a.png"):
        make(folder_with(tmp_path, GOOD, image=False))
    folder_with(tmp_path, GOOD)
    whole = (tmp_path / "images" / "a.png").read_bytes()
    (tmp_path / "images" / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"record 1: field 'image': the image .*a.png is cut off"):
        make(tmp_path)
    (tmp_path / "images" / "a.png").write_bytes(b"GIF99 no image")
    with pytest.raises(ValueError, match=r"record 1: field 'image': cannot read the image .*a.png"):
        make(tmp_path)
    with pytest.raises(ValueError, match=r"field 'size' is .640, 400., but .* has .640, 480."):
        make(folder_with(tmp_path / "b", GOOD | {"size": [640, 400]}))
    for outside in ("../a.png", str(tmp_path / "b" / "images" / "a.png")):
        with pytest.raises(ValueError, match=r"field 'image': .* is outside of"):
            make(folder_with(tmp_path / "b", GOOD | {"image": outside}))


def test_an_image_that_vanishes_later_is_nobodys_answer(tmp_path):
    env = make(folder_with(tmp_path, GOOD))
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(InfraError, match=r"cannot read the image .*a.png"):
        env.reset(seed=0)


def test_no_screen_is_in_two_splits(tmp_path):
    items = [drawn(i // 3, instruction=f"Click {i}") for i in range(60)]
    write_records(tmp_path / "set", items)
    parts = {s: make(tmp_path / "set", split=s, test_share=0.4).unwrapped.tasks for s in ("train", "test")}
    images = {s: {task.prompt[1]["content"][0]["image"] for task in tasks} for s, tasks in parts.items()}
    assert not images["train"] & images["test"]
    assert len(parts["train"]) + len(parts["test"]) == 60
    with pytest.raises(ValueError, match="the dev split of jsonl is empty"):
        make(tmp_path / "set", split="dev")


def test_filters(tmp_path):
    items = [
        drawn(
            i,
            kind=("literal", "functional", "spatial")[i % 3],
            hard=i % 2 == 0,
            source={"app": "mail" if i < 6 else "x"},
        )
        for i in range(12)
    ]
    write_records(tmp_path / "set", items)
    count = lambda **options: len(make(tmp_path / "set", **options).unwrapped.tasks)  # noqa: E731
    assert count() == 12
    assert count(kinds=("literal",)) == 4
    assert count(kinds="literal,spatial", hard="only") == 4
    assert count(hard="none") == 6
    assert count(apps=("mail",)) == 6
    assert count(limit=5) == 5


def test_an_episode_in_each_coordinate_space(tmp_path):
    big = Image.new("RGB", (3840, 2160), "white")
    write_records(tmp_path / "set", [(Record("x", (3840, 2160), "Click it", (3000, 1000, 3100, 1040)), big)])
    said = {"abs_resized": [2200, 740], "abs_original": [3050, 1020], "rel1": [0.794, 0.472], "rel1000": [794, 472]}
    for coord, point in said.items():
        env = make(tmp_path / "set", coord=coord, think=False)
        obs, _ = env.reset(seed=0)
        assert obs["images"][0].size == (2800, 1568)
        *_, info = env.step(json.dumps([{"point_2d": point}]))
        assert (info["score"].correct, info["score"].reward) == (True, 2.0)
        env.reset(seed=0)
        *_, info = env.step(env.unwrapped.gold(env.unwrapped.current_task))
        assert info["score"].correct
        others = [other for other in said if other != coord]
        for other in others:
            env.reset(seed=0)
            assert not env.step(json.dumps([{"point_2d": said[other]}]))[-1]["score"].correct


def test_reward_variants_reach_the_verifier(tmp_path):
    folder_with(tmp_path, GOOD)
    two = '[{"point_2d": [500, 400]}, {"point_2d": [30, 30]}]'

    def paid(said, **options):
        env = make(tmp_path, **{"coord": "abs_original", "think": False, **options})
        env.reset(seed=0)
        return env.step(said)[1]

    assert paid(two) == 1.5
    assert paid(two, aer="no_rank") == pytest.approx(1 + 2**-0.5)
    assert paid(two, aer="naive") == 2.0
    assert paid(two, multi_answer=False, aer="naive") == -1.0
    assert paid("no", reward_variant="paper") == 0.0
    line = '[{"point_2d": [30, 30]}, {"point_2d": [30, 300]}, {"point_2d": [30, 400]}]'
    assert paid(line) == -1.0
    assert paid(line, collinear=False) == pytest.approx(1 + 3**-0.5)
    assert paid("<think>x</think>" + two, family="seeclick") == 0.0
    assert paid("click(30, 30)", family="seeclick") == 1.0
    assert paid("the box is [20, 20, 40, 40]", family="seeclick") == 1.0  # by its centre


def test_where_nothing_is_meant_only_the_empty_list_is_right(tmp_path):
    env = make(folder_with(tmp_path, GOOD | {"box": None}), think=False)
    for said, right in (("[]", True), ('[{"point_2d": [30, 30]}]', False)):
        env.reset(seed=0)
        assert env.step(said)[-1]["score"].correct is right
    assert env.unwrapped.gold(env.unwrapped.current_task) == "[]"


def test_stored_episodes_can_be_scored_again_and_say_no_truth(tmp_path):
    env = make(folder_with(tmp_path, GOOD), family="seeclick")
    obs, info = env.reset(seed=0)
    assert "a.png" not in repr((obs, info))
    env.step("(0.05, 0.06)")
    task = env.unwrapped.current_task
    assert env_class("gui_grounding").score(["(0.05, 0.06)"], task.truth).correct
    stored = assay.envs.play(env, ["(0.05, 0.06)"], task_id=task.id)
    assert rescore(Episode.from_json(stored.to_json())) == stored.score
