"""Ways to decide without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.base import text_of
from assay.envs.results import Baseline, Baselines
from assay.envs.resume_screening.oracle import read_prompt
from assay.envs.resume_screening.tasks import ScreeningTask
from assay.envs.tasks import Task
from assay.verifiers.resume.keywords import ats_keyword
from assay.verifiers.resume.truth import REJECTED, SELECTED


def ats_answer(task: Task) -> str:
    """``ats-keyword``: SELECTED if at least 60 % of the required skills stand in the resume to the letter."""
    if isinstance(task, ScreeningTask) and task.record is not None:
        decision = ats_keyword(task.record.job.required_skills, "\n".join(task.sections.values()))
    else:
        decision = ats_keyword(*_told(task))
    return _said(task.truth, decision)


def _told(task: Task) -> tuple[Sequence[str], str]:
    try:
        read = read_prompt("\n\n".join(map(text_of, task.prompt)))
    except ValueError:
        return ("",), ""
    return read.required, read.resume


def _said(truth: Mapping[str, Any], decision: str) -> str:
    """A decision in the form that the task asks for, with nothing beside it."""
    form = truth.get("form", {})
    text = decision if form.get("answer") == "decision" else json.dumps({"decision": decision})
    return f"<think>\n\n</think>\n{text}" if form.get("think") else text


BASELINES: Baselines = {
    "ats-keyword": Baseline(lambda task, images, seed: ats_answer(task)),
    "select-all": Baseline(lambda task, images, seed: _said(task.truth, SELECTED)),
    "reject-all": Baseline(lambda task, images, seed: _said(task.truth, REJECTED)),
}
