"""Questions about any footage: signs are put into it at known times, and the files are checked by reading them back."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "video"
SUMMARY = "questions about your own videos, by putting signs into them at known times; or a sheet of telling frames"


def main(argv: Sequence[str]) -> int:
    """The command line of ``assay-mint video``; returns the exit status."""
    from assay.envs.video_keyframes.mint.cli import main as run

    return run(argv)
