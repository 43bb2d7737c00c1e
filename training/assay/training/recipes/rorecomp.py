"""RoRecomp: a schedule on top of any other recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.registry import get_recipe, recipe

if TYPE_CHECKING:
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule
    from assay.training.value.spec import CriticSpec


@recipe("rorecomp")
@dataclass(frozen=True)
class RoRecomp(Recipe):
    """Shortens responses: short right and long wrong ones first, the rest later; over any recipe (recipe.base).

    Rollout Response Recomposition (arXiv:2509.25958). The reward, the advantages and the loss are those of the base.
    The probability of a compensation step, what becomes of a batch that gets none, and max_age are ours.
    """

    paper: ClassVar[str] = "arXiv:2509.25958"

    base: str = "grpo"
    """The recipe whose batches are recomposed."""
    base_options: tuple[str, ...] = ()
    """Constants of that recipe, as name=value with commas between: clip_high=0.3,kl_beta=0; no value holds a comma."""
    alpha: float = 0.5
    """Share of the right and of the wrong responses that come first; 0.5 compresses most, 0.8 mildly, 1 is the base."""
    cost: Literal["tokens", "tool_calls"] = "tokens"
    """What is to be saved; equal numbers of tool calls are told apart by tokens."""
    scope: Literal["batch", "group"] = "batch"
    """What responses are ranked within."""
    p: Literal["cosine", "constant"] = "cosine"
    """How the probability of a compensation step falls over the run: to 0, or not at all."""
    p_comp: float = 1.0
    """That probability at the start; 0 leaves compensation out."""
    batch_rows: int | None = None
    """Responses of a compensation step; none: as many as a step samples. Small ones lengthen responses."""
    max_age: int = 16
    """Updates after which a response is too old for compensation."""
    drop_zero_adv: bool = True
    """Leave responses out whose advantage is 0."""
    correct_threshold: float | None = None
    """Rewards from here on are right, below it wrong; none: the verifier's own verdict decides."""

    def based(self) -> Recipe:
        """The base with its constants.

        Raises:
            ValueError: in one line.
        """
        given = {}
        for option in self.base_options:
            name, equals, value = option.partition("=")
            if not equals:
                raise ValueError(f"base_options wants name=value, got {option!r}")
            given[name.strip()] = value.strip()
        if self.base.replace("_", "-") == self.name:
            raise ValueError("recipe.base must be another recipe")
        return get_recipe(self.base, given)

    def objective(self, max_length: int) -> Objective:
        """The base's.

        Raises:
            ValueError: if its loss is of whole groups, or its advantages are of minibatches.
        """
        objective = self.based().objective(max_length)
        if objective.needs_whole_groups:
            raise ValueError(
                f"recipe.base {self.base} compares whole groups in its surrogate {type(objective.surrogate).__name__}, "
                "and recipe.alpha takes groups apart: choose another base"
            )
        if getattr(objective.advantage, "normalise", "") == "minibatch":
            raise ValueError(
                f"recipe.base {self.base} whitens advantages over what is left of a batch: add normalise=batch or "
                "normalise=none to --recipe.base-options"
            )
        return objective

    def schedule(self) -> Schedule:
        """The base's, recomposed."""
        from assay.training.objectives import rorecomp

        return rorecomp.RoRecomp(
            self.based().schedule(), self.alpha, self.cost, self.scope, self.p, self.p_comp, self.batch_rows,
            self.max_age, self.drop_zero_adv, self.correct_threshold,
        )  # fmt: skip

    def anchors(self) -> Anchors:
        """The base's."""
        return self.based().anchors()

    def critic(self) -> CriticSpec | None:
        """The base's."""
        return self.based().critic()

    def refuses(self, run: RunFacts) -> str | None:
        """What the base refuses, and a base for stored episodes."""
        based = self.based()
        if based.data == "logged":
            return f"recomposes rollouts, and recipe.base {self.base} learns from stored episodes"
        reason = based.refuses(run)
        return None if reason is None else f"(base {self.base}) {reason}"

    def cautions(self, run: RunFacts) -> str | None:
        """The base's."""
        caution = self.based().cautions(run)
        return None if caution is None else f"(base {self.base}) {caution}"
