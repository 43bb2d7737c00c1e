"""What the abilities of mental mapping (L2) share: spots, words, what shows clearly, and where things truly stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Light, Scene, Thing, View, render
from assay.envs.spatial_tree.question import LETTERS, Question

Array = npt.NDArray[np.float64]

SHARE = 0.004
"""Least share of the picture of whatever a question names."""
OPEN = 0.6
"""Least share of its own pixels that nothing hides."""
PLAIN = Light(shadow=False, smooth=False)
"""The quickest light."""
_QUICK = 128
"""Width of the pictures in which only the segmentation counts, pixels."""


def the(thing: Thing) -> str:
    """How a question names it."""
    return f"the {thing.name}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def picture(view: View) -> Image.Image:
    """The colours of a view."""
    return Image.fromarray(view.rgb)


def flat(scene: Scene) -> Scene:
    """The scene without shadows and smooth edges: for whoever asks only where things are."""
    return Scene(scene.things, PLAIN)


def quick(camera: Camera) -> Camera:
    """The same view in few pixels."""
    return replace(camera, width=_QUICK, height=max(1, round(_QUICK * camera.height / camera.width)))


def clear(scene: Scene, camera: Camera, places: Iterable[int], share: float = SHARE, unhidden: float = OPEN) -> bool:
    """Whether each of those things fills enough of the picture and is hidden little, by others or the picture's rim."""
    named = list(places)
    boxes = [_box(scene.things[place], camera) for place in named]
    if any(_inside(box, camera) < unhidden for box in boxes):  # cheap, and most of what is refused is refused here
        return False
    small = quick(camera)
    seen = render(flat(scene), small)
    return all(
        seen.share(place) >= share and _unhidden(scene.things[place], seen, place, small, box) >= unhidden
        for place, box in zip(named, boxes, strict=True)
    )


def _box(thing: Thing, camera: Camera) -> Array:
    """Left, top, right, bottom of what a thing spans in the picture, pixels; NaN where part of it is behind."""
    pixels = camera.project(thing.corners())[:, :2]
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def _inside(box: Array, camera: Camera) -> float:
    """The share of a box that lies within the picture."""
    if np.isnan(box).any():
        return 0.0
    cut = np.clip(box, 0, [camera.width, camera.height] * 2)
    return float(np.prod(cut[2:] - cut[:2])) / max(float(np.prod(box[2:] - box[:2])), 1e-9)


def _unhidden(thing: Thing, seen: View, place: int, camera: Camera, box: Array) -> float:
    if _inside(box, camera) < 0.999:
        # A picture twice as wide at the same focal length also counts what the rim cuts off.
        camera = replace(camera, width=camera.width * 2, height=camera.height * 2, vfov=_doubled(camera.vfov))
    alone = int((render(Scene((thing,), PLAIN), camera).ids == 0).sum())
    return float((seen.ids == place).sum() / max(alone, 1))


def _doubled(vfov: float) -> float:
    return float(2 * np.degrees(np.arctan(2 * np.tan(np.radians(vfov) / 2))))


def spots(
    rng: np.random.Generator, count: int, half: tuple[float, float], gap: float, taken: Sequence[Array] = ()
) -> Array | None:
    """That many places (x, y) at least ``gap`` metres apart within +-``half``; None where the draw finds no room.

    Places in ``taken`` are kept away from too and not returned.
    """
    found = list(taken)
    for _ in range(60 * count):
        if len(found) == count + len(taken):
            break
        spot = rng.uniform(-1, 1, 2) * half
        if all(np.linalg.norm(spot - other) >= gap for other in found):
            found.append(spot)
    return np.array(found[len(taken) :]).reshape(-1, 2) if len(found) == count + len(taken) else None


def from_above(scene: Scene, places: Sequence[int], reach: float = 6.0) -> dict[int, Array]:
    """Where things stand (x, y, metres), from the segmentation and depth of a picture taken high above the middle.

    Things that do not show from there, such as what stands under a table, are left out.
    """
    height = 40.0
    vfov = float(2 * np.degrees(np.arctan(reach / height)))
    camera = Camera.posed((0, 0, height), ((1, 0, 0), (0, -1, 0), (0, 0, -1)), vfov=vfov, width=320, height=320,
                          near=20.0, far=60.0)  # fmt: skip
    seen = render(flat(scene), camera)
    found = {}
    for place in places:
        points = points_of(seen, camera, place)
        if len(points):
            found[place] = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
    return found


def points_of(view: View, camera: Camera, place: int) -> Array:
    """The points in the world of every pixel that shows a thing: ``[n, 3]``, metres."""
    rows, columns = np.nonzero(view.ids == place)
    return camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])


def exploded(thing: Thing) -> tuple[Thing, ...]:
    """Its parts as things of their own, so that a segmentation tells them apart."""
    return tuple(Thing(f"part {number}", (part,), thing.at, thing.turn) for number, part in enumerate(thing.parts))


def moved(thing: Thing, **changes: Any) -> Thing:
    """The thing with other fields."""
    return replace(thing, **changes)


def side(ahead: Array, offset: Array) -> float:
    """Degrees counter-clockwise seen from above (so positive is left) from a heading to an offset, -180 to 180."""
    turn = np.arctan2(offset[1], offset[0]) - np.arctan2(ahead[1], ahead[0])
    return float(np.degrees((turn + np.pi) % (2 * np.pi) - np.pi))


def heading(yaw: float) -> Array:
    """The direction (x, y) of a yaw in degrees."""
    return np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])


def away(spot: Array, start: Array, end: Array) -> float:
    """The distance from a point to the stretch between two others."""
    line = end - start
    part = float(np.clip((spot - start) @ line / (line @ line), 0, 1))
    return float(np.linalg.norm(start + part * line - spot))


def lettered(
    text: str, images: Sequence[Image.Image], captions: Sequence[str], right: int, names: Sequence[str],
    recheck: Callable[[], bool],
) -> Question:  # fmt: skip
    """A multiple-choice question whose options keep the order in which the pictures show them."""
    letter = LETTERS[right]
    ask = "Answer with the letter of the right option only."
    truth = {"answer": letter, "choices": list(names)}
    return Question(text, images, truth, letter, ask, recheck, tuple(names), "mcq", tuple(captions))
