"""GenCLS++: generative classification, warmed up by imitation and then rewarded for right labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from assay.training.recipes.base import RunFacts
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, SlotRecipe

if TYPE_CHECKING:
    from assay.training.objectives.schedule import Schedule


@recipe("gencls")
@dataclass(frozen=True)
class GenCLS(SlotRecipe):
    """Supervised warm-up, then GRPO on right or wrong; prompts that are always or never right are left out.

    GenCLS++ (arXiv:2504.19898): a policy that imitates gold labels first and then earns a rule-based reward beats the
    imitation alone. The abstract names no constants and the body was not at hand: these, and the settings of a run, are
    our reading. Without the warm-up (``--sft.epochs 0``) almost no rollout earns anything: the paper's ablation. Other
    objectives: ``--recipe.advantage rloo`` or ``reinforce++``. How prompts are put (``--env.icl``, ``definitions``,
    ``numeric``, ``uncertainty``) may differ at inference: ``--eval.env.X``, ``--eval.decoding``.
    """

    paper: ClassVar[str] = "arXiv:2504.19898"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "sft.epochs": 3,
            "sft.batch_size": 32,
            "sft.lr": 1e-5,
            "optim.lr": 1e-6,
            "rollout.group_size": 8,
            "rollout.difficulty": 8,
        }
    )

    advantage: AdvantageName = "grpo"
    """(R - mean) / (std + eps) of the group, std with Bessel's correction."""
    kl_beta: float = 0.01
    """Weight of the divergence from the warmed-up policy; 0 loads no reference model."""
    drop_equal: bool = True
    """Leave groups whose rewards are all equal out of the batch: most prompts are sure once a policy is warm."""
    max_num_gen_batches: int = 1
    """Batches sampled in search of other groups before a step goes on with those it has."""

    def schedule(self) -> Schedule:
        """Plain, or without groups of equal rewards."""
        from assay.training.objectives.schedule import DynamicSampling, Plain

        return DynamicSampling(self.max_num_gen_batches) if self.drop_equal else Plain()

    def refuses(self, run: RunFacts) -> str | None:
        """A group of one has no spread."""
        alone = run.group_size < 2 and self.advantage in ("grpo", "rloo", "lite")
        return "compares the rollouts of a task: give --rollout.group-size 2 or more" if alone else None
