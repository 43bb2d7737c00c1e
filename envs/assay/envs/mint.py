"""``assay-mint``: new verified tasks from real things. Each environment that can make some brings its own minter."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import assay.envs
from assay.envs.kinds import Kind, kinds_of, listed

USAGE = """usage: assay-mint KIND [ARGUMENTS]

Make new verified tasks out of real things that you have. KIND is one of:

{kinds}

`assay-mint KIND --help` says what each needs."""


def minters() -> list[Kind]:
    """Every minter, by convention: a ``mint`` module or package in an environment's folder; by name."""
    return kinds_of(assay.envs, "mint")


def usage() -> str:
    """The help text, with a line for each minter."""
    return USAGE.format(kinds=listed(minters()))


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
