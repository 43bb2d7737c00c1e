"""A pinhole camera: where it is, where it looks, and what of the world falls on which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera without distortion, square pixels, its axis through the middle of the picture.

    Attributes:
        eye: in the world, metres.
        axes: rows are the camera's right, down and forward in the world: the rotation ``R_cw`` from world to camera.
        vfov: vertical field of view, degrees.
        width, height: pixels.
        near, far: what is closer or farther along the axis is not shown, metres.
    """

    eye: tuple[float, float, float]
    axes: tuple[tuple[float, float, float], ...]
    vfov: float = 60.0
    width: int = 320
    height: int = 240
    near: float = 0.05
    far: float = 30.0

    @classmethod
    def looking(cls, eye: Sequence[float], target: Sequence[float], roll: float = 0.0, **more: Any) -> Camera:
        """From ``eye`` towards ``target``, upright but for ``roll`` degrees (positive: the camera leans clockwise).

        Raises:
            ValueError: if it would look straight up or down, where upright means nothing.
        """
        forward = np.asarray(target, dtype=float) - np.asarray(eye, dtype=float)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        if np.linalg.norm(right) < 1e-6:
            raise ValueError("a camera that looks straight up or down has no upright: use Camera.posed")
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        angle = np.radians(roll)
        right, down = np.cos(angle) * right + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * right
        return cls.posed(eye, np.stack([right, down, forward]), **more)

    @classmethod
    def heading(cls, eye: Sequence[float], yaw: float, pitch: float = 0.0, roll: float = 0.0, **more: Any) -> Camera:
        """From ``eye`` in the direction of ``yaw`` (degrees, 0 is world +x, counter-clockwise seen from above).

        Args:
            eye: metres.
            yaw: degrees.
            pitch: degrees, positive upwards, between -90 and 90.
            roll: degrees, positive: the camera leans clockwise.
            more: the camera's other fields.
        """
        y, p = np.radians([yaw, pitch])
        ahead = np.array([np.cos(p) * np.cos(y), np.cos(p) * np.sin(y), np.sin(p)])
        return cls.looking(eye, np.asarray(eye) + ahead, roll, **more)

    @classmethod
    def posed(cls, eye: Sequence[float], axes: Any, **more: Any) -> Camera:
        """From ``eye`` with the rows of ``axes`` as right, down and forward."""
        rows = tuple((float(row[0]), float(row[1]), float(row[2])) for row in axes)
        return cls((float(eye[0]), float(eye[1]), float(eye[2])), rows, **more)

    @property
    def focal(self) -> float:
        """Focal length, pixels; the same along both axes."""
        return float(self.height / 2 / np.tan(np.radians(self.vfov) / 2))

    @property
    def rotation(self) -> Array:
        """``R_cw`` as an array ``[3, 3]``."""
        return np.array(self.axes)

    def local(self, points: Any) -> Array:
        """World points ``[..., 3]`` in the camera's frame, metres."""
        found: Array = (np.asarray(points, dtype=float) - np.array(self.eye)) @ self.rotation.T
        return found

    def project(self, points: Any) -> Array:
        """World points ``[..., 3]`` as ``[..., 3]``: pixel x, pixel y, depth along the axis in metres.

        Pixels of points behind the camera (depth not above 0) are NaN.
        """
        seen = self.local(points)
        depth = seen[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(depth > 0, self.focal / depth, np.nan)
        x = self.width / 2 + seen[..., 0] * scale
        y = self.height / 2 + seen[..., 1] * scale
        return np.stack([x, y, depth], axis=-1)

    def unproject(self, x: Any, y: Any, depth: Any) -> Array:
        """World points ``[..., 3]`` at pixels ``x, y`` and ``depth`` along the axis, metres; the inverse of project."""
        x, y, depth = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(depth, dtype=float)
        local = np.stack(
            [(x - self.width / 2) * depth / self.focal, (y - self.height / 2) * depth / self.focal, depth], axis=-1
        )
        found: Array = local @ self.rotation + np.array(self.eye)
        return found
