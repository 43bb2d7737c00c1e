"""3D Detection: which box in space a thing fills, and what a box holds."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Thing
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.engine.visibility import framed
from assay.envs.spatial_tree.parts.boxes import Box, outlined, overlap, silhouette
from assay.envs.spatial_tree.parts.seen import Array, covers, first, in_sight, picture, seen_well, spread, surface
from assay.envs.spatial_tree.parts.stage import moved, onlooker, props, stage, told_camera, unit
from assay.envs.spatial_tree.question import Question, mcq

LOW, HIGH = (-1.3, -1.4), (1.7, 1.4)
STAND_CLEAR = 0.25
"""Of a place where a thing might stand: what any other thing covers of it in the picture at most."""
BORDER = 0.12
"""Metres between the box of a thing and the border of an area in which things are counted."""
CHUNKY = (
    "ball", "cube", "cylinder", "cone", "die", "drum", "gift", "crate", "barrel", "cake", "mushroom", "apple", "teapot",
    "castle tower", "washing machine", "stove", "chair", "bucket",
)  # fmt: skip
"""Kinds that are large in the picture though they are small, and stand on about as much as they are wide."""
LEAST_SEEN = 0.85
"""Of a thing whose box is asked for: the share unhidden."""


def box_in_numbers(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four boxes, told in metres in the camera's frame, a thing fills."""
    camera = onlooker(rng, size)
    gap = (1.3, 1.1, 0.9, 0.7, 0.5)[difficulty - 1]
    things = props(rng, np.zeros((difficulty, 2)))

    def laid() -> tuple[list[Thing], list[Thing]] | None:
        # Four places of one kind, all of which could be the right one; the numbers alone tell nothing.
        spots = spread(rng, 4, LOW, HIGH, gap)
        if spots is None:
            return None
        ghosts = [moved(things[0], spot) for spot in spots]
        others = _clear(rng, camera, ghosts, things[1:]) if in_sight(camera, ghosts, 1.0) else None
        return None if others is None else (ghosts, others)

    found = first(laid)
    if found is None:
        return None
    ghosts, others = found
    right = int(rng.integers(4))
    view = seen_well(stage(rng, [ghosts[right], *others]), camera, [1], LEAST_SEEN)
    if view is None:
        return None
    told = [_limits(camera, ghost) for ghost in ghosts]

    def recheck() -> bool:
        points = camera.local(surface(view, camera, 1))
        scores = []
        for text in told:
            low, high = np.array(re.findall(r"-?\d+\.\d+", text), dtype=float).reshape(3, 2).T
            inside = ((points >= low - 0.03) & (points <= high + 0.03)).all(axis=1)
            scores.append(inside.mean())
        return int(np.argmax(scores)) == right

    text = f"{told_camera(camera)} Which box is round the {things[0].name}?"
    return mcq(rng, text, [picture(view)], told[right], [each for each in told if each != told[right]], recheck)


def box_drawn(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which of four pictures a box is drawn as it stands round a thing; the others are moved, turned or resized."""
    camera = onlooker(rng, size)
    things = props(rng, np.zeros((difficulty, 2)), 0.95)

    def laid() -> list[Thing] | None:
        spots = spread(rng, difficulty, LOW, HIGH, 0.95)
        if spots is None:
            return None
        placed = [moved(each, spot) for each, spot in zip(things, spots, strict=True)]
        return placed if framed(camera, placed[0]) and covers(camera, placed)[0] <= STAND_CLEAR / 2 else None

    placed = first(laid)
    view = None if placed is None else seen_well(stage(rng, placed), camera, [1], LEAST_SEEN)
    if placed is None or view is None:
        return None
    true = Box.round(placed[0])
    most = (0.4, 0.48, 0.56, 0.63, 0.7)[difficulty - 1]
    boxes, masks = [true], [silhouette(camera, true)]
    for _ in range(150):
        if len(boxes) == 4:
            break
        other = _changed(rng, true)
        mask = silhouette(camera, other)
        if most - 0.35 <= overlap(masks[0], mask) <= most and max(overlap(mask, each) for each in masks) <= 0.85:
            boxes.append(other)
            masks.append(mask)
    else:
        return None
    order = [int(place) for place in rng.permutation(4)]
    right = order.index(0)
    images = [outlined(picture(view), camera, boxes[place]) for place in order]

    def recheck() -> bool:
        points = surface(view, camera, 1)
        return int(np.argmax([boxes[place].fits(points) for place in order])) == right

    text = f"In which picture is the yellow box drawn exactly round the {things[0].name}, as it stands in space?"
    return mcq(rng, text, images, f"picture {right + 1}", [f"picture {k + 1}" for k in range(4) if k != right], recheck,
               [f"Picture {number}:" for number in range(1, 5)])  # fmt: skip


def inside_box(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of several things is inside a box drawn as a frame in space; from difficulty 3 others show through it."""
    count = difficulty + 2
    right = int(rng.integers(count))
    camera = onlooker(rng, size)
    things = props(rng, np.zeros((count, 2)), 0.6)
    yaw = rng.uniform(-45, 45)

    def laid() -> tuple[list[Thing], Box] | None:
        spots = spread(rng, count, LOW, HIGH, 0.75)
        if spots is None:
            return None
        placed = [moved(each, spot) for each, spot in zip(things, spots, strict=True)]
        x, y = spots[right] + rng.uniform(-0.06, 0.06, 2)
        frame = Box((float(x), float(y), 0.4), (0.85, 0.85, 0.8), yaw)
        rest = [each.corners() for place, each in enumerate(placed) if place != right]
        if any((np.abs(frame.within(corners)[:, :2]) < 1.05).all(axis=1).any() for corners in rest):
            return None
        if not in_sight(camera, placed) or (difficulty > 2 and not any(_behind(camera, frame, each) for each in rest)):
            return None
        return placed, frame

    found = first(laid, 200)
    if found is None:
        return None
    placed, frame = found
    places = range(1, count + 1)
    view = seen_well(stage(rng, placed), camera, places)
    if view is None:
        return None

    def recheck() -> bool:
        shares = [(np.abs(frame.within(surface(view, camera, place))) <= 1).all(axis=1).mean() for place in places]
        return int(np.argmax(shares)) == right and sum(share > 0.5 for share in shares) == 1

    names = [f"the {each.name}" for each in placed]
    others = [name for name in names if name != names[right]]
    image = outlined(picture(view), camera, frame)
    text = "The yellow lines are the edges of a box that stands on the floor. Which thing is inside the box?"
    return mcq(rng, text, [image], names[right], others, recheck)


def count_inside(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How many things stand inside a large box that is drawn as a frame in space."""
    count = (4, 5, 5, 6, 6)[difficulty - 1]
    right = int(rng.integers(1, 5))
    camera = onlooker(rng, size)
    x, y = rng.uniform((-0.2, -0.3), (0.4, 0.3))
    frame = Box((float(x), float(y), 0.25), (1.6, 1.6, 0.5), float(rng.uniform(-45, 45)))
    things = props(rng, np.zeros((count, 2)), 0.5, CHUNKY)
    order = rng.permutation(count)

    def laid() -> list[Thing] | None:
        placed: list[Thing] = []
        for each in things:
            held = len(placed) < right
            found = first(lambda: _counted(camera, frame, moved(each, _spot(rng, frame, held)), held, placed), 30)  # noqa: B023
            if found is None:
                return None
            placed.append(found)
        return [placed[int(place)] for place in order] if in_sight(camera, placed) else None

    placed = first(laid, 40)
    view = None if placed is None else seen_well(stage(rng, placed), camera, range(1, count + 1))
    if view is None:
        return None

    def recheck() -> bool:
        middles = [np.median(surface(view, camera, place), axis=0) for place in range(1, count + 1)]
        return int((np.abs(frame.within(np.stack(middles))[:, :2]) <= 1).all(axis=1).sum()) == right

    image = outlined(picture(view), camera, frame)
    text = "The yellow lines are the edges of a box that stands on the floor. How many things are inside the box?"
    return mcq(rng, text, [image], str(right), [str(number) for number in range(1, 5) if number != right], recheck)


def _clear(rng: np.random.Generator, camera: Camera, ghosts: list[Thing], others: list[Thing]) -> list[Thing] | None:
    """``others`` where none covers much of any place in ``ghosts``, so that no place is shown more often."""
    placed: list[Thing] = []
    for other in others:
        for _ in range(60):
            each = moved(other, rng.uniform(LOW, HIGH))
            apart = min(float(np.linalg.norm(np.subtract(each.at, ghost.at))) for ghost in (*ghosts, *placed))
            if apart > 0.75 and all(covers(camera, [ghost, each])[0] <= STAND_CLEAR for ghost in ghosts):
                placed.append(each)
                break
        else:
            return None
    return placed


def _limits(camera: Camera, thing: Thing) -> str:
    """Least and greatest x, y, z of a thing's box in the camera's frame, metres, as an option."""
    ends = camera.local(thing.corners())
    spans = zip("xyz", ends.min(axis=0), ends.max(axis=0), strict=True)
    return ", ".join(f"{axis} {low:.2f} to {high:.2f}" for axis, low, high in spans)


def _changed(rng: np.random.Generator, box: Box) -> Box:
    """The box moved over the floor, turned, or made larger or smaller, still standing on the floor."""
    x, y, z = box.middle
    a, b, c = box.size
    change = int(rng.integers(3))
    if change == 0:
        aside = rng.uniform(0.3, 0.8) * max(a, b) * unit(rng.uniform(0, 360))
        return replace(box, middle=(x + float(aside[0]), y + float(aside[1]), z))
    if change == 1:
        return replace(box, yaw=box.yaw + float(rng.choice((-1, 1)) * rng.uniform(35, 90)))
    low, high = ((0.5, 0.72), (1.35, 1.8))[int(rng.integers(2))]
    fx, fy, fz = rng.uniform(low, high, 3)
    return Box((x, y, z * fz), (a * fx, b * fy, c * fz), box.yaw)


def _behind(camera: Camera, frame: Box, corners: Array) -> bool:
    """Whether the middle of a thing outside the frame shows within its outline."""
    x, y, _ = camera.project(corners.mean(axis=0))
    mask = silhouette(camera, frame)
    return bool(0 <= y < camera.height and 0 <= x < camera.width and mask[int(y), int(x)])


def _spot(rng: np.random.Generator, frame: Box, held: bool) -> Array:
    """A spot inside a frame or anywhere on the stage."""
    if not held:
        return rng.uniform((-1.5, -1.9), (2.4, 1.9))
    inner = np.array([*rng.uniform(-0.6, 0.6, 2), 0.0]) * np.array(frame.size) / 2
    spot: Array = (turned((0, 0, frame.yaw)) @ inner)[:2] + np.array(frame.middle[:2])
    return spot


def _counted(camera: Camera, frame: Box, each: Thing, held: bool, placed: list[Thing]) -> Thing | None:
    """The thing, if it is clearly inside or outside the frame and apart from the others."""
    local = frame.within(each.corners())[:, :2]
    low, high, reach = local.min(axis=0), local.max(axis=0), 2 * BORDER / np.array(frame.size[:2])
    inside = bool((low > reach - 1).all() and (high < 1 - reach).all())
    outside = bool((high < -1 - reach).any() or (low > 1 + reach).any())
    apart = all(np.hypot(*np.subtract(each.at, other.at)[:2]) >= 0.45 for other in placed)
    return each if apart and (inside if held else outside) and framed(camera, each) else None


TEMPLATES = (box_in_numbers, box_drawn, inside_box, count_inside)
