"""Drawn sources share how their tasks are numbered: any number of them on a screen, on windows and on pages."""

from __future__ import annotations

import pytest

from assay.envs.gui_grounding.drawn import DrawnTasks, check_drawn
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.records import Record, record_id


class Numbered(DrawnTasks):
    def records(self, screen):
        made = []
        for slot in range(self.options.per_window):
            box = (10.0 * slot, 0.0, 10.0 * slot + 8, 8.0)
            made.append(
                Record(image=f"qt:editor:{screen}:plain", size=(400, 300), instruction=f"{screen}.{slot}", box=box,
                       role="button", kind="literal", hard=False, source={"type": "qt", "app": "editor"},
                       truth_from="widget geometry", id=record_id(str(screen), str(slot), box))
            )  # fmt: skip
        return made


@pytest.mark.parametrize("each", [1, 4, 6, 7])
def test_every_place_holds_its_own_task(each):
    tasks = Numbered(Options(count=15, per_window=each), "test")
    assert len(set(tasks.ids)) == len(tasks) == 15
    backwards = Numbered(Options(count=15, per_window=each), "test")
    assert [backwards[i].id for i in reversed(range(15))] == tasks.ids[::-1]
    assert Numbered(Options(count=15, per_window=each), "test").get(tasks.ids[14]).id == tasks.ids[14]
    with pytest.raises(KeyError, match="no task"):
        tasks.get("nobody")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"apps": ("desk",)}, "no apps desk; it has mail, files"),
        ({"kinds": ("vague",)}, "no kinds vague"),
        ({"test_share": 0.0}, "the test split of web is empty"),
        ({"count": 0}, "count must be at least 1"),
        ({"per_window": 0}, "per_window must be at least 1"),
    ],
)
def test_options_that_leave_nothing_to_draw(options, message):
    with pytest.raises(ValueError, match=message):
        check_drawn(Options(source="web", **options), "test", ("mail", "files"))


def test_pages_hold_as_many_tasks_as_asked_for():
    import shutil

    import gymnasium as gym

    pytest.importorskip("playwright", reason="needs Playwright: pip install 'assay[web]'")
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    env = gym.make("assay.envs:gui-grounding-v0", source="web", count=8, per_window=6, hard="none").unwrapped
    screens = [task.prompt[-1]["content"][0]["image"] for task in env.tasks]
    assert len(set(screens[:6])) == len(set(screens[6:])) == 1
    assert screens[0] != screens[6]
