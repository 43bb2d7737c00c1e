"""Evaluations in a poorer view of the tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.training import cli

pytest.importorskip("PySide6")


def test_a_view_hides_what_it_says_and_is_recorded(tmp_path: Path) -> None:
    from assay.envs.gui_grounding.env import GuiGroundingEnv

    env = GuiGroundingEnv(count=4)
    usual, _ = env.reset(seed=0)
    blank, _ = env.reset(seed=0, options={"task_id": env.current_task.id, "view": "blank"})
    assert usual["messages"] == blank["messages"]
    assert usual["images"][0].size == blank["images"][0].size
    assert len(usual["images"][0].getcolors(1 << 24)) > 50
    assert blank["images"][0].getcolors() == [(blank["images"][0].width * blank["images"][0].height, (235, 235, 235))]
    env.close()

    words = ["--env", "gui_grounding", "--model", "centre", "--tasks", "3", "--env.count", "3", "--view", "blank"]
    assert cli.evaluate([*words, "--out", str(tmp_path / "out")]) == 0
    lines = [json.loads(line) for path in (tmp_path / "out" / "episodes").glob("*") for line in path.open()]
    assert {line["meta"]["view"] for line in lines} == {"blank"}


def test_a_view_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.evaluate(["--env", "text_classification", "--model", "majority", "--view", "blank"]) == 2
    assert "--view blank: text_classification has no poorer view" in capsys.readouterr().err
