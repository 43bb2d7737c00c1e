"""``assay-study``: comparisons that are fair by construction. Each kind is a folder beside this file with a study."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import assay.training.studies
from assay.envs.kinds import Kind, kinds_of, listed
from assay.training.errors import UserError, close_match

USAGE = """usage: assay-study KIND [ARGUMENTS]

Compare methods on one task, under equal conditions, with intervals. KIND is one of:

{kinds}

`assay-study KIND --help` says what each takes."""


def studies() -> list[Kind]:
    """Every kind, by convention: a ``study`` module in a folder. What a user can put right is a ``UserError``."""
    return kinds_of(assay.training.studies, "study")


def usage() -> str:
    """The help text, with a line for each kind."""
    return USAGE.format(kinds=listed(studies()))


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
