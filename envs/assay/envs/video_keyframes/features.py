"""What a frame looks like, in 80 numbers: an 8 x 8 grey thumbnail and a colour histogram of 16 bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SIDE, BINS = 8, 16
DIMENSIONS = SIDE * SIDE + BINS
_GREYS = 4
"""Bins for pixels without colour, by brightness; the other 12 are sectors of hue."""
_COLOURLESS = 32
"""A pixel whose largest and smallest channel lie closer than this has no colour."""


def embed(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The features of one frame: each half has length 1, and so has the whole.

    A black frame has no thumbnail to scale; its half is zeros.

    Args:
        rgb: uint8 [height, width, 3].

    Returns:
        float64 [80]: 64 of the thumbnail, row by row, then 16 of the histogram.

    Raises:
        ValueError: for any other shape or type.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ValueError(f"a frame is uint8 [height, width, 3], got {rgb.dtype} {list(rgb.shape)}")
    both = np.concatenate([_unit(thumbnail(rgb).ravel()), _unit(colours(rgb))])
    return _unit(both)


def thumbnail(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Brightness (ITU-R BT.601 luma, 0 to 255) averaged over an 8 x 8 grid: float64 [8, 8].

    A frame of fewer than 8 rows or columns repeats them.
    """
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    return _averaged(_averaged(grey).T).T


def _averaged(grey: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows averaged in 8 groups whose sizes differ by at most one."""
    height = len(grey)
    if height < SIDE:
        grey, height = grey[np.arange(SIDE) * height // SIDE], SIDE
    edges = np.arange(SIDE + 1) * height // SIDE
    sums: npt.NDArray[np.float64] = np.add.reduceat(grey, edges[:-1], axis=0)
    return sums / np.diff(edges)[:, None]


def colours(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """How many pixels are in each of 16 bins, as shares: 4 of brightness for greys, then 12 of hue from red on."""
    pixels = rgb.reshape(-1, 3).astype(np.int16)
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    spread = high - low
    bins = high * _GREYS // 256
    coloured = spread >= _COLOURLESS
    bins[coloured] = _GREYS + _sector(pixels[coloured], high[coloured], spread[coloured])
    return np.bincount(bins, minlength=BINS) / len(bins)


def _sector(pixels: npt.NDArray[np.int16], high: npt.NDArray[np.int16], spread: npt.NDArray[np.int16]) -> Any:
    """Which twelfth of the hue circle a coloured pixel lies in, 0 to 11."""
    red, green, blue = pixels.T.astype(np.float64)
    hue = np.where(
        high == pixels[:, 0],
        (green - blue) / spread,
        np.where(high == pixels[:, 1], 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    return (np.floor(hue * 2) % 12).astype(np.int16)


def _unit(row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = float(np.linalg.norm(row))
    return row / length if length else row
