"""Frames of a clip as pictures of a prompt: which ones, and reading all in one pass when the first is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assay.envs.caching import made_once
from assay.envs.errors import InfraError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST, FEWER, LONG = 32, 16, 240
"""Frames of a long clip and of a short one, where a record lists none, and the frames above which it is long."""
LARGEST = 10_000_000
"""A frame number above this is nonsense."""
SIDE = 768
"""Longest edge of a frame as it is shown, pixels; a smaller one keeps its size."""
_PREFIX = "clip:"
_KEPT = 4


def chosen_frames(listed: Sequence[int], total: int) -> list[int]:
    """Which frames of a clip are shown, by number from 0, as the benchmark's program chooses them.

    Args:
        listed: what the record lists; thinned evenly to 32 where there are more.
        total: frames of the clip; 32 spread evenly over all of them where there are more than 240 and none is listed,
            else 16 (a short clip repeats some).
    """
    if listed:
        if len(listed) <= MOST:
            return list(listed)
        return [listed[place] for place in _spread(len(listed), MOST)]
    return _spread(total, MOST if total > LONG else FEWER)


def _spread(count: int, wanted: int) -> list[int]:
    return [int(place) for place in np.linspace(0, count - 1, wanted, dtype=int)]


def references(path: Path, frames: Sequence[int]) -> list[str]:
    """What stands for each of the frames in a prompt: ``clip:PLACE:NUMBER,NUMBER,...:PATH``."""
    numbers = ",".join(map(str, frames))
    return [f"{_PREFIX}{place}:{numbers}:{path}" for place in range(len(frames))]


def is_reference(name: str) -> bool:
    """Whether the name of a picture is one of :func:`references`."""
    return name.startswith(_PREFIX)


def frame_of(reference: str) -> Picture:
    """The picture that a reference stands for. Not to be changed.

    Raises:
        InfraError: one line, if the clip does not decode.
    """
    place, numbers, path = reference.removeprefix(_PREFIX).split(":", 2)
    return _frames(path, tuple(map(int, numbers.split(","))))[int(place)]


@made_once(maxsize=_KEPT)
def _frames(path: str, numbers: tuple[int, ...]) -> list[Picture]:
    """Those frames of a clip; a number past its end is its last frame."""
    from assay.envs.video_keyframes.container import VideoError, decoded, opened
    from assay.envs.video_keyframes.reading import Resizer

    wanted, found = set(numbers), {}
    try:
        with opened(path) as (container, stream):
            size, frame = Resizer(SIDE), None
            for number, frame in enumerate(decoded(container, stream)):
                if number in wanted:
                    found[number] = size.picture(frame)
                if number >= max(wanted):
                    break
            if frame is None:
                raise VideoError(f"{path}: no frame decodes")
            last = size.picture(frame)
    except (VideoError, ImportError) as error:
        raise InfraError(str(error)) from None
    return [found.get(number, last) for number in numbers]
