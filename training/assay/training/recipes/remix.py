"""ReMix over GRPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import Steps
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AggregationName

if TYPE_CHECKING:
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.replay import ReplayWindow
    from assay.training.objectives.types import Advantage


@recipe("remix")
@dataclass(frozen=True)
class ReMixGRPO(Recipe):
    """Mixes rollouts of the last policies into each batch until step T, then goes on fresh from there; GRPO.

    Squeeze the Soaked Sponge (arXiv:2507.06892). The bounds of rho, kl_beta, entropy_coef and the aggregation are ours.
    """

    paper: ClassVar[str] = "arXiv:2507.06892"

    clip: float = 0.2
    """Half width of the clip, around the ratio that a token starts from."""
    rho_min: float = 0.1
    """Least ratio of the policy now to the one that sampled; tokens below are left out."""
    rho_max: float = 10.0
    """Greatest such ratio; tokens above are left out."""
    aggregation: AggregationName = "token-mean"
    """How the losses of tokens become one number."""
    kl_beta: float = 1e-3
    """Weight of KL-Convex; 0 loads no frozen policy."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k3"
    """Estimator of both divergences."""
    lambda_start: float = 1.0
    """Share of the divergence from the base at first; the rest is from the previous policy."""
    lambda_step: float = 0.1
    """How much the share falls at a time."""
    lambda_every: int = 10
    """Steps from one fall to the next."""
    lambda_after: Steps = 50
    """Steps before the first fall."""
    lambda_floor: float = 0.5
    """Least share."""
    entropy_coef: float = 1e-3
    """Weight of the entropy bonus."""
    off_policy_fraction: float = 0.4
    """Share of the groups of a batch that is replayed."""
    window: int = 2
    """Versions of the policy back that a replayed group may be from."""
    utd: int = 2
    """Passes over a mixed batch."""
    reincarnate_at: int | None = 50
    """T: after this step the base becomes the policy, the window is emptied and batches are fresh; none: never."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives import remix
        from assay.training.objectives.entropy import EntropyBonus
        from assay.training.objectives.objective import Objective

        share = (self.lambda_start, self.lambda_step, self.lambda_every, self.lambda_after, self.lambda_floor)
        convex = remix.KLConvex(self.kl_beta, self.kl_estimator, *share)
        watched = 2**31 if self.reincarnate_at is None else self.reincarnate_at
        return Objective(
            advantage=self._advantage(),
            surrogate=remix.MovingClip(self.clip, watched),
            aggregation=self.aggregation,
            max_length=max_length,
            keeps=(remix.NotTooStale(self.rho_min, self.rho_max),),
            regularisers=(
                *((convex,) if convex.anchors else ()),
                *((EntropyBonus(self.entropy_coef),) if self.entropy_coef else ()),
            ),
        )

    def _advantage(self) -> Advantage:
        from assay.training.objectives.advantage import GRPO

        return GRPO()

    def schedule(self) -> ReplayWindow:
        """The window."""
        from assay.training.objectives.replay import ReplayWindow

        return ReplayWindow(self.off_policy_fraction, self.window, self.utd, self.reincarnate_at)

    def anchors(self) -> Anchors:
        """``prev`` lags a step behind, ``ref`` is replaced after step T."""
        from assay.training.objectives.anchors import AtStep, Every, Together

        lagging = Every("prev", lagging=True)
        return lagging if self.reincarnate_at is None else Together((lagging, AtStep(self.reincarnate_at)))


@recipe("remix-grpo")
@dataclass(frozen=True)
class ReMixGRPOByName(ReMixGRPO):
    """Another name of remix."""
