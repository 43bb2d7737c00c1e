"""The environment: a posting and a resume, a decision, one verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.results import Baselines
from assay.envs.resume_screening.baselines import BASELINES
from assay.envs.resume_screening.options import Options
from assay.envs.resume_screening.tasks import ScreeningTask, build_tasks, counterparts
from assay.envs.tasks import Task, TaskSet
from assay.verifiers.parse.objects import json_objects
from assay.verifiers.parse.tags import after_think
from assay.verifiers.resume.attacks import answer
from assay.verifiers.resume.presets import preset_of
from assay.verifiers.resume.reading import read


class ResumeScreeningEnv(TaskEnv):
    """Accept or reject an applicant for a job (arXiv 2511.16073).

    One turn, unless ``max_turns`` hides the resume: then the policy asks for a section in each turn,
    ``{"section": "experience"}``, before it decides. The action is a JSON object with the decision and its grounds; the
    reward is that of ``resume.rubric``, ``correct`` whether the decision is the label. Without options it serves
    applications made by seed, whose label follows a rule and can be told from the text alone.

    A screening aid, not a judge: see "Responsible use" in the documentation. Names, pronouns, ages and addresses stay
    out of the prompt, and every evaluation asks again about the same resume by somebody else (:meth:`counterparts`).

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("resume-screening-v0", split="test", count=20)
    >>> obs, info = env.reset(seed=0)
    >>> [message["role"] for message in obs["messages"]]
    ['system', 'user']
    >>> obs, reward, terminated, truncated, info = env.step("MAYBE")
    >>> reward, terminated, info["score"].parsed
    (-0.2, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "resume.rubric"

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The tasks of ``options.split``."""
        return build_tasks(options)

    def act(self, task: Task, action: str) -> Step:
        """Show a section that is asked for, if a turn is left for the decision; else score."""
        left = self.options.max_turns - len(self._actions)
        wanted = None if read(action) is not None else section_asked(action)
        if wanted is None or left < 1 or not isinstance(task, ScreeningTask):
            return Step(score=self.judge(task))
        found = task.sections.get(wanted)
        told = f"{wanted}:\n{found}" if found is not None else f"No such section; there is {', '.join(task.sections)}."
        more = "Decide now." if left == 1 else "Ask for one more section, or decide."
        return Step([{"role": "user", "content": f"{told}\n\n{more}"}], reward=0.0, terminated=False)

    @classmethod
    def gold(cls, task: Task) -> str:
        """The response that earns most in the form that the prompt asks for."""
        return gold_answer(task.truth)

    def expert(self) -> str | None:
        """Asks for the sections that hold the evidence while it may, then says :meth:`gold`."""
        task = self.current_task
        left = self.options.max_turns - len(self._actions)
        if left > 1 and isinstance(task, ScreeningTask):
            useful = [name for name in ("experience", "education") if name in task.sections] or list(task.sections)
            if len(self._actions) < len(useful):
                return json.dumps({"section": useful[len(self._actions)]})
        return self.gold(task)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Room for the object, and for a thought where one is asked for."""
        room = 8 if options.answer == "decision" else 96 if options.length == "short" else 256
        return max(room, 24 if options.max_turns > 1 else 0) + (512 if options.think else 0)

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """The dearest mistake, to 1."""
        return -max(preset_of(options.reward, options.weights, options.penalties).penalties), 1.0

    @classmethod
    def baselines(cls) -> Baselines:
        """``ats-keyword`` counts literal keywords; ``select-all`` and ``reject-all`` are constants."""
        return BASELINES

    @classmethod
    def counterparts(cls, task: Task) -> dict[str, Task]:
        """The same application by somebody else: another name, pronouns, age, address, and all of them."""
        return counterparts(task)


def section_asked(action: str) -> str | None:
    """The section that a response asks for: of its last object with ``section``, folded; None if it asks for none."""
    text, wanted = after_think(action), None
    for found in json_objects(text or ""):
        if isinstance(found.get("section"), str):
            wanted = " ".join(found["section"][:100].split()).lower()
    return wanted


def gold_answer(truth: Mapping[str, Any]) -> str:
    """The full response to a truth, laid out as it was asked for; compact JSON where prompts are short."""
    form = truth.get("form", {})
    if form.get("answer") == "decision":
        text = str(truth["label"])
    else:
        separators = (",", ":") if form.get("short") else (", ", ": ")
        text = json.dumps(answer(truth), ensure_ascii=False, separators=separators)
    return f"<think>\n\n</think>\n{text}" if form.get("think") else text
