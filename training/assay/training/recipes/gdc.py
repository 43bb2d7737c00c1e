"""Distribution matching: GDC, for one prompt and for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.ranges import Count
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


def _truncated_sampling(run: RunFacts) -> str | None:
    if run.top_p < 1 or run.top_k or run.temperature != 1:
        return "weighs samples by their exact probability: leave temperature and top_p at 1 and top_k at 0"
    return None


@recipe("gdc")
@dataclass(frozen=True)
class GDC(Recipe):
    """Draws the policy to a target distribution, the prior updated by the evidence of the reward, and no further.

    Distributional policy gradient with a baseline: Korbak et al. 2022 (arXiv:2205.11275), section 4, and the GDC++ code
    of the same group. One normaliser for all prompts: for one prompt; ``cdpg`` has one for each.
    """

    paper: ClassVar[str] = "arXiv:2205.11275"
    conditional: ClassVar[bool] = False

    target: Literal["exp-reward", "constraint"] = "exp-reward"
    """The target: prior x exp(reward / beta), or the prior where the reward is at least 1 and nothing elsewhere."""
    beta: float = 0.25
    """Reward units a nat (exp-reward)."""
    baseline: bool = True
    """Subtract Z policy / proposal, whose mean is 0."""
    divide_by_z: bool = False
    """Divide weights by Z, so that the scale of the target is no learning rate (always so with cdpg)."""
    proposal: Literal["policy", "frozen"] = "policy"
    """What samples: the policy, or a frozen copy that follows when the policy has come closer to the target."""
    update_every: Count = 10
    """Steps between looks whether the frozen proposal is to follow."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.surrogate import Reinforce
        from assay.training.objectives.target import TargetWeight

        weight = TargetWeight(
            self.beta, self.target, self.baseline, self.divide_by_z, self.conditional, self.proposal == "frozen"
        )
        return Objective(weight, Reinforce(), "seq-mean-token-sum", max_length)

    def schedule(self) -> Schedule:
        """Samples of the proposal, where it is frozen."""
        from assay.training.objectives.proposal import SampledBy
        from assay.training.objectives.schedule import Plain

        return SampledBy("proposal") if self.proposal == "frozen" else Plain()

    def anchors(self) -> Anchors:
        """The proposal follows when that brings it closer to the target."""
        from assay.training.objectives.anchors import Frozen
        from assay.training.objectives.proposal import WhenCloser

        if self.proposal == "policy":
            return Frozen()
        return WhenCloser("proposal", self.update_every, "target/kl_policy", "target/kl_proposal")

    def refuses(self, run: RunFacts) -> str | None:
        """Sampling whose probabilities are not the model's."""
        return _truncated_sampling(run)


@recipe("cdpg")
@dataclass(frozen=True)
class CDPG(GDC):
    """GDC for many prompts: each has its own normaliser, estimated from its own samples."""

    conditional: ClassVar[bool] = True

    def refuses(self, run: RunFacts) -> str | None:
        """Sampling whose probabilities are not the model's, and single samples."""
        if run.group_size < 2:
            return f"estimates a normaliser for each task: it needs rollout.group_size 2 or more, got {run.group_size}"
        return _truncated_sampling(run)
