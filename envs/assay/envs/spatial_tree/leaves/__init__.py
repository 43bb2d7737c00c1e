"""One module a leaf, named by its key: ``TEMPLATES`` are the kinds of question that it asks, at least three.

A leaf with more than one turn also has ``Activity``, see :mod:`assay.envs.spatial_tree.activity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from assay.envs.spatial_tree.activity import Activity
from assay.envs.spatial_tree.question import Template


def module_of(key: str) -> ModuleType:
    """The module of a leaf."""
    return import_module(f"{__name__}.{key}")


def templates_of(key: str) -> Sequence[Template]:
    """The kinds of question of a leaf."""
    found: Sequence[Template] = module_of(key).TEMPLATES
    return found


def activity_of(key: str) -> type[Activity]:
    """What runs the episodes of a leaf with more than one turn."""
    found: type[Activity] = module_of(key).Activity
    return found
