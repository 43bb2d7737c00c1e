"""KF-GRPO and T-GRPO: a policy of video is paid for depending on the frames it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.ranges import Count, NonNegative, Positive, Share
from assay.training.recipes.registry import recipe
from assay.training.selection.spec import SelectorSpec

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


@recipe("kf-grpo")
@dataclass(frozen=True)
class KFGRPO(Recipe):
    """GRPO that also plays a poorer view of each task, and pays right answers where the usual view served better.

    ChronoForge-RL 2025 (arXiv:2509.15800), reconstructed from its abstract and public summaries: there is no code, and
    the paper's own constants are unknown. Where T-GRPO (tulerfeng/Video-R1, grpo_trainer.py) has a constant it is
    taken from there; ``beta`` is ours. The reward replaces the environment's and is made of the parts ``accuracy``
    (or else the verdict), ``format`` and ``saliency`` of its score.

    What to expect of alpha: right answers of a group share it, and an advantage that is divided by the deviation of
    the group does not change when all right answers are paid the same more. Where answers are right or wrong and all
    keep the format, alpha has an effect with ``advantage`` dr_grpo only.
    """

    paper: ClassVar[str] = "arXiv:2509.15800"

    alpha: NonNegative = 0.3
    """What right answers earn more in groups that were right often enough, compared with the poorer view."""
    mu: NonNegative = 0.8
    """Share of the poorer view's accuracy that a group must reach; below 1 it may be slightly worse and still earn."""
    beta: NonNegative = 0.2
    """Weight of the saliency of the frames shown, paid for right answers."""
    contrast: str = "shuffled"
    """The poorer view, as the environment names it; video-keyframes-v0 has shuffled, uniform and low_saliency."""
    contrast_ratio: Share = 0.5
    """Rollouts in the poorer view for each usual one; 0 plays none, which wants alpha 0."""
    length_bonus: NonNegative = 0.0
    """What a right answer of fitting length earns where several of its group are right; T-GRPO's option has 0.2."""
    length_low: Count = 320
    """Sampled tokens from which a length is fitting."""
    length_high: Count = 512
    """Sampled tokens up to which a length is fitting."""
    advantage: Literal["grpo", "dr_grpo"] = "grpo"
    """Rewards less the mean of their group, divided by its deviation (grpo) or not (dr_grpo)."""
    advantage_eps: Positive = 1e-4
    """Added to that deviation."""
    clip_low: Share = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: NonNegative = 0.2
    """The ratio is clipped above at 1 plus this."""
    kl_beta: NonNegative = 0.04
    """Weight of the divergence from the starting policy (k3, log-ratio cut at 10); 0 loads no reference model."""
    selector_lr: Positive = 1e-2
    """Learning rate of the frame selector, where ``selector`` tad-learned comes without a trained ``head``."""
    tau_start: Positive = 1.0
    """Temperature of its draws at the first step."""
    tau_end: Positive = 0.1
    """Temperature of its draws at the last step; it changes linearly."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.advantage import GRPO, DrGRPO
        from assay.training.objectives.keyframes import ClampedKL, KFReward
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.surrogate import PPOClip

        if self.alpha and not self.contrast_ratio:
            raise ValueError("alpha is paid for beating the poorer view, of which contrast_ratio 0 plays nothing")
        if self.length_low > self.length_high:
            raise ValueError(f"length_low {self.length_low} is above length_high {self.length_high}")
        compared = self.contrast_ratio > 0
        return Objective(
            advantage=GRPO(self.advantage_eps) if self.advantage == "grpo" else DrGRPO(),
            surrogate=PPOClip(self.clip_low, self.clip_high, None),
            aggregation="seq-mean-token-mean",
            max_length=max_length,
            transforms=(
                KFReward(
                    self.alpha, self.mu, self.beta, compared, self.length_bonus, self.length_low, self.length_high
                ),
            ),
            regularisers=(ClampedKL(self.kl_beta),) if self.kl_beta else (),
        )

    def schedule(self) -> Schedule:
        """Plain, and the rollouts in the poorer view."""
        from assay.training.objectives.contrast import Contrasted
        from assay.training.objectives.schedule import Plain

        return Contrasted(self.contrast, self.contrast_ratio) if self.contrast_ratio else Plain()

    def companion(self, options: Any) -> SelectorSpec | None:
        """The frame selector, where the environment asks for a trained one and has none."""
        wanted = SelectorSpec.wanted(options)
        return SelectorSpec(self.selector_lr, (self.tau_start, self.tau_end)) if wanted else None

    def cautions(self, run: RunFacts) -> str | None:
        """Where the length term can never be paid."""
        if self.length_bonus and run.max_length < self.length_low:
            return f"pays for answers of {self.length_low} tokens or more, and none is longer than {run.max_length}"
        return None
