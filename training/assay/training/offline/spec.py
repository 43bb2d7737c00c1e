"""What a recipe says of the stored episodes it learns from; no torch, so that configurations stay cheap to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Draw = Literal["good_priority", "good_random", "none"]
Unit = Literal["prompts", "responses"]


@dataclass(frozen=True)
class ValueSpec:
    """How the worth of a prompt under the starting policy is learned, once, before the first step.

    Attributes:
        prompts: tasks that the starting policy answers for it.
        rollouts: answers to each.
        epochs: passes over their scores; the one of lowest mean squared error is kept.
        lr: learning rate of the head.

    Raises:
        ValueError: naming what is below its least.
    """

    prompts: int = 256
    rollouts: int = 1
    epochs: int = 10
    lr: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("prompts", "rollouts", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"the value pass needs 1 or more {name}, got {getattr(self, name)}")
        if not self.lr > 0:
            raise ValueError(f"the learning rate of the value pass must be above 0, got {self.lr:g}")


@dataclass(frozen=True)
class OfflineSpec:
    """Which stored responses a step sees, and what is worked out of all of them beforehand.

    Attributes:
        unit: a step takes ``rollout.groups`` prompts with up to ``rollout.group_size`` responses each, or as many
            single responses as that makes.
        value: learn what a prompt is worth to the starting policy and put it into the batch's ``values``.
        draw: of responses: in seeded passes (``none``), or with replacement from those worth more than their prompt's
            value, in proportion to the difference (``good_priority``) or evenly (``good_random``).
        scale_steps: run the share of the configured steps that the share of such responses is.
        reward_max: rewards outside [0, reward_max] are mapped onto it linearly; None leaves them alone.
        least: responses that a prompt must have; prompts with fewer are left out.

    Raises:
        ValueError: where the fields contradict each other.
    """

    unit: Unit = "prompts"
    value: ValueSpec | None = None
    draw: Draw = "none"
    scale_steps: bool = False
    reward_max: float | None = None
    least: int = 1

    def __post_init__(self) -> None:
        if self.reward_max is not None and not self.reward_max > 0:
            raise ValueError(f"reward_max must be above 0, got {self.reward_max:g}")
        if (self.draw != "none" or self.scale_steps) and self.value is None:
            raise ValueError("choosing good responses needs the value of their prompts")
        if self.value is not None and self.reward_max is None:
            raise ValueError("the value of a prompt needs reward_max, the upper end of the rewards")
