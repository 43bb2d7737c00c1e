"""ProRL, version 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from assay.training.recipes.registry import recipe
from assay.training.recipes.resets import ReferenceReset
from assay.training.recipes.slots import SlotRecipe

if TYPE_CHECKING:
    from assay.training.objectives.budget import Budget
    from assay.training.objectives.objective import Objective


@recipe("prorl")
@dataclass(frozen=True)
class ProRL(ReferenceReset, SlotRecipe):
    """DAPO's clip and sampling, a KL term whose reference becomes the current policy on a stall; made for long runs.

    Liu et al. 2025, ProRL: Prolonged Reinforcement Learning Expands Reasoning Boundaries (arXiv:2505.24864), sections 3
    and 4. The paper prints neither ``kl_beta`` nor what a stall is: the first is that of version 2, the rule is ours.
    With reward R and reference p the optimum is p exp(R / beta) / Z: n resets make it p exp((n + 1) R / beta) / Z.
    """

    paper: ClassVar[str] = "arXiv:2505.24864"

    clip_high: float = 0.4
    """The ratio is clipped above at 1 plus this."""
    kl_beta: float = 1e-4
    """Weight of the divergence from the reference; 0 loads no reference model and resets nothing."""
    dynamic_sampling: bool = True
    """Sample until enough groups have rewards that differ."""
    max_num_gen_batches: int = 10
    """Batches sampled in search of such groups before a step goes on with those it has."""
    n_samples: int = 16
    """Rollouts of each task; 0: rollout.group_size."""
    n_samples_later: tuple[str, ...] = ()
    """Other numbers from a step on, N@STEP: 32@1500,16@2200."""
    prompts_per_step: int = 0
    """Tasks sampled a step; 0: rollout.groups (the paper has 256)."""
    temperature: float = 1.2
    """Of the sampler; 0: rollout.temperature."""
    domains_later: tuple[str, ...] = ()
    """Tasks that appear only after a step, by the domain that their environment gives them, DOMAIN@STEP."""
    non_stop_coef: float = 1.0
    """What the reward of a response that hit its budget is multiplied by; a negative value replaces it."""

    def objective(self, max_length: int) -> Objective:
        """The composition; responses that do not stop are paid before any length penalty."""
        from assay.training.objectives.reward import StopProperly

        plain = super().objective(max_length)
        if self.non_stop_coef == 1:
            return plain
        return replace(plain, transforms=(StopProperly(self.non_stop_coef), *plain.transforms))

    def schedule(self) -> Budget:
        """Dynamic sampling with the recipe's own numbers."""
        from assay.training.objectives.budget import Budget, from_steps, step_table

        return Budget(
            max_batches=self.max_num_gen_batches,
            n_samples=step_table(self.n_samples, self.n_samples_later),
            prompts=self.prompts_per_step,
            temperature=self.temperature,
            since=from_steps(self.domains_later),
            dynamic=self.dynamic_sampling,
        )
