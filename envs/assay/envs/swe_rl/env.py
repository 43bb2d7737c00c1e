"""The environment: a repository with a problem, an agent that mends it, and tests that decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.errors import InfraError, VerifierError
from assay.envs.swe_rl.boxes import BOXES, Place, borrowed, infra, place_of
from assay.envs.swe_rl.edit import patch_of_answer
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.grading import grade
from assay.envs.swe_rl.images import seal
from assay.envs.swe_rl.options import Options
from assay.envs.swe_rl.oracle import shell_answer
from assay.envs.swe_rl.rows import SweRow, row_of
from assay.envs.swe_rl.shell import command_of, observation, run
from assay.envs.swe_rl.tasks import SweTasks, build_tasks, reward_of
from assay.envs.swe_rl.verdict import score_of
from assay.envs.tasks import Message, Task, TaskSet
from assay.sandbox import FileRefused, Image, Sandbox
from assay.sandbox.pool import Lease
from assay.verifiers import registry
from assay.verifiers.score import Score
from assay.verifiers.swe import FormatError


class SweRlEnv(TaskEnv):
    """Mend a software repository (SWE-RL, arXiv 2502.18449; SWE-bench and its kin).

    With ``task="edit"``, the default, an episode has one turn: the prompt holds the issue and whole files, the action
    is ``<think>...</think><solution>...</solution>`` with SEARCH/REPLACE edits, the reward is the similarity of the
    resulting diff to the developers' own (``swe.similarity``), -1 for a malformed answer. No sandbox is needed.

    With ``task="repo"`` the action is one fenced ``bash`` block (or a bare command), which runs in a sandbox that has
    the repository; ``submit`` ends the episode, as do ``max_turns``. Then the agent's changes, without those of tests
    and test configuration, are put into a fresh sandbox, the task's tests are added and run, and they decide.
    Whatever fails around a sandbox raises :class:`~assay.envs.InfraError` and is never a reward.

    Every string is a legal action; one that holds no command is answered, and is a turn.

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("swe-rl-v0", split="test")
    >>> obs, info = env.reset(seed=0)
    >>> [message["role"] for message in obs["messages"]]
    ['system', 'user']
    >>> obs, reward, terminated, truncated, info = env.step("I would rather not.")
    >>> reward, terminated, info["score"].correct
    (-1.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "swe.similarity"

    def __init__(self, *, tasks: TaskSet | None = None, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(tasks=tasks, render_mode=render_mode, **options)
        self.blocking = any("row" in task.truth for task in self.tasks[:1])
        self.patience = self.options.timeout + 2 * self.options.command_timeout + 600 if self.blocking else None
        self._lease: Lease | None = None
        self._box: Sandbox | None = None

    @classmethod
    def load(cls, options: Any) -> SweTasks:
        """The tasks of ``options.split``; ``summary`` says what was left out and why."""
        return build_tasks(options)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict: by similarity from the last action, or by tests from the evidence that the episode kept."""
        if "row" not in truth:
            return registry.score(cls.verifier, actions[-1], truth, **truth.get("options", {}))
        if "evidence" not in truth:
            raise ValueError("the episode was stored without its test report: replay it")
        row = row_of(truth["row"], "truth")
        return score_of(row, Evidence.from_dict(truth["evidence"]), truth["reward"], bool(truth.get("format_penalty")))

    @classmethod
    def gold(cls, task: Task) -> str | None:
        """The reference solution: as edits, or as a command that applies it and submits."""
        if "context" in task.truth:
            verifier = registry.get(cls.verifier)
            return None if verifier.gold is None else verifier.gold(task.truth)
        return shell_answer(str(task.truth["row"]["patch"]))

    @classmethod
    def trivial(cls, tasks: TaskSet) -> dict[str, str]:
        """``empty``: an edit task's empty answer, or an immediate ``submit``."""
        return {"empty": "```bash\nsubmit\n```" if tasks[0].meta.get("task") == "repo" else ""}

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for a thought and an edit of some lines, or for a short script."""
        return 512

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """-1 (similarity, or where a patch that cannot be applied is fined) or 0, to 1."""
        fined = options.format_penalty or reward_of(options) == "similarity"
        return (-1.0 if fined else 0.0, 1.0)

    def open(self, task: Task) -> list[Message]:
        """The prompt; for a repo task also a sandbox."""
        self._give_back()
        if task.meta.get("task") == "repo":
            with infra():
                self._lease = BOXES.lease(self._place(task).spec, self.options.backend, self.options.boxes)
                self._box = self._lease.__enter__()
                if isinstance(self._box.spec.base, Image):
                    seal(self._box, _row(task))
        return task.prompt

    def act(self, task: Task, action: str) -> Step:
        """Score an edit answer, or run a command and, at the end, grade what there is."""
        if task.meta.get("task") != "repo":
            return Step(score=self.judge(task)) if "row" not in task.truth else self._graded_edit(task, action)
        try:
            return self._turn(task, action)
        except InfraError:
            self._give_back()
            raise

    def close(self) -> None:
        """Give the sandbox back."""
        self._give_back()
        super().close()

    def _turn(self, task: Task, action: str) -> Step:
        box = self._box
        if box is None:
            raise InfraError("the sandbox of this episode is gone")
        command, problem = command_of(action)
        said, submitted = problem, False
        if command:
            with infra():
                result, submitted = run(box, command, self._place(task), self.options.command_timeout)
            said = observation(result, self.options.observation_chars, self.options.command_timeout)
        spent = len(self._actions) >= self.options.max_turns
        if not submitted and not spent:
            return Step([{"role": "user", "content": said}], 0.0, terminated=False)
        evidence = self._evidence_of(task, self._changes(box))
        return Step(
            score=self._verdict(task, evidence), terminated=submitted, truncated=not submitted,
            evidence=evidence.to_dict(),
        )  # fmt: skip

    def _changes(self, box: Sandbox) -> str | None:
        """The agent's patch; None if it is too large to be one. The sandbox goes back before another is asked for."""
        try:
            with infra():
                box.kill_all()
                try:
                    return box.diff()
                except FileRefused:
                    return None
        finally:
            self._give_back()

    def _graded_edit(self, task: Task, action: str) -> Step:
        truth = task.truth
        strict = bool(truth.get("options", {}).get("strict_empty_search", True))
        try:
            patch = patch_of_answer(action, truth["context"], truth.get("modes", {}), strict)
            evidence = self._evidence_of(task, patch)
        except FormatError as error:
            evidence = Evidence("", applied=False, message=f"malformed: {error}")
        return Step(score=self._verdict(task, evidence), evidence=evidence.to_dict())

    def _evidence_of(self, task: Task, patch: str | None) -> Evidence:
        if patch is None:
            return Evidence("", applied=False, message="the changes are too large for a patch")
        place, options = self._place(task), self.options
        row = _row(task)
        return grade(row, patch, place, lambda: borrowed(place.spec, options.backend, options.boxes), options.timeout)

    def _verdict(self, task: Task, evidence: Evidence) -> Score:
        try:
            return self.score(self._actions, {**task.truth, "evidence": evidence.to_dict()})
        except Exception as error:
            raise VerifierError(f"swe-rl on task {task.id}: {error!r}") from error

    def _place(self, task: Task) -> Place:
        return _place(task.id, str(self.options.repos), str(self.options.backend), _Held(_row(task)))

    def _give_back(self) -> None:
        lease, self._lease, self._box = self._lease, None, None
        if lease is not None:
            with infra():
                lease.give_back()


class _Held:
    """A row as an argument that does not count for the cache: the task's id already names it."""

    def __init__(self, row: SweRow) -> None:
        self.row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4096)
def _place(task_id: str, repos: str, backend: str, held: _Held) -> Place:
    return place_of(held.row, repos, backend)


def _row(task: Task) -> SweRow:
    return row_of(task.truth["row"], f"task {task.id}")
