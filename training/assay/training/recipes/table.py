"""Every recipe at a glance: one line, the paper, the slots, the constants."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from assay.training.recipes.constants import Constant, constants
from assay.training.recipes.registry import recipe_class, recipe_names


@dataclass(frozen=True)
class RecipeRow:
    """One recipe.

    Attributes:
        name: what ``--recipe`` takes.
        summary: one sentence.
        paper: where it is from.
        slots: slot to what fills it.
        constants: what the recipe itself sets, by name; every other constant keeps the default of all recipes.
        defaults: run settings that it brings, by the names of their flags.
    """

    name: str
    summary: str
    paper: str
    slots: dict[str, str]
    constants: dict[str, Constant]
    defaults: dict[str, Any]


def recipe_row(name: str) -> RecipeRow:
    """The row of one recipe.

    Raises:
        ValueError: if there is none of that name.
    """
    cls = recipe_class(name)
    chosen = cls()
    objective = chosen.objective(max_length=1024)  # any length: only the kinds of the parts are shown
    slots = {
        "reward": _kinds(*objective.transforms, *objective.token_rewards),
        "advantage": _kinds(objective.advantage),
        "weights": _kinds(*objective.keeps, *objective.weights),
        "surrogate": _kinds(objective.surrogate),
        "aggregation": objective.aggregation,
        "regularisers": _kinds(*objective.regularisers, *objective.batch_terms),
        "schedule": _kinds(chosen.schedule()),
        "anchors": ", ".join(sorted(objective.companions)) or "-",
        "critic": critic.head if (critic := chosen.critic()) else "-",
    }
    own = inspect.get_annotations(cls)
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    return RecipeRow(
        name=cls.name,
        summary=summary,
        paper=cls.paper,
        slots=slots,
        constants={key: value for key, value in constants(cls).items() if key in own and key not in slots},
        defaults=dict(cls.defaults),
    )


def recipes_table() -> list[RecipeRow]:
    """All recipes, by name."""
    return [recipe_row(name) for name in recipe_names()]


def _kinds(*parts: object) -> str:
    return ", ".join(type(part).__name__ for part in parts) or "-"
