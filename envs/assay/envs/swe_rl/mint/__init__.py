"""Repair tasks from real releases, from a repository's own history, and from injected bugs."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "swe"
SUMMARY = "software repair tasks: from a package's releases, a git history, or injected bugs"


def main(argv: Sequence[str]) -> int:
    """The command line of ``assay-mint swe``; returns the exit status."""
    from assay.envs.swe_rl.mint.cli import main as run

    return run(argv)
