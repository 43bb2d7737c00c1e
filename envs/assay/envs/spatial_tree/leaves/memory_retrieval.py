"""Memory retrieval: what an earlier picture of a clip showed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import Array, clear, flat, heading, picture, points_of, spots, the
from assay.envs.spatial_tree.question import Question, mcq

MAT = 0.95
"""Side of a mat, metres; a thing on it is 0.6 m at the most."""
STEP = 1.9
"""Distance between the things of a row that a camera passes one by one, metres."""


def where_was_it(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """On which mat a thing was so many pictures ago, or when something else was somewhere."""
    frames, count = (3, 4, 5, 6, 7)[difficulty - 1], (4, 5, 5, 6, 6)[difficulty - 1]
    inks = [list(COLOURS)[k] for k in rng.permutation(len(COLOURS))]
    angle = float(rng.uniform(0, 360))
    mats = [_mat(ink, 1.55 * heading(angle + 360 * k / count), angle) for k, ink in enumerate(inks[:count])]
    who = cast(rng, 2, fits=lambda kind: max(kind.size) < 2.5)
    walks = _walks(rng, frames, count)
    then = int(rng.integers(frames - 1))
    if walks is None or (difficulty >= 3 and int((walks[1] == walks[1][then]).sum()) > 1):
        return None
    actors = [(who[0][0], inks[count]), (who[1][0], inks[count + 1])][: 1 + (difficulty >= 3)]
    yaws = rng.uniform(0, 360, 2)
    room = stage(rng, mats)
    scenes = [
        room.plus([put(actor, np.array(mats[walk[k]].at[:2]), float(yaw), 0.6)
                   for actor, walk, yaw in zip(actors, walks, yaws, strict=False)])
        for k in range(frames)
    ]  # fmt: skip
    start, turn = float(rng.uniform(0, 360)), (0, 0, 0, 12, 22)[difficulty - 1] * float(rng.choice((-1, 1)))
    cameras = [around(start + turn * k, size, 4.8, 3.2) for k in range(frames)]
    movers = range(count + 1, count + 1 + len(actors))
    if not all(clear(scene, camera, movers, 0.003, 0.8) for scene, camera in zip(scenes, cameras, strict=True)):
        return None
    target = room.plus([]).things[walks[0][then]]
    ago = frames - 1 - then
    if difficulty >= 3:
        other = mats[walks[1][then]]
        when = f"while {the(scenes[0].things[count + 2])} was on {the(other)}"
        wrong = [the(mat) for mat in mats if mat not in (target, other)]
    else:
        when = "in the picture just before the last one" if ago == 1 else f"{ago} pictures before the last one"
        wrong = [the(mat) for mat in mats if mat != target]

    def recheck() -> bool:
        stood = [_mat_under(*each, count, movers) for each in zip(scenes, cameras, strict=True)]
        if difficulty < 3:
            return bool(stood[frames - 1 - ago][0] == target.name)
        found = [places[0] for places in stood if places[1] == other.name]
        return found == [target.name]

    asked = the(scenes[0].things[count + 1])
    text = f"Things stand on coloured mats and are moved between the pictures. Where was {asked} {when}?"
    picked = [wrong[k] for k in rng.permutation(len(wrong))[:3]]
    images = [picture(render(scene, camera)) for scene, camera in zip(scenes, cameras, strict=True)]
    return mcq(rng, text, images, the(target), picked, recheck, _numbered(frames))


def _mat(ink: str, at: Array, yaw: float) -> Thing:
    part = Part("box", (MAT, MAT, 0.02), (0, 0, 0.01), colour=COLOURS[ink])
    return Thing(f"{ink} mat", (part,), (float(at[0]), float(at[1]), 0.0), (0, 0, yaw), "mat", ink)


def _walks(rng: np.random.Generator, frames: int, count: int) -> npt.NDArray[np.int64] | None:
    """On which mat two things are in each picture: both move every time and never stand on one mat."""
    rows = [rng.permutation(count)[:2]]
    for _ in range(frames - 1):
        moves = [pair for pair in (rng.permutation(count)[:2] for _ in range(20)) if (pair != rows[-1]).all()]
        if not moves:
            return None
        rows.append(moves[0])
    found: npt.NDArray[np.int64] = np.array(rows).T
    return found


def _mat_under(scene: Scene, camera: Camera, count: int, movers: range) -> list[str]:
    """The mat nearest to each mover, both where the picture shows them."""
    seen = render(flat(scene), camera)
    spots_ = [points_of(seen, camera, place)[:, :2] for place in range(count)]
    found = []
    for place in movers:
        at = points_of(seen, camera, place)[:, :2].mean(axis=0)
        gaps = [np.linalg.norm(points - at, axis=1).min() if len(points) else np.inf for points in spots_]
        found.append(scene.things[int(np.argmin(gaps))].name)
    return found


def seen_after(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """What a camera that passes things one by one saw so many pictures before or after another thing."""
    count = (4, 5, 6, 7, 8)[difficulty - 1]
    who = cast(rng, count, alike=(0, 0, 1, 1, 2)[difficulty - 1])
    who = [who[k] for k in rng.permutation(count)]
    way = float(rng.choice((-1, 1)))
    things = [put(each, (0.0, way * STEP * k), float(rng.uniform(0, 360))) for k, each in enumerate(who)]
    scene = stage(rng, things, half=20.0)
    cameras = [Camera.looking((-2.5, thing.at[1] + float(rng.uniform(-0.1, 0.1)), 1.2), (0, thing.at[1], 0.35),
                              vfov=38.0, width=size, height=size * 3 // 4) for thing in things]  # fmt: skip
    steps = int(rng.integers(1, (1, 1, 2, 3, 4)[difficulty - 1] + 1)) * int(rng.choice((-1, 1)))
    ends = [k for k in range(count) if 0 <= k + steps < count]
    start = ends[int(rng.integers(len(ends)))]
    right = things[start + steps]
    views = [render(scene, camera) for camera in cameras]
    if any(view.share(k) < 0.02 for k, view in enumerate(views)):
        return None
    wrong = [the(thing) for thing in things if thing not in (right, things[start])]

    def recheck() -> bool:
        seen = []
        for camera in cameras:
            ids = render(flat(scene), camera).ids
            seen.append(int(np.bincount(ids[(ids >= 0) & (ids < count)], minlength=count).argmax()))
        return scene.things[seen[seen.index(start) + steps]].name == right.name

    where = "before" if steps < 0 else "after"
    when = f"in the picture right {where}" if abs(steps) == 1 else f"{abs(steps)} pictures {where}"
    text = f"A camera passes things one by one. Which thing did it show {when} the one that shows {the(things[start])}?"
    picked = [wrong[k] for k in rng.permutation(len(wrong))[:3]]
    return mcq(rng, text, [picture(view) for view in views], the(right), picked, recheck, _numbered(count))


def what_has_gone(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which thing of the earlier pictures is missing in the last one."""
    count = (4, 5, 6, 6, 7)[difficulty - 1]
    places = spots(rng, count, (1.9, 1.9), 1.1)
    if places is None:
        return None
    who = cast(rng, count, alike=(0, 0, 1, 1, 2)[difficulty - 1])
    things = [put(each, at, float(rng.uniform(0, 360)), 0.75) for each, at in zip(who, places, strict=True)]
    gone = int(rng.integers(count))
    scene = stage(rng, things)
    less = Scene((*scene.things[:gone], *scene.things[gone + 1 :]), scene.light)
    turn = float(rng.uniform(*((0, 0), (20, 40), (40, 70), (70, 110), (110, 180))[difficulty - 1]))
    start, way = float(rng.uniform(0, 360)), float(rng.choice((-1, 1)))
    angles = [start, start + way * turn / 2, start + way * turn][:: 2 if difficulty < 3 else 1]
    cameras = [around(angle, size, 4.8, 2.9) for angle in angles]
    if not clear(scene, cameras[0], range(count)) or not clear(less, cameras[-1], range(count - 1)):
        return None
    scenes = [*(scene for _ in cameras[1:]), less]

    def recheck() -> bool:
        before, after = render(flat(scene), cameras[0]), render(flat(less), cameras[-1])
        # What stood there before is now where one looks through: its points lie before what shows there.
        kept = [_still(points_of(before, cameras[0], place), after.depth, cameras[-1]) for place in range(count)]
        return int(np.argmin(kept)) == gone

    text = "Between the pictures the camera may move. One thing of the first picture is gone in the last one. Which?"
    wrong = [the(thing) for k, thing in enumerate(things) if k != gone]
    picked = [wrong[k] for k in rng.permutation(len(wrong))[:3]]
    images = [picture(render(each, camera)) for each, camera in zip(scenes, cameras, strict=True)]
    return mcq(rng, text, images, the(things[gone]), picked, recheck, _numbered(len(images)))


def _still(points: Array, depth: Array, camera: Camera) -> float:
    """The share of points that something in the picture hides or shows, and so may still be there."""
    x, y, far = camera.project(points).T
    inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    behind = far[inside] > depth[y[inside].astype(int), x[inside].astype(int)] - 0.05
    return float(behind.mean()) if inside.any() else 1.0


def _numbered(count: int) -> list[str]:
    return [f"Picture {number}:" for number in range(1, count + 1)]


TEMPLATES = (where_was_it, seen_after, what_has_gone)
