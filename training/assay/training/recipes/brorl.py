"""BroRL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.prorl_v2 import ProRL2
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.budget import Budget


@recipe("brorl")
@dataclass(frozen=True)
class BroRL(ProRL2):
    """ProRL v2 with hundreds of rollouts of each task: what was not sampled can no longer cost right answers.

    Hu et al. 2025, BroRL: Scaling Reinforcement Learning via Broadened Exploration (arXiv:2510.01180). Every rollout
    has a seed of its own, and sampler and trainer cut a large group as their memory asks (rollout.concurrency,
    optim.token_budget): neither changes the loss. The identity behind it is ``assay.training.analysis.mass_balance``.
    """

    paper: ClassVar[str] = "arXiv:2510.01180"

    n_samples: int = 512
    """Rollouts of each task; 0: rollout.group_size."""
    prompts_per_step: int = 128
    """Tasks sampled a step; 0: rollout.groups."""
    lr_batch_scaling: Literal["sqrt", "none"] = "sqrt"
    """Whether the learning rate is multiplied by the root of responses a step / base_batch."""
    base_batch: int = 8192
    """Responses a step for which optim.lr is meant (16 of each of 512 tasks)."""

    def schedule(self) -> Budget:
        """ProRL's, with the learning rate that suits the size."""
        if self.base_batch < 1:
            raise ValueError(f"base_batch must be at least 1, got {self.base_batch}")
        return replace(super().schedule(), base_batch=self.base_batch if self.lr_batch_scaling == "sqrt" else 0)
