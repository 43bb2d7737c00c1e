"""Footage without files: a camera that pans over clouds of colour while soft things drift by."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.events.plan import RATE
from assay.envs.video_keyframes.events.signs import Pixels

_OCTAVES = 5
_SPEED = 0.06
"""Fastest pan: widths of the picture a second."""


def drawn_shot(rng: random.Random, count: int, size: tuple[int, int]) -> Iterator[Pixels]:
    """``count`` frames of one shot, uint8 [height, width, 3]."""
    width, height = size
    source = np.random.default_rng(rng.getrandbits(64))
    ground = _coloured(_clouds(source, 2 * width, 2 * height), source)
    things = [_Thing(rng, size) for _ in range(rng.randint(1, 3))]
    angle, speed = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 1.0) * _SPEED * width / RATE
    x0, y0 = rng.uniform(0, width), rng.uniform(0, height)
    for step in range(count):
        x = _bounce(x0 + step * speed * math.cos(angle), width)
        y = _bounce(y0 + step * speed * math.sin(angle), height)
        frame = ground[y : y + height, x : x + width].copy()
        for thing in things:
            thing.paint(frame, step)
        yield frame


class _Thing:
    """A soft disc that moves on a straight line and is darker or lighter than the ground."""

    def __init__(self, rng: random.Random, size: tuple[int, int]) -> None:
        width, height = size
        self.at = rng.uniform(0, width), rng.uniform(0, height)
        self.step = rng.uniform(-0.1, 0.1) * width / RATE, rng.uniform(-0.05, 0.05) * height / RATE
        radius = rng.uniform(0.08, 0.25) * height
        self.reach = math.ceil(1.6 * radius)
        ys, xs = np.mgrid[-self.reach : self.reach + 1, -self.reach : self.reach + 1]
        soft = np.exp(-(((xs**2 + ys**2) / radius**2) ** 2))
        shade = np.array([rng.uniform(-70, 70) for _ in range(3)])
        self.patch = np.rint(soft[:, :, None] * shade).astype(np.int16)
        self.size = size

    def paint(self, frame: Pixels, step: int) -> None:
        """Onto ``frame``, in place."""
        width, height = self.size
        x = _bounce(self.at[0] + step * self.step[0], width) - self.reach
        y = _bounce(self.at[1] + step * self.step[1], height) - self.reach
        left, right = max(0, -x), min(self.patch.shape[1], width - x)
        top, bottom = max(0, -y), min(self.patch.shape[0], height - y)
        part = frame[y + top : y + bottom, x + left : x + right]
        part[:] = np.clip(part + self.patch[top:bottom, left:right], 0, 255)


def _bounce(value: float, length: int) -> int:
    """A position that turns back at 0 and ``length``."""
    place = value % (2 * length)
    return int(min(place, 2 * length - place))


def _clouds(source: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """Noise of several sizes, float32 [height, width] of mean 0 and deviation 1."""
    from PIL import Image

    total = np.zeros((height, width), np.float32)
    for octave in range(_OCTAVES):
        cells = (3 << octave, max(2, (3 << octave) * height // width))
        noise = source.standard_normal(cells[::-1]).astype(np.float32)
        image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(image) * 0.6**octave
    scaled: npt.NDArray[np.float32] = (total - total.mean()) / max(float(total.std()), 1e-6)
    return scaled


def _coloured(clouds: npt.NDArray[np.float32], source: np.random.Generator) -> Pixels:
    """Clouds between two colours of middling brightness, with a fine grain: uint8 [height, width, 3]."""
    low, high = source.uniform(20, 100, 3), source.uniform(100, 190, 3)
    share = (1 / (1 + np.exp(-1.5 * clouds)))[:, :, None]
    grain = source.normal(0, 1.5, clouds.shape)[:, :, None]
    coloured: Pixels = np.clip(low + (high - low) * share + grain, 0, 255).astype(np.uint8)
    return coloured
