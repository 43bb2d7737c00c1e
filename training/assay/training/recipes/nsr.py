"""PSR, NSR and W-REINFORCE: learning from right answers, from wrong ones, or unequally from both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from assay.training.recipes.base import Recipe
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@dataclass(frozen=True)
class VerdictRecipe(Recipe):
    """A constant advantage for right answers and one for wrong answers, PPO's clip, token-mean; no group, no baseline.

    Zhu et al. 2025, The Surprising Effectiveness of Negative Reinforcement (arXiv:2506.01347), eq. 3 to 5, with the
    clipped surrogate and the removal of rows of the authors' implementation.
    """

    paper: ClassVar[str] = "arXiv:2506.01347"
    learns_from: ClassVar[tuple[float, ...]] = (0.0, 1.0)

    clip_low: float = 0.2
    """The ratio is clipped below at 1 minus this."""
    clip_high: float = 0.2
    """The ratio is clipped above at 1 plus this."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus; the authors' scripts leave 0.001 on."""
    correct_threshold: float | None = None
    """Rewards from here on are right, below it wrong; none: the verifier's own verdict decides."""
    drop_rows: bool = True
    """Answers of the class that is not learned from leave the denominators too, as in the authors' code; false keeps
    them there at 0, so that a step shrinks with the share of the class."""

    @property
    def weight_of_right(self) -> float:
        """The advantage of a right answer."""
        return 1.0

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives.entropy import EntropyBonus
        from assay.training.objectives.objective import Objective
        from assay.training.objectives.surrogate import PPOClip
        from assay.training.objectives.verdict import ByVerdict, OnlyVerdict

        if self.weight_of_right < 0:
            raise ValueError(f"lambda_pos must not be negative, got {self.weight_of_right:g}")
        return Objective(
            advantage=ByVerdict(
                right=self.weight_of_right if 1.0 in self.learns_from else 0.0,
                wrong=-1.0 if 0.0 in self.learns_from else 0.0,
                threshold=self.correct_threshold,
            ),
            surrogate=PPOClip(self.clip_low, self.clip_high, None),
            aggregation="token-mean",
            max_length=max_length,
            keeps=(OnlyVerdict(self.learns_from if self.drop_rows else (0.0, 1.0), self.correct_threshold),),
            regularisers=(EntropyBonus(self.entropy_coef),) if self.entropy_coef else (),
        )


@recipe("psr")
@dataclass(frozen=True)
class PSR(VerdictRecipe):
    """Raises what was right and never looks at what was wrong: pass@1 for diversity."""

    learns_from: ClassVar[tuple[float, ...]] = (1.0,)


@recipe("nsr")
@dataclass(frozen=True)
class NSR(VerdictRecipe):
    """Lowers what was wrong and never looks at what was right: keeps pass@k at large k. Watch entropy in long runs."""

    learns_from: ClassVar[tuple[float, ...]] = (0.0,)


@recipe("w-reinforce")
@dataclass(frozen=True)
class WReinforce(VerdictRecipe):
    """REINFORCE in which a right answer weighs a tenth of a wrong one."""

    lambda_pos: float = 0.1
    """Weight of right answers; 1 is plain REINFORCE with rewards of 1 and -1."""

    @property
    def weight_of_right(self) -> float:
        """``lambda_pos``."""
        return self.lambda_pos


@recipe("reinforce")
@dataclass(frozen=True)
class Reinforce(VerdictRecipe):
    """1 for a right answer, -1 for a wrong one: the even mixture that the other three take apart."""
