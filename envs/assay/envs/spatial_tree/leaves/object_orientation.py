"""Object orientation: which way a thing faces, and from where it is seen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from assay.envs.spatial_tree.engine import Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.engine.visibility import fair, framed
from assay.envs.spatial_tree.parts.facing import (
    FACING,
    STOUT,
    UNCERTAINTY,
    Pose,
    arrow_cube,
    frame_seen,
    pose_seen,
    seen_from,
)
from assay.envs.spatial_tree.parts.seen import pick, picture, seen_middle
from assay.envs.spatial_tree.parts.yard import PAVING, closely, yard
from assay.envs.spatial_tree.question import Question, mcq

POLAR = (4.0, 68.0)
"""Degrees that the camera is above a thing."""
TURN = (30.0, 30.0, 60.0, 180.0, 180.0)
"""By difficulty: degrees that a thing is turned in the picture, at most, to either side."""
OFF_HEADING = (4.0, 6.0, 9.0, 12.0, 14.0)
"""By difficulty: degrees off the middle of one of the eight headings, at most; the border is at 22.5."""
OFF_TARGET = (3.0, 5.0, 7.0, 9.0, 10.0)
APART = (75.0, 60.0, 52.0, 44.0, 38.0)
"""By difficulty: degrees that a thing may look past what it faces, and degrees between two that it might face."""
HEADINGS = (
    "towards the camera", "towards the camera and to the right", "to the right",
    "away from the camera and to the right", "away from the camera", "away from the camera and to the left",
    "to the left", "towards the camera and to the left",
)  # fmt: skip
_SLACK = 2.0  # degrees, of what is measured in a finer picture
_MEANING = (
    "azimuth says where its front points: 0 towards the camera, 90 to the right as we see it, 180 away from the camera,"
    " 270 to the left. polar is how far above its own level the camera is: 0 level with it, 90 straight above it."
    " rotation is how far its upright is turned clockwise in the picture: 0 upright, 90 with its top to the right, 350"
    " a little to the left."
)
_ASK = 'Answer with JSON, all in degrees: {"azimuth": ..., "polar": ..., "rotation": ...}'


def arrow_cube_pose(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Azimuth, polar and rotation of a cube with an arrow through it."""
    pose = _pose(rng, difficulty)
    paint = COLOURS[pick(rng, ("yellow", "blue", "white", "purple"), 1)[0]]
    text = f"The red arrow runs from the back of the cube to its front; the green pin stands on its top. {_MEANING}"
    return _posed(rng, pose, arrow_cube(paint, 0.0), text, size)


def thing_pose(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Azimuth, polar and rotation of a thing with a front, such as a chair."""
    pose = _pose(rng, difficulty)
    kind, paint = pick(rng, FACING, 1)[0], pick(rng, COLOURS, 1)[0]
    what = thing(kind, paint, fit=1.2)
    return _posed(rng, pose, what, f"How does the {what.name} stand to the camera? {_MEANING}", size)


def heading(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of eight ways (four at the first two difficulties) a thing faces."""
    step = 2 if difficulty < 3 else 1
    place = step * int(rng.integers(8 // step))
    azimuth = 45 * place + float(rng.uniform(-1, 1)) * OFF_HEADING[difficulty - 1]
    camera, yaw = seen_from(Pose(azimuth % 360, float(rng.uniform(18, 40)), 0.0), 0.4, 4.2, 0.0, size)
    kinds, paints = pick(rng, FACING, 3), pick(rng, COLOURS, 3)
    named = thing(kinds[0], paints[0], yaw=yaw, fit=1.1)
    others = [
        thing(kind, paint, (float(rng.uniform(-0.5, 1.2)), side * 1.6, 0.0), float(rng.uniform(0, 360)), fit=0.9)
        for kind, paint, side in zip(kinds[1:], paints[1:], (-1, 1), strict=True)
    ][: max(0, difficulty - 2)]
    scene = yard(rng, [named, *others], rows=(-4, 9))
    view = render(scene, camera)
    if not (framed(camera, named) and fair(scene, camera, [PAVING], view, unoccluded=0.9)):
        return None
    right = HEADINGS[place]

    def recheck() -> bool:
        seen = pose_seen(named, camera).azimuth
        return HEADINGS[round(seen / 45) % 8] == right

    text = f"Which way does the {named.name} face, as we see it? Left and right are those of the picture."
    return mcq(rng, text, [picture(view)], right, [each for each in HEADINGS[::step] if each != right], recheck)


def faces_which(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of the things around it a thing faces."""
    count = 3 + difficulty // 2
    bearings = _bearings(rng, count, APART[difficulty - 1])
    if bearings is None:
        return None
    kinds, paints = pick(rng, STOUT, count), pick(rng, COLOURS, count + 1)
    yaw = bearings[0] + float(rng.uniform(-1, 1)) * OFF_TARGET[difficulty - 1]
    looker = thing(pick(rng, FACING, 1)[0], paints[0], yaw=yaw, fit=1.0)
    around = [
        thing(kind, paint, (radius * np.cos(np.radians(at)), radius * np.sin(np.radians(at)), 0.0),
              float(rng.uniform(0, 360)), fit=0.75)
        for kind, paint, at, radius in zip(kinds, paints[1:], bearings, rng.uniform(1.5, 1.9, count), strict=True)
    ]  # fmt: skip
    scene = yard(rng, [looker, *around], rows=(-4, 9))
    camera, _ = seen_from(Pose(0.0, float(rng.uniform(28, 42)), 0.0), 0.2, 5.6, 0.0, size, vfov=44.0)
    view = render(scene, camera)
    places = range(PAVING, PAVING + count + 1)
    if not (
        all(framed(camera, each) for each in scene.things[PAVING:])
        and fair(scene, camera, places, view, unoccluded=0.8)
    ):
        return None

    def recheck() -> bool:
        middle, front, _ = (step @ camera.rotation for step in frame_seen(looker, camera))
        fine = closely(camera)
        seen = render(scene, fine)
        ways = [seen_middle(seen, fine, place) - middle - camera.eye for place in places[1:]]
        return int(np.argmax([way[:2] @ front[:2] / np.hypot(*way[:2]) for way in ways])) == 0

    names = [f"the {each.name}" for each in around]
    return mcq(rng, f"What does the {looker.name} face?", [picture(view)], names[0], names[1:], recheck)


def _pose(rng: np.random.Generator, difficulty: int) -> Pose:
    turn = rng.uniform(-1, 1) * TURN[difficulty - 1]
    azimuth, polar = rng.uniform(0, 360), rng.uniform(*POLAR)
    return Pose(round(float(azimuth), 1), round(float(polar), 1), round(float(turn) % 360, 1))


def _bearings(rng: np.random.Generator, count: int, apart: float) -> list[float] | None:
    """Directions round a thing, degrees; the first, which is faced, anywhere and ``apart`` from the others."""
    for _ in range(60):
        found = rng.uniform(0, 360, count)
        gaps = np.abs((found[:, None] - found[None] + 180) % 360 - 180) + 360 * np.eye(count)
        if gaps.min() >= apart:
            return [float(each) for each in found]
    return None


def _posed(rng: np.random.Generator, pose: Pose, what: Thing, text: str, size: int) -> Question | None:
    low, high = what.bounds()
    away = float(np.linalg.norm(high - low) * rng.uniform(1.5, 1.8))
    camera, yaw = seen_from(pose, float(high[2] / 2), away, float(rng.uniform(0, 360)), size, vfov=44.0)
    # The camera looks at the middle of its box, which need not be above its origin.
    shift = turned((0.0, 0.0, yaw)) @ np.array([*(low + high)[:2] / 2, 0.0])
    stood = replace(what, at=(float(-shift[0]), float(-shift[1]), 0.0), turn=(0.0, 0.0, yaw))
    scene = yard(rng, [stood], rows=(-6, 6))
    view = render(scene, camera)
    if not framed(camera, stood) or view.share(PAVING) < 0.03:
        return None
    truth = {"azimuth": pose.azimuth, "polar": pose.polar, "rotation": pose.rotation}

    def recheck() -> bool:
        return pose_seen(stood, camera).off(pose) < _SLACK

    return Question(text, [picture(view)], {**truth, "u": dict(UNCERTAINTY)}, json.dumps(truth), _ASK, recheck,
                    metric="angles")  # fmt: skip


TEMPLATES = (arrow_cube_pose, thing_pose, heading, faces_which)
