"""A-LoL and its variants: learning from logged responses that beat the starting policy's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.offline.spec import OfflineSpec, ValueSpec
from assay.training.recipes.base import Data, Recipe
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@dataclass(frozen=True)
class LeftoverRecipe(Recipe):
    """What the variants share: the value of each prompt, its advantage, which responses are drawn.

    Baheti et al. 2023, Advantage-Leftover Lunch RL (arXiv:2305.14718), eq. 3 to 5, with the sampling of the authors'
    implementation.
    """

    paper: ClassVar[str] = "arXiv:2305.14718"
    data: ClassVar[Data] = "logged"
    ratio: ClassVar[Literal["sequence", "token", "none"]] = "none"

    reward_max: float = 1.0
    """Upper end of the rewards; where some lie outside [0, reward_max], all are mapped onto it."""
    sampling: Literal["good_priority", "good_random", "none"] = "good_priority"
    """Which responses a step draws: those above their prompt's value in proportion to their advantage, or evenly, or
    all in turn, with no weight for the others."""
    scale_steps: bool = True
    """Run only the share of the steps that the share of responses above their prompt's value is."""
    value_prompts: int = 256
    """Training tasks that the starting policy answers, before the first step, to learn what a prompt is worth to it."""
    rollouts_per_prompt: int = 1
    """Its answers to each of them."""
    value_epochs: int = 10
    """Passes over their scores."""
    value_lr: float = 1e-5
    """Learning rate of the head that predicts the score of a prompt."""

    @property
    def _clip(self) -> float:
        return 0.9

    @property
    def _beta(self) -> float:
        return 0.0

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.lol import AboveReference, LeftoverLunch
        from assay.training.objectives.objective import Objective

        loss = LeftoverLunch(self.ratio, self._clip, self._beta)
        return Objective(AboveReference(), loss, "seq-mean-token-sum", max_length)

    def offline(self) -> OfflineSpec:
        """Single responses above the value of their prompt."""
        return OfflineSpec(
            unit="responses",
            value=ValueSpec(self.value_prompts, self.rollouts_per_prompt, self.value_epochs, self.value_lr),
            draw=self.sampling,
            scale_steps=self.scale_steps,
            reward_max=self.reward_max,
        )


@recipe("a-lol")
@dataclass(frozen=True)
class ALoL(LeftoverRecipe):
    """Logged responses that beat the starting policy, weighted by how far and by the whole response's ratio."""

    ratio: ClassVar[Literal["sequence", "token", "none"]] = "sequence"

    eps: float = 0.9
    """The importance ratio is clipped to 1 minus and 1 plus this."""

    @property
    def _clip(self) -> float:
        return self.eps


@recipe("a-lol-seq")
@dataclass(frozen=True)
class ALoLSeq(ALoL):
    """A-LoL with an importance ratio for each token of the sequence, instead of one for all of it."""

    ratio: ClassVar[Literal["sequence", "token", "none"]] = "token"


@recipe("a-lol-ref-free")
@dataclass(frozen=True)
class ALoLRefFree(LeftoverRecipe):
    """A-LoL without the importance ratio: no reference model while it trains."""


@recipe("a-lol-kl")
@dataclass(frozen=True)
class ALoLKL(LeftoverRecipe):
    """A-LoL with a penalty instead of the ratio: a response whose advantage is below kl_beta is pushed down."""

    kl_beta: float = 0.05
    """Weight of log pi - log ref of the response; the coefficient on log pi is its advantage minus this."""

    @property
    def _beta(self) -> float:
        return self.kl_beta
