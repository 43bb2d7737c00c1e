"""The qt source: exact boxes, unambiguous instructions, splits that share nothing, the same in every process."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import gymnasium as gym
import pytest

import assay.envs  # noqa: F401 - registers the ids
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.qt.windows import KINDS
from assay.envs.gui_grounding.qt.worker import QtWorker
from assay.envs.gui_grounding.sources.qt import screenshot, tasks

DRAWS = "assay.envs.gui_grounding.qt.draws:draw_scene"
RENDER = "assay.envs.gui_grounding.qt.scenes:render"


@pytest.fixture(scope="module", autouse=True)
def _qt(without_qt):
    if without_qt():
        pytest.skip(without_qt())


@pytest.fixture(scope="module")
def worker():
    """A worker that also finds the probes beside this file."""
    with pytest.MonkeyPatch.context() as patch, QtWorker() as made:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        yield made


def reference(task):
    return next(part["image"] for part in task.prompt[-1]["content"] if part["type"] == "image")


def scene_arguments(task):
    _, kind, seed, level, *_ = reference(task).split(":")
    return {"kind": kind, "seed": int(seed), "hard": level == "hard"}


def check_tasks(count: int, worker: QtWorker) -> None:
    options = Options(count=count // 2, seed=5, test_share=0.5)
    found = {split: list(tasks(options, split)) for split in ("train", "test")}
    ids = {split: {task.id for task in each} for split, each in found.items()}
    assert {split: len(each) for split, each in ids.items()} == {"train": count // 2, "test": count // 2}
    assert not ids["train"] & ids["test"]
    assert not {reference(task) for task in found["train"]} & {reference(task) for task in found["test"]}
    boxes: dict[str, tuple[dict, list]] = {}
    for task in (*found["train"], *found["test"]):
        x1, y1, x2, y2 = task.truth["box"]
        width, height = task.truth["size"]
        assert 0 <= x1 < x2 <= width - 1, task
        assert 0 <= y1 < y2 <= height - 1, task
        assert min(x2 - x1, y2 - y1) + 1 >= 4, task
        boxes.setdefault(reference(task), (scene_arguments(task), []))[1].append(task.truth["box"])
    for name, (arguments, listed) in boxes.items():
        verdicts, _ = worker.call("gui_qt_probe:widgets_at", **arguments, boxes=listed)
        assert all(verdicts), (name, listed, verdicts)


def test_boxes_are_inside_large_enough_and_hit(worker):
    check_tasks(120, worker)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_tasks(worker):
    check_tasks(10_000, worker)


def test_every_kind_of_window_instruction_and_level_occurs():
    drawn = list(tasks(Options(count=240), "train"))
    assert {task.meta["app"] for task in drawn} == set(KINDS)
    kinds = Counter(task.meta["kind"] for task in drawn)
    assert set(kinds) == {"literal", "functional", "spatial"}
    assert min(kinds.values()) > 36
    assert {task.meta["hard"] for task in drawn} == {True, False}
    assert len({task.meta["role"] for task in drawn}) >= 12


def test_functional_instructions_share_no_word_with_the_label(worker):
    arguments = {"apps": list(KINDS), "kinds": ["functional"], "hard": "mixed", "test_share": 0.2, "dev_share": 0.0}
    for number in range(15):
        scene, _ = worker.call(DRAWS, seed=9, split="train", number=number, count=4, **arguments)
        for task in scene["tasks"]:
            words = {word for word in re.findall(r"[a-z]+", task["name"].lower()) if len(word) > 3}
            assert not words & set(re.findall(r"[a-z]+", task["instruction"].lower())), task


def test_filters_hold():
    only = list(tasks(Options(count=24, hard="only", apps=("editor", "mail"), kinds=("literal",)), "train"))
    assert {(task.meta["hard"], task.meta["kind"]) for task in only} == {(True, "literal")}
    assert {task.meta["app"] for task in only} <= {"editor", "mail"}
    assert not any(task.meta["hard"] for task in tasks(Options(count=24, hard="none"), "train"))


def test_two_processes_draw_and_render_the_same():
    arguments = {"apps": list(KINDS), "kinds": ["literal", "functional", "spatial"], "hard": "mixed"}
    arguments |= {"seed": 3, "split": "train", "count": 4, "test_share": 0.2, "dev_share": 0.0}
    with QtWorker() as first, QtWorker() as second:
        forth = [first.call(DRAWS, number=number, **arguments)[0] for number in range(8)]
        back = [second.call(DRAWS, number=number, **arguments)[0] for number in reversed(range(8))][::-1]
        assert forth == back
        for scene in forth:
            place = {"kind": scene["kind"], "seed": scene["seed"], "hard": scene["hard"]}
            assert first.call(RENDER, **place) == second.call(RENDER, **place)


def test_tasks_do_not_depend_on_the_order_in_which_they_are_asked_for():
    options = Options(count=40, seed=11)
    forth, back = tasks(options, "train"), tasks(options, "train")
    late = [back[index].id for index in range(39, -1, -1)][::-1]
    assert [task.id for task in forth] == late
    assert tasks(options, "train").get(late[17]).to_dict() == forth[17].to_dict()
    with pytest.raises(KeyError):
        forth.get("0" * 16)
    assert forth[-1].id == late[-1]
    assert [task.id for task in forth[3:6]] == late[3:6]


def test_the_oracle_earns_full_reward_and_the_picture_is_the_one_drawn():
    env = gym.make("gui-grounding-v0", source="qt", count=24, seed=2, split="test")
    for seed in range(12):
        obs, _ = env.reset(seed=seed)
        task = env.unwrapped.current_task
        assert screenshot(reference(task).partition(":")[2]).size == tuple(task.truth["size"])
        assert obs["images"][0].getextrema() != ((0, 0), (0, 0), (0, 0))
        *_, info = env.step(env.unwrapped.gold(task))
        assert info["score"].correct


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"apps": ("mial",)}, "no apps mial"),
        ({"kinds": ("basic",)}, "no kinds basic"),
        ({"count": 0}, "count must be at least 1"),
        ({"test_share": 1.0}, "the train split of qt is empty"),
    ],
)
def test_options_that_leave_nothing_are_refused_in_one_line(options, said):
    with pytest.raises(ValueError, match=said) as caught:
        tasks(Options(**options), "train")
    assert "\n" not in str(caught.value)
