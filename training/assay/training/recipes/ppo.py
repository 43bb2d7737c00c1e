"""PPO with a critic, as RL4LMs runs it on language models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import NonNegative, Positive
from assay.training.recipes.registry import recipe
from assay.training.value.spec import CriticSpec, HeadName

if TYPE_CHECKING:
    from assay.training.objectives.kl import KLController
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule
    from assay.training.objectives.types import TokenReward

KLControl = Literal["rollout", "update", "fixed"]


@recipe("ppo")
@dataclass(frozen=True)
class PPO(Recipe):
    """A critic says what each token was worth; the clipped surrogate, and the divergence charged to each token.

    Schulman et al. 2017 (arXiv:1707.06347) with the constants of RL4LMs (arXiv:2210.01241); the value head is that of
    arXiv:2403.03950. The critic is a second model with its own optimiser; the reference is a third, unless kl_beta is
    0. The range of values comes from the environment, widened by what the divergence is expected to cost.
    """

    paper: ClassVar[str] = "arXiv:1707.06347"

    gamma: float = 0.99
    """Discount a token."""
    lam: float = 0.95
    """Trace of the advantages: 0 trusts the critic, 1 the rewards."""
    normalise: Literal["batch", "minibatch", "none"] = "minibatch"
    """Over which tokens advantages are whitened."""
    bootstrap_truncated: bool = False
    """Answers that hit their budget go on being worth what the critic says; off: the verdict on them is final."""
    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.2
    """The ratio is clipped above at 1 plus this."""
    epochs: int = 4
    """Passes over a batch; an optim.epochs above 1 counts instead."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus."""
    kl_beta: float = 0.1
    """Charge for the divergence from the starting policy, a nat; 0 loads no reference model."""
    kl_control: KLControl = "rollout"
    """What moves kl_beta: the divergence of each batch of rollouts, that of each optimiser step, or nothing (fixed)."""
    kl_target: float = 0.1
    """Divergence that kl_beta is steered towards, nats a token."""
    kl_rate: float = 0.1
    """Step of kl_beta relative to itself (rollout)."""
    kl_horizon: Positive = 10000.0
    """Rollouts over which kl_beta moves by its own size (update)."""
    value_head: HeadName = "hl-gauss"
    """What the critic predicts: a number (mse), or a distribution over bins."""
    value_low: float | None = None
    """Least return; none: from the environment."""
    value_high: float | None = None
    """Greatest return; none: from the environment."""
    value_bins: int = 51
    """Bins of a distribution."""
    value_ratio: float = 0.75
    """Width of the Gaussian that a target becomes, in bins (hl-gauss)."""
    value_pad_bins: int = 3
    """Bins outside the range at each end, so that its ends can be read out (hl-gauss)."""
    value_coef: float = 0.5
    """Weight of the critic's loss; it matters only where its gradient is clipped."""
    value_lr: float = 1e-4
    """Learning rate of the critic."""
    value_clip_norm: NonNegative = 0.5
    """Largest gradient norm of the critic; 0 never clips."""
    value_warmup: int = 0
    """Steps in which the critic learns and the policy does not."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.entropy import EntropyBonus
        from assay.training.objectives.gae import GAE
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.surrogate import PPOClip

        critic_lam = 0.0 if self.value_head == "c51" else None  # it learns from the next state alone
        return Objective(
            advantage=GAE(self.gamma, self.lam, self.normalise, critic_lam=critic_lam,
                          bootstrap=self.bootstrap_truncated),
            surrogate=PPOClip(self.clip_low, self.clip_high, None),
            aggregation="token-mean",
            max_length=max_length,
            token_rewards=self._divergence(),
            regularisers=(EntropyBonus(self.entropy_coef),) if self.entropy_coef else (),
        )  # fmt: skip

    def schedule(self) -> Schedule:
        """Several passes, after a warm-up of the critic."""
        from assay.training.objectives.schedule import SeveralPasses

        return SeveralPasses(self.epochs, self.value_warmup)

    def critic(self) -> CriticSpec:
        """The critic."""
        return CriticSpec(
            self.value_head, self.value_low, self.value_high, self.value_bins, self.value_ratio, self.value_pad_bins,
            self.value_lr, self.value_coef, self.value_clip_norm, self.gamma, self.kl_beta, max(self.kl_target, 0.0),
        )  # fmt: skip

    def _divergence(self) -> tuple[TokenReward, ...]:
        from assay.training.objectives.kl import AdaptiveKL, FixedKL, KLReward, RolloutKL

        control: KLController = FixedKL()
        if self.kl_control == "rollout":
            control = RolloutKL(self.kl_target, self.kl_rate)
        elif self.kl_control == "update":
            control = AdaptiveKL(self.kl_target, self.kl_horizon)
        return (KLReward(self.kl_beta, "k1", control),) if self.kl_beta else ()
