"""Distance: how far things are from the camera and from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.engine.visibility import fair, framed
from assay.envs.spatial_tree.parts.facing import STOUT
from assay.envs.spatial_tree.parts.seen import Array, pick, picture, seen_middle
from assay.envs.spatial_tree.parts.yard import PAINTS, PAVING, solid, standing, yard
from assay.envs.spatial_tree.question import Question, mcq, numeric

NEARER = (1.6, 1.5, 1.42, 1.35, 1.28)
"""By difficulty: the nearest is so many times nearer than the next, at least; of gaps, so many times smaller."""
FROM_CAMERA = (1.7, 12.0)
BETWEEN = (0.85, 5.2)
"""Metres; truths are spread evenly in the logarithm between these, whatever else a question says."""
_SLACK = 0.04  # of a second measurement, in a finer picture


def nearer(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of two to five things is nearest to the camera."""
    count = (2, 3, 3, 4, 5)[difficulty - 1]
    ratio = NEARER[difficulty - 1] * float(rng.uniform(1.0, 1.1))
    reaches = [1.0, ratio, *(ratio * rng.uniform(1.0, 1.5, count - 2))]
    least = float(rng.uniform(3.0, 3.4))
    things = _catalogue(rng, least * np.array(reaches), count)
    scene, camera = yard(rng, things), standing(size, pitch=-9.0, vfov=58.0)
    view = render(scene, camera)
    places = range(PAVING, PAVING + count)
    if not (all(framed(camera, each) for each in things) and fair(scene, camera, places, view, unoccluded=0.75)):
        return None
    gaps = [float(np.linalg.norm(each.middle() - camera.eye)) for each in things]
    if min(gaps[1:]) < 0.95 * NEARER[difficulty - 1] * gaps[0]:
        return None

    def recheck() -> bool:
        seen = render(scene, camera)
        return int(np.argmin([np.median(seen.depth[seen.ids == place]) for place in places])) == 0

    names = [f"the {each.name}" for each in things]
    which = "nearer" if count == 2 else "nearest"
    return mcq(rng, f"Which is {which} to the camera?", [picture(view)], names[0], names[1:], recheck)


def camera_distance(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How far along the ground a thing is from the camera, in metres, by the squares and the camera's height."""
    reach = _log_uniform(rng, FROM_CAMERA)
    vfov = float(rng.choice([50, 60, 70]))
    aside = (0.0, 0.1, 0.2, 0.25, 0.3)[difficulty - 1]
    paints, kinds = pick(rng, PAINTS, 4), rng.choice(["box", "pillar"], 4)
    reaches = [reach, *rng.uniform(2.0, 11.0, 3)][: max(1, difficulty - 1)]
    things = []
    for far, paint, kind in zip(reaches, paints, kinds, strict=False):
        turn = float(rng.uniform(-aside, aside))
        across, tall = rng.uniform(0.09, 0.13) * far, rng.uniform(0.1, 0.2) * far  # large ones are no nearer than small
        spot = (float(far * np.cos(turn)), float(far * np.sin(turn)))
        things.append(solid(str(kind), paint, float(across), float(tall), spot, float(rng.uniform(0, 90))))
    scene = yard(rng, things, rows=(-1, 14))
    camera = standing(size, 1.0, pitch=-10.0, vfov=vfov)
    view = render(scene, camera)
    if not (framed(camera, things[0]) and fair(scene, camera, [PAVING], view, unoccluded=0.95)):
        return None

    def recheck() -> bool:
        above = _from_above(things[0].at)
        found = seen_middle(render(scene, above), above, PAVING)[:2] - np.array(camera.eye[:2])
        return bool(abs(np.linalg.norm(found) / reach - 1) < _SLACK)

    text = (
        f"The camera is 1.00 m above level ground paved with squares of 1 m, and its vertical field of view is"
        f" {vfov:.0f} degrees. How far along the ground is the middle of the {things[0].name} from the point right"
        f" below the camera, in metres?"
    )
    return numeric(text, [picture(view)], reach, recheck)


def gap_between(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How far two things are from each other, in metres, on squares of one metre."""
    gap = _log_uniform(rng, BETWEEN)
    paints, kinds = pick(rng, PAINTS, 5), pick(rng, ("box", "pillar", "ball"), 2)
    turn = np.radians(90 if difficulty == 1 else rng.uniform(-80, 80) + 90 if difficulty < 4 else rng.uniform(0, 180))
    step = gap / 2 * np.array([np.cos(turn), np.sin(turn)])
    centre = np.array([rng.uniform(4.7, 5.3), rng.uniform(-0.4, 0.4)])
    pair = [
        solid(kind, paint, 0.62, 0.62, (float(x), float(y)), float(rng.uniform(0, 90)))
        for kind, paint, (x, y) in zip(kinds, paints, (centre + step, centre - step), strict=False)
    ]
    extras = [
        solid("ball", paint, 0.55, 0.55, (float(rng.uniform(3, 8)), float(rng.uniform(-2.4, 2.4))))
        for paint in paints[2:]
    ][: max(0, difficulty - 2)]
    spots = np.array([each.at[:2] for each in (*pair, *extras)])
    if (np.linalg.norm(spots[:, None] - spots[None], axis=2) + 9 * np.eye(len(spots))).min() < 0.8:
        return None
    scene, camera = yard(rng, [*pair, *extras], rows=(0, 12)), standing(size, 3.2, pitch=-31.0, vfov=50.0)
    view = render(scene, camera)
    places = (PAVING, PAVING + 1)
    if not (all(framed(camera, each) for each in pair) and fair(scene, camera, places, view, unoccluded=0.8)):
        return None

    def recheck() -> bool:
        above = _from_above(centre)
        seen = render(scene, above)
        found = [seen_middle(seen, above, place)[:2] for place in places]
        return bool(abs(np.linalg.norm(found[0] - found[1]) / gap - 1) < _SLACK)

    text = (
        f"The squares of the ground have sides of 1 m. How far is the middle of the {pair[0].name} from the middle of"
        f" the {pair[1].name}, in metres?"
    )
    return numeric(text, [picture(view)], gap, recheck)


def closest_neighbour(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of some things is closest to another thing."""
    count = (2, 3, 3, 4, 5)[difficulty - 1]
    ratio = NEARER[difficulty - 1] * float(rng.uniform(1.0, 1.1))
    gaps = float(rng.uniform(0.95, 1.1)) * np.array([1.0, ratio, *(ratio * rng.uniform(1.0, 1.4, count - 2))])
    turns = np.radians(rng.uniform(0, 360) + rng.permutation(count) * 360 / count + rng.uniform(-20, 20, count))
    centre = np.array([5.0, float(rng.uniform(-0.3, 0.3))])
    spots = centre + gaps[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    kinds, paints = pick(rng, STOUT, count + 1), pick(rng, COLOURS, count + 1)
    things = [
        thing(kind, paint, (float(x), float(y), 0.0), float(rng.uniform(0, 360)), fit=0.7)
        for kind, paint, (x, y) in zip(kinds, paints, [centre, *spots], strict=True)
    ]
    scene, camera = yard(rng, things, rows=(0, 12)), standing(size, 3.2, pitch=-32.0, vfov=39.0)
    view = render(scene, camera)
    places = range(PAVING, PAVING + count + 1)
    if not (all(framed(camera, each) for each in things) and fair(scene, camera, places, view, unoccluded=0.75)):
        return None

    apart = [float(np.linalg.norm((each.middle() - things[0].middle())[:2])) for each in things[1:]]
    if min(apart[1:]) < 0.95 * NEARER[difficulty - 1] * apart[0]:
        return None

    def recheck() -> bool:
        above = _from_above(centre)
        seen = render(scene, above)
        middles = [seen_middle(seen, above, place)[:2] for place in places]
        return int(np.argmin([np.linalg.norm(each - middles[0]) for each in middles[1:]])) == 0

    names = [f"the {each.name}" for each in things]
    text = f"Which is closest to {names[0]}, measured along the ground from middle to middle?"
    return mcq(rng, text, [picture(view)], names[1], names[2:], recheck)


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return round(float(np.exp(rng.uniform(*np.log(limits)))), 2)


def _catalogue(rng: np.random.Generator, reaches: Array, count: int) -> list[Thing]:
    """Things at these distances along the ground, each in a column of its own, as large in the picture far as near."""
    columns = rng.permutation(np.linspace(-0.44, 0.44, count)) * (1.0 if count > 2 else 0.6)
    kinds, paints = pick(rng, STOUT, count), pick(rng, COLOURS, count)
    return [
        thing(kind, paint, (float(reach), float(reach * column), 0.0), float(rng.uniform(0, 360)),
              fit=float(rng.uniform(0.15, 0.24) * reach))
        for kind, paint, reach, column in zip(kinds, paints, reaches, columns, strict=True)
    ]  # fmt: skip


def _from_above(centre: Sequence[float] | Array) -> Camera:
    """Straight down on the yard, with up in the picture along +x."""
    axes = ((0, -1, 0), (-1, 0, 0), (0, 0, -1))
    return Camera.posed((float(centre[0]), float(centre[1]), 30.0), axes, vfov=18.0, width=720, height=640, far=60.0)


TEMPLATES = (nearer, camera_distance, gap_between, closest_neighbour)
