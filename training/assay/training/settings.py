"""What a run is told where nobody says anything: the settings of its recipe, then those of :class:`TrainConfig`.

A recipe may name run settings that its paper used (:attr:`Recipe.defaults`). They stand below whatever a file or a
flag says. :func:`configured` is where the three meet; a :class:`TrainConfig` made by hand is taken as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.training.config import TrainConfig
from assay.training.configfile import from_dict
from assay.training.errors import UserError

_NOT_A_RECIPES = ("env", "recipe", "recipe_options", "env_options", "model.name", "out", "resume", "data", "config")


def configured(given: Mapping[str, Any], *, env: str = "", recipe: str = "") -> TrainConfig:
    """The configuration of plain data (as in a YAML file), on top of its recipe's own settings.

    Args:
        given: settings by field name, nested; what is absent is the recipe's, or else :class:`TrainConfig`'s.
        env: takes the place of ``given["env"]``; options given for another environment are left out.
        recipe: takes the place of ``given["recipe"]``; constants given for another recipe are left out.

    Raises:
        UserError: one line, for an unknown key, environment or recipe, or a value of the wrong type.
    """
    said = from_dict(given, TrainConfig)  # says what is wrong with it before it is mixed
    env, recipe = env or said.env, recipe or said.recipe
    own = {**given, "env": env, "recipe": recipe}
    if env != said.env:
        own.pop("env_options", None)
    if recipe != said.recipe:
        own.pop("recipe_options", None)
    try:
        return from_dict(_over(recipe_settings(recipe, env), own), TrainConfig)
    except ValueError as error:
        raise UserError(str(error)) from None


def recipe_settings(recipe: str, env: str) -> dict[str, Any]:
    """The run settings of a recipe, nested as :func:`from_dict` takes them.

    ``env.X`` becomes an option of the environment where it has an option X that may take that value, and is left out
    where it has not.

    Raises:
        ValueError: in one line, for an unknown recipe, or a setting that is no recipe's to make.
    """
    from assay.training.recipes.registry import recipe_class

    nested: dict[str, Any] = {}
    cls = recipe_class(recipe)
    for name, value in cls.defaults.items():
        path = name.replace("-", "_")
        if path in _NOT_A_RECIPES or path.startswith("recipe."):
            raise ValueError(f"recipe {cls.name} cannot set {name} of a run")
        head, dot, inner = path.partition(".")
        if not dot:
            nested[head] = value
        elif head != "env":
            nested.setdefault(head, {})[inner] = value
        elif _takes(env, inner, value):
            nested.setdefault("env_options", {})[inner] = value
    try:
        from_dict(nested, TrainConfig)
    except UserError as error:
        raise ValueError(f"recipe {cls.name} has a wrong setting: {error}") from None
    return nested


def _takes(env: str, option: str, value: Any) -> bool:
    from assay.envs.options import read_options
    from assay.envs.registry import env_class

    try:
        read_options(env_class(env).Options, {option: value}, env)
    except ValueError:
        return False
    return True


def _over(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` laid over ``base``, mappings inside out."""
    merged = dict(base)
    for key, value in given.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
