"""Does an answer change with what must not matter? Each task again with a name, an age or the like swapped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from assay.agents.rollout import Rollout
from assay.envs.base import TaskEnv
from assay.envs.tasks import Task
from assay.training.rollout import RolloutSpec, derive_seed
from assay.training.stats import wilson


@dataclass(frozen=True)
class Swap:
    """What one kind of swap did to the answers.

    Attributes:
        kind: what was swapped.
        pairs: tasks whose answer is known on both sides.
        same: those of them that look the same after the swap, so that their answer cannot change; they are not played.
        flips: pairs whose two answers differ; an answer that cannot be read differs from any that can.
    """

    kind: str
    pairs: int
    same: int
    flips: int

    @property
    def rate(self) -> float:
        """Share of pairs that flip; NaN of none."""
        return self.flips / self.pairs if self.pairs else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate; (0, 0) where every pair looks the same."""
        if self.pairs and self.same == self.pairs:
            return 0.0, 0.0
        found = wilson(self.flips, self.pairs)
        return found.low, found.high

    def to_metrics(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        low, high = self.interval
        rate = None if math.isnan(self.rate) else self.rate
        return {"pairs": self.pairs, "same": self.same, "flips": self.flips, "rate": rate, "low": low, "high": high}


Play = Callable[[list[RolloutSpec]], Sequence[Rollout]]


def swaps(env: type[TaskEnv], tasks: Sequence[Task], rollouts: Sequence[Rollout], samples: int, seed: int,
          play: Play) -> tuple[Swap, ...]:  # fmt: skip
    """Ask again about every counterpart that looks different, and compare with the first sample of each task.

    A counterpart is sampled with the seed of the rollout that it is compared with.

    Args:
        env: says what the counterparts of a task are; without any nothing is played.
        tasks: what was played.
        rollouts: of them, ``samples`` a task, in order.
        samples: rollouts of a task.
        seed: of the evaluation.
        play: plays specs, in order.
    """
    found = [env.counterparts(task) for task in tasks]
    kinds = list(dict.fromkeys(kind for each in found for kind in each))
    wanted = [
        (number, kind, other)
        for number, each in enumerate(found)
        for kind, other in each.items()
        if other is not tasks[number]
    ]
    specs = [RolloutSpec(other, i, 0, derive_seed(seed, i, tasks[i].id, 0)) for i, _, other in wanted]
    again = play(specs) if specs else []
    answers = {
        (number, kind): _answer(env, rollout, tasks[number])
        for (number, kind, _), rollout in zip(wanted, again, strict=True)
    }
    first = [_answer(env, rollouts[number * samples], task) for number, task in enumerate(tasks)]
    return tuple(_swap(kind, found, tasks, first, answers) for kind in kinds)


_Answer = tuple[str | None] | None
"""An answer that may be unreadable; None for an episode without a score."""


def _answer(env: type[TaskEnv], rollout: Rollout, task: Task) -> _Answer:
    episode = rollout.episode
    if episode.score is None or not episode.turns:
        return None
    return (env.predicted(episode.actions, task.truth),)


def _swap(kind: str, found: Sequence[Mapping[str, Task]], tasks: Sequence[Task], first: Sequence[_Answer],
          answers: Mapping[tuple[int, str], _Answer]) -> Swap:  # fmt: skip
    pairs = same = flips = 0
    for number, each in enumerate(found):
        before = first[number]
        if kind not in each or before is None:
            continue
        if each[kind] is tasks[number]:
            pairs, same = pairs + 1, same + 1
            continue
        after = answers[number, kind]
        if after is not None:
            pairs, flips = pairs + 1, flips + (after != before)
    return Swap(kind, pairs, same, flips)


def swaps_table(found: Sequence[Swap]) -> Table:
    """For the terminal; a line below it says what was not played."""
    table = Table("swapped", title="counterfactual flip rate (%)")
    for name in ("pairs", "look the same", "flips", "rate", "low", "high"):
        table.add_column(name, justify="right")
    for each in found:
        shares = [f"{100 * share:.1f}" for share in (each.rate, *each.interval)]
        table.add_row(each.kind, str(each.pairs), str(each.same), str(each.flips), *shares)
    if any(each.same for each in found):
        table.caption = "what looks the same after the swap was not asked again: its answer cannot change"
    return table
