"""Relative Direction: where a thing is as seen from another one, from the camera or from above."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.parts.seen import (
    GREYS,
    MOST_COVERED,
    PAINTS,
    Array,
    ball,
    covers,
    cube,
    first,
    floor,
    in_sight,
    pick,
    picture,
    seen_middle,
    seen_well,
)
from assay.envs.spatial_tree.parts.stage import (
    FACED,
    LOOSE,
    WAYS,
    arrow_on_floor,
    bearing,
    first_names,
    heading_of,
    moved,
    nearest_name,
    onlooker,
    overhead,
    props,
    stage,
    unit,
)
from assay.envs.spatial_tree.question import Question, mcq

AHEAD = {
    "in front": 0.0, "to the left": 90.0, "behind": 180.0, "to the right": 270.0, "in front and to the left": 45.0,
    "behind and to the left": 135.0, "behind and to the right": 225.0, "in front and to the right": 315.0,
}  # fmt: skip
"""Directions round somebody: degrees counter-clockwise from straight ahead."""
FROM_CAMERA = {
    "farther away": 0.0, "to the left": 90.0, "nearer": 180.0, "to the right": 270.0,
    "farther away and to the left": 45.0, "nearer and to the left": 135.0, "nearer and to the right": 225.0,
    "farther away and to the right": 315.0,
}  # fmt: skip
"""Directions as a camera sees them: degrees counter-clockwise from where it looks."""
SIDES = {"to the left": 90.0, "to the right": 270.0, "behind you": 180.0}
QUARTERS = {
    "ahead to the left": 45.0, "behind to the left": 135.0, "behind to the right": 225.0, "ahead to the right": 315.0,
}  # fmt: skip
OFF_AXIS = {4: 14.0, 8: 6.0}
"""Degrees that the middle of a pair is off the camera's axis at most, where its rays and its axis nearly agree."""
LEAST_ARROW = 0.002
"""Of the picture: what shows of an arrow on the floor at least."""
GAP = 0.85
"""Metres between any two things at least."""


def from_above(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which direction of a picture taken from above one thing is from another."""
    names = first_names(WAYS, (2, 4, 4, 8, 8)[difficulty - 1])
    paints = ["red", "blue"] if difficulty == 1 else pick(rng, PAINTS, (2, 3, 4, 6)[difficulty - 2])
    across = (0.6, 0.55, 0.5, 0.42, 0.36)[difficulty - 1]
    right = pick(rng, names, 1)[0]
    angle = WAYS[right] + rng.uniform(-1, 1) * LOOSE[len(names)]
    move = rng.uniform(across * 1.4, across * (1.7 if difficulty < 3 else 2.6)) * unit(angle)
    room = np.array([1.5, 1.15]) - across / 2
    low, high = -room - np.minimum(move, 0), room - np.maximum(move, 0)
    base = rng.uniform(-0.1, 0.1, 2) if difficulty < 3 else rng.uniform(low, high)
    spots = [base + move, base]
    for _ in range(80):
        if len(spots) == len(paints):
            break
        spot = rng.uniform(-room, room)
        if min(np.linalg.norm(spot - each) for each in spots) > across * 1.35:
            spots.append(spot)
    else:
        return None
    made = [
        (ball if place % 2 == 0 else cube)(paint, across, (float(x), float(y), 0.0))
        for place, (paint, (x, y)) in enumerate(zip(paints, spots, strict=True))
    ]
    ground = floor(GREYS[int(rng.integers(len(GREYS)))])
    view = render(Scene((ground, *made), Light(shadow=False)), overhead(size, 1.4))

    def recheck() -> bool:
        one, two = (np.array(view.centroid(place)) for place in (1, 2))
        seen = np.degrees(np.arctan2(two[1] - one[1], one[0] - two[0]))
        return nearest_name(names, seen) == right

    text = f"The picture was taken from above. In which direction is the {made[0].name} from the {made[1].name}?"
    return _asked(rng, text, view, names, right, recheck)


def own_frame(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where a thing is as seen from another one that faces somewhere; an arrow shows that up to difficulty 2."""
    names = first_names(AHEAD, 4 if difficulty < 4 else 8)
    right = pick(rng, names, 1)[0]
    camera = onlooker(rng, size)
    more = (0, 0, 1, 2, 3)[difficulty - 1]
    paints = pick(rng, COLOURS, more + 2)
    facing = thing(pick(rng, FACED, 1)[0], paints[0], fit=0.8)
    things = [facing, *props(rng, np.zeros((more + 1, 2)), paints=paints[1:])]
    off = names[right] + rng.uniform(-1, 1) * LOOSE[len(names)]

    def laid() -> list[Thing] | None:
        yaw, base = rng.uniform(0, 360), rng.uniform((-0.6, -0.7), (0.8, 0.7))
        spots = _joined(rng, [base, base + rng.uniform(0.9, 1.5) * unit(yaw + off)], more)
        placed = None if spots is None else _set_out(camera, things, spots, yaw)
        if placed is None or difficulty > 2:
            return placed
        arrow = arrow_on_floor(np.array(placed[0].at[:2]) + 0.4 * unit(yaw), yaw)
        return [*placed, arrow] if covers(camera, [arrow, *placed])[0] <= MOST_COVERED else None

    set_out = first(laid)
    if set_out is None:
        return None
    shown, placed = stage(rng, set_out), set_out[: more + 2]
    view = seen_well(shown, camera, range(1, len(placed) + 1))
    if view is None or (difficulty < 3 and view.share(len(placed) + 1) < LEAST_ARROW):
        return None

    def recheck() -> bool:
        seen = _round_look(Scene((placed[1],)), placed[0].at, turned(placed[0].turn)[:, 0], len(names))
        return nearest_name(names, seen) == right

    hint = " The arrow on the floor shows which way that is." if difficulty < 3 else ""
    text = f"Look from where the {facing.name} is, the way it faces.{hint} Where is the {things[1].name}?"
    return _asked(rng, text, view, names, right, recheck)


def camera_frame(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where a thing is from another one as the camera sees it: to its left or right, nearer or farther."""
    names = first_names(FROM_CAMERA, 4 if difficulty < 4 else 8)
    right = pick(rng, names, 1)[0]
    camera = onlooker(rng, size)
    off = unit(heading_of(camera) + names[right] + rng.uniform(-1, 1) * LOOSE[len(names)] * 0.7)
    things = props(rng, np.zeros((difficulty + 1, 2)))

    def laid() -> list[Thing] | None:
        middle, move = rng.uniform((-0.5, -1.0), (0.8, 1.0)), rng.uniform(0.9, 1.5) * off
        x, _, z = camera.local((*middle, 0.0))
        if abs(np.degrees(np.arctan2(x, z))) > OFF_AXIS[len(names)]:
            return None
        spots = _joined(rng, [middle + move / 2, middle - move / 2], difficulty - 1)
        return None if spots is None else _set_out(camera, things, spots)

    placed = first(laid)
    view = None if placed is None else seen_well(stage(rng, placed), camera, range(1, len(placed) + 1))
    if view is None:
        return None

    def recheck() -> bool:
        one, two = (seen_middle(view, camera, place) for place in (1, 2))
        return nearest_name(names, bearing(camera, one - two)) == right

    text = f"As the camera sees them, where is the {things[0].name} from the {things[1].name}?"
    return _asked(rng, text, view, names, right, recheck)


def standing_facing(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where a third thing is for somebody who stands at one and faces another."""
    names = SIDES if difficulty < 3 else QUARTERS
    right = pick(rng, names, 1)[0]
    camera = onlooker(rng, size)
    off = names[right] + rng.uniform(-1, 1) * LOOSE[4]
    things = props(rng, np.zeros((difficulty + 2, 2)), 0.7)

    def laid() -> list[Thing] | None:
        heading, base = rng.uniform(0, 360), rng.uniform((-0.7, -0.8), (0.9, 0.8))
        ahead, aside = (rng.uniform(0.9, 1.6) * unit(angle) for angle in (heading, heading + off))
        spots = _joined(rng, [base, base + ahead, base + aside], difficulty - 1)
        return None if spots is None else _set_out(camera, things, spots)

    placed = first(laid)
    view = None if placed is None else seen_well(stage(rng, placed), camera, range(1, len(placed) + 1))
    if view is None:
        return None

    def recheck() -> bool:
        stand, ahead, asked = (seen_middle(view, camera, place)[:2] for place in (1, 2, 3))
        (ax, ay), (bx, by) = ahead - stand, asked - stand
        seen = np.degrees(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
        return nearest_name(names, seen) == right

    text = f"You stand at the {things[0].name} and face the {things[1].name}. Where is the {things[2].name}?"
    return _asked(rng, text, view, names, right, recheck)


def _set_out(camera: Camera, things: list[Thing], spots: Array, yaw: float | None = None) -> list[Thing] | None:
    """The things at their spots, the first turned to ``yaw`` if that is given; None where they hide each other."""
    leader = moved(things[0], spots[0], yaw)
    placed = [leader, *(moved(each, spot) for each, spot in zip(things[1:], spots[1:], strict=True))]
    return placed if in_sight(camera, placed) else None


def _joined(rng: np.random.Generator, spots: list[Array], more: int) -> Array | None:
    """Those spots and ``more`` at random, all on the stage and apart; None if they are not."""
    for _ in range(60):
        if more == 0:
            break
        spot = rng.uniform((-1.5, -1.5), (1.8, 1.5))
        if min(np.linalg.norm(spot - each) for each in spots) > GAP:
            spots, more = [*spots, spot], more - 1
    every = np.stack(spots)
    gaps = np.linalg.norm(every[:, None] - every[None], axis=2) + 9 * np.eye(len(every))
    return None if more or gaps.min() < GAP or (np.abs(every - (0.15, 0)) > (1.75, 1.6)).any() else every


def _round_look(scene: Scene, at: Sequence[float], front: Array, count: int) -> float:
    """Degrees from ``front``, counter-clockwise, of the one of ``count`` cameras round a spot that sees most of it."""
    yaw = float(np.degrees(np.arctan2(front[1], front[0])))
    eye, vfov = (at[0], at[1], 0.35), 360 / count
    cameras = [Camera.heading(eye, yaw + turn * vfov, vfov=vfov, width=64, height=64) for turn in range(count)]
    return vfov * int(np.argmax([(render(scene, camera).ids == 0).sum() for camera in cameras]))


def _asked(
    rng: np.random.Generator, text: str, view: View, names: Mapping[str, float], right: str,
    recheck: Callable[[], bool],
) -> Question:  # fmt: skip
    return mcq(rng, text, [picture(view)], right, [name for name in names if name != right], recheck)


TEMPLATES = (from_above, own_frame, camera_frame, standing_facing)
