"""What a view shows, measured from its pixels alone; and the plain stages on which single things are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render

Array = npt.NDArray[np.float64]
PAINTS: Mapping[str, tuple[float, float, float]] = {
    "red": (0.85, 0.08, 0.08), "blue": (0.1, 0.2, 0.9), "green": (0.05, 0.6, 0.15), "yellow": (0.98, 0.85, 0.05),
    "purple": (0.55, 0.1, 0.7), "orange": (1.0, 0.45, 0.0), "white": (0.95, 0.95, 0.95), "black": (0.06, 0.06, 0.06),
}  # fmt: skip
GREYS = ((0.62, 0.58, 0.52), (0.55, 0.6, 0.62), (0.68, 0.66, 0.62), (0.5, 0.52, 0.5))
LEAST_SHARE = 0.004
"""Of the picture: what a thing that a question names shows at least."""
LEAST_UNHIDDEN = 0.6
"""Of a thing's own pixels: what is not hidden by others at least."""


def picture(view: View) -> Image.Image:
    """The view as an image."""
    return Image.fromarray(view.rgb)


def surface(view: View, camera: Camera, place: int) -> Array:
    """World points ``[n, 3]`` of the pixels that show a thing, metres, from the depth that was rendered."""
    rows, columns = np.nonzero(view.ids == place)
    return camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])


def seen_middle(view: View, camera: Camera, place: int) -> Array:
    """The middle of the box round what is seen of a thing, in the world, metres ``[3]``; NaN where it is not seen."""
    points = surface(view, camera, place)
    if not len(points):
        return np.full(3, np.nan)
    found: Array = (points.min(axis=0) + points.max(axis=0)) / 2
    return found


def whole(camera: Camera, thing: Thing, margin: float = 0.0) -> bool:
    """Whether the box of a thing is inside the picture, ``margin`` of the shorter side away from its border."""
    seen = camera.project(thing.corners())
    edge = margin * min(camera.width, camera.height)
    return bool(
        (seen[:, 2] > camera.near).all()
        and (seen[:, 0] >= edge).all() and (seen[:, 0] <= camera.width - edge).all()
        and (seen[:, 1] >= edge).all() and (seen[:, 1] <= camera.height - edge).all()
    )  # fmt: skip


def told(view: View, scene: Scene, camera: Camera, places: Sequence[int], share: float = LEAST_UNHIDDEN) -> bool:
    """Whether these things are seen well: each :data:`LEAST_SHARE` of the picture, and ``share`` of it not hidden."""
    if any(view.share(place) < LEAST_SHARE for place in places):
        return False
    covered = covers(camera, [scene.things[place] for place in places])
    loose = [place for place, part in zip(places, covered, strict=True) if part > 0]
    # The things that are not asked about, such as walls, may hide what no other named thing does.
    others = len(scene.things) - 1 > len(places)
    return all(unhidden(view, scene, camera, place) >= share for place in (places if others else loose))


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


def unhidden(view: View, scene: Scene, camera: Camera, place: int) -> float:
    """The share of a thing's pixels that no other thing hides."""
    alone = render(Scene((scene.things[place],), Light(shadow=False)), camera)
    pixels = float((alone.ids == 0).sum())
    return float((view.ids == place).sum()) / pixels if pixels else 0.0


def floor(colour: tuple[float, float, float], side: float = 40.0, texture: str = "") -> Thing:
    """A flat square round the origin, its top at height 0."""
    return Thing("floor", (Part("box", (side, side, 0.1), (0, 0, -0.05), colour=colour, texture=texture),))


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
