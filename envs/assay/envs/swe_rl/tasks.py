"""Rows into tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from assay.envs.swe_rl.bases import RepoError, base_of
from assay.envs.swe_rl.edit import LeftOutError, edit_task, modes_of
from assay.envs.swe_rl.options import Options
from assay.envs.swe_rl.prompts import edit_prompt, read_template, repo_prompt
from assay.envs.swe_rl.rows import SweRow
from assay.envs.swe_rl.sources import load_rows
from assay.envs.tasks import Task, TaskSet, content_id


class SweTasks(TaskSet):
    """The tasks of one split.

    Attributes:
        left_out: how many rows are no tasks, by reason.
    """

    def __init__(self, tasks: Iterable[Task], left_out: dict[str, int]) -> None:
        super().__init__(tasks)
        self.left_out = left_out

    @property
    def summary(self) -> str:
        """One line: tasks, repositories, and what was left out."""
        repos = len({task.meta["repo"] for task in self})
        rest = "".join(f"; left out {count}: {reason}" for reason, count in sorted(self.left_out.items()))
        return f"{len(self)} tasks of {repos} repositories{rest}"


def build_tasks(options: Options) -> SweTasks:
    """The tasks that the options ask for.

    Raises:
        ValueError: one line; bad rows or options, or no row that can be a task, with the reasons.
    """
    reward = reward_of(options)
    template = read_template(options.prompt_template, ("issue", "files") if options.task == "edit" else ("issue",))
    rows = load_rows(options)
    tasks: list[Task] = []
    reasons: Counter[str] = Counter()
    for row in rows:
        try:
            make = _edit if options.task == "edit" else _repo
            tasks.append(make(row, options, reward, template))
        except LeftOutError as error:
            reasons[str(error)] += 1
        except RepoError as error:
            raise ValueError(str(error)) from None
    if not tasks:
        why = "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common(3))
        raise ValueError(f"none of the {len(rows)} rows can be a task with task={options.task} ({why})")
    return SweTasks(_unique(tasks), dict(reasons))


def reward_of(options: Options) -> str:
    """The reward, with ``default`` resolved.

    Raises:
        ValueError: for ``similarity`` with ``repo``, which would reward a patch that nobody has run.
    """
    if options.reward == "default":
        return "similarity" if options.task == "edit" else "tests"
    if options.task == "repo" and options.reward == "similarity":
        raise ValueError("task=repo is graded by tests: reward must be tests, tests-partial or hybrid")
    return options.reward


def _unique(tasks: list[Task]) -> list[Task]:
    """Without rows that are there twice."""
    return list({task.id: task for task in tasks}.values())


def _edit(row: SweRow, options: Options, reward: str, template: str) -> Task:
    if row.image and not options.repos and "files" not in row.environment:
        raise LeftOutError("its files are only in an image (give repos=DIR)")
    base = base_of(row, options.repos)
    made = edit_task(row, base, options.max_context_chars, options.distractors, options.show == "functions")
    truth: dict[str, Any] = {
        "context": made.context,
        "oracle": made.oracle,
        "options": {"strict_empty_search": options.strict_empty_search},
    }
    if reward != "similarity":
        truth |= {**_graded(row, options, reward), "modes": modes_of(base, list(made.context))}
    prompt = edit_prompt(row.problem_statement, made.shown, template)
    return Task(_id(row, "edit"), prompt, truth, _meta(row, "edit"))


def _repo(row: SweRow, options: Options, reward: str, template: str) -> Task:
    paths = _paths(row, options)
    prompt = repo_prompt(row.problem_statement, paths, template)
    return Task(_id(row, "repo"), prompt, _graded(row, options, reward), _meta(row, "repo"))


def _paths(row: SweRow, options: Options) -> list[str]:
    """The files to list in the prompt; none where they are only in an image."""
    if row.image and not options.repos and "files" not in row.environment:
        return []
    return list(base_of(row, options.repos).paths)


def _graded(row: SweRow, options: Options, reward: str) -> dict[str, Any]:
    return {"row": row.to_dict(), "reward": reward, "format_penalty": options.format_penalty}


def _id(row: SweRow, kind: str) -> str:
    return content_id("swe-rl", kind, row.instance_id, row.base_commit, row.patch, row.test_patch)


def _meta(row: SweRow, kind: str) -> dict[str, Any]:
    return {**row.meta, "task": kind, "repo": row.repo, "instance_id": row.instance_id}
