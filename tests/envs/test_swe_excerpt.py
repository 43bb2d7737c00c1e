"""Excerpts: the functions that a reference changes, in lines that can be searched for."""

from __future__ import annotations

import gymnasium as gym
import pytest

import assay.envs  # noqa: F401
from assay.envs.swe_rl.excerpt import excerpt, excerpts

OLD = '''"""A module."""

import math


def first(a):
    """One."""
    return a + 1


class Box:
    """Two."""

    @property
    def size(self):
        return self.width * self.height

    def area(self):
        return math.pi


LIMIT = 3
'''


def test_the_smallest_function_is_shown_with_its_decorators():
    shown = excerpt(OLD, OLD.replace("self.width * self.height", "self.width"))
    assert shown == "[...]\n    @property\n    def size(self):\n        return self.width * self.height\n[...]\n"


def test_a_change_outside_of_functions_is_shown_with_what_is_around_it():
    assert excerpt(OLD, OLD.replace("LIMIT = 3", "LIMIT = 4")) == "[...]\n        return math.pi\n\n\nLIMIT = 3\n"


def test_an_insertion_shows_where_it_goes():
    assert "def first(a):" in excerpt(OLD, OLD.replace("    return a + 1", "    a = abs(a)\n    return a + 1"))


@pytest.mark.parametrize("old", ["def broken(:\n    pass\n" * 9, "\0" * 5, "x = 1\n"])
def test_what_cannot_be_taken_apart_is_shown_whole(old):
    assert excerpt(old, old + "y = 2\n") == old


def test_new_and_unchanged_files_are_not_shown():
    assert excerpts({"a.py": OLD, "b.py": OLD}, {"a.py": OLD + "\nNEW = 1\n", "c.py": "x"}).keys() == {"a.py"}


def test_gold_answers_fit_although_only_functions_are_shown():
    env = gym.make("swe-rl-v0", show="functions", max_context_chars=1500)
    tasks = env.unwrapped.tasks
    for task in list(tasks)[:8]:
        obs, _ = env.reset(options={"task_id": task.id})
        assert len(obs["messages"][-1]["content"]) < 4500
        answer = env.unwrapped.gold(task)
        assert env.step(answer)[4]["score"].correct
    whole = gym.make("swe-rl-v0", max_context_chars=1500).unwrapped.tasks
    assert len(tasks) > len(whole)
