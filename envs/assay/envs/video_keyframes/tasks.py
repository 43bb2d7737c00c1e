"""From a record to a task, under the options of the environment."""

from __future__ import annotations

from typing import Any

from assay.envs.tasks import Task
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.prompt import prompt_of, question_text, request
from assay.envs.video_keyframes.records import Record, letters_for, record_id


def truth_of(record: Record, options: Options) -> dict[str, Any]:
    """What the verifier compares with."""
    truth: dict[str, Any] = {"problem": record.problem, "answer": record.answer}
    if record.problem == "mcq":
        truth["letters"] = letters_for(len(record.options))
    if record.events:
        truth["events"] = [list(event) for event in record.events]
    if options.mode == "select":
        truth |= {"mode": "select", "beta": options.beta}
    layout = "tagged" if options.think else "any"
    truth["options"] = {"layout": layout, "format_weight": options.format_weight}
    return truth


def task_of(record: Record, options: Options, split: str, ref: str, **meta: Any) -> Task:
    """The task of a record.

    Args:
        record: with its id, or without where ``ref`` stands for the content.
        options: of the environment.
        split: goes into the meta data.
        ref: reference of the video, such as ``file:clip.mp4``.
        meta: more to tell; it must not give the answer away.
    """
    identity = record.id or record_id(ref, record)
    prompt = prompt_of(ref, question_text(record.question, record.options), request(record.problem, options.think))
    told = {
        **record.source, "split": split, "source": options.source, "kind": record.kind, "about": record.about,
        "options": list(record.options), "problem": record.problem, **meta,
    }  # fmt: skip
    if record.subtitles:
        told["subtitles"] = record.subtitles
    return Task(identity, prompt, truth_of(record, options), told)
