"""ROVER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.ranges import NonNegative
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


@recipe("rover")
@dataclass(frozen=True)
class Rover(Recipe):
    """Values of the random policy, learned as the model's own log-ratio by regression; no critic, clip or KL.

    Random Policy Valuation is Enough for LLM Reasoning with Verifiable Rewards (arXiv:2509.24981). The first step on a
    batch is Dr. GRPO's; from the second on, the target takes off what the policy has already moved. Take several
    minibatches or epochs.
    """

    paper: ClassVar[str] = "arXiv:2509.24981"

    rho: float = 1.0
    """Temperature of the softmax over Q; the paper finds 1 best and 0.1 to collapse."""
    scale: Literal["none", "std"] = "none"
    """What centred rewards are divided by; the authors' script for mathematics has std, the paper none."""
    advantage_eps: NonNegative = 1e-6
    """Added to the standard deviation."""
    next_q_scale: NonNegative = 1.0
    """Factor of the following token's term in the target; 0 leaves it out."""
    level: Literal["token", "response"] = "token"
    """What is regressed: each token's Q, or the mean Q of a response (without the following token's term)."""
    drop_homogeneous: bool = False
    """Leave out groups whose rewards are all equal, which would be pulled back to the policy that sampled them."""
    aggregation: Literal["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-sum-norm"] = "token-mean"
    """How the losses of tokens become one number."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.advantage import GRPO, DrGRPO
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.rover import RoverMSE

        return Objective(
            advantage=GRPO(self.advantage_eps) if self.scale == "std" else DrGRPO(),
            surrogate=RoverMSE(self.rho, self.next_q_scale, self.level),
            aggregation=self.aggregation,
            max_length=max_length,
        )

    def schedule(self) -> Schedule:
        """Plain, or one batch without its homogeneous groups."""
        from assay.training.objectives.schedule import DynamicSampling, Plain

        return DynamicSampling(1) if self.drop_homogeneous else Plain()

    def cautions(self, run: RunFacts) -> str | None:
        """What its theorem does not cover."""
        if not run.multi_turn:
            return None
        return (
            "assumes that only the policy is random: with tools or a world that answer by chance, expect no guarantee"
        )
