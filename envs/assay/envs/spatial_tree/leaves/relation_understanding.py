"""Relation understanding: what two pictures have to do with each other, yes or no."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Scene, render
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import (
    clear,
    from_above,
    picture,
    spots,
)
from assay.envs.spatial_tree.parts.polycube import chiral, cubes, mirrored, same_hand, shown_well, turned_about
from assay.envs.spatial_tree.question import Question

APART = 0.9
"""Least distance between things, and from where a thing was to where it is, metres."""
_CAPTIONS = ("Picture 1:", "Picture 2:")


def same_place(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Whether two views show one and the same arrangement of things."""
    count = (4, 4, 5, 5, 6)[difficulty - 1]
    places = spots(rng, count, (1.7, 1.7), 1.15)
    if places is None:
        return None
    yaws = rng.uniform(0, 360, count)
    who = cast(rng, count)
    same = bool(rng.random() < 0.5)
    # Fewer things change place, the harder it is to tell.
    few = (4, 4, 3, 3, 2)[difficulty - 1]
    order = np.arange(count)
    changed = rng.choice(count, few, replace=False)
    order[changed] = np.roll(changed, 1)
    other = places if same else places[order]
    start = rng.uniform(0, 360)
    turn = float(rng.uniform(*((20, 45), (40, 70), (60, 100), (90, 140), (120, 180))[difficulty - 1]))
    turn *= float(rng.choice((-1, 1)))
    first, second = around(start, size), around(start + turn, size)
    room = stage(rng, [put(each, at, yaw) for each, at, yaw in zip(who, places, yaws, strict=True)])
    again = Scene((*(put(each, at, yaw) for each, at, yaw in zip(who, other, yaws, strict=True)), room.things[-1]),
                  room.light)  # fmt: skip
    text = ("Two pictures, taken from different sides. Do both show the same arrangement, with every thing standing in "
            "the same place as before?")  # fmt: skip
    return _two(text, same, ((room, first), (again, second)), range(count))


def was_it_moved(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Whether a thing was moved while the camera moved."""
    count = (4, 4, 5, 5, 6)[difficulty - 1]
    places = spots(rng, count + 2, (1.7, 1.7), 1.0)
    if places is None:
        return None
    least = (2.0, 1.7, 1.4, 1.2, 1.0)[difficulty - 1]
    yaws = rng.uniform(0, 360, count)
    who = cast(rng, count)
    yes = bool(rng.random() < 0.5)
    # From difficulty 4 on something else may be moved too, so that "something moved" answers nothing.
    decoy = difficulty >= 4 and bool(rng.random() < 0.5)
    if min(np.linalg.norm(places[0] - places[count]), np.linalg.norm(places[1] - places[count + 1])) < least:
        return None
    later = places[:count].copy()
    if yes:
        later[0] = places[count]
    if decoy:
        later[1] = places[count + 1]
    start = rng.uniform(0, 360)
    turn = float(rng.uniform(*((15, 30), (25, 45), (40, 70), (60, 100), (90, 140))[difficulty - 1]))
    turn *= float(rng.choice((-1, 1)))
    things = [put(each, at, yaw) for each, at, yaw in zip(who, places, yaws, strict=False)]
    room = stage(rng, things)
    again = Scene((*(put(each, at, yaw) for each, at, yaw in zip(who, later, yaws, strict=True)), room.things[-1]),
                  room.light)  # fmt: skip
    text = (f"Between the two pictures the camera moved to another side. Most things stayed where they were. "
            f"Was the {things[0].name} moved to another place?")  # fmt: skip
    views = ((room, around(start, size)), (again, around(start + turn, size)))
    return _two(text, yes, views, range(count), only=0)


def same_thing_turned(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Whether the second figure of cubes is the first one turned, or its mirror image turned."""
    same = bool(rng.random() < 0.5)
    camera = Camera.looking((-7.5, 0, 3.4), (0, 0, 0), vfov=44.0, width=size, height=size * 3 // 4)
    # Many figures hide a cube; those tried here are all for one truth, so that neither is drawn more often.
    pair = next((pair for pair in (_figures(rng, difficulty, same) for _ in range(40))
                 if pair and all(shown_well(figure, camera) for figure in pair)), None)  # fmt: skip
    if pair is None:
        return None
    before, after = pair
    text = ("Two figures made of cubes. Is the second figure the first one merely turned (yes), or is it a mirror "
            "image that no turning makes the same (no)?")  # fmt: skip
    images = [picture(render(scene, camera)) for scene in (before, after)]
    return _question(text, same, images, lambda: same_hand(before, after) == same)


def _figures(rng: np.random.Generator, difficulty: int, same: bool) -> tuple[Scene, Scene] | None:
    """A figure and, turned, itself or its mirror image."""
    cells = chiral(rng, (6, 7, 8, 9, 10)[difficulty - 1])
    if cells is None:
        return None
    turn = float(rng.uniform(*((30, 60), (50, 90), (60, 120), (60, 180), (60, 180))[difficulty - 1]))
    first = turned_about(rng, 0.0, 0.0)
    tilt = (0.0, 0.0, 25.0, 90.0, 180.0)[difficulty - 1]
    second = turned_about(rng, turn * float(rng.choice((-1, 1))), tilt) @ first
    return cubes(cells, first), cubes(cells if same else mirrored(cells), second)


def _two(
    text: str, yes: bool, views: Sequence[tuple[Scene, Camera]], named: range, only: int | None = None
) -> Question | None:
    """A question on two scenes; ``only``: the one thing it is about, and then yes is that it moved."""
    if not all(clear(scene, camera, named) for scene, camera in views):
        return None

    def recheck() -> bool:
        before, after = (from_above(scene, named) for scene, _ in views)
        gaps = np.array([np.linalg.norm(before[k] - after[k]) for k in named])
        return bool(gaps[only] > APART / 2) == yes if only is not None else bool(gaps.max() < APART / 2) == yes

    return _question(text, yes, [picture(render(scene, camera)) for scene, camera in views], recheck)


def _question(text: str, yes: bool, images: Sequence[object], recheck: Callable[[], bool]) -> Question:
    said = "yes" if yes else "no"
    ask = "Answer yes or no only."
    return Question(text, images, {"answer": said}, said, ask, recheck, (), "yesno", _CAPTIONS)  # type: ignore[arg-type]


TEMPLATES = (same_place, was_it_moved, same_thing_turned)
