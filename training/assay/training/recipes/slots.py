"""The recipe that most methods are presets of: every slot is chosen by name, every constant is a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import NonNegative, Positive, Share

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.types import Advantage, Surrogate, TokenWeight


AdvantageName = Literal["grpo", "dr_grpo", "rloo", "reinforce++", "reinforce++-baseline", "lite"]
SurrogateName = Literal["ppo-clip", "reinforce", "gspo", "cispo"]
AggregationName = Literal["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-sum-norm"]
MismatchName = Literal["off", "tis", "mask"]


@dataclass(frozen=True)
class SlotRecipe(Recipe):
    """Any combination of the slots."""

    advantage: AdvantageName = "grpo"
    """How rewards become advantages."""
    advantage_eps: NonNegative = 1e-6
    """Added to the standard deviation that grpo and lite divide by."""
    std_of: Literal["raw", "centered"] = "raw"
    """What lite takes the deviation of: all rewards of a batch, or rewards less the mean of their group."""
    gamma: Share = 1.0
    """Discount a token (reinforce++ only)."""
    surrogate: SurrogateName = "ppo-clip"
    """The loss of a token, given its advantage."""
    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this (ppo-clip, gspo)."""
    clip_high: float = 0.2
    """The ratio is clipped above at 1 plus this (ppo-clip, gspo)."""
    dual_clip: NonNegative = 3.0
    """Largest ratio that counts where the advantage is negative (ppo-clip); 0 sets no limit."""
    is_cap_low: NonNegative | None = None
    """Smallest importance weight, absolute (cispo)."""
    is_cap_high: Positive | None = 5.0
    """Largest importance weight, absolute (cispo)."""
    aggregation: AggregationName = "token-mean"
    """How the losses of tokens become one number."""
    kl_beta: NonNegative = 0.0
    """Weight of the divergence from the starting policy; 0 loads no reference model."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k3"
    """Estimator of the divergence."""
    kl_in: Literal["loss", "reward"] = "loss"
    """Where the divergence is charged."""
    kl_target: float = 0.0
    """Divergence that kl_beta is steered towards, nats a token; 0 keeps kl_beta fixed."""
    kl_horizon: Positive = 10000.0
    """Rollouts over which a steered kl_beta moves by its own size."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus; below 0 it is a charge."""
    drop_truncated: bool = False
    """Leave responses that hit their budget out of the loss."""
    overlong_buffer: float = 0.0
    """Tokens before the longest response over which a length penalty grows; below 1, a share of it; 0 sets none."""
    overlong_factor: NonNegative = 1.0
    """Penalty at the longest response."""
    mismatch: MismatchName = "off"
    """Correction where sampler and trainer disagree: weights cut at mismatch_high, or zero outside the band."""
    mismatch_level: Literal["token", "sequence", "geometric"] = "token"
    """What the importance weight is taken over."""
    mismatch_low: NonNegative = 0.0
    """Lower end of the band."""
    mismatch_high: Positive = 2.0
    """Upper end of the band."""

    def objective(self, max_length: int) -> Objective:
        """The composition that the fields describe."""
        from assay.training.objectives.entropy import EntropyBonus
        from assay.training.objectives.kl import AdaptiveKL, FixedKL, KLLoss, KLReward
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.reward import SoftOverlong
        from assay.training.objectives.weights import DropTruncated

        controller = AdaptiveKL(self.kl_target, self.kl_horizon) if self.kl_target else FixedKL()
        charged = bool(self.kl_beta)
        kl_loss = (KLLoss(self.kl_beta, self.kl_estimator, controller),) if charged and self.kl_in == "loss" else ()
        kl_reward = (KLReward(self.kl_beta, self.kl_estimator, controller),) if charged and not kl_loss else ()
        bonus = (EntropyBonus(self.entropy_coef),) if self.entropy_coef else ()
        buffer = self.overlong_buffer * (max_length if self.overlong_buffer < 1 else 1)
        return Objective(
            advantage=self._advantage(),
            surrogate=self._surrogate(),
            aggregation=self.aggregation,
            max_length=max_length,
            transforms=(SoftOverlong(max_length, buffer, self.overlong_factor),) if buffer else (),
            token_rewards=kl_reward,
            keeps=(DropTruncated(),) if self.drop_truncated else (),
            weights=self._weights(),
            regularisers=(*kl_loss, *bonus),
        )

    def _advantage(self) -> Advantage:
        from assay.training.objectives import advantage as a

        made: dict[str, Advantage] = {
            "grpo": a.GRPO(self.advantage_eps),
            "dr_grpo": a.DrGRPO(),
            "rloo": a.RLOO(),
            "reinforce++": a.ReinforcePP(self.gamma),
            "reinforce++-baseline": a.ReinforcePPBaseline(),
            "lite": a.Lite(self.advantage_eps, self.std_of),
        }
        return made[self.advantage]

    def _surrogate(self) -> Surrogate:
        from assay.training.objectives import surrogate as s

        s.check_clip(self.clip_low, self.clip_high)  # whether or not it is used
        if self.surrogate == "ppo-clip":
            return s.PPOClip(self.clip_low, self.clip_high, self.dual_clip or None)
        if self.surrogate == "gspo":
            return s.GSPO(self.clip_low, self.clip_high)
        return s.CISPO(self.is_cap_low, self.is_cap_high) if self.surrogate == "cispo" else s.Reinforce()

    def _weights(self) -> tuple[TokenWeight, ...]:
        from assay.training.objectives.mismatch import Mismatch

        if self.mismatch == "off":
            return ()
        return (Mismatch(self.mismatch, self.mismatch_level, self.mismatch_low, self.mismatch_high),)
