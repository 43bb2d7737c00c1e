"""REINFORCE++ and its form with a group baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe


@recipe("reinforce++")
@dataclass(frozen=True)
class ReinforcePP(SlotRecipe):
    """Token returns with the KL inside, whitened over the whole batch; needs no groups. PPO's clip.

    Hu et al. 2025, REINFORCE++ (arXiv:2501.03262), section 3. ``kl_beta`` is off until set (the authors use 0.01).
    """

    paper: ClassVar[str] = "arXiv:2501.03262"

    advantage: AdvantageName = "reinforce++"
    """Discounted return of each token, whitened over the batch."""
    aggregation: AggregationName = "token-mean"
    """Every token of the minibatch weighs the same."""
    kl_in: Literal["loss", "reward"] = "reward"
    """Where the divergence is charged."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k1"
    """Estimator of the divergence."""


@recipe("reinforce++-baseline")
@dataclass(frozen=True)
class ReinforcePPBaseline(SlotRecipe):
    """Rewards minus the group's mean, whitened over the tokens of the whole batch; PPO's clip; KL in the loss by k2.

    Hu et al. 2025, REINFORCE++ (arXiv:2501.03262), the form with a baseline. ``kl_beta`` is off until set.
    """

    paper: ClassVar[str] = "arXiv:2501.03262"

    advantage: AdvantageName = "reinforce++-baseline"
    """R - mean of the group, whitened over the batch."""
    aggregation: AggregationName = "token-mean"
    """Every token of the minibatch weighs the same."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k2"
    """Estimator of the divergence; k2 as a loss has the exact gradient."""
