"""The environment: numbers and a target, one expression, one verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any, ClassVar

from assay.envs.base import BaseOptions, TaskEnv
from assay.envs.countdown.options import Options
from assay.envs.countdown.prompt import demonstration
from assay.envs.countdown.tasks import build_tasks
from assay.envs.tasks import Task, TaskSet
from assay.verifiers.maths.arithmetic import combine
from assay.verifiers.maths.countdown import canonical_answer, lay_out


class CountdownEnv(TaskEnv):
    """Write an expression of given numbers, each used at most once, that equals a target.

    One turn. Most instances have several right answers, of different lengths; six levels grade them. The verifier is
    ``math.countdown``, exact in fractions; demonstrations come from an exact solver. Instances are made by seed, no
    file and no network is needed. The game is the numbers round of Countdown (and Des chiffres et des lettres); as a
    task for language models see Gandhi et al. 2024, Stream of Search (arXiv:2404.03683).

    >>> import gymnasium as gym
    >>> import assay.envs
    >>> env = gym.make("countdown-v0", split="test", levels=(1,))
    >>> obs, info = env.reset(seed=0)
    >>> [message["role"] for message in obs["messages"]]
    ['system', 'user']
    >>> obs, reward, terminated, truncated, info = env.step("1+1+1+1")
    >>> reward, terminated, info["score"].correct
    (0.0, True, False)
    """

    Options: ClassVar[type[BaseOptions]] = Options
    verifier: ClassVar[str] = "math.countdown"

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        """The instances of ``options.split``."""
        return build_tasks(options)

    @classmethod
    def gold(cls, task: Task) -> str:
        """A right answer, drawn by the task's id from all that the solver finds (above four numbers: the maker's)."""
        return demonstration(task)

    @classmethod
    def answer_key(cls, actions: Sequence[str], truth: Mapping[str, Any]) -> str:
        """One text for all ways to write the same sums and products."""
        mode = truth.get("options", {}).get("think_mode", "none")
        return canonical_answer(actions[-1], mode) or super().answer_key(actions, truth)

    @classmethod
    def trivial(cls, tasks: TaskSet) -> dict[str, str]:
        """``majority``: of all expressions of two numbers the one that is right on most of ``tasks``."""
        mode = tasks[0].truth.get("options", {}).get("think_mode", "none")
        return {"majority": lay_out(_commonest(tasks), mode)}

    @classmethod
    def reward_range(cls, options: Any) -> tuple[float, float]:
        """0 to 1, and what the layout earns where thinking is on."""
        return 0.0, 1.0 + (options.format_weight if options.think_mode != "none" else 0.0)

    @classmethod
    def answer_tokens(cls, options: Any) -> int:
        """Tokens of an expression, of the tries that demonstrations show, and of a thought where one is asked for."""
        room = 32 + 24 * int(options.tries)
        return room + 512 if options.think_mode in ("think", "after", "adaptive") else room


def _commonest(tasks: TaskSet) -> str:
    """The expression of two numbers that solves most tasks; the first by text among equals."""
    counts: Counter[str] = Counter()
    for task in tasks:
        pairs = set(permutations(task.truth["numbers"], 2))
        for left, right in pairs:
            for symbol in "+-*/":
                if combine(symbol, Fraction(left), Fraction(right)) == task.truth["target"]:
                    counts[f"{left}{symbol}{right}"] += 1
    return min(counts, key=lambda text: (-counts[text], text)) if counts else "1+1"
