"""Shadows of things on what lies behind them, seen from the light."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.camera import Camera
from assay.envs.spatial_tree.engine.scene import Scene
from assay.envs.spatial_tree.engine.world import World, casts, move, size_of

Floats = npt.NDArray[np.float32]
DEPTH = 0.45
"""The share of light that a full shadow takes away."""
_SIDE = 256  # pixels of the shadow map
_AWAY = 60.0  # metres to the light's camera: so far that its rays are nearly parallel
_HIDDEN = (0.0, 0.0, -1000.0)


def shaded(
    bullet: Any, client: int, world: World, scene: Scene, camera: Camera, depth: npt.NDArray[np.float64]
) -> Floats:
    """What is left of the light at each pixel: from 1 - :data:`DEPTH` to 1, ``[height, width]``.

    Args:
        bullet, client, world: with the scene in it; left as it was.
        scene: what is there.
        camera: whose pixels.
        depth: of them, metres.
    """
    light = np.ones(depth.shape, dtype=np.float32)
    middle, radius = size_of(scene)
    if radius == 0.0:
        return light
    towards = np.array(scene.light.towards) / np.linalg.norm(scene.light.towards)
    if abs(towards[2]) > 0.999:
        towards = np.array([0.04, 0.0, 0.999])
    vfov = float(np.degrees(2 * np.arctan(radius * 1.02 / _AWAY)))
    lamp = Camera.looking(
        (middle + _AWAY * towards).tolist(), middle.tolist(), vfov=vfov, width=_SIDE, height=_SIDE,
        near=_AWAY - radius - 0.1, far=_AWAY + radius + 0.1,
    )  # fmt: skip
    nearest = _map(bullet, client, world, scene, lamp)
    x, y, far = _seen_by(lamp, camera, depth)
    # A texel of the map covers so many metres; a surface that leans to the light changes its depth by about as much.
    far -= np.float32(0.012 + 2.5 * 2 * radius / _SIDE)
    light -= np.float32(DEPTH) * _covered(nearest, x, y, far)
    return light


def _seen_by(lamp: Camera, camera: Camera, depth: npt.NDArray[np.float64]) -> tuple[Floats, Floats, Floats]:
    """Pixel x, pixel y and depth in the lamp's picture of what each pixel of the camera's shows.

    The same as ``lamp.project(camera.unproject(...))``, in single precision and without an array of points; pixels that
    show nothing lie far outside.
    """
    turn = lamp.rotation @ camera.rotation.T
    shift = lamp.local(camera.eye)
    across = ((np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal).astype(np.float32)
    down = ((np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal).astype(np.float32)[:, None]
    away = np.where(np.isfinite(depth), depth, -1e6).astype(np.float32)
    sides = []
    for axis in range(3):
        rays = np.float32(turn[axis, 0]) * across + np.float32(turn[axis, 1]) * down + np.float32(turn[axis, 2])
        sides.append(away * rays + np.float32(shift[axis]))
    scale = np.float32(lamp.focal) / sides[2]
    return sides[0] * scale + np.float32(lamp.width / 2), sides[1] * scale + np.float32(lamp.height / 2), sides[2]


def _map(bullet: Any, client: int, world: World, scene: Scene, lamp: Camera) -> Floats:
    """Depth of what casts shadows as the light sees it, metres; infinite where there is nothing."""
    from assay.envs.spatial_tree.engine.render import _shot

    quiet = [place for place, thing in enumerate(scene.things) if not casts(thing)]
    for place in quiet:
        move(bullet, client, place, replace(scene.things[place], at=_HIDDEN))
    depth = _shot(bullet, client, lamp, scene.light, world).depth
    for place in quiet:
        move(bullet, client, place, scene.things[place])
    return depth.astype(np.float32)


def _covered(nearest: Floats, x: Floats, y: Floats, far: Floats) -> Floats:
    """The share of 3 x 3 places about (x, y) of the map that are nearer to the light, weighted to change smoothly."""
    side = nearest.shape[0]
    wide = side + 6
    flat = np.pad(nearest, 3, constant_values=np.inf).ravel()
    left, top = np.floor(x - 0.5), np.floor(y - 0.5)
    inside = (left >= -1) & (top >= -1) & (left <= side - 1) & (top <= side - 1)
    base = (np.where(inside, top, 0) * wide + np.where(inside, left, 0)).astype(np.int32) + np.int32(3 * wide + 3)
    # Most places have nothing near them that is nearer to the light: one look tells.
    close = np.pad(nearest, 3, constant_values=np.inf)
    for axis in (0, 1):
        close = np.minimum.reduce([np.roll(close, -step, axis) for step in (-1, 0, 1, 2)])
    near = inside & (close.ravel()[base] < far)
    base, limit = base[near], far[near]
    right, lower = (x - 0.5 - left)[near], (y - 0.5 - top)[near]
    one = np.float32(1)
    total = np.zeros(base.shape, dtype=np.float32)
    # A box of 3 x 3 that slides between pixels: the outer columns and rows count by how far it has slid.
    for dy, along in enumerate((one - lower, one, one, lower)):
        line = np.zeros(base.shape, dtype=np.float32)
        for dx, across in enumerate((one - right, one, one, right)):
            line += (flat[base + ((dy - 1) * wide + dx - 1)] < limit) * across
        total += line * along
    covered = np.zeros(x.shape, dtype=np.float32)
    covered[near] = total / 9
    return covered
