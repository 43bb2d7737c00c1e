"""Recipes: one file per method, its constants documented. :mod:`.registry` finds them by name."""

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.registry import check_recipe, get_recipe, recipe, recipe_names

__all__ = ["Recipe", "RunFacts", "check_recipe", "get_recipe", "recipe", "recipe_names"]
