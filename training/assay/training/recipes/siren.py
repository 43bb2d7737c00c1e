"""SIREN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.dr_grpo import DrGRPO
from assay.training.recipes.ranges import NonNegative
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@recipe("siren")
@dataclass(frozen=True)
class Siren(DrGRPO):
    """Dr. GRPO that holds the entropy of branching tokens, among likely tokens only, near where it was at the start.

    Rethinking Entropy Regularization in Large Reasoning Models (arXiv:2509.25133). Any other slot may be swapped, so
    that the term joins any method.
    """

    paper: ClassVar[str] = "arXiv:2509.25133"

    regulariser: Literal["siren", "naive", "adaptive", "topk-pg"] = "siren"
    """What keeps entropy up: siren; or what it is compared with: naive, a plain bonus; adaptive, a bonus whose weight
    follows the loss of entropy; topk-pg, no bonus but a policy gradient at branching tokens only."""
    coef: float = 0.005
    """Weight of the squared distance from the anchor, or of the bonus."""
    top_p: float = 0.8
    """Mass of the nucleus."""
    quantile: float = 0.8
    """Branching tokens are those above this quantile of their response's entropies."""
    max_nucleus: int = 10_000
    """Tokens that a nucleus has at most."""
    nucleus: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether the token that reaches top_p belongs to the nucleus; the authors' code leaves it out."""
    anchor: float | None = None
    """Entropy to stay near, nats; none: that of the first batch under the initial policy."""
    adaptive_rate: NonNegative = 0.001
    """Step of the adaptive bonus's weight, for each nat that entropy is below its first value."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives import siren
        from assay.training.objectives.entropy import EntropyBonus
        from assay.training.objectives.readouts import NucleusEntropy

        base = super().objective(max_length)
        if self.regulariser == "siren":
            nucleus = NucleusEntropy(self.top_p, self.max_nucleus, self.nucleus == "inclusive")
            term = siren.EntropyAnchor(self.coef, nucleus, self.quantile, self.anchor)
            return replace(base, batch_terms=(*base.batch_terms, term))
        if self.regulariser == "topk-pg":
            return replace(base, weights=(*base.weights, siren.PeakTokens(self.quantile)))
        adaptive = siren.AdaptiveEntropyBonus(self.coef, self.adaptive_rate, self.anchor)
        bonus = EntropyBonus(self.coef) if self.regulariser == "naive" else adaptive
        return replace(base, regularisers=(*base.regularisers, bonus))
