"""Screening tasks from the postings and resumes that the user has."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "resume"
SUMMARY = "screening tasks: from your job postings, resumes (txt, PDF, DOCX) and a table of decisions"


def main(argv: Sequence[str]) -> int:
    """The command line of ``assay-mint resume``; returns the exit status."""
    from assay.envs.resume_screening.mint.cli import main as run

    return run(argv)
