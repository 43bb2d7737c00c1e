"""CLS-RL: classification by rewards alone, with thinking and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from assay.training.recipes.base import RunFacts
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe, SurrogateName

_RUN: dict[str, Any] = {
    "rollout.groups": 16,
    "rollout.group_size": 4,
    "rollout.temperature": 1.0,
    "optim.lr": 1e-6,
    "sft.epochs": 0,
    "env.shots": 4,
}


@recipe("cls-rl")
@dataclass(frozen=True)
class CLSRL(SlotRecipe):
    """Few-shot classification by reward: think, then answer; one point for the layout, one for the label.

    Li et al. 2025, CLS-RL (arXiv:2503.16188), sections 3.1 and 3.2, and the authors' trainer: groups of 4 at
    temperature 1, one update a batch without a clip, (R - mean) / (std + 1e-4), k3 divergence of weight 0.04, learning
    rate 1e-6, no supervised stage. The rewards are the environment's: ``image_classification`` and
    ``text_classification`` pay by ``think_mode``; ``--env.think-mode after`` and ``adaptive`` are the paper's other two
    strategies. A model that cannot answer yet needs ``--sft.epochs 1`` or more.
    """

    paper: ClassVar[str] = "arXiv:2503.16188"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        _RUN | {"env.think_mode": "think", "rollout.max_tokens": 1024}
    )

    advantage: AdvantageName = "grpo"
    """(R - mean) / (std + eps) of the group."""
    advantage_eps: float = 1e-4
    """Added to the deviation."""
    surrogate: SurrogateName = "reinforce"
    """One update a batch: the ratio is 1, and there is nothing to clip."""
    aggregation: AggregationName = "seq-mean-token-mean"
    """Each response weighs the same, whatever its length."""
    kl_beta: float = 0.04
    """Weight of the divergence from the starting policy; 0 loads no reference model."""

    def cautions(self, run: RunFacts) -> str | None:
        """Without a ratio, several updates a batch are off-policy and nothing corrects it."""
        if run.logged or run.minibatches * run.epochs == 1:
            return None
        return "has no ratio and no clip: take --recipe.surrogate ppo-clip with several updates a batch"


@recipe("no-thinking-cls-rl")
@dataclass(frozen=True)
class NoThinkingCLSRL(CLSRL):
    """The same without thinking: the whole answer must be the label, and that is all the reward there is.

    Li et al. 2025 (arXiv:2503.16188), section 3.3: equality with the label keeps the policy from thinking, which costs
    a fraction of the time. Answers are as long as a label.
    """

    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(_RUN | {"env.think_mode": "none"})
