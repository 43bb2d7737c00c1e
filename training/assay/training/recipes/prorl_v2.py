"""ProRL, version 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from assay.training.recipes.prorl import ProRL
from assay.training.recipes.registry import recipe
from assay.training.recipes.slots import AdvantageName, MismatchName


@recipe("prorl-v2")
@dataclass(frozen=True)
class ProRL2(ProRL):
    """ProRL with advantages whitened over the batch, k2 as a loss, a correction of the sampler, kept moments.

    The authors' second version as released in OpenRLHF's script train_prorlv2_math_hybrid_engine.sh, where n is 16, a
    step has 512 tasks and the learning rate is 1e-6. When it resets its reference was only described ("every 200 to
    500 steps", on a stall or a KL spike).
    """

    paper: ClassVar[str] = "arXiv:2505.24864"

    advantage: AdvantageName = "reinforce++-baseline"
    """R - mean of the group, whitened over the tokens of the batch."""
    clip_high: float = 0.27
    """The ratio is clipped above at 1 plus this."""
    dual_clip: float = 0.0
    """Largest ratio that counts where the advantage is negative; 0 sets no limit."""
    kl_estimator: Literal["k1", "k2", "k3", "k3+"] = "k2"
    """Estimator of the divergence; k2 as a loss has the exact gradient."""
    mismatch: MismatchName = "mask"
    """Tokens on which sampler and trainer disagree by more than the band lose their loss (IcePop)."""
    mismatch_low: float = 0.5
    """Lower end of the band."""
    mismatch_high: float = 5.0
    """Upper end of the band."""
    temperature: float = 0.0
    """Of the sampler; 0: rollout.temperature (the script has 1)."""
    non_stop_coef: float = 0.0
    """What the reward of a response that hit its budget is multiplied by; a negative value replaces it."""
    reset_period: int | None = 500
    """Steps after which the reference is reset in any case; none: never for that."""
    reset_optimizer: bool = False
    """Whether a reset clears the optimiser's moments too; the learning rate goes on as it was."""
