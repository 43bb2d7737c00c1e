"""How a camera is held against gravity: from its pose, and measured from what it sees of a level floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.envs.spatial_tree.engine import Camera, View

UNCERTAINTY = {"roll": 2.0, "pitch": 2.0, "vfov": 5.0}
"""Degrees off that still earn exp(-1/2)."""


@dataclass(frozen=True, slots=True)
class Tilt:
    """How a camera is held and how much it sees.

    Attributes:
        roll: degrees, positive where its right side is the lower one.
        pitch: degrees, positive where it looks above the horizon.
        vfov: vertical field of view, degrees.
    """

    roll: float
    pitch: float
    vfov: float

    def off(self, other: Tilt) -> float:
        """The greatest of the three differences, degrees."""
        gaps = (self.roll - other.roll, self.pitch - other.pitch, self.vfov - other.vfov)
        return max(abs(gap) for gap in gaps)


def tilt_of(camera: Camera) -> Tilt:
    """From the pose: ``g_c = R_cw (0, 0, -1)``, pitch ``atan2(-gx, |gy, gz|)``, roll ``atan2(gy, gz)``.

    Here x, y, z are the camera's forward, right and down, as in SpatialTree (arXiv 2512.20617), so that a level camera
    has 0 and 0.
    """
    right, down, forward = camera.rotation @ np.array([0.0, 0.0, -1.0])
    gx, gy, gz = forward, right, down
    roll, pitch = np.arctan2(gy, gz), np.arctan2(-gx, np.hypot(gy, gz))
    return Tilt(float(np.degrees(roll)), float(np.degrees(pitch)), camera.vfov)


def tilt_seen(view: View, floor: Sequence[int], height: float) -> Tilt:
    """From the depth of a level floor that a camera sees from ``height`` metres above it; its pose is not used.

    In a pinhole picture one over the depth of a plane is ``a x + b y + c``, with x and y in pixels from the middle.
    Three numbers give three unknowns: focal length f, and the plane's upright, which is ``(a f, b f, c)`` up to its
    length, one over the height.
    """
    rows, columns = np.nonzero(np.isin(view.ids, list(floor)))
    tall, wide = view.ids.shape
    nearness = 1 / view.depth[rows, columns]
    # Far pixels tell little and their depth is coarse: they count by their nearness.
    terms = np.stack([columns + 0.5 - wide / 2, rows + 0.5 - tall / 2, np.ones(len(rows))], axis=-1)
    (a, b, c), *_ = np.linalg.lstsq(terms * nearness[:, None], nearness**2, rcond=None)
    upright = np.clip(c * height, -1.0, 1.0)  # cosine between the camera's axis and straight down
    focal = np.sqrt(1 - upright**2) / (height * np.hypot(a, b))
    return Tilt(
        float(np.degrees(np.arctan2(a, b))),
        float(np.degrees(-np.arcsin(upright))),
        float(np.degrees(2 * np.arctan(tall / 2 / focal))),
    )
