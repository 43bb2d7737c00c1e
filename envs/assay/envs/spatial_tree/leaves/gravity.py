"""Gravity: how the camera is held against the horizon, and how wide it sees."""

from __future__ import annotations

import json

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.engine.rooms import place, room
from assay.envs.spatial_tree.parts.figures import picked
from assay.envs.spatial_tree.parts.seen import pick, picture
from assay.envs.spatial_tree.parts.tilt import UNCERTAINTY, Tilt, tilt_of, tilt_seen
from assay.envs.spatial_tree.parts.yard import FAR, PAINTS, closely, solid, standing, yard
from assay.envs.spatial_tree.question import LETTERS, Question, mcq

HEIGHT = 1.6
"""Of the camera above the floor, metres."""
FLOOR_SHARE = 0.15
"""Of the picture: what shows the floor at least."""
LEAN = (18.0, 14.0, 11.0, 9.0, 7.0)
"""By difficulty: degrees that a leaning camera leans, and one that looks up or down does so, at least."""
_SLACK = 1.0  # degrees, of what is measured in a finer picture
_FURNITURE = ("chair", "table", "sofa", "bookshelf", "stool", "chest of drawers", "floor lamp", "plant pot")
_MEANING = (
    "roll is how far the camera leans to its side: positive where its right side is the lower one, so that the horizon"
    " rises to the right in the picture. pitch is how far it looks up: positive above the horizon, negative below it."
    " vfov is its vertical field of view, the angle between what the upper and the lower edge of the picture show."
)
_ASK = 'Answer with JSON, all in degrees: {"roll": ..., "pitch": ..., "vfov": ...}'


def yard_tilt(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Roll, pitch and field of view of a camera in the open, above squares of one metre."""
    posts = _posts(rng, 5 - difficulty)
    scene = yard(rng, posts, rows=(-1, 11 - difficulty), columns=7 - difficulty // 2)
    camera = _held(rng, size, (-32.0, 14.0))
    view = render(scene, camera)
    if not _fair(view, (0, 1), sky=difficulty < 4):
        return None
    text = (
        f"The camera is {HEIGHT:.2f} m above level ground, and the squares of the paving have sides of 1 m. How is it"
        f" held? {_MEANING}"
    )
    return _question(text, view, scene, camera, (0, 1))


def room_tilt(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Roll, pitch and field of view of a camera in a room with upright walls."""
    found = _room(rng, 6 - difficulty)
    if found is None:
        return None
    camera = _held(rng, size, (-34.0, 6.0), (-2.6, -2.6, HEIGHT), 45 + rng.uniform(-18, 18))
    view = render(found, camera)
    if not _fair(view, (0,), sky=False):
        return None
    text = (
        f"The camera is {HEIGHT:.2f} m above the floor of a room that is 6 m wide, 6 m deep and 2.6 m high, in the"
        f" corner opposite to what it looks at. How is it held? {_MEANING}"
    )
    return _question(text, view, found, camera, (0,))


def level_picture(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four pictures was taken by a camera that does not lean to its side."""
    indoors = difficulty > 2  # where nothing shows the horizon itself
    scene = _room(rng, 6 - difficulty) if indoors else yard(rng, _posts(rng, 5 - difficulty))
    if scene is None:
        return None
    floor = (0,) if indoors else (0, 1)
    level = int(rng.integers(4))
    least = LEAN[difficulty - 1]
    cameras = []
    for number in range(4):
        roll = 0.0 if number == level else float(rng.uniform(least, least + 15) * rng.choice([-1, 1]))
        turn, vfov = float(rng.uniform(-20, 20)), float(rng.uniform(55, 75))
        eye = (-2.6, -2.6, HEIGHT) if indoors else (0.0, 0.0, HEIGHT)
        pitch = float(rng.uniform(-28, -6) if indoors else rng.uniform(-14, 10))
        cameras.append(Camera.heading(eye, turn + 45 * indoors, pitch, roll, vfov=vfov, width=size,
                                      height=size * 3 // 4, far=FAR))  # fmt: skip
    views = [render(scene, camera) for camera in cameras]
    if not all(_fair(view, floor, sky=not indoors) for view in views):
        return None

    def recheck() -> bool:
        rolls = [abs(tilt_seen(render(scene, closely(camera, 320)), floor, HEIGHT).roll) for camera in cameras]
        return int(np.argmin(rolls)) == level

    text = (
        "Four pictures of one level place. Which was taken by a camera that leans neither to the left nor to the right,"
        " though it may look up or down?"
    )
    captions = [f"Picture {LETTERS[number]}:" for number in range(4)]
    return picked(text, [picture(view) for view in views], "picture", level, 4, recheck, captions)


def camera_lean(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """To which side a camera leans and whether it looks up or down."""
    least = LEAN[difficulty - 1]
    roll = float(rng.choice([-1, 1]) * rng.uniform(least, least + 12))
    up = bool(rng.random() < 0.5)
    pitch = float(rng.uniform(0.7, 1.1) * least) * (1 if up else -1)
    camera = standing(size, HEIGHT, pitch, roll, float(rng.uniform(70, 85)))
    scene = yard(rng, _posts(rng, 5 - difficulty))
    view = render(scene, camera)
    if not _fair(view, (0, 1), sky=True):
        return None

    def words(leans_right: bool, looks_up: bool) -> str:
        side, way = ("right", "left")[not leans_right], ("above", "below")[not looks_up]
        return f"its {side} side is the lower one, and its middle looks {way} the horizon"

    def recheck() -> bool:
        seen = tilt_seen(render(scene, closely(camera, 320)), (0, 1), HEIGHT)
        return words(seen.roll > 0, seen.pitch > 0) == right

    right = words(roll > 0, up)
    wrong = [said for a in (True, False) for b in (True, False) if (said := words(a, b)) != right]
    return mcq(rng, "The ground is level. How is the camera held?", [picture(view)], right, wrong, recheck)


def _held(
    rng: np.random.Generator, size: int, pitches: tuple[float, float],
    eye: tuple[float, float, float] = (0.0, 0.0, HEIGHT), yaw: float | None = None,
) -> Camera:  # fmt: skip
    turn = float(rng.uniform(-30, 30)) if yaw is None else float(yaw)
    roll, pitch, vfov = rng.uniform(-40, 40), rng.uniform(*pitches), rng.uniform(42, 95)
    return Camera.heading(eye, turn, round(pitch, 1), round(roll, 1), vfov=round(vfov, 1), width=size,
                          height=size * 3 // 4, far=FAR)  # fmt: skip


def _fair(view: View, floor: tuple[int, ...], sky: bool) -> bool:
    """Enough floor to tell how it lies, and where ``sky`` is wanted enough of it for a horizon."""
    if np.isin(view.ids, floor).mean() < FLOOR_SHARE:
        return False
    return not sky or float((view.ids < 0).mean()) > 0.08


def _posts(rng: np.random.Generator, count: int) -> list[Thing]:
    paints = pick(rng, PAINTS, max(count, 0))
    spots = zip(rng.permutation(np.linspace(-2.4, 2.4, max(count, 1))), rng.uniform(4, 8, max(count, 1)), strict=True)
    return [
        solid("pillar" if rng.random() < 0.5 else "box", paint, 0.4, float(rng.uniform(0.8, 2.2)), (x, y * x / 4))
        for paint, (y, x) in zip(paints, spots, strict=False)
    ]


def _room(rng: np.random.Generator, count: int) -> Scene | None:
    bare = room(rng, 6.0, 6.0, textured=True)
    kinds, paints = pick(rng, _FURNITURE, count), pick(rng, COLOURS, count)
    things = [thing(kind, paint) for kind, paint in zip(kinds, paints, strict=True)]
    return place(rng, bare, things, within=(-1.2, -1.2, 2.9, 2.9))


def _question(text: str, view: View, scene: Scene, camera: Camera, floor: tuple[int, ...]) -> Question:
    held = tilt_of(camera)
    truth = {"roll": round(held.roll, 1), "pitch": round(held.pitch, 1), "vfov": round(held.vfov, 1)}

    def recheck() -> bool:
        seen = tilt_seen(render(scene, closely(camera)), floor, HEIGHT)
        return seen.off(Tilt(**truth)) < _SLACK

    return Question(text, [picture(view)], {**truth, "u": dict(UNCERTAINTY)}, json.dumps(truth), _ASK, recheck,
                    metric="gravity")  # fmt: skip


TEMPLATES = (yard_tilt, room_tilt, level_picture, camera_lean)
