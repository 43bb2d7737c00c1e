"""PACS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.registry import recipe
from assay.training.recipes.resets import ReferenceReset

if TYPE_CHECKING:
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


@recipe("pacs")
@dataclass(frozen=True)
class PACS(ReferenceReset):
    """The verdict is a label, the policy's own log-ratio the logit: one cross-entropy is actor and critic.

    Li et al. 2025, Implicit Actor Critic Coupling via a Supervised Learning Framework (arXiv:2509.02522), eq. 6 to 9;
    log-ratios against the policy that sampled, as in the released code, or as in the later version against a reference
    that is reset.
    """

    paper: ClassVar[str] = "arXiv:2509.02522"

    beta: float = 1.0
    """Scale of the log-ratio in the score; 0.5 to 1 was best."""
    score: Literal["rloo", "grpo", "naive"] = "rloo"
    """How the score of a response is compared with those of its group."""
    class_weight: Literal["question", "off"] = "question"
    """Whether the right and the wrong answers of a task weigh the same."""
    anchor: Literal["old", "ref"] = "old"
    """What the log-ratio is taken against: the policy that sampled, or a frozen one (the reset constants are its)."""
    drop_homogeneous: bool = False
    """Leave out groups whose rewards are all equal: from the second optimiser step on a batch they would pull."""
    correct_threshold: float | None = None
    """Rewards from here on are right, below it wrong; none: the verifier's own verdict decides."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives import pacs
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.verdict import OnlyVerdict

        return Objective(
            advantage=pacs.Labelled(self.correct_threshold),
            surrogate=pacs.PACS(self.beta, self.score, self.class_weight, self.correct_threshold, self.anchor),
            aggregation="seq-mean-token-mean",
            max_length=max_length,
            keeps=(OnlyVerdict(threshold=self.correct_threshold),),
        )

    def schedule(self) -> Schedule:
        """Plain, or one batch without its homogeneous groups."""
        from assay.training.objectives.schedule import DynamicSampling, Plain

        return DynamicSampling(1) if self.drop_homogeneous else Plain()

    def anchors(self) -> Anchors:
        """Resets, where there is a reference."""
        from assay.training.objectives.anchors import Frozen

        return super().anchors() if self.anchor == "ref" else Frozen()
