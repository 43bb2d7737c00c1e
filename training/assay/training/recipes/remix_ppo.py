"""ReMix over PPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.training.recipes.registry import recipe
from assay.training.recipes.remix import ReMixGRPO
from assay.training.value.spec import CriticSpec, HeadName

if TYPE_CHECKING:
    from assay.training.objectives.types import Advantage


@recipe("remix-ppo")
@dataclass(frozen=True)
class ReMixPPO(ReMixGRPO):
    """ReMix over PPO: advantages of replayed responses are taken anew from the critic of now."""

    gamma: float = 1.0
    """Discount a token."""
    lam: float = 0.95
    """Trace of the advantages: 0 trusts the critic, 1 the rewards."""
    value_head: HeadName = "hl-gauss"
    """What the critic predicts: a number (mse), or a distribution over bins."""
    value_lr: float = 1e-4
    """Learning rate of the critic."""
    reincarnate_at: int | None = 100
    """T: after this step the base becomes the policy, the window is emptied and batches are fresh; none: never."""

    def _advantage(self) -> Advantage:
        from assay.training.objectives.gae import GAE

        return GAE(self.gamma, self.lam, "batch")

    def critic(self) -> CriticSpec:
        """The critic."""
        return CriticSpec(self.value_head, None, None, lr=self.value_lr, gamma=self.gamma)
