"""Environments declare between what their rewards lie, and keep to it."""

from __future__ import annotations

import pytest

from assay.envs.base import TaskEnv
from assay.envs.options import read_options
from assay.envs.registry import env_class


def declared(name, **options):
    env = env_class(name)
    return env.reward_range(read_options(env.Options, options, name))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("text_classification", {}, (0.0, 1.0)),
        ("text_classification", {"think_mode": "think"}, (0.0, 1.1)),
        ("text_classification", {"think_mode": "think", "parity": True}, (0.0, 2.0)),
        ("text_classification", {"think_mode": "after", "format_weight": 0.5}, (0.0, 1.5)),
        ("image_classification", {}, (0.0, 1.0)),
        ("image_classification", {"think_mode": "adaptive"}, (0.0, 2.0)),
        ("gui_grounding", {}, (-1.0, 2.0)),
        ("gui_grounding", {"reward_variant": "paper"}, (0.0, 2.0)),
        ("gui_grounding", {"family": "seeclick"}, (0.0, 1.0)),
        ("swe_rl", {}, (-1.0, 1.0)),
        ("swe_rl", {"reward": "tests"}, (0.0, 1.0)),
        ("swe_rl", {"reward": "tests", "format_penalty": True}, (-1.0, 1.0)),
        ("swe_rl", {"task": "repo"}, (0.0, 1.0)),
        ("gui_agent", {}, (0.0, 1.0)),
        ("video_keyframes", {}, (0.0, 1.0)),
        ("video_keyframes", {"mode": "select"}, (0.0, 1.2)),
        ("resume_screening", {}, (-0.2, 1.0)),
        ("resume_screening", {"reward": "aggressive"}, (-2.0, 1.0)),
    ],
)
def test_ranges(name, options, expected):
    assert declared(name, **options) == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("text_classification", {}),
        ("text_classification", {"think_mode": "think"}),
        ("image_classification", {"think_mode": "think"}),
        ("swe_rl", {}),
    ],
)
def test_the_ends_are_reached_and_not_passed(name, options):
    env = env_class(name)(**options)
    low, high = env.reward_range(env.options)
    task = env.tasks[0]
    rewards = []
    for action in ("", "no such thing", env.gold(task)):
        env.reset(options={"task_id": task.id})
        rewards.append(env.step(action)[1])
    assert (min(rewards), max(rewards)) == (low, high)


def test_nobody_knows_the_range_of_an_environment_that_does_not_say():
    assert TaskEnv.reward_range(None) is None
