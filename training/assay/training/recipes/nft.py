"""NFT, and rejection fine-tuning as its half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import NonNegative, Positive
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule

PromptWeight = Literal["none", "one-minus-p", "sqrt-odds"]


@recipe("nft")
@dataclass(frozen=True)
class NFT(Recipe):
    """Supervised learning on right and wrong answers alike; wrong ones by the negative policy that the model implies.

    Chen et al. 2025, Bridging Supervised Learning and Reinforcement Learning in Math Reasoning (arXiv:2505.18116),
    eq. 8 and 9. The authors divide the sum over tokens by 1000; here it is a mean over tokens, so that the step does
    not depend on the size of the batch.
    """

    paper: ClassVar[str] = "arXiv:2505.18116"

    prompt_weight: PromptWeight = "one-minus-p"
    """How a task weighs by its share p of right answers: 1, 1 - p (first step of Dr. GRPO), or sqrt((1 - p) / p) (of
    GRPO)."""
    neg_weight: float = 1.0
    """Factor of wrong answers; 0 learns from right ones only."""
    eps_neg: NonNegative = 1.0
    """Floor of the likelihood ratio of the negative policy."""
    eps_pos: NonNegative = 0.0
    """Floor of the likelihood ratio of the policy."""
    ratio_type: Literal["token", "sequence"] = "token"
    """What a likelihood ratio is taken over."""
    p_low: float = 0.02
    """Smallest share of right answers that counts."""
    p_high: float = 0.98
    """Largest share of right answers that counts."""
    ratio_log_cap: Positive = 10.0
    """Largest logarithm of a ratio."""
    dynamic_sampling: bool = True
    """Sample until enough tasks have right and wrong answers; without it, tasks that do not are left out."""
    max_num_gen_batches: int = 10
    """Batches that a step may sample at most."""
    correct_threshold: float | None = None
    """Rewards from here on are right, below it wrong; none: the verifier's own verdict decides."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives import nft
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.verdict import OnlyVerdict

        return Objective(
            advantage=nft.CentredVerdict(self.correct_threshold),
            surrogate=nft.NFT(
                weight=self.prompt_weight,
                negative=self.neg_weight,
                floor_right=self.eps_pos,
                floor_wrong=self.eps_neg,
                p_clamp=(self.p_low, self.p_high),
                log_cap=self.ratio_log_cap,
                sequence=self.ratio_type == "sequence",
            ),
            aggregation="token-mean",
            max_length=max_length,
            keeps=(OnlyVerdict(threshold=self.correct_threshold),),
        )

    def schedule(self) -> Schedule:
        """Dynamic sampling, unless it is off."""
        from assay.training.objectives.schedule import DynamicSampling, Plain

        return DynamicSampling(self.max_num_gen_batches) if self.dynamic_sampling else Plain()


@recipe("rft")
@dataclass(frozen=True)
class RFT(NFT):
    """Rejection fine-tuning: the likelihood of right answers and nothing else; NFT without its negative half."""

    prompt_weight: PromptWeight = "none"
    """Every task weighs the same."""
    neg_weight: float = 0.0
    """Wrong answers count nothing."""
