"""Baselines on logged responses: likelihood, plain or weighted by the reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from assay.training.offline.spec import OfflineSpec
from assay.training.recipes.base import Data, Recipe
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.types import Surrogate


@recipe("nll")
@dataclass(frozen=True)
class NLL(Recipe):
    """Likelihood of the logged responses, whatever they earned: supervised tuning on logs."""

    paper: ClassVar[str] = "arXiv:2305.14718"
    data: ClassVar[Data] = "logged"

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.lol import LeftoverLunch, Weighted
        from assay.training.objectives.objective import Objective

        return Objective(Weighted(False), LeftoverLunch("none"), "seq-mean-token-sum", max_length)

    def offline(self) -> OfflineSpec:
        """Single responses in turn."""
        return OfflineSpec(unit="responses")


@dataclass(frozen=True)
class RewardWeighted(Recipe):
    """What is weighted by the reward, not by an advantage."""

    paper: ClassVar[str] = "arXiv:2305.14718"
    data: ClassVar[Data] = "logged"

    reward_max: float = 1.0
    """Upper end of the rewards; where some lie outside [0, reward_max], all are mapped onto it."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.lol import Weighted
        from assay.training.objectives.objective import Objective

        return Objective(Weighted(), self._loss(), "seq-mean-token-sum", max_length)

    def _loss(self) -> Surrogate:
        from assay.training.objectives.lol import LeftoverLunch

        return LeftoverLunch("none")

    def offline(self) -> OfflineSpec:
        """Single responses in turn, rewards from 0 to ``reward_max``."""
        return OfflineSpec(unit="responses", reward_max=self.reward_max)


@recipe("wbc")
@dataclass(frozen=True)
class WBC(RewardWeighted):
    """Weighted behaviour cloning: likelihood of the logged responses times their reward."""


@recipe("r-lol")
@dataclass(frozen=True)
class RLoL(RewardWeighted):
    """A-LoL with the reward in place of the advantage: no value of the prompt, nothing dropped."""

    eps: float = 0.9
    """The importance ratio of the whole response is clipped to 1 minus and 1 plus this."""

    def _loss(self) -> Surrogate:
        from assay.training.objectives.lol import LeftoverLunch

        return LeftoverLunch("sequence", self.eps)


@recipe("r-gold")
@dataclass(frozen=True)
class RGold(RewardWeighted):
    """GOLD: likelihood times reward and the policy's own probability of each token, which spares unlikely ones."""

    paper: ClassVar[str] = "arXiv:2009.07839"

    floor: float = 0.1
    """Least probability that counts."""

    def _loss(self) -> Surrogate:
        from assay.training.objectives.lol import Gold

        return Gold(self.floor)
