"""The selector of frames as a companion of the policy: its draws earn what the episodes they began with earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from assay.envs.tasks import TaskSet
from assay.training.companion import Worth
from assay.training.selection.head import FrameSelector
from assay.training.selection.learn import draws_of


class SelectorBeside:
    """Adds advantage x log-probability of the drawn frames to what the objective makes of the answers.

    Its weights are its own, so that its share of the policy gradient is a step of its own optimiser. Draws are those of
    the selector of now: one step a batch, and no ratio.

    Args:
        selector: what learns.
        options: of the training environments.
    """

    def __init__(self, selector: FrameSelector, options: Any) -> None:
        self.selector, self.options = selector, options

    def publish(self) -> None:
        """Write the scorer at the temperature of the step under way."""
        self.selector.publish()

    def learn(self, worth: Sequence[Worth], tasks: TaskSet) -> dict[str, float]:
        """One step on the draws of these rollouts; :meth:`~assay.training.selection.head.FrameSelector.learn`."""
        rollouts, advantages = [rollout for rollout, _ in worth], [value for _, value in worth]
        return self.selector.learn(draws_of(rollouts, advantages, tasks.get, self.options))

    def tensors(self) -> dict[str, Tensor]:
        """Weights, moments and the step."""
        return self.selector.tensors()

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Put them back, and publish."""
        self.selector.restore(stored)
