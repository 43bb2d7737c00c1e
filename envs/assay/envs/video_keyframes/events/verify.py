"""The truth a second time: signs are found in the frames of the finished file, and the question is answered anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assay.envs.video_keyframes.events.detect import Seen, signs_in
from assay.envs.video_keyframes.events.plan import RATE, Quiz

SLACK = 1.0 / RATE + 1e-6
"""Seconds by which a seen start or end may be off."""


class Run(NamedTuple):
    """A sign that was seen on one frame after the other, from ``start`` up to ``end`` (seconds)."""

    seen: Seen
    start: float
    end: float


def runs_in(path: Path) -> list[Run]:
    """Every sign in a video file, from all of its frames.

    Raises:
        ValueError: one line, if it does not decode.
    """
    import av
    from av.video.reformatter import VideoReformatter

    runs: list[Run] = []
    convert = VideoReformatter()  # one for all frames: setting one up costs more than a conversion
    try:
        with av.open(str(path)) as file:
            for frame in file.decode(video=0):
                at = float(frame.time or 0.0)
                rgb: Any = convert.reformat(frame, format="rgb24").to_ndarray()
                for seen in signs_in(rgb):
                    if runs and runs[-1].seen == seen and at - runs[-1].end < 1e-3:
                        runs[-1] = runs[-1]._replace(end=at + 1 / RATE)
                    else:
                        runs.append(Run(seen, at, at + 1 / RATE))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} does not decode: {error}") from None
    return runs


def answer_from(runs: Sequence[Run], quiz: Quiz) -> str:
    """What the question's answer is by what was seen, in the words of the options; empty if there is none."""
    signs = [run.seen.sign for run in runs]
    of = [run for run in runs if run.seen.sign == quiz.about]
    if quiz.kind == "shown":
        return f"a {signs[0]}" if len(signs) == 1 else ""
    if quiz.kind == "order":
        return ", ".join(map(str, signs))
    if quiz.kind == "count":
        return str(len(of))
    if len(of) != 1:
        return ""
    if quiz.kind == "where":
        return of[0].seen.place
    if quiz.kind == "duration":
        seconds = round(of[0].end - of[0].start)
        return f"{seconds} second{'s' * (seconds > 1)}"
    place = signs.index(of[0].seen.sign)
    return f"a {signs[place - 1]}" if quiz.kind == "before" and place else ""


def disagreement(path: Path, quiz: Quiz) -> str:
    """Why the file does not show what the quiz says; empty if it does: the same signs, times and answer.

    Raises:
        ValueError: one line, if it does not decode.
    """
    runs = runs_in(path)
    if len(runs) != len(quiz.events):
        return f"{len(runs)} signs are seen, not {len(quiz.events)}"
    for run, event in zip(runs, quiz.events, strict=True):
        if run.seen != (event.sign, event.place):
            return f"{run.seen.sign} ({run.seen.place}) is seen, not {event.sign} ({event.place})"
        if abs(run.start - event.start) > SLACK or abs(run.end - event.end) > SLACK:
            return f"{event.sign} is seen from {run.start:g} to {run.end:g} s, not {event.start:g} to {event.end:g} s"
    answer = answer_from(runs, quiz)
    if answer != quiz.options[quiz.answer]:
        return f"what is seen answers {answer!r}, not {quiz.options[quiz.answer]!r}"
    return ""
