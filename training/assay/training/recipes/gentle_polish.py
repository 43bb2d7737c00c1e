"""Gentle polishing: a warm-up by imitation, then GRPO so careful that it cannot ruin what was imitated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from assay.training.recipes.ranges import Count, NonNegative, Share
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, AggregationName, SlotRecipe

if TYPE_CHECKING:
    from assay.training.evaluate import Evaluation
    from assay.training.guards import Guard


@recipe("gentle-polish")
@dataclass(frozen=True)
class GentlePolish(SlotRecipe):
    """Imitation, then cautious GRPO near the imitated policy, under a guard on how many are accepted.

    A Mathematical Framework for Custom Reward Functions in Job Application Evaluation using RL (arXiv:2511.16073):
    harsh penalties taught a screening model to reject nearly everyone, a softer reward and cautious constants cured
    it. The paper's own numbers are not public; these were chosen so that failure and cure both reproduce. They are for
    a model of half a billion parameters and 3,000 records: 300 steps of 10 groups are one pass. With LoRA, rank 16 and
    ``--sft.lr 2e-4``. For any task of two classes, of which ``positive`` is the one that accepts.
    """

    paper: ClassVar[str] = "arXiv:2511.16073"
    defaults: ClassVar[Mapping[str, Any]] = {
        "sft.epochs": 3,
        "sft.lr": 2e-5,
        "sft.batch_size": 16,
        "sft.keep": "best",
        "steps": 300,
        "rollout.groups": 10,
        "rollout.group_size": 8,
        "rollout.temperature": 0.8,
        "rollout.top_p": 0.95,
        "optim.lr": 1e-6,
        "optim.schedule": "cosine",
        "optim.warmup_share": 0.1,
        "optim.clip_norm": 0.1,
        "env.reward": "gentle",
    }

    advantage: AdvantageName = "grpo"
    """(R - mean) / (std + eps) of the group."""
    advantage_eps: NonNegative = 1e-4
    """Added to the standard deviation."""
    aggregation: AggregationName = "seq-mean-token-mean"
    """Each response weighs the same, whatever its length."""
    clip_low: float = 0.1
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.1
    """The ratio is clipped above at 1 plus this."""
    kl_beta: NonNegative = 0.1
    """Weight of the divergence from the imitated policy; 0 loads no reference model."""
    positive: str = "SELECTED"
    """The class that accepts, which the guard counts."""
    best_by: Literal["macro-f1", "f1"] = "macro-f1"
    """What decides which weights are the best: the mean F1 of both classes, or that of the accepting class, which is
    two thirds already where everybody is accepted."""
    guard: bool = True
    """Stop, and put the best weights back, when too few or too many are accepted or F1 falls."""
    guard_low: NonNegative = 0.5
    """Least accept rate, as a multiple of the share of the accepting class."""
    guard_high: NonNegative = 1.5
    """Largest accept rate, likewise."""
    guard_patience: Count = 3
    """Evaluations in a row outside of that before it stops."""
    guard_f1_fall: Share = 0.02
    """Fall of F1 below the best so far that stops at once."""

    def guards(self) -> Sequence[Guard]:
        """The guard that the constants describe."""
        from assay.training.accepting import AcceptRateGuard

        guard = AcceptRateGuard(self.positive, self.guard_low, self.guard_high, self.guard_patience, self.guard_f1_fall)
        return (guard,) if self.guard else ()

    def merit(self, found: Evaluation) -> float:
        """F1 as ``best_by`` says; accuracy where there is no such class."""
        from assay.training.accepting import rates_of

        rates = rates_of(found, self.positive)
        if rates is None or rates.f1 is None or found.macro_f1 is None:
            return found.accuracy
        return rates.f1 if self.best_by == "f1" else found.macro_f1
