"""NLPO: PPO in a smaller vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import RunFacts
from assay.training.recipes.ppo import PPO
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.agents.engines.action_mask import ActionMask
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


@recipe("nlpo")
@dataclass(frozen=True)
class NLPO(PPO):
    """PPO that draws each token from the likeliest ones of a lagging copy of the policy; evaluation draws from all.

    Ramamurthy et al. 2022, Is Reinforcement Learning (Not) for Natural Language Processing? (arXiv:2210.01241),
    algorithm 1. Ratio, clip and entropy are those of the restricted, renormalised policy; the divergence is that of the
    whole one, and so are the log-probabilities that are stored. The copy is renewed after the optimiser steps of a
    step, where the authors' code takes the policy before them: the sets of a step never change while it is learned
    from, and the next rollouts are masked by the policy that draws them. What the sets leave out is not unlearned:
    when the trained policy is used, draw with a like top-p.
    """

    paper: ClassVar[str] = "arXiv:2210.01241"

    epochs: int = 5
    """Passes over a batch; an optim.epochs above 1 counts instead."""
    mask_kind: Literal["learned_top_p", "learned_top_k", "topk"] = "learned_top_p"
    """What is likely: a share of the copy's probability, a number of the copy's tokens, or of the policy's own."""
    mask_top_p: float = 0.9
    """Probability of the set; the token that crosses it is in (learned_top_p)."""
    mask_top_k: int = 100
    """Tokens of the set (learned_top_k, topk)."""
    mask_min_tokens: int = 100
    """Tokens that a set has at least."""
    mask_special: bool = True
    """End, begin and padding tokens are in every set."""
    mask_update_every: int = 20
    """Steps after which the copy is renewed; topk renews it every step."""

    def objective(self, max_length: int) -> Objective:
        """PPO's, within the mask.

        Raises:
            ValueError: for constants that cannot work.
        """
        from dataclasses import replace

        from assay.training.objectives.action_mask import Masked, MaskedEntropyBonus

        whole, mask = super().objective(max_length), self.mask()
        bonus = (MaskedEntropyBonus(self.entropy_coef, mask),) if self.entropy_coef else ()
        return replace(whole, surrogate=Masked(whole.surrogate, mask), regularisers=bonus)

    def schedule(self) -> Schedule:
        """PPO's, with masked rollouts."""
        from assay.training.objectives.action_mask import MaskedRollouts

        return MaskedRollouts(self.epochs, self.value_warmup, self.mask())

    def anchors(self) -> Anchors:
        """The mask policy follows every so many steps."""
        from assay.training.objectives.anchors import Every

        own = self.mask_kind == "topk"  # the policy masks itself: the copy only stands still while it is learned from
        return Every(self.mask().against, 1 if own else self.mask_update_every)

    def mask(self) -> ActionMask:
        """The rule."""
        from assay.agents.engines.action_mask import ActionMask

        return ActionMask(self.mask_kind, self.mask_top_p, self.mask_top_k, self.mask_min_tokens, self.mask_special)

    def refuses(self, run: RunFacts) -> str | None:
        """Engines that cannot mask."""
        if run.engine != "hf":
            return f"draws from action masks, which the engine {run.engine} cannot: take --model.engine hf"
        return super().refuses(run)
