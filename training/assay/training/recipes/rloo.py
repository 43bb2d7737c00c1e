"""RLOO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe, SurrogateName


@recipe("rloo")
@dataclass(frozen=True)
class RLOO(SlotRecipe):
    """REINFORCE on whole responses, each compared with the mean of the others of its group; KL in the reward.

    Ahmadian et al. 2024, Back to Basics (arXiv:2402.14740), section 3.2. The paper charges the KL as part of the reward
    with beta 0.03; here it is off (no reference model) until ``kl_beta`` is set.
    """

    paper: ClassVar[str] = "arXiv:2402.14740"

    advantage: AdvantageName = "rloo"
    """R - mean of the others of the group."""
    surrogate: SurrogateName = "reinforce"
    """-A log pi; with several updates a batch, ppo-clip is the safer choice."""
    aggregation: AggregationName = "seq-mean-token-sum"
    """The log-probability of the whole response is the sum over its tokens."""
    kl_in: Literal["loss", "reward"] = "reward"
    """Where the divergence is charged."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k1"
    """Estimator of the divergence."""
