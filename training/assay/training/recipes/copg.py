"""CoPG, and IPO as its binary case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.offline.spec import OfflineSpec
from assay.training.recipes.base import Data, Recipe
from assay.training.recipes.registry import recipe

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@recipe("copg")
@dataclass(frozen=True)
class CoPG(Recipe):
    """Regression on differences of pairs of responses, from whatever policy: the other of the pair is the baseline.

    Flet-Berliac et al. 2024, Contrastive Policy Gradient (arXiv:2406.19185), eq. 9 and 14. ``beta`` is in units of the
    reward, which is never standardised.
    """

    paper: ClassVar[str] = "arXiv:2406.19185"
    data: ClassVar[Data] = "either"
    quarters: ClassVar[bool] = False

    beta: float = 0.06
    """Weight of the divergence from the starting policy, in units of the reward; the paper used 0.03 to 0.1."""
    pairing: Literal["all", "adjacent", "best-worst"] = "all"
    """Which pairs of a task's responses are compared."""
    reward_scale: float = 1.0
    """Rewards are multiplied by this, so that one beta serves rewards of another scale; they are never standardised."""

    def objective(self, max_length: int) -> Objective:
        """The composition."""
        from assay.training.objectives import copg
        from assay.training.objectives.objective import Objective

        loss = copg.CoPG(self.beta, self.pairing, self.quarters, self.reward_scale)
        return Objective(copg.Rewarded(), loss, "seq-mean-token-mean", max_length)

    def offline(self) -> OfflineSpec:
        """Prompts with all their responses; those with one response have nothing to be compared with."""
        return OfflineSpec(least=2)


@recipe("ipo")
@dataclass(frozen=True)
class IPO(CoPG):
    """Which of two responses is better, and nothing else: CoPG with rewards of 1/4 and -1/4 (arXiv:2310.12036)."""

    paper: ClassVar[str] = "arXiv:2310.12036"
    quarters: ClassVar[bool] = True

    pairing: Literal["all", "adjacent", "best-worst"] = "best-worst"
    """Which pairs of a task's responses are compared."""
