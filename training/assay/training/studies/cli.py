"""``assay-study``: comparisons that are fair by construction. Each kind is a folder beside this file with a study."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import assay.training.studies
from assay.training.errors import UserError, close_match

USAGE = """usage: assay-study KIND [ARGUMENTS]

Compare methods on one task, under equal conditions, with intervals. KIND is one of:

{kinds}

`assay-study KIND --help` says what each takes."""


@dataclass(frozen=True, slots=True)
class Study:
    """A kind of study.

    Attributes:
        name: the word on the command line.
        summary: one line of help.
        main: takes the remaining arguments, returns the exit status; what a user can put right is a ``UserError``.
    """

    name: str
    summary: str
    main: Callable[[list[str]], int]


def studies() -> list[Study]:
    """Every kind, by convention: a ``study`` module in a folder, with ``NAME``, ``SUMMARY`` and ``main(argv)``; by
    name."""
    found = []
    for place in assay.training.studies.__path__:
        for folder in sorted(Path(place).iterdir()):
            if (folder / "study.py").is_file():
                module = importlib.import_module(f"assay.training.studies.{folder.name}.study")
                found.append(Study(module.NAME, module.SUMMARY, module.main))
    return sorted(found, key=lambda each: each.name)


def usage() -> str:
    """The help text, with a line for each kind."""
    kinds = studies()
    width = max((len(each.name) for each in kinds), default=0)
    return USAGE.format(kinds="\n".join(f"  {each.name:<{width}}  {each.summary}" for each in kinds))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    from assay.training.cli import guarded

    return guarded(_run, argv)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(usage(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    known = {each.name: each for each in studies()}
    if words[0] not in known:
        raise UserError(f"no study is called {words[0]!r}{close_match(words[0], known)} (there is: {', '.join(known)})")
    return known[words[0]].main(words[1:])


if __name__ == "__main__":
    sys.exit(main())
