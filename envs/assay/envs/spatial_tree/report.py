"""The tree of an evaluation: scores by level, branch and leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.results import ResultTable
from assay.envs.tasks import Task
from assay.verifiers.score import Score


def tables(options: Any, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
    """By level, branch and leaf, with the share of leaves that were measured."""
    return []
