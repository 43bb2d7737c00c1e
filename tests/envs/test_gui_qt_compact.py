"""Small windows for small models."""

import gymnasium as gym
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs Qt (extra gui)", exc_type=ImportError)


def test_compact_windows_are_small_and_their_own():
    options = {"source": "qt", "count": 8, "hard": "none", "family": "smolvlm"}
    small = gym.make("assay.envs:gui-grounding-v0", compact=True, **options).unwrapped
    large = gym.make("assay.envs:gui-grounding-v0", **options).unwrapped
    sizes = [task.meta["size"] for task in small.tasks]
    assert max(width for width, _ in sizes) <= 520
    assert max(height for _, height in sizes) <= 420
    assert not {task.id for task in small.tasks} & {task.id for task in large.tasks}
    task = small.tasks[0]
    (picture,) = small.open_images(task)
    assert list(picture.size) == task.meta["shown"] == task.meta["size"]
    assert small.score([small.gold(task)], task.truth).correct


def test_as_many_tasks_share_a_window_as_asked_for():
    env = gym.make(
        "assay.envs:gui-grounding-v0",
        source="qt",
        count=12,
        per_window=6,
        hard="none",
        kinds=("literal",),
        compact=True,
    ).unwrapped
    screens = [task.prompt[-1]["content"][0]["image"] for task in env.tasks]
    assert len(set(screens[:6])) == len(set(screens[6:])) == 1
    assert screens[0] != screens[6]
    with pytest.raises(ValueError, match="per_window must be at least 1"):
        type(env)(source="qt", per_window=0)
