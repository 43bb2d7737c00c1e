"""Size: how long, how tall and how large things are, by a scale, a grid or a neighbour of known height."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Scene, Thing, render
from assay.envs.spatial_tree.engine.visibility import fair, framed
from assay.envs.spatial_tree.parts.figures import INKS, PAPER, Ink, Points, Sheet, inked, on_grid, turned_by
from assay.envs.spatial_tree.parts.seen import picture, surface
from assay.envs.spatial_tree.parts.yard import PAINTS, PAVING, closely, solid, standing, yard
from assay.envs.spatial_tree.question import Question, few, mcq, numeric

CENTIMETRES = (2.0, 40.0)
SQUARE_CENTIMETRES = (2.0, 60.0)
METRES = (0.22, 3.2)
"""Truths are spread evenly in the logarithm between these, whatever else a question says."""
RATIO = (1.6, 1.45, 1.32, 1.22, 1.15)
"""By difficulty: the tallest is at least so many times as tall as the next."""
GRID = 10
"""Squares on a side of the grid."""
_RULED: Ink = (150, 150, 150)
_BLACK: Ink = (20, 20, 20)
_SLACK = 0.06  # of a second measurement, which counts whole pixels


@few
def bar_length(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How long a rectangle, ellipse or path is, beside a scale bar."""
    length, bar = _log_uniform(rng, CENTIMETRES), float(rng.choice([4, 5, 8, 10]))
    name, ink = INKS[int(rng.integers(len(INKS)))]
    shape = ("rectangle", "rectangle", "rectangle", "ellipse", "path")[difficulty - 1]
    turn = (0.0, float(rng.choice([0, 90])), *rng.uniform(0, 180, 3))[difficulty - 1]
    slim = float(rng.uniform(0.25, 0.55))
    figure = _path(rng) if shape == "path" else _oblong(shape, slim)
    figure = turned_by(figure, turn)
    extent = figure.max(axis=0) - figure.min(axis=0)
    scale = float(rng.uniform(0.85, 1.0)) * min(0.86 * size / bar, 0.86 * size / length / extent.max())
    if scale * length < 14 or scale * bar < 9:
        return None
    figure -= (figure.max(axis=0) + figure.min(axis=0)) / 2

    def drawn(side: int) -> Image.Image:
        return _with_bar(figure, shape, ink, scale * length * side / size, scale * bar * side / size, side)

    def recheck() -> bool:
        fine = drawn(640)
        black = _cover(fine, _BLACK)[int(0.9 * 640) :].sum(axis=0)
        measured = _measured(fine, ink, shape) / (black.sum() / black.max()) * bar
        return bool(abs(measured / length - 1) < _SLACK)

    what = {
        "rectangle": f"is the longer side of the {name} rectangle", "ellipse": f"is the {name} ellipse from end to end",
        "path": f"is the {name} path, measured along it from one end to the other",
    }[shape]  # fmt: skip
    return numeric(
        f"The black bar is {bar:.0f} cm long. How long {what}, in centimetres?", [drawn(size)], length, recheck
    )


@few
def area_on_grid(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How large a figure on squared paper is."""
    wanted = _log_uniform(rng, SQUARE_CENTIMETRES)
    for _ in range(400):
        corners = on_grid(rng, difficulty, GRID)
        area = _area(corners)
        if abs(area / wanted - 1) < 0.05 and _stout(corners, area):
            break
    else:
        return None
    name, ink = INKS[int(rng.integers(len(INKS)))]

    def recheck() -> bool:
        free = np.arange(30, 60 * GRID + 30)
        free = free[(free % 60 < 26) | (free % 60 > 34)]  # no ruled line
        share = inked(_squared(corners, ink, 60 * (GRID + 1)), ink)[np.ix_(free, free)].mean()
        return bool(abs(share * GRID**2 / area - 1) < _SLACK)

    text = f"The squares of the grid have sides of 1 cm. What is the area of the {name} figure, in square centimetres?"
    return numeric(text, [_squared(corners, ink, size)], area, recheck)


def height_by_post(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How tall a thing is, given a post of one metre, beside it or nearer or farther."""
    tall = _log_uniform(rng, METRES)
    paints = [str(each) for each in rng.choice(list(PAINTS), 4, replace=False)]
    depth = float(rng.uniform(3.9, 5.4))
    other = depth + (0.0 if difficulty < 3 else float(rng.choice([-1, 1])) * rng.uniform(0.8, 1.5))
    side = float(rng.choice([-1, 1]))
    gap = float(rng.uniform(0.5, 0.8)) * (1 if difficulty < 2 else 1.5)
    kind = "box" if difficulty % 2 else "pillar"
    thing = solid(kind, paints[0], 0.7, tall, (depth, side * gap), float(rng.uniform(0, 90)))
    post = solid("pillar", paints[1], 0.24, 1.0, (max(3.8, other), -side * gap))
    post = Thing(f"{paints[1]} post", post.parts, post.at, post.turn, "post", paints[1])
    extras = [
        solid("ball", paint, across, across, (6.5 + k, float(rng.uniform(-2.5, 2.5))))
        for k, (paint, across) in enumerate(zip(paints[2:], rng.uniform(0.4, 1.2, 2), strict=True))
    ]
    scene = yard(rng, [thing, post, *extras[: max(0, difficulty - 3)]])
    camera = standing(size, vfov=55.0)
    view = render(scene, camera)
    if not (
        framed(camera, thing)
        and framed(camera, post)
        and fair(scene, camera, (PAVING, PAVING + 1), view, unoccluded=0.95)
    ):
        return None

    def recheck() -> bool:
        heights = _heights(scene, camera, 2)
        return abs(heights[0] / heights[1] / tall - 1) < _SLACK

    text = (
        f"The {paints[1]} post is 1.00 m tall, and the squares of the ground are all of one size. How tall is the"
        f" {thing.name}, in metres?"
    )
    return numeric(text, [picture(view)], tall, recheck)


def tallest(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of some things at different distances is the tallest in truth."""
    count = 2 + (difficulty + 1) // 2
    paints = [str(each) for each in rng.choice(list(PAINTS), count, replace=False)]
    top = float(rng.uniform(0.8, 2.0))
    ratios = [1.0, RATIO[difficulty - 1] * rng.uniform(1.0, 1.1)]
    ratios += [float(ratios[1] * rng.uniform(1.0, 1.5)) for _ in range(count - 2)]
    columns = rng.permutation(np.linspace(-0.36, 0.36, count))
    things = []
    for paint, ratio, column in zip(paints, ratios, columns, strict=True):
        depth = float(rng.uniform(3.8, 4.4) if difficulty == 1 else rng.uniform(3.8, 8.0))
        kind = "box" if rng.random() < 0.5 else "pillar"
        things.append(
            solid(kind, paint, rng.uniform(0.4, 0.6), top / ratio, (depth, -column * depth * 1.2), rng.uniform(0, 90))
        )
    scene = yard(rng, things)
    camera = standing(size, vfov=55.0)
    view = render(scene, camera)
    places = range(PAVING, PAVING + count)
    if not (all(framed(camera, thing) for thing in things) and fair(scene, camera, places, view, unoccluded=0.95)):
        return None

    def recheck() -> bool:
        return int(np.argmax(_heights(scene, camera, count))) == 0

    text = "Which of these is really the tallest, however large it looks in the picture? All stand on level ground."
    names = [f"the {thing.name}" for thing in things]
    return mcq(rng, text, [picture(view)], names[0], names[1:], recheck)


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return round(float(np.exp(rng.uniform(*np.log(limits)))), 2)


def _squared(corners: Points, ink: Ink, size: int) -> Image.Image:
    sheet = Sheet(size, size)
    step = size / (GRID + 1)
    sheet.polygon((corners + 0.5) * step, ink)
    for k in range(GRID + 1):
        at = (k + 0.5) * step
        sheet.line((at, step / 2), (at, size - step / 2), _RULED, max(0.5, size / 400))
        sheet.line((step / 2, at), (size - step / 2, at), _RULED, max(0.5, size / 400))
    return sheet.image()


def _area(corners: Points) -> float:
    """By the shoelace formula."""
    x, y = corners.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _stout(corners: Points, area: float) -> bool:
    """Not a sliver, of which nobody could count the squares."""
    around = float(np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).sum())
    return area > 0.03 * around**2


def _oblong(shape: str, slim: float) -> Points:
    if shape == "rectangle":
        return np.array([[-0.5, -slim / 2], [0.5, -slim / 2], [0.5, slim / 2], [-0.5, slim / 2]])
    angles = np.arange(180) * np.pi / 90
    return np.stack([np.cos(angles) / 2, np.sin(angles) * slim / 2], axis=-1)


def _path(rng: np.random.Generator) -> Points:
    """Corners of a path of length 1 in four straight pieces that does not cross itself."""
    pieces = rng.uniform(0.6, 1.4, 4)
    bends = np.cumsum([0, *(rng.uniform(35, 80, 3) * np.array([1, -1, 1]) * rng.choice([-1, 1]))])
    steps = np.stack([np.cos(np.radians(bends)), np.sin(np.radians(bends))], axis=-1) * (pieces / pieces.sum())[:, None]
    return np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])


def _with_bar(figure: Points, shape: str, ink: Ink, length: float, bar: float, size: int) -> Image.Image:
    sheet = Sheet(size, size)
    drawn = figure * length + np.array([size * 0.5, size * 0.45])
    if shape == "path":
        for start, end in pairwise(drawn):
            sheet.polygon(_band(start, end, _stroke(size)), ink)
    else:
        sheet.polygon(drawn, ink)
    y, left, tick = 0.95 * size, (size - bar) / 2, 0.02 * size
    sheet.polygon(np.array([[left, y - tick / 2], [left + bar, y - tick / 2], [left + bar, y + tick / 2],
                            [left, y + tick / 2]]), _BLACK)  # fmt: skip
    return sheet.image()


def _band(start: Points, end: Points, width: float) -> Points:
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]]) * width / 2
    return np.stack([start + across, end + across, end - across, start - across])


def _stroke(size: int) -> float:
    return max(1.5, size / 80)


def _cover(image: Image.Image, ink: Ink) -> Points:
    """How much of each pixel the only ink there covers, 0 to 1."""
    paper = np.array(PAPER, dtype=float)
    found: Points = np.abs(np.asarray(image, dtype=float) - paper).sum(axis=-1) / np.abs(np.array(ink) - paper).sum()
    return found


def _measured(image: Image.Image, ink: Ink, shape: str) -> float:
    """The length of the figure in pixels from its pixels: by its area for a path, else by its spread."""
    cover = _cover(image, ink)[: int(0.9 * image.height)]
    if shape == "path":
        return float(cover.sum() / _stroke(image.width))
    y, x = np.indices(cover.shape)
    weight = cover.sum()
    spots = np.stack([x - (x * cover).sum() / weight, y - (y * cover).sum() / weight])
    spread = np.einsum("iyx,jyx,yx->ij", spots, spots, cover) / weight
    # A uniform bar of length L has a variance of L^2/12 along it, a uniform ellipse one of L^2/16.
    return float(np.sqrt(np.linalg.eigvalsh(spread)[-1] * (12 if shape == "rectangle" else 16)))


def _heights(scene: Scene, camera: Camera, count: int) -> list[float]:
    """Heights of the first things of a yard from the depth of a finer render, metres."""
    fine = closely(camera)
    seen = render(scene, fine)
    found = []
    for place in range(PAVING, PAVING + count):
        points = surface(seen, fine, place)
        pixel = float(seen.depth[seen.ids == place].mean()) / fine.focal
        found.append(float(np.ptp(points[:, 2])) + pixel)
    return found


TEMPLATES = (bar_length, area_on_grid, height_by_post, tallest)
