"""What a view shows, measured from its pixels alone; what a person can see well; and plain things to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.visibility import SHARE, UNOCCLUDED, framed, visible

Array = npt.NDArray[np.float64]
Found = TypeVar("Found")
PAINTS: Mapping[str, tuple[float, float, float]] = {
    "red": (0.85, 0.08, 0.08), "blue": (0.1, 0.2, 0.9), "green": (0.05, 0.6, 0.15), "yellow": (0.98, 0.85, 0.05),
    "purple": (0.55, 0.1, 0.7), "orange": (1.0, 0.45, 0.0), "white": (0.95, 0.95, 0.95), "black": (0.06, 0.06, 0.06),
}  # fmt: skip
GREYS = ((0.62, 0.58, 0.52), (0.55, 0.6, 0.62), (0.68, 0.66, 0.62), (0.5, 0.52, 0.5))
MOST_COVERED = 0.4
"""Of a thing's rectangle in the picture: what that of a nearer one covers at most."""


def first(attempt: Callable[[], Found | None], tries: int = 60) -> Found | None:
    """What the first attempt that succeeds returns; None if none of ``tries`` does.

    A template draws its truth first and then tries until a scene shows it, so that what is easy to show is not asked
    more often.
    """
    for _ in range(tries):
        found = attempt()
        if found is not None:
            return found
    return None


def picture(view: View) -> Image.Image:
    """The view as an image."""
    return Image.fromarray(view.rgb)


def surface(view: View, camera: Camera, place: int) -> Array:
    """World points ``[n, 3]`` of the pixels that show a thing, metres, from the depth that was rendered."""
    rows, columns = np.nonzero(view.ids == place)
    return camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])


def unevenness(view: View, pixels: Array) -> Array:
    """How far each of ``pixels`` ``[n, 2]`` is from lying on a plane, as a share of its inverse depth.

    On a plane inverse depth is linear over the picture, so that its second differences are nought; across an edge they
    are about the gap's share of the depth.
    """
    columns, rows = pixels.astype(int).T
    with np.errstate(divide="ignore"):
        inverse = 1 / view.depth
    middle = inverse[rows, columns]
    bends = [
        inverse[rows + dy, columns + dx] + inverse[rows - dy, columns - dx] - 2 * middle
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1))
    ]
    found: Array = np.abs(bends).max(axis=0) / middle
    return found


def seen_middle(view: View, camera: Camera, place: int) -> Array:
    """The middle of the box round what is seen of a thing, in the world, metres ``[3]``; NaN where it is not seen."""
    points = surface(view, camera, place)
    if not len(points):
        return np.full(3, np.nan)
    found: Array = (points.min(axis=0) + points.max(axis=0)) / 2
    return found


def in_sight(camera: Camera, things: Sequence[Thing], most: float = MOST_COVERED) -> bool:
    """Whether all are wholly in the picture and their rectangles cover each other little; costs no render."""
    return all(framed(camera, each) for each in things) and max(covers(camera, things)) <= most


def seen_well(scene: Scene, camera: Camera, places: Sequence[int], share: float = UNOCCLUDED) -> View | None:
    """What the camera sees, unless one of these things is not :func:`in_sight`, or not :func:`told`."""
    if not in_sight(camera, [scene.things[place] for place in places]):
        return None
    view = render(scene, camera)
    return view if told(view, scene, camera, places, share) else None


def told(view: View, scene: Scene, camera: Camera, places: Sequence[int], share: float = UNOCCLUDED) -> bool:
    """Whether these things are seen well: each large enough in the picture, and ``share`` of it not hidden."""
    if any(view.share(place) < SHARE for place in places):
        return False
    covered = covers(camera, [scene.things[place] for place in places])
    loose = [place for place, part in zip(places, covered, strict=True) if part > 0]
    # The things that are not asked about, such as walls, may hide what no other named thing does.
    others = len(scene.things) - 1 > len(places)
    return all(visible(scene, camera, place, view).unoccluded >= share for place in (places if others else loose))


def covers(camera: Camera, things: Sequence[Thing]) -> list[float]:
    """For each thing the largest share of its rectangle in the picture that the rectangle of a nearer one covers.

    A cheap upper bound, two by two, of what they hide of each other.
    """
    seen = np.stack([camera.project(thing.corners()) for thing in things])
    low, high, depth = seen[..., :2].min(axis=1), seen[..., :2].max(axis=1), seen[..., 2].mean(axis=1)
    sides = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    common = np.clip(sides, 0, None).prod(axis=2) / (high - low).prod(axis=1)[:, None]
    found: list[float] = np.where(depth[None] < depth[:, None], common, 0.0).max(axis=1).tolist()
    return found


def floor(colour: tuple[float, float, float], side: float = 40.0, texture: str = "") -> Thing:
    """A flat square round the origin, its top at height 0."""
    part = Part("box", (side, side, 0.1), (0, 0, -0.05), colour=colour, texture=texture)
    return Thing("floor", (part,), kind="floor")


def ball(paint: str, across: float, at: tuple[float, float, float]) -> Thing:
    """A ball; ``at`` is its lowest point."""
    part = Part("sphere", (across,) * 3, (0, 0, across / 2), colour=PAINTS[paint])
    return Thing(f"{paint} ball", (part,), at, kind="ball", colour=paint)


def cube(paint: str, across: float, at: tuple[float, float, float]) -> Thing:
    """A cube; ``at`` is the middle of its base."""
    part = Part("box", (across,) * 3, (0, 0, across / 2), colour=PAINTS[paint])
    return Thing(f"{paint} cube", (part,), at, kind="cube", colour=paint)


def pick(rng: np.random.Generator, names: Iterable[str], count: int) -> list[str]:
    """``count`` different ones of ``names`` in random order."""
    every = list(names)
    return [every[int(place)] for place in rng.choice(len(every), count, replace=False)]


def spread(
    rng: np.random.Generator, count: int, low: Sequence[float], high: Sequence[float], gap: float
) -> Array | None:
    """``count`` spots ``[count, 2]`` in a rectangle, any two at least ``gap`` apart; None if that was not found."""
    for _ in range(30):
        spots = rng.uniform(low, high, (count, 2))
        apart = np.linalg.norm(spots[:, None] - spots[None], axis=2) + np.eye(count) * 1e9
        if apart.min() >= gap:
            return spots
    return None
