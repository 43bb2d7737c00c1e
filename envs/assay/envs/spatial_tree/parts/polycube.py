"""Figures of cubes that differ from their mirror image (after Shepard and Metzler, Science 171, 1971)."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.parts.mapping import Array, flat, points_of, quick

_TONES = ((0.9, 0.62, 0.25), (0.78, 0.5, 0.17))
_LEAST = 0.004
"""Least share of the picture of every cube."""
_FILL = 0.97
_TURNS = tuple(
    np.array([[sign if axis == row else 0 for axis in range(3)] for row, sign in zip(order, signs, strict=True)])
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
)
TURNS = tuple(each for each in _TURNS if round(float(np.linalg.det(each))) == 1)
"""The 24 turns of a cube."""


def chiral(rng: np.random.Generator, count: int) -> Array | None:
    """A chain of ``count`` cells with three bends that no turn makes equal to its mirror image: ``[count, 3]``."""
    lengths = rng.multinomial(count - 5, [0.25] * 4) + 1
    axes = [np.eye(3, dtype=int)[axis] * int(rng.choice((-1, 1))) for axis in (0, 1, 2)]
    # Three arms along three different axes are what makes it chiral; the fourth goes along any but the third's.
    steps = [axes[k] for k in rng.permutation(3)]
    others = [axis for axis in axes if not np.array_equal(axis, steps[-1])]
    steps.append(others[int(rng.integers(2))] * int(rng.choice((-1, 1))))
    cells = [np.zeros(3, dtype=int)]
    for step, length in zip(steps, lengths, strict=True):
        cells += [cells[-1] + step * k for k in range(1, length + 1)]
    found = np.array(cells[:count])
    if len({tuple(cell) for cell in found.tolist()}) < count or same_up_to_turn(found, mirrored(found)):
        return None
    middle: Array = found - (found.min(axis=0) + found.max(axis=0)) / 2
    return middle


def mirrored(cells: Array) -> Array:
    """The mirror image of a figure."""
    found: Array = cells * np.array([-1, 1, 1])
    return found


def same_up_to_turn(cells: Array, others: Array) -> bool:
    """Whether one of the 24 turns of a cube makes the figures equal."""
    goal = _canonical(others)
    return any(_canonical(cells @ turn.T) == goal for turn in TURNS)


def _canonical(cells: Array) -> list[list[int]]:
    rows: list[list[int]] = sorted(np.round(cells - cells.min(axis=0)).astype(int).tolist())
    return rows


def turned_about(rng: np.random.Generator, about_up: float, tilt: float) -> Array:
    """A turn about the vertical by ``about_up`` degrees, and a tilt by up to ``tilt`` degrees; 0, 0 draws any pose."""
    if about_up == tilt == 0:
        return turned((float(rng.uniform(-25, 25)), float(rng.uniform(-25, 25)), float(rng.uniform(0, 360))))
    around = turned((float(rng.uniform(-tilt, tilt)), float(rng.uniform(-tilt, tilt)), 0.0))
    found: Array = around @ turned((0, 0, about_up))
    return found


def cubes(cells: Array, pose: Array) -> Scene:
    """The figure with its middle at the origin; every cube is a thing, in the order of ``cells``."""
    roll = float(np.degrees(np.arctan2(pose[2, 1], pose[2, 2])))
    pitch = float(np.degrees(-np.arcsin(np.clip(pose[2, 0], -1, 1))))
    yaw = float(np.degrees(np.arctan2(pose[1, 0], pose[0, 0])))
    things = []
    for number, cell in enumerate(cells):
        x, y, z = (pose @ cell).tolist()
        tone = _TONES[round(float(cell.sum() - cells[0].sum())) % 2]
        part = Part("box", (_FILL, _FILL, _FILL), colour=tone)
        things.append(Thing(f"cube {number}", (part,), (x, y, z), (roll, pitch, yaw)))
    return Scene(tuple(things), Light(towards=(-2.0, 1.5, 4.0), ambient=0.4, diffuse=0.7, shadow=False))


def shown_well(scene: Scene, camera: Camera) -> bool:
    """Whether every cube shows, and the figure lies within the picture."""
    pixels = camera.project(np.concatenate([thing.corners() for thing in scene.things]))[:, :2]
    if (pixels < 0).any() or (pixels > (camera.width, camera.height)).any():
        return False
    seen = render(flat(scene), quick(camera))
    return all(seen.share(place) >= _LEAST for place in range(len(scene.things)))


def same_hand(first: Scene, second: Scene) -> bool:
    """Whether a turn, and not a mirroring, takes the first figure to the second, by the points seen from all round."""
    before, after = _middles(first), _middles(second)
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    left, _, right = np.linalg.svd(after.T @ before)
    return bool(np.linalg.det(left @ right) > 0)


def _middles(scene: Scene) -> Array:
    found: list[list[Array]] = [[] for _ in scene.things]
    for eye in ((9, 0, 3), (-9, 0, -3), (0, 9, 3), (0, -9, -3), (0.1, 0, 9), (0.1, 0, -9)):
        camera = Camera.looking(eye, (0, 0, 0), vfov=50.0, width=160, height=160)
        seen = render(scene, camera)
        for place, points in enumerate(found):
            points.append(points_of(seen, camera, place))
    return np.array([np.concatenate(points).mean(axis=0) for points in found])
