"""Where a step's rollouts come from: played by the policy, or stored by whoever."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from assay.agents.rollout import Rollout
from assay.training.assemble import Parts, sampling
from assay.training.batch import Batch, make_batch
from assay.training.config import TrainConfig
from assay.training.contrast import describe_contrast, with_contrast
from assay.training.curriculum import TaskStream
from assay.training.difficulty import filtered
from assay.training.display import Phase
from assay.training.errors import UserError
from assay.training.experience import Experience, describe, gather
from assay.training.measures import decoder, with_measures
from assay.training.objectives.schedule import RolloutPlan
from assay.training.rollout import Collector

if TYPE_CHECKING:
    from assay.training.offline.data import LoggedData


class Feed(Protocol):
    """What a run learns from, step by step. ``position`` is all that a checkpoint must hold of it."""

    position: int

    def prepare(
        self,
        collector: Collector,
        show: Callable[[str, int | None], AbstractContextManager[Phase]],
        note: Callable[[str], None],
        begun: bool,
    ) -> None:
        """Work out whatever must be known before the first step.

        Args:
            collector: plays training tasks with the current policy.
            show: shows progress.
            note: tells the user something.
            begun: whether steps have been made.
        """
        ...

    def steps(self, configured: int) -> int:
        """How many steps the run takes, once :meth:`prepare` has been called."""
        ...

    def gather(
        self, collector: Collector, plan: RolloutPlan, step: int, on_done: Callable[[Rollout], None]
    ) -> Experience:
        """The rollouts of a step."""
        ...

    def describe(self, experience: Experience) -> dict[str, float]:
        """What is worth logging of them."""
        ...

    def batch(self, experience: Experience, version: int) -> Batch:
        """Those that are learned from, as rows."""
        ...

    def save(self) -> None:
        """Called ahead of every checkpoint."""
        ...


class Live:
    """Rollouts of the policy itself."""

    def __init__(self, parts: Parts, config: TrainConfig, folder: Path) -> None:
        self.parts, self.config, self.folder = parts, config, folder
        self.stream = TaskStream(parts.train, config.seed, neighbours=config.rollout.neighbours)
        self.env = parts.env(tasks=parts.train, **parts.env_options)

    @property
    def position(self) -> int:
        """Tasks handed out so far."""
        return self.stream.position

    @position.setter
    def position(self, value: int) -> None:
        self.stream.position = value

    def prepare(
        self,
        collector: Collector,
        show: Callable[[str, int | None], AbstractContextManager[Phase]],
        note: Callable[[str], None],
        begun: bool,
    ) -> None:
        """Leave out the tasks that teach nothing, if asked."""
        config = self.config
        if config.rollout.difficulty:
            rollout, tasks = config.rollout, self.parts.train
            chosen = filtered(
                tasks, collector, rollout.difficulty, rollout.difficulty_tasks, config.seed, self.folder, show, note
            )
            self.stream = TaskStream(chosen, config.seed, self.position, config.rollout.neighbours)

    def steps(self, configured: int) -> int:
        """As many as configured."""
        return configured

    def gather(
        self, collector: Collector, plan: RolloutPlan, step: int, on_done: Callable[[Rollout], None]
    ) -> Experience:
        """Sampled under the schedule."""
        config = self.config
        return gather(collector, self.stream, self.parts.schedule, plan, sampling(config), config.seed, on_done,
                      step=step, views_of=self.env.views_of)  # fmt: skip

    def describe(self, experience: Experience) -> dict[str, float]:
        """:func:`~assay.training.experience.describe`, and of rollouts in a poorer view."""
        return describe(experience.sampled) | describe_contrast(experience)

    def batch(self, experience: Experience, version: int) -> Batch:
        """:func:`~assay.training.batch.make_batch`, told how the same tasks went in a poorer view and what the recipe
        measures."""
        parts, made = self.parts, with_contrast(make_batch(experience.kept, version), experience.contrast)
        return with_measures(made, experience.kept, parts.recipe.measures(), parts.train, decoder(parts.chat))

    def save(self) -> None:
        """Nothing."""


def make_feed(parts: Parts, config: TrainConfig, folder: Path, data: LoggedData | None) -> Feed:
    """The feed of a run: stored episodes where it is given some, its own rollouts otherwise."""
    if data is None:
        return Live(parts, config, folder)
    if config.rollout.difficulty:
        raise UserError("--rollout.difficulty plays the training tasks, and --data plays none: leave one of them away")
    from assay.training.offline.feed import LoggedFeed

    return LoggedFeed(parts, config, folder, data)
