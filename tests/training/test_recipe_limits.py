"""What holds for every recipe: its file is short, its constants are documented, and absurd values are refused."""

from __future__ import annotations

import inspect
import re
import statistics
from pathlib import Path
from typing import get_args

import pytest

from assay.training.recipes import RunFacts, check_recipe, get_recipe, recipe_names
from assay.training.recipes.constants import constants
from assay.training.recipes.registry import recipe_class

OURS = [name for name in recipe_names() if recipe_class(name).__module__.startswith("assay.training.recipes.")]
SIGNED = {
    "correct_threshold": "rewards may be negative",
    "entropy_coef": "a negative bonus is a charge",
    "non_stop_coef": "a negative value replaces the reward",
    "value_low": "returns may be negative",
    "value_high": "returns may be negative",
}
"""Constants that may be below 0, and why."""


def facts(name):
    """A run that suits a recipe."""
    logged = recipe_class(name).data == "logged"
    scaffold = "confidence" if name == "rlcr" else "chat"
    return RunFacts(8, 32, scaffold=scaffold, logged=logged, steps=10, groups=4, views=("shuffled",))


def test_recipes_are_short_files():
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in {Path(inspect.getfile(recipe_class(name))) for name in OURS}
    }
    assert len(lengths) > 25
    assert statistics.median(lengths.values()) <= 60
    assert max(lengths.values()) <= 120, lengths


@pytest.mark.parametrize("name", OURS)
def test_every_recipe_runs_as_it_comes_and_documents_its_constants(name):
    assert check_recipe(get_recipe(name), facts(name))
    assert recipe_class(name).paper.startswith("arXiv:")
    for constant in constants(recipe_class(name)).values():
        assert constant.doc.endswith("."), constant.name


@pytest.mark.parametrize("name", OURS)
def test_negative_constants_are_refused_in_one_line(name):
    for constant in constants(recipe_class(name)).values():
        number = type(constant.default) in (int, float) or "float" in str(constant.type) or "int" in str(constant.type)
        if not number or constant.name in SIGNED or "tuple" in str(constant.type):
            continue
        with pytest.raises(ValueError) as error:
            check_recipe(get_recipe(name, {constant.name: -7}), facts(name))
        assert str(error.value).startswith(f"recipe {name}"), constant.name
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("value", ["nan", "inf", "lots", "", "7,8"])
def test_what_is_no_value_is_refused_in_one_line(name, value):
    for constant in constants(recipe_class(name)).values():
        optional = type(None) in get_args(constant.type) and value == ""
        if optional or constant.type is str or "tuple" in str(constant.type):
            continue
        with pytest.raises(ValueError, match=f"^recipe {re.escape(name)}: {constant.name} wants ") as error:
            get_recipe(name, {constant.name: value})
        assert "\n" not in str(error.value)
