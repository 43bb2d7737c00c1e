"""RLCR: reinforcement learning with calibration rewards."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@recipe("rlcr")
@dataclass(frozen=True)
class RLCR(Recipe):
    """Correctness plus a proper score of the confidence that the model states: calibrated at equal accuracy.

    Damani et al. 2025, Beyond Binary Rewards (arXiv:2507.16806), eq. 3, on GRPO without division by the deviation and
    without KL. The reward replaces the environment's and rests on its verdict. Groups whose answers are all right
    still teach calibration, so none are left out.

    The paper samples 32 rollouts a prompt at temperature 0.7 (``--rollout.group-size 32 --rollout.temperature 0.7``).
    Neither is a default here: the group size is a matter of what fits, and log-probabilities are those of temperature
    1, so that another makes the data off-policy.
    """

    paper: ClassVar[str] = "arXiv:2507.16806"

    form: Literal["code", "paper"] = "code"
    """code: format, correctness and 1 - (q - ok)^2, weighted, in [0, 1.5]; paper: ok - (q - ok)^2, in [-1, 1]."""
    format_weight: float = 0.5
    """Weight of the format (form code); a format failure earns 0 in either form."""
    accuracy_weight: float = 0.5
    """Weight of correctness (form code)."""
    brier_weight: float = 0.5
    """Weight of the score of the confidence (form code)."""
    score: Literal["brier", "spherical", "log"] = "brier"
    """Scoring rule. log is unbounded, q is clipped to [.01, .99], and being surely wrong can pay: for comparison."""
    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.2
    """The ratio is clipped above at 1 plus this."""
    mask_truncated: bool = False
    """Leave responses that hit their budget out of the loss (the paper's runs on mathematics do)."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.advantage import DrGRPO
        from assay.training.objectives.calibrated import RLCRReward
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.surrogate import PPOClip
        from assay.training.objectives.weights import DropTruncated

        weights = (self.format_weight, self.accuracy_weight, self.brier_weight)
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise ValueError(f"weights must not be negative, got {', '.join(f'{weight:g}' for weight in weights)}")
        if self.score == "log":
            warnings.warn(
                "rlcr with the log score: it has no bound, so that an answer known to be wrong can pay more than an "
                "honest one; confidences are clipped to [.01, .99]",
                stacklevel=2,
            )
        return Objective(
            advantage=DrGRPO(),
            surrogate=PPOClip(self.clip_low, self.clip_high, None),
            aggregation="seq-sum-norm",
            max_length=max_length,
            transforms=(RLCRReward(self.form, weights, self.score),),
            keeps=(DropTruncated(),) if self.mask_truncated else (),
        )

    def refuses(self, run: RunFacts) -> str | None:
        """Without a scaffold that asks for a confidence there is none."""
        if run.scaffold.partition("-")[0] == "confidence":
            return None
        return f"rewards a stated confidence, which scaffold {run.scaffold} does not ask for: add --scaffold confidence"
