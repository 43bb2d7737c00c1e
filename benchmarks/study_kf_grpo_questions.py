"""Questions for the study of kf-grpo: two signs in a short video, and which of them came first.

The environment's own questions about order have four signs of thirty and four orders to read, which is beyond a model
of 0.64 megaparameters. Here the signs are red or blue, the question never changes, and red is always A: what is left is
to see the colours and to tell first from second. The form is that of ``assay-mint video``, the videos are files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from assay.envs.candidates import seeded
from assay.envs.video_keyframes.events.footage import shots
from assay.envs.video_keyframes.events.plan import FULL, Event, Timing, spread
from assay.envs.video_keyframes.events.render import with_events, write_h264
from assay.envs.video_keyframes.events.signs import SHAPES, Sign
from assay.envs.video_keyframes.records import FILE, Record

QUESTION = "Which one is first?"
COLOURS = ("red", "blue")
SECONDS, SIDE = 16.0, 64
STAY = (2.0, 2.5, 3.0)
"""Seconds that a sign is shown; shorter ones are often met only in passing."""


def questions(folder: Path, train: int, test: int, seed: int = 0) -> Path:
    """Write the videos and their records, once; the folder is what ``source="files"`` takes.

    Half of the answers of a split are A. Nothing but the order of the frames tells which.
    """
    if (folder / FILE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        record for split, count in (("train", train), ("test", test)) for record in _made(folder, split, count, seed)
    ]
    partial = folder / f".{FILE}"
    partial.write_text("".join(json.dumps(record.to_dict()) + "\n" for record in records), encoding="utf-8")
    os.replace(partial, folder / FILE)
    return folder


def _made(folder: Path, split: str, count: int, seed: int) -> Iterator[Record]:
    for number in range(count):
        rng = seeded("kf-grpo", seed, split, number)
        answer = number % 2
        lengths = [rng.choice(STAY) for _ in COLOURS]
        starts = spread(rng, lengths, Timing(SECONDS))
        signs = [Sign(COLOURS[answer ^ place], rng.choice(list(SHAPES))) for place in range(2)]
        events = [
            Event(sign, start, start + length, FULL) for sign, start, length in zip(signs, starts, lengths, strict=True)
        ]
        name = f"{split}-{number:04d}.mp4"
        if not (folder / name).exists():
            partial = folder / f".{name}.part.mp4"
            write_h264(partial, with_events(shots((), rng, SECONDS, (SIDE, SIDE)), events), (SIDE, SIDE))
            os.replace(partial, folder / name)
        yield Record(name, QUESTION, "AB"[answer], COLOURS, kind="order", split=split, source={"number": number},
                     events=tuple((event.start, event.end) for event in events))  # fmt: skip
