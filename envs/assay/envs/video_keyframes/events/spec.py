"""What a made video depends on, as one line; from it quiz and pixels are drawn again, the same everywhere."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assay.envs.candidates import seeded
from assay.envs.errors import InfraError
from assay.envs.made_files import cache_folder, written_once
from assay.envs.options import read_options
from assay.envs.tasks import content_id
from assay.envs.video_keyframes.events.footage import Stretch, clips, files_of, of_split, shots, stretches
from assay.envs.video_keyframes.events.plan import Quiz, Timing, uniform_times
from assay.envs.video_keyframes.events.quizzes import write_quiz
from assay.envs.video_keyframes.events.render import with_events, write_h264
from assay.envs.video_keyframes.events.signs import Pixels
from assay.envs.video_keyframes.events.verify import disagreement

VERSION = 2
"""Goes up when the same line would give other pixels, so that cached files are not taken for them."""
QUALITIES = (23, 14)
"""Rate factors of the encoder; the second is for a video in which the signs were not found again."""
CHECKED_FPS = 1.0
"""Signs are hidden from uniform samples of candidates at this rate."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A video with its question.

    Attributes:
        kind: of question.
        number: of the video among those of its kind, split and seed.
        split: whose footage it uses.
        seed: of everything.
        seconds: length.
        width, height: pixels.
        hidden_from: size of the uniform sample that sees no sign; 0: none.
        footage: ``drawn``, ``clips`` or ``path``.
        path: of the footage.
        test_share, dev_share: of the footage.
    """

    kind: str
    number: int
    split: str = "train"
    seed: int = 0
    seconds: float = 96.0
    width: int = 160
    height: int = 120
    hidden_from: int = 16
    footage: str = "drawn"
    path: str = ""
    test_share: float = 0.2
    dev_share: float = 0.0

    def line(self) -> str:
        """As text, the inverse of :func:`spec_of`."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    def rng(self, use: str) -> random.Random:
        """A generator for one use; footage, size and path do not change what is asked."""
        return seeded(use, self.seed, self.split, self.kind, self.number, self.seconds, self.hidden_from)


def spec_of(line: str) -> Spec:
    """The spec that a line holds.

    Raises:
        ValueError: one line, if it holds none.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not {"kind", "number"} <= set(data):
        raise ValueError(f"events:{line[:60]} is no reference of the events source")
    return read_options(Spec, data, "a reference of the events source")


@lru_cache(maxsize=4096)
def quiz_of(spec: Spec) -> Quiz:
    """The question and its events.

    Raises:
        ValueError: one line; no such kind, or the video is too short for its signs.
    """
    hidden = uniform_times(spec.seconds, spec.hidden_from, CHECKED_FPS)
    return write_quiz(spec.kind, spec.rng("quiz"), Timing(spec.seconds, hidden))


def pool_of(spec: Spec) -> tuple[Stretch, ...]:
    """The footage that the video may use; empty where it is drawn.

    Raises:
        ImportError, ValueError: one line, if it cannot be had.
    """
    if spec.footage == "drawn":
        return ()
    files = clips() if spec.footage == "clips" else files_of(spec.path)
    return of_split(stretches(files), spec.split, spec.test_share, spec.dev_share)


def frames_of(spec: Spec, pool: Sequence[Stretch]) -> Iterator[Pixels]:
    """The frames with their signs, in footage from ``pool``."""
    size = (spec.width, spec.height)
    return with_events(shots(pool, spec.rng("shots"), spec.seconds, size), quiz_of(spec).events)


def key_of(spec: Spec, pool: Sequence[Stretch]) -> str:
    """Hash of all that the file depends on, the content of the footage included."""
    data = dataclasses.asdict(spec) | {"path": "", "pool": [each.key for each in pool]}
    return content_id("video-events", VERSION, QUALITIES, data, quiz_of(spec).events)


def video_of(spec: Spec) -> Path:
    """The encoded video, made and checked if it is not in the cache: its signs are found again in its own frames.

    Raises:
        ImportError, ValueError: one line, if PyAV or the footage is missing.
        InfraError: one line, if it cannot be encoded, or shows something else even at a better quality.
    """
    pool = pool_of(spec)
    key = key_of(spec, pool)
    file = cache_folder("video") / key[:2] / f"{key}.mp4"
    return written_once(file, lambda path: make_video(spec, path, pool))


def make_video(spec: Spec, path: Path, pool: Sequence[Stretch]) -> None:
    """Encode and check the video; see :func:`video_of`."""
    why = ""
    for quality in QUALITIES:
        write_h264(path, frames_of(spec, pool), (spec.width, spec.height), quality)
        why = disagreement(path, quiz_of(spec))
        if not why:
            return
    raise InfraError(f"a {spec.kind} video does not show what it should ({why})")
