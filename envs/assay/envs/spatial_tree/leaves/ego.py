"""Ego: how the camera itself has moved, from what its pictures show of a place that stands still."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.engine import Camera, View, render
from assay.envs.spatial_tree.parts.motion import MOVES, OFFERED, amounts, furnished, gone, misfit
from assay.envs.spatial_tree.parts.seen import Array, pick, picture
from assay.envs.spatial_tree.question import Question, mcq

CLOSEST = 0.45
"""Metres: nothing that a camera sees is nearer, so that it never stands in a thing."""
OPEN = 0.06
"""Of a picture: what things other than floor and walls show at least; without them parallax cannot be seen."""
FIELD = (9, 6)
"""Arrows of a flow field, across and down."""
STEPS = {
    1: ("moved forwards", "moved backwards"),
    2: ("moved forwards", "moved backwards", "turned left", "turned right"),
}
"""How a camera goes between the pictures of a series, at the first difficulties."""


def camera_moved(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """What the camera did between two pictures; from difficulty 4 on only parallax tells some apart."""
    names = OFFERED[difficulty]
    right = pick(rng, names, 1)[0]
    found = _pair(rng, right, difficulty, size)
    if found is None:
        return None
    camera, _, before, after = found

    def recheck() -> bool:
        return _best(camera, before, after, names) == right

    text = "A camera took two pictures of a place in which nothing moves. What did the camera do in between?"
    options = [f"it {name}" for name in names if name != right]
    return mcq(rng, text, [picture(before), picture(after)], f"it {right}", options, recheck, ["First:", "Second:"])


def flow_field(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """What the camera did, from arrows that show how the points of its picture have moved."""
    names = OFFERED[difficulty]
    right = pick(rng, names, 1)[0]
    found = _pair(rng, right, difficulty, size)
    if found is None:
        return None
    camera, later, before, _ = found
    columns = (np.arange(FIELD[0]) + 0.5) * camera.width / FIELD[0]
    rows = (np.arange(FIELD[1]) + 0.5) * camera.height / FIELD[1]
    starts = np.floor(np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)) + 0.5
    depth = before.depth[starts[:, 1].astype(int), starts[:, 0].astype(int)]
    if not np.isfinite(depth).all():
        return None
    ends = later.project(camera.unproject(starts[:, 0], starts[:, 1], depth))
    if not (ends[:, 2] > camera.near).all():
        return None
    flow = ends[:, :2] - starts

    def recheck() -> bool:
        return _explains(camera, starts, depth, flow, names) == right

    text = (
        "Nothing moves but the camera. The arrows, drawn on the picture from before, show which way its points move in "
        "the picture, and in what proportion. What did the camera do?"
    )
    image = _arrows(picture(before), starts, flow)
    return mcq(rng, text, [image], f"it {right}", [f"it {name}" for name in names if name != right], recheck)


def view_after_move(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four pictures a camera takes after a movement that is told."""
    names = pick(rng, OFFERED[difficulty], 4)
    made = furnished(rng, 5 + difficulty, size)
    if made is None:
        return None
    scene, camera = made
    share = _share(difficulty)
    later = [gone(camera, name, MOVES[name].little + share * (MOVES[name].much - MOVES[name].little)) for name in names]
    views = [render(scene, each) for each in (camera, *later)]
    if not all(_fair(view, each) for view, each in zip(views, (camera, *later), strict=True)):
        return None
    right = int(rng.integers(4))

    def recheck() -> bool:
        fits = [
            min(misfit(camera, views[0], view, names[right], a) for a in amounts(names[right])) for view in views[1:]
        ]
        return int(np.argmin(fits)) == right

    text = (
        f"Nothing moves but the camera. After the picture called Now it has {names[right]}. Which picture does it see?"
    )
    options = [f"picture {number}" for number in range(1, 5)]
    return mcq(rng, text, [picture(view) for view in views], options[right],
               [each for each in options if each != options[right]], recheck,
               ["Now:", *(f"Picture {number}:" for number in range(1, 5))])  # fmt: skip


def frame_order(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which order pictures were taken by a camera that all the while moved as told."""
    name = pick(rng, STEPS.get(difficulty, tuple(MOVES)), 1)[0]
    count = 3 if difficulty < 4 else 4
    made = furnished(rng, 6, size)
    if made is None:
        return None
    scene, camera = made
    step = MOVES[name].much * (1.0, 0.9, 0.8, 0.6, 0.45)[difficulty - 1] * 1.4 / (count - 1)
    cameras = [gone(camera, name, number * step) for number in range(count)]
    views = [render(scene, each) for each in cameras]
    if not all(_fair(view, each) for view, each in zip(views, cameras, strict=True)):
        return None
    shown = [int(place) for place in rng.permutation(count)]
    right = tuple(shown.index(place) + 1 for place in range(count))
    every = [each for each in permutations(range(1, count + 1)) if each != right]
    wrong = [every[int(place)] for place in rng.choice(len(every), 3, replace=False)]

    def recheck() -> bool:
        tried = np.linspace(-1.2, 1.2, 25) * step * (count - 1)
        base = views[shown[0]]
        at = [tried[int(np.argmin([misfit(camera, base, views[place], name, a) for a in tried]))] for place in shown]
        return tuple(int(place) + 1 for place in np.argsort(at)) == right

    text = f"Nothing moves but the camera, and between any two pictures it {name}. In which order were they taken?"
    said = [", ".join(map(str, order)) for order in (right, *wrong)]
    images = [picture(views[place]) for place in shown]
    return mcq(rng, text, images, said[0], said[1:], recheck, [f"Picture {k}:" for k in range(1, count + 1)])


def _pair(rng: np.random.Generator, name: str, difficulty: int, size: int) -> tuple[Camera, Camera, View, View] | None:
    """A camera before and after a movement and what it sees; None where it would stand in a thing."""
    made = furnished(rng, 5 + difficulty, size)
    if made is None:
        return None
    scene, camera = made
    move = MOVES[name]
    later = gone(camera, name, move.little + _share(difficulty) * (move.much - move.little))
    views = render(scene, camera), render(scene, later)
    if not (_fair(views[0], camera) and _fair(views[1], later)):
        return None
    return camera, later, *views


def _share(difficulty: int) -> float:
    """How far from the least to the greatest amount the camera moves."""
    return (1.0, 0.8, 0.6, 0.3, 0.0)[difficulty - 1]


def _fair(view: View, camera: Camera) -> bool:
    things = view.ids >= 5
    return bool(view.depth.min() >= CLOSEST and things.mean() >= OPEN and 0.2 < camera.eye[2] < 2.4)


def _best(camera: Camera, before: View, after: View, names: tuple[str, ...]) -> str:
    """The movement under which the two depth pictures fit best."""
    return min(names, key=lambda name: min(misfit(camera, before, after, name, each) for each in amounts(name)))


def _explains(camera: Camera, pixels: Array, depth: Array, flow: Array, names: tuple[str, ...]) -> str:
    """The movement whose instantaneous flow (Longuet-Higgins and Prazdny 1980) explains most of a field.

    One amount, not negative, is fitted for each by least squares.
    """
    x, y = ((pixels - np.array([camera.width, camera.height]) / 2) / camera.focal).T
    left: dict[str, float] = {}
    for name in names:
        (tx, ty, tz), (wx, wy, wz) = MOVES[name].shift, MOVES[name].turn
        u = (-tx + x * tz) / depth + x * y * wx - (1 + x * x) * wy + y * wz
        v = (-ty + y * tz) / depth + (1 + y * y) * wx - x * y * wy - x * wz
        model = np.stack([u, v], axis=1)
        amount = max(0.0, float((model * flow).sum() / (model * model).sum()))
        left[name] = float(((flow - amount * model) ** 2).sum())
    return min(left, key=lambda name: left[name])


def _arrows(image: Image.Image, starts: Array, flow: Array) -> Image.Image:
    """Arrows on the picture made pale, the longest as long as their grid is wide."""
    zoom = 3
    pale = Image.blend(image, Image.new("RGB", image.size, "white"), 0.45)
    large = pale.resize((image.width * zoom, image.height * zoom), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(large)
    cell = image.width / FIELD[0]
    moves = flow * (0.95 * cell / np.linalg.norm(flow, axis=1).max())
    wide = max(3, round(image.width / 110)) * zoom / 2
    for start, move in zip(starts * zoom, moves * zoom, strict=True):
        length = float(np.linalg.norm(move))
        dot = wide * 0.6
        pen.ellipse((*(start - dot), *(start + dot)), fill="black")
        if length < 2 * zoom:
            continue
        along = move / length
        side, tip = np.array([-along[1], along[0]]), start + move
        head = min(cell * zoom * 0.35, length * 0.7)
        neck = tip - along * head
        pen.line([*start, *neck], fill="black", width=round(wide))
        pen.polygon([tuple(tip), tuple(neck + side * head * 0.5), tuple(neck - side * head * 0.5)], fill="black")
    return large.resize(image.size, Image.Resampling.LANCZOS)


TEMPLATES = (camera_moved, flow_field, view_after_move, frame_order)
