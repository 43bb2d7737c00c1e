"""Which environments exist: a folder ``<name>`` exporting ``Env`` is ``--env <name>`` and ``<name-with-dashes>-v0``."""

from __future__ import annotations

import pkgutil
import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym

if TYPE_CHECKING:
    from assay.envs.base import TaskEnv

GROUP = "assay.envs"
"""Entry-point group through which another package adds its environments: ``my_env = "my_package.module:Env"``."""


def env_id(name: str) -> str:
    """The gymnasium id of an environment's name: ``text_classification`` -> ``text-classification-v0``."""
    return f"{name.replace('_', '-')}-v0"


@cache
def _targets() -> dict[str, str]:
    here = str(Path(__file__).parent)
    targets = {m.name: f"assay.envs.{m.name}:Env" for m in pkgutil.iter_modules([here]) if m.ispkg}
    for entry in entry_points(group=GROUP):
        if entry.name in targets:
            warnings.warn(f"environment {entry.name!r} of {entry.value} is ignored: the name is taken", stacklevel=2)
        else:
            targets[entry.name] = entry.value
    return dict(sorted(targets.items()))


def env_names() -> list[str]:
    """The names of all environments, sorted: what ``--env`` takes."""
    return list(_targets())


def env_class(name: str) -> type[TaskEnv]:
    """The class of an environment, by name (``text_classification``) or id (``text-classification-v0``).

    Raises:
        ValueError: one line with the closest names, if there is none.
    """
    short = name.rpartition(":")[2].removesuffix("-v0").replace("-", "_")
    targets = _targets()
    if short not in targets:
        from difflib import get_close_matches

        close = get_close_matches(short, targets, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(targets)}"
        raise ValueError(f"unknown environment {name!r}; {hint}")
    module, _, attribute = targets[short].partition(":")
    found: type[TaskEnv] = getattr(import_module(module), attribute)
    return found


def id_of(cls: type[TaskEnv]) -> str:
    """The id under which a class is registered, found by its module; the import path of one that is not."""
    for name, target in _targets().items():
        module = target.partition(":")[0]
        if cls.__module__ == module or cls.__module__.startswith(module + "."):
            return env_id(name)
    return f"{cls.__module__}:{cls.__qualname__}"


def register_all() -> None:
    """Register every id with gymnasium; imports no environment. Calling it again changes nothing."""
    for name, target in _targets().items():
        if env_id(name) not in gym.registry:
            gym.register(env_id(name), entry_point=target)
