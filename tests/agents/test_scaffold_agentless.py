"""Agentless-mini on a repository in memory: each step, the vote, and what happens where a step finds nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from assay.agents.policy import Completion, Request, Sampling
from assay.agents.scaffolds import agentless_prompts as prompts
from assay.agents.scaffolds.agentless import LOCALISE, REPAIR, REPRODUCE, AgentlessMini, Problem, verdict
from assay.agents.scaffolds.agentless_options import AgentlessOptions
from assay.agents.scaffolds.agentless_read import fit, is_test, location_sets, read_patch, read_paths, read_script
from assay.agents.scaffolds.edits import Edit, render_edit

CALC = "def add(a, b):\n    return a - b\n"
FILES = {
    "calc/__init__.py": "",
    "calc/core.py": CALC,
    "calc/io.py": "from calc.core import add\n",
    "setup.py": "",
    "tests/test_core.py": "def test_zero(): ...\n",
}
WRONG = Edit("calc/core.py", "    return a - b", "    return a * b")
RIGHT = Edit("calc/core.py", "    return a - b", "    return a + b")
RIGHT_TOO = Edit("calc/core.py", "    return a - b", "    # a sum\n    return a + b")
SCRIPT = 'print("Issue reproduced" if add(1, 2) == -1 else "Issue resolved")'
LYING = 'print("Issue resolved" if True else "Issue reproduced")'


class Shelf:
    """A repository whose behaviour is read off its text."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def files(self) -> Mapping[str, str]:
        return FILES

    def passing(self, changed: Mapping[str, str]) -> frozenset[str]:
        self.log.append("tests")
        text = changed.get("calc/core.py", CALC)
        return frozenset({"zero"} if "a * b" not in text else ()) | {"always"}

    def printed(self, script: str, changed: Mapping[str, str]) -> str:
        self.log.append("script")
        if script.strip() == LYING:
            return "Issue resolved\n"
        return "Issue reproduced\n" if "a - b" in changed.get("calc/core.py", CALC) else "Issue resolved\n"


def problem(log: list[str] | None = None, **options: Any) -> Problem:
    @contextmanager
    def open_it() -> Iterator[Shelf]:
        yield Shelf(log if log is not None else [])

    return Problem("add(1, 2) is -1", open_it, lambda patch: f"SUBMIT\n{patch}", **options)


class Scripted:
    """Answers each step from a list, in order; keeps what it was asked."""

    def __init__(self, **answers: Sequence[str]) -> None:
        names = {LOCALISE: "localise", REPAIR: "repair", REPRODUCE: "reproduce"}
        self.answers = {step: list(answers.get(name, ())) for step, name in names.items()}
        self.asked: list[Request] = []
        self.calls = 0

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.calls += 1
        self.asked += requests
        return [Completion(self._next(request.context["step"])) for request in requests]

    def _next(self, step: int) -> str:
        answers = self.answers[step]
        return answers.pop(0) if answers else ""

    def prompts(self, step: int) -> list[str]:
        return [one.messages[0]["content"] for one in self.asked if one.context["step"] == step]


def request(seed: int = 0, **options: Any) -> Request:
    return Request([], seed=seed, sampling=Sampling(256), context={"problem": problem(**options)})


def named(*paths: str) -> str:
    return "It is here:\n```\n" + "\n".join(paths) + "\n```"


def script(text: str) -> str:
    return f"```python\n{text}\n```"


def test_the_whole_course_prefers_what_works_over_what_is_said_most() -> None:
    log: list[str] = []
    policy = Scripted(
        localise=[named("calc/core.py"), named("calc/core.py", "calc/io.py"), named("nowhere.py"), ""],
        repair=[*map(render_edit, (WRONG, WRONG, WRONG, WRONG, RIGHT, RIGHT_TOO, RIGHT)), "I do not know."],
        reproduce=[script(SCRIPT), script(LYING), script("print("), script(SCRIPT)],
    )
    agent = AgentlessMini(policy)
    (said,) = agent.generate([request(log=log)])
    assert said.text.split("SUBMIT\n")[1] == (
        "diff --git a/calc/core.py b/calc/core.py\n--- a/calc/core.py\n+++ b/calc/core.py\n"
        "@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
    )
    assert "2 sets of files, 8 answers with 2 distinct patches, 1 of 2 scripts" in said.text
    assert policy.calls == 3
    assert (len(policy.prompts(LOCALISE)), len(policy.prompts(REPAIR)), len(policy.prompts(REPRODUCE))) == (4, 8, 4)
    assert len({one.seed for one in policy.asked}) == 16
    assert {one.sampling.temperature for one in policy.asked} == {1.0}
    assert log.count("tests") == 1 + 2  # before, and once for each distinct patch
    assert log.count("script") == 2 + 2  # both scripts before, the one that reproduces on each patch


def test_what_is_shown() -> None:
    policy = Scripted(localise=[named("calc/core.py")] * 4)
    AgentlessMini(policy).generate([request()])
    trees = policy.prompts(LOCALISE)
    assert all("core.py" in tree and "setup.py" in tree and "test_core" not in tree for tree in trees)
    assert len(set(trees)) > 1  # other orders, other numbers of files
    (repair,) = set(policy.prompts(REPAIR))
    assert "### calc/core.py\ndef add" in repair
    assert "calc/io.py\nfrom" not in repair
    about_tests = Scripted()
    AgentlessMini(about_tests).generate([request(about_tests=True)])
    assert "test_core.py" in about_tests.prompts(LOCALISE)[0]
    one = Scripted()
    AgentlessMini(one, AgentlessOptions(locations=1, patches=1, tests=0)).generate([request()])
    (tree,) = one.prompts(LOCALISE)
    assert "at most 5 full paths" in tree
    assert tree.index("__init__.py") < tree.index("core.py") < tree.index("io.py") < tree.index("setup.py")


def test_without_a_location_every_file_is_shown_and_without_a_patch_nothing_is_handed_in() -> None:
    policy = Scripted()
    (said,) = AgentlessMini(policy, AgentlessOptions(tests=0)).generate([request()])
    assert said.text.endswith("SUBMIT\n")
    assert "### calc/core.py" in policy.prompts(REPAIR)[0]
    assert policy.prompts(REPRODUCE) == []


def test_one_distinct_patch_needs_no_sandbox() -> None:
    log: list[str] = []
    policy = Scripted(repair=[render_edit(RIGHT)] * 3, reproduce=[script(SCRIPT)])
    (said,) = AgentlessMini(policy).generate([request(log=log)])
    assert "+    return a + b" in said.text
    assert log == []


def test_only_as_many_files_are_shown_as_fit() -> None:
    policy = Scripted(localise=[named("calc/core.py", "calc/io.py")])
    AgentlessMini(policy, AgentlessOptions(locations=1), length=len, context=256 + 600 + 15 + 70).generate([request()])
    shown = policy.prompts(REPAIR)[0]
    assert "### calc/core.py" in shown
    assert "### calc/io.py" not in shown
    rng = random.Random(0)
    orders = {tuple(fit(list("abc"), dict.fromkeys("abc", "x"), 100, len, rng)) for _ in range(20)}
    assert len(orders) > 3
    assert list(fit(list("abc"), {"a": "x", "b": "y" * 99, "c": "z"}, 60, len, None)) == ["a", "c"]


def test_an_answer_does_not_depend_on_what_else_is_asked() -> None:
    class Dice:
        def generate(self, requests: Sequence[Request]) -> list[Completion]:
            edits = (WRONG, RIGHT, RIGHT_TOO)
            return [Completion(render_edit(edits[one.seed % 3]) + named("calc/core.py")) for one in requests]

    options = AgentlessOptions(patches=2, tests=0, regression=False)
    alone = [AgentlessMini(Dice(), options).generate([request(seed)])[0].text for seed in range(6)]
    assert [one.text for one in AgentlessMini(Dice(), options).generate([request(s) for s in range(6)])] == alone
    assert len(set(alone)) > 1


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ValueError, match="agentless-mini needs"):
        AgentlessMini(Scripted()).generate([Request([])])
    with pytest.raises(ValueError, match="at least one sample"):
        AgentlessMini(Scripted(), AgentlessOptions(patches=0)).generate([request()])


def test_reading() -> None:
    known = ["a.py", "b/c.py"]
    assert read_paths("a.py\n`b/c.py`\nb/c.py and more\n/a.py\nc.py", known, 5) == ("a.py", "b/c.py")
    assert read_paths("<think>a.py\n</think>\nb/c.py", known, 5) == ("b/c.py",)
    assert read_paths("a.py\nb/c.py", known, 1) == ("a.py",)
    assert location_sets([("a", "b"), (), ("b", "a"), ("a",)]) == [("a", "b"), ("a",)]
    assert read_patch("no edit", FILES).text == ""
    assert read_patch(render_edit(RIGHT).replace("```python", "```diff"), FILES).text == ""
    assert read_patch(render_edit(RIGHT), FILES).changed == {"calc/core.py": CALC.replace("-", "+")}
    assert read_script(script(SCRIPT)) == SCRIPT + "\n"
    assert read_script(script("x = 1") + "\n" + script(SCRIPT)) == SCRIPT + "\n"
    assert read_script(script("x = 1")) is None
    assert read_script(script(SCRIPT + "(")) is None
    tests = ["tests/a.py", "a/test_b.py", "a/b_test.py", "conftest.py"]
    assert [path for path in [*tests, "a/testing.py", "latest.py"] if is_test(path)] == tests
    assert verdict("noise\n  Issue resolved \n") == prompts.RESOLVED
    assert verdict("Issue resolved\nIssue reproduced\n") == ""
    assert verdict("It prints Issue resolved somewhere") == ""
    assert prompts.tree_text(["b.py", "a/c.py", "a/b/d.py"], 2) == "a/\n  b/\n    d.py\n  c.py\nb.py"
