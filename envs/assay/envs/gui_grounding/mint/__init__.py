"""Grounding tasks from web pages and Qt programs that the user has."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "gui"
SUMMARY = "pointing tasks: from a web page, an HTML file or a Qt program, with boxes from the program itself"


def main(argv: Sequence[str]) -> int:
    """The command line of ``assay-mint gui``; returns the exit status."""
    from assay.envs.gui_grounding.mint.cli import main as run

    return run(argv)
