"""What learns beside the policy from the same rollouts, and lies in a file that environments read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.envs.options import read_options
from assay.envs.registry import env_class
from assay.training.recipes import get_recipe

if TYPE_CHECKING:
    from torch import Tensor

    from assay.agents.rollout import Rollout
    from assay.envs.tasks import TaskSet
    from assay.training.config import TrainConfig
    from assay.training.objectives.data import TrajectoryBatch

STATE = "companion"
"""The name of its tensors in a checkpoint."""
Worth = tuple["Rollout", float]
"""A rollout and its advantage."""


class Companion(Protocol):
    """Learns once a step, after the policy, and changes what environments read between steps only."""

    def publish(self) -> None:
        """Write the file that environments read, whole or not at all."""
        ...

    def learn(self, worth: Sequence[Worth], tasks: TaskSet) -> dict[str, float]:
        """Learn from the rollouts of a step (none, where none ended in a score), and publish; what was measured."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold."""
        ...

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`tensors` gave, and publish it."""
        ...


class CompanionSpec(Protocol):
    """What a recipe says of its companion; no torch, so that configurations stay cheap to read."""

    def options(self, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Options of the environments that make training episodes and of those that evaluate, beside the user's.

        Args:
            folder: of the run.
        """
        ...

    def build(self, folder: Path, options: Any, steps: int, seed: int) -> Companion:
        """The companion at the beginning of a run, not yet published.

        Args:
            folder: of the run.
            options: of the training environments.
            steps: of the run.
            seed: of its first weights.
        """
        ...


def companion_spec(config: TrainConfig) -> CompanionSpec | None:
    """What is to learn beside the policy of a run, if anything.

    Raises:
        ValueError: one line, for a recipe, an environment or an option of it that does not exist.
    """
    env = env_class(config.env)
    return get_recipe(config.recipe, config.recipe_options).companion(
        read_options(env.Options, config.env_options, config.env)
    )


def added(config: TrainConfig, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the companion of the run in ``folder`` adds to its environments' options, for training and for evaluation.

    Nothing where the recipe cannot be had any more, as of a finished run whose recipe was a file that is gone.
    """
    try:
        spec = companion_spec(config)
    except ValueError:
        return {}, {}
    return ({}, {}) if spec is None else spec.options(folder)


def served(config: TrainConfig, folder: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of a run's environments for training and for evaluation, with what its companion adds to them.

    What ``eval_options`` say comes first. ``folder``: where the run lies; by default where its configuration says.
    """
    from assay.training.rundir import run_dir

    training, evaluation = added(config, folder or run_dir(config))
    testing = {**config.env_options, **evaluation, **config.eval_options, "split": config.eval.split}
    return {**config.env_options, **training}, testing


def by_rollout(rollouts: Sequence[Rollout], batch: TrajectoryBatch, advantage: Tensor) -> list[Worth]:
    """The rollouts that a batch was made of, each with what was decided before its first sampled token is worth.

    Args:
        rollouts: as :func:`~assay.training.batch.make_batch` was given them.
        batch: what it made of them.
        advantage: [B, T]; that of the first sampled token of a rollout's first row counts.
    """
    taught = [rollout for rollout in rollouts if rollout.episode.outcome.learnable and rollout.branches]
    of_row = list(range(len(batch))) if batch.rollout_id is None else batch.rollout_id.tolist()
    found: dict[int, float] = {}
    for row, number in enumerate(of_row):
        sampled = batch.action_mask[row].nonzero().flatten().tolist()
        if sampled and number not in found:
            found[number] = float(advantage[row, sampled[0]])
    return [(rollout, found[number]) for number, rollout in enumerate(taught) if number in found]
