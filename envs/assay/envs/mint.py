"""``assay-mint``: new verified tasks from real things. Each environment that can make some brings its own minter."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import assay.envs

USAGE = """usage: assay-mint KIND [ARGUMENTS]

Make new verified tasks out of real things that you have. KIND is one of:

{kinds}

`assay-mint KIND --help` says what each needs."""


@dataclass(frozen=True, slots=True)
class Minter:
    """A minter of one environment.

    Attributes:
        name: the word on the command line.
        summary: one line of help.
        main: takes the remaining arguments, returns the exit status.
    """

    name: str
    summary: str
    main: Callable[[Sequence[str]], int]


def minters() -> list[Minter]:
    """Every minter, by convention: a ``mint`` module or package in an environment's folder with ``NAME``, ``SUMMARY``
    and ``main(argv)``; sorted by name."""
    found = []
    for place in assay.envs.__path__:
        for folder in sorted(Path(place).iterdir()):
            if (folder / "mint.py").is_file() or (folder / "mint" / "__init__.py").is_file():
                module = importlib.import_module(f"assay.envs.{folder.name}.mint")
                found.append(Minter(module.NAME, module.SUMMARY, module.main))
    return sorted(found, key=lambda each: each.name)


def usage() -> str:
    """The help text, with a line for each minter."""
    kinds = minters()
    width = max((len(each.name) for each in kinds), default=0)
    return USAGE.format(kinds="\n".join(f"  {each.name:<{width}}  {each.summary}" for each in kinds))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0 if words else 2
    chosen = {each.name: each for each in minters()}.get(words[0])
    if chosen is None:
        known = ", ".join(each.name for each in minters())
        print(f"assay-mint: no minter is called {words[0]!r}; there is {known}", file=sys.stderr)
        return 2
    return chosen.main(words[1:])
