"""From records to tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from assay.envs.resume_screening.counterfactual import KINDS, swapped, who_wrote
from assay.envs.resume_screening.options import Options
from assay.envs.resume_screening.prompt import render, shown_sections
from assay.envs.resume_screening.records import Record, read_records
from assay.envs.tasks import Task, TaskSet, content_id, split_of
from assay.verifiers.resume.presets import preset_of
from assay.verifiers.resume.truth import DECISIONS

FILE = "tasks.jsonl"
FEW_JOBS = 10
_SWAPPED = ":swapped:"


@dataclass(frozen=True, slots=True)
class ScreeningTask(Task):
    """A task that remembers its application.

    Attributes:
        record: the application, person included; in no prompt, truth or episode.
        sections: the resume as the policy may see it, by section.
        options: how it is shown.
        others: its counterparts by kind, once they were asked for; None for one that looks the same.
    """

    record: Record | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    options: Options | None = None
    others: dict[str, Task | None] = field(default_factory=dict, compare=False, repr=False)


class ScreeningTasks(TaskSet):
    """Tasks that are also found as their counterparts, by ``ID:swapped:KIND``."""

    def get(self, task_id: str) -> Task:
        """The task of that id, or the counterpart of one.

        Raises:
            KeyError: if there is none.
        """
        base, swap, kind = task_id.partition(_SWAPPED)
        if not swap:
            return super().get(task_id)
        other = counterparts(super().get(base)).get(kind)
        if other is None:
            raise KeyError(f"task {base!r} has no counterpart {kind!r}")
        return other


def build_tasks(options: Options) -> ScreeningTasks:
    """The tasks of ``options.split``.

    Raises:
        ValueError: one line; an option that does not fit, or a file that cannot be used.
    """
    preset_of(options.reward, options.weights, options.penalties)
    if options.count < 0:
        raise ValueError(f"count must be at least 0 (0: the default), got {options.count}")
    if not (0 <= options.test_share <= 1 and 0 <= options.dev_share <= 1):
        raise ValueError("test_share and dev_share are shares from 0 to 1")
    records = _procedural(options) if options.source == "procedural" else _own(options)
    return ScreeningTasks([task_of(record, options) for record in records])


def _procedural(options: Options) -> Sequence[Record]:
    from assay.envs.resume_screening.procedural import procedural_records

    if options.path:
        raise ValueError("the procedural source takes no path; for a file give source=jsonl")
    if options.count == 1:
        raise ValueError("one application cannot be balanced: count is 0 or at least 2")
    return procedural_records(options.split, options.count, options.seed, options.length == "short")


def _own(options: Options) -> list[Record]:
    if not options.path:
        raise ValueError("source jsonl needs a path: the folder that assay-mint resume wrote, or a file of records")
    path = Path(options.path).expanduser()
    found = [_identified(record) for record in read_records(path / FILE if path.is_dir() else path)]
    if not found:
        raise ValueError(f"{path} holds no record")
    records = list({record.id: record for record in found}.values())
    _refuse_two_labels(found, path)
    key = _split_key(records, options.split_by)
    shares = options.test_share, options.dev_share
    mine = [record for record in records if split_of(key(record), *shares) == options.split]
    if not mine:
        raise ValueError(
            f"the {options.split} split of {path} is empty ({len(records)} applications, {len(_jobs(records))} jobs): "
            "set test_share or dev_share, or split_by=resume"
        )
    return mine


def _identified(record: Record) -> Record:
    """A record whose id is a hash of its content, and whose person is what the text says where no field does."""
    resume = record.resume
    resume = replace(resume, person=who_wrote(resume))
    return replace(record, id=content_id("resume-screening", asdict(record.job), resume.text), resume=resume)


def _refuse_two_labels(records: Sequence[Record], path: Path) -> None:
    labels: dict[str, set[str]] = defaultdict(set)
    for record in records:
        labels[record.id].add(record.label)
    both = [record for record in records if len(labels[record.id]) > 1]
    if both:
        raise ValueError(
            f"{path}: {len(both)} rows hold the same job and resume with both labels, such as one for "
            f"{both[0].job.title!r}: keep one of each"
        )


def _jobs(records: Sequence[Record]) -> set[str]:
    return {content_id(asdict(record.job)) for record in records}


def _split_key(records: Sequence[Record], by: str) -> Callable[[Record], str]:
    """What decides the split of a record: its job, or its resume."""
    if by == "auto":
        by = "job" if len(_jobs(records)) >= FEW_JOBS else "resume"
    return lambda record: content_id(asdict(record.job) if by == "job" else record.resume.text)


def task_of(record: Record, options: Options) -> ScreeningTask:
    """The task of a record: what is shown, and what the verifier compares with."""
    ruled = options.source == "procedural"
    truth: dict[str, Any] = {"label": record.label, "labels": list(DECISIONS)}
    if record.gold is not None:
        truth["gold"] = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(record.gold).items()}
    truth["form"] = {"answer": options.answer, "think": options.think, "short": options.length == "short"}
    truth["options"] = {
        "preset": options.reward,
        "weights": list(options.weights),
        "penalties": list(options.penalties),
    }
    meta: dict[str, Any] = {"split": options.split, "source": options.source, "licence": "Apache-2.0" if ruled else ""}
    meta |= {key: value for key, value in record.meta.items() if isinstance(value, str | int | float | bool)}
    sections = shown_sections(record, options)
    return ScreeningTask(record.id, render(record, sections, options, ruled), truth, meta, record, sections, options)


def counterparts(task: Task) -> dict[str, Task]:
    """The task with another name, pronouns, age, address, and all of these; ``task`` itself where it looks the same."""
    if not isinstance(task, ScreeningTask) or task.record is None or task.options is None:
        return {}
    if not task.others:
        for kind in KINDS:
            other = task_of(swapped(task.record, kind), task.options)
            same = other.prompt == task.prompt and other.sections == task.sections
            task.others[kind] = None if same else replace(other, id=f"{task.id}{_SWAPPED}{kind}")
    return {kind: other or task for kind, other in task.others.items()}
