"""Commands whose kinds are found by folder: a module of a given name that has ``NAME``, ``SUMMARY`` and ``main``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind.

    Attributes:
        name: the word on the command line.
        summary: one line of help.
        main: takes the remaining arguments, returns the exit status.
    """

    name: str
    summary: str
    main: Callable[[list[str]], int]


def kinds_of(package: ModuleType, part: str) -> list[Kind]:
    """Every kind of a package, by name: ``part`` (a module or a package) in a folder of it."""
    found = []
    for place in package.__path__:
        for folder in sorted(Path(place).iterdir()):
            if (folder / f"{part}.py").is_file() or (folder / part / "__init__.py").is_file():
                module = importlib.import_module(f"{package.__name__}.{folder.name}.{part}")
                found.append(Kind(module.NAME, module.SUMMARY, module.main))
    return sorted(found, key=lambda each: each.name)


def listed(kinds: Sequence[Kind]) -> str:
    """One line a kind, for a help text."""
    width = max((len(each.name) for each in kinds), default=0)
    return "\n".join(f"  {each.name:<{width}}  {each.summary}" for each in kinds)
