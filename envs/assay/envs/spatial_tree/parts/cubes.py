"""Figures and piles of unit cubes: grown, turned, rendered, and read back from depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View

Cube = tuple[int, int, int]
"""Corner with the least x, y, z; z up."""
Figure = frozenset[Cube]
Array = npt.NDArray[np.float64]
SIX: tuple[Cube, ...] = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
FILL = 0.96
"""Edge of a cube as it is drawn; the slit shows where one ends."""
TONES: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = (
    ((0.93, 0.62, 0.22), (0.98, 0.74, 0.40)), ((0.36, 0.60, 0.86), (0.54, 0.74, 0.94)),
    ((0.45, 0.72, 0.42), (0.62, 0.84, 0.58)), ((0.80, 0.46, 0.66), (0.90, 0.62, 0.78)),
)  # fmt: skip


def _turns() -> tuple[npt.NDArray[np.int64], ...]:
    found = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        turn = np.zeros((3, 3), dtype=np.int64)
        turn[range(3), order] = signs
        if round(float(np.linalg.det(turn))) == 1:
            found.append(turn)
    return tuple(found)


TURNS = _turns()
"""The 24 turns of a cube onto itself."""
UPRIGHT = tuple(turn for turn in TURNS if turn[2, 2] == 1)
"""Those about the vertical."""


def at_origin(cubes: Iterable[Sequence[int]]) -> Figure:
    """The figure moved so that its least x, y and z are 0."""
    found = np.array(sorted(tuple(cube) for cube in cubes))
    return frozenset((int(x), int(y), int(z)) for x, y, z in found - found.min(axis=0))


def spun(figure: Figure, turn: npt.NDArray[np.int64]) -> Figure:
    """The figure turned."""
    return at_origin((np.array(sorted(figure)) @ turn.T).tolist())


def reflected(figure: Figure) -> Figure:
    """Its mirror image."""
    return at_origin((-x, y, z) for x, y, z in figure)


def same(figure: Figure, other: Figure) -> bool:
    """Whether a turn makes them equal."""
    return any(spun(figure, turn) == other for turn in TURNS)


def grown(rng: np.random.Generator, count: int) -> Figure:
    """A random connected figure that is neither flat nor closed: each cube touches at most two when it comes."""
    while True:
        found: set[Cube] = {(0, 0, 0)}
        while len(found) < count:
            rim = [
                cube for cube in _rim(found) if _touching(cube, found) == 1 and max(np.ptp([*found, cube], axis=0)) < 4
            ]
            found.add(rim[int(rng.integers(len(rim)))])
        if min(np.ptp(sorted(found), axis=0)) > 0 and max(np.ptp(sorted(found), axis=0)) < 4:
            return at_origin(found)


def changed(rng: np.random.Generator, figure: Figure) -> Figure:
    """One end cube taken elsewhere."""
    ends = [cube for cube in sorted(figure) if _touching(cube, figure) == 1]
    gone = ends[int(rng.integers(len(ends)))]
    rest = figure - {gone}
    rim = [cube for cube in _rim(rest) if cube != gone and _touching(cube, rest) == 1]
    return at_origin(rest | {rim[int(rng.integers(len(rim)))]})


def _rim(cubes: Iterable[Cube]) -> list[Cube]:
    known = set(cubes)
    return sorted({(x + a, y + b, z + c) for x, y, z in known for a, b, c in SIX} - known)


def _touching(cube: Cube, cubes: Iterable[Cube]) -> int:
    x, y, z = cube
    known = set(cubes)
    return sum((x + a, y + b, z + c) in known for a, b, c in SIX)


def all_show(figure: Figure, towards: Array) -> bool:
    """Whether of every cube a quarter of the sides towards a far eye in the direction ``towards`` shows."""
    ray = towards / np.linalg.norm(towards)
    solid = np.zeros((16, 16, 16), dtype=bool)
    order = np.array(sorted(figure))
    solid[tuple((order + 5).T)] = True
    spots = [np.insert(np.array([u, v]), axis, 1.02 if ray[axis] > 0 else -0.02)
             for axis in range(3) for u, v in product((0.2, 0.8), repeat=2)]  # fmt: skip
    ways = np.array(spots)[:, None] + ray * np.arange(0, 5, 0.2)[:, None]
    hit = np.floor(order[:, None, None] + ways).astype(int) + 5
    hidden = solid[tuple(np.moveaxis(np.clip(hit, 0, 15), -1, 0))].any(axis=-1)
    return bool(((~hidden).sum(axis=1) >= 3).all())


def scene_of(figure: Iterable[Cube], tones: int, swap: int = 0, floor: Sequence[Thing] = ()) -> Scene:
    """The cubes, in sorted order, each a thing; two tones as on a chess board. What ``floor`` holds comes behind."""
    things = []
    for x, y, z in sorted(figure):
        part = Part("box", (FILL, FILL, FILL), (0, 0, 0.5), colour=TONES[tones][(x + y + z + swap) % 2])
        things.append(Thing(f"cube {x} {y} {z}", (part,), (x + 0.5, y + 0.5, float(z))))
    light = Light((-1.0, -2.5, 4.0), ambient=0.5, diffuse=0.6, shadow=False)
    return Scene((*things, *floor), light)


def camera_at(figure: Iterable[Cube], azimuth: float, height: float, width: int, tall: int, room: float) -> Camera:
    """Looks at the middle of the figure from far away, so that it fills the picture but for ``room`` (share).

    Args:
        figure: the cubes.
        azimuth: of the eye as seen from the middle, degrees.
        height: of the eye above the horizon, degrees.
        width, tall: of the picture, pixels.
        room: share of the picture left free.
    """
    corners = np.array([np.array(cube) + step for cube in figure for step in product((0, 1), repeat=3)], dtype=float)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    reach = float(np.linalg.norm(corners - middle, axis=1).max())
    a, h = np.radians([azimuth, height])
    far = 14.0
    eye = middle + far * np.array([np.cos(h) * np.cos(a), np.cos(h) * np.sin(a), np.sin(h)])
    half = reach / (1 - room) / far * tall / min(width, tall)
    return Camera.looking(eye, middle, vfov=float(2 * np.degrees(np.arctan(half))), width=width, height=tall, near=6.0)


def towards(azimuth: float, height: float) -> Array:
    """The direction of the eye of such a camera."""
    a, h = np.radians([azimuth, height])
    return np.array([np.cos(h) * np.cos(a), np.cos(h) * np.sin(a), np.sin(h)])


def cubes_seen(view: View, camera: Camera, least: int = 3) -> Figure:
    """The cubes of a figure, from the depth of the pixels of each thing that the segmentation tells apart.

    Args:
        view: what ``camera`` sees of cubes on the lattice of whole numbers.
        camera: it.
        least: pixels below which a thing is left out.
    """
    found = set()
    eye = np.array(camera.eye)
    for number in np.unique(view.ids[view.ids >= 0]):
        rows, columns = np.nonzero(view.ids == number)
        if len(rows) < least:
            continue
        points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
        away = points - eye
        # A little behind the surface is inside the cube; the commonest cell is it.
        inside = np.floor(points + 0.06 * away / np.linalg.norm(away, axis=1, keepdims=True)).astype(int)
        found.add(Counter(map(tuple, inside.tolist())).most_common(1)[0][0])
    return frozenset((int(x), int(y), int(z)) for x, y, z in found)


def counted_from_above(view: View, camera: Camera, things: int) -> int:
    """Cubes of a pile without hollows, from the height of the highest level surface over every unit of its ground.

    Args:
        view: what ``camera`` sees of a pile on the lattice of whole numbers.
        camera: it.
        things: the first so many things of the scene are its cubes.
    """
    rows, columns = np.nonzero((view.ids >= 0) & (view.ids < things))
    points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
    levels = np.round(points[:, 2])
    level = np.abs(points[:, 2] - levels + (1 - FILL) / 2) < 0.015
    inner = (np.abs(points[:, :2] % 1 - 0.5) < 0.4).all(axis=1)
    highest: dict[tuple[int, int], int] = {}
    for (x, y, _), top in zip(points[level & inner], levels[level & inner], strict=True):
        spot = int(np.floor(x)), int(np.floor(y))
        highest[spot] = max(highest.get(spot, 0), int(top))
    return sum(highest.values())


def handed_shape(figure: Figure) -> Counter[tuple[int, ...]]:
    """What turns leave as it is and mirrors (of a figure unlike its mirror image) do not; needs no list of turns.

    For every ordered triple of cubes: the distances of the three and the signed volume they span with the middle.
    """
    spots = np.array(sorted(figure), dtype=np.int64) * len(figure)
    spots = spots - spots.sum(axis=0) // len(figure)
    found: Counter[tuple[int, ...]] = Counter()
    for a, b, c in permutations(spots, 3):
        pairs = (a @ a, b @ b, c @ c, a @ b, b @ c, c @ a)
        found[(*(int(each) for each in pairs), round(float(np.linalg.det(np.stack([a, b, c])))))] += 1
    return found
