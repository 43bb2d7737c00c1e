"""KL-penalised reinforcement learning, which has the optimum of distribution matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from assay.training.recipes.base import RunFacts
from assay.training.recipes.ranges import NonNegative
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe, SurrogateName


@recipe("kl-rl")
@dataclass(frozen=True)
class KLRL(SlotRecipe):
    """Reward less beta times the divergence from the prior, nothing divided by a deviation: the reverse-KL way to the
    same target as gdc.

    Korbak et al. 2022 (arXiv:2205.11275), section 3: J = beta ln Z - beta KL(policy || target).
    """

    paper: ClassVar[str] = "arXiv:2205.11275"

    advantage: AdvantageName = "rloo"
    """How rewards become advantages; one that divides by a deviation moves the optimum."""
    surrogate: SurrogateName = "reinforce"
    """The loss of a token, given its advantage."""
    aggregation: AggregationName = "seq-mean-token-sum"
    """How the losses of tokens become one number."""
    kl_beta: NonNegative = 0.25
    """Reward units a nat."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k1"
    """Estimator of the divergence."""
    kl_in: Literal["loss", "reward"] = "reward"
    """Where the divergence is charged."""

    def refuses(self, run: RunFacts) -> str | None:
        """Deviations, which rescale beta prompt by prompt."""
        if self.advantage in ("grpo", "lite", "reinforce++", "reinforce++-baseline"):
            return f"keeps its optimum only without a standard deviation: advantage {self.advantage} has one; take rloo"
        return None
