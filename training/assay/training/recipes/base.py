"""What a recipe is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # reading a configuration should not cost the import of torch
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule


@dataclass(frozen=True)
class Recipe:
    """A method: a frozen dataclass whose fields are its constants, each with a docstring below it.

    The first line of the class docstring is what ``train-agent recipes`` prints.
    """

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""

    def objective(self, max_length: int) -> Objective:
        """The objective for responses of at most ``max_length`` sampled tokens.

        Raises:
            ValueError: in one line, where constants contradict each other.
        """
        raise NotImplementedError(f"{type(self).__name__} has no objective")

    def schedule(self) -> Schedule:
        """Which experience a step sees."""
        from assay.training.objectives.schedule import Plain

        return Plain()
