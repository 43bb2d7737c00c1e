"""From a record to a task, under a protocol."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.prompt import render_prompt
from assay.envs.gui_grounding.protocol import protocol_of
from assay.envs.gui_grounding.records import Record, record_id
from assay.envs.tasks import Task, TaskSet, content_id


def wanted(record: Record, options: Options) -> bool:
    """Whether the options let a record through (``kinds``, ``hard``, ``apps``)."""
    if options.kinds and record.kind not in options.kinds:
        return False
    if options.apps and str(record.source.get("app", "")) not in options.apps:
        return False
    return options.hard == "mixed" or record.hard == (options.hard == "only")


def task_of(record: Record, options: Options, split: str, ref: str = "") -> Task:
    """The task of a record; the truth holds the box in pixels of the original and how responses scale to it.

    Args:
        record: the record.
        options: of the environment.
        split: goes into the meta data.
        ref: reference of the screenshot, where ``record.image`` is not one.

    Raises:
        ValueError: one line, where the options contradict each other or the screen is too long and thin.
    """
    protocol = protocol_of(options)
    image = ref or record.image
    identity = record.id or record_id(image, record.instruction, record.box)
    truth: dict[str, Any] = {"box": list(record.box)} if record.box is not None else {"nothing": True}
    truth |= {"size": list(record.size), "scale": list(protocol.scale(record.size))}
    if protocol.parser == "any":
        truth |= {"verifier": "gui.point_in_box", "options": {"layout": "any"}}
    else:
        names = ("aer", "reward_variant", "collinear", "parity")
        truth["options"] = {name: getattr(options, name) for name in names}
        truth["options"] |= {"think": protocol.think, "multi_answer": protocol.multi_answer}
    meta = {
        "split": split, "instruction": record.instruction, "kind": record.kind, "hard": record.hard,
        "role": record.role, "source": str(record.source.get("type", options.source)),
        "app": str(record.source.get("app", "")), "truth_from": record.truth_from, "size": list(record.size),
        "shown": list(protocol.shown(record.size)), **record.groups,
    }  # fmt: skip
    prompt = render_prompt(image, record.instruction, record.size, protocol)
    return Task(content_id("gui-grounding", identity, record.instruction, truth.get("box")), prompt, truth, meta)


def task_set(records: Iterable[tuple[Record, str]], options: Options, split: str) -> TaskSet:
    """The tasks of records with the references of their screenshots: those wanted, at most ``options.limit``; one of
    those that are the same.

    Raises:
        ValueError: one line, if none is left.
    """
    kept = ((record, ref) for record, ref in records if wanted(record, options))
    found: dict[str, Task] = {}
    for record, ref in islice(kept, options.limit or None):
        task = task_of(record, options, split, ref)
        found.setdefault(task.id, task)
    if not found:
        raise ValueError(f"the {split} split of {options.source} is empty: check kinds, hard, apps and test_share")
    return TaskSet(found.values())
