"""Correspondence: what in one view is the same as in another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.engine import Camera, Scene, View, render
from assay.envs.spatial_tree.engine.marks import MARK, dot, unit
from assay.envs.spatial_tree.parts.motion import furnished
from assay.envs.spatial_tree.parts.poster import CELLS, mapped, patch, poster, seen_from_aside, unwarped
from assay.envs.spatial_tree.parts.seen import Array, first, in_sight, picture, seen_well, spread, unevenness
from assay.envs.spatial_tree.parts.stage import moved, props, stage
from assay.envs.spatial_tree.question import Question, mcq

TURNED = (12.0, 18.0, 25.0, 33.0, 42.0)
"""Degrees between the directions of the two cameras of a room, by difficulty."""
APART = (0.25, 0.21, 0.18, 0.15, 0.13)
"""Of the picture's width: how far marks are apart, by difficulty; at least 2.2 radii of a mark."""
SAME = 0.04
"""Metres: a point whose depth in the second view differs by more is hidden there."""
EVEN = 0.03
"""Of its inverse depth: how far a marked pixel may be from a plane; marks are not put on edges."""
CANDIDATES = 300
UNLIKE = 20.0
"""Grey levels by which any two patches that are offered differ on average at least."""


def same_point(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four marked points of a second view of a room is the point marked in the first."""
    made = furnished(rng, 6 + difficulty, size)
    if made is None:
        return None
    scene, camera = made
    turn = TURNED[difficulty - 1] * float(rng.choice((-1, 1)))
    other = _round(camera, turn)
    views = render(scene, camera), render(scene, other)
    if min(view.depth.min() for view in views) < 0.5:
        return None
    places = _common(rng, difficulty, (camera, other), views)
    if places is None:
        return None
    here, there = places
    right = int(rng.integers(4))
    one = dot(picture(views[0]), _xy(here[right]))
    two = picture(views[1])
    for number, pixel in enumerate(there, 1):
        two = dot(two, _xy(pixel), str(number))

    def recheck() -> bool:
        # Back from the second view's own depth to where its marks are in the first.
        columns, rows = there.astype(int).T
        back = camera.project(other.unproject(there[:, 0], there[:, 1], views[1].depth[rows, columns]))[:, :2]
        x, y = here[right].astype(int)
        alike = views[1].ids[rows[right], columns[right]] == views[0].ids[y, x]
        return bool(alike) and int(np.argmin(np.linalg.norm(back - here[right], axis=1))) == right

    return _asked(rng, "Two pictures of one place. Which point of the second is the point marked in the first?",
                  [one, two], right, recheck)  # fmt: skip


def same_thing(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of several things that look alike, seen from elsewhere, is the one marked in the first view."""
    count = 3 if difficulty < 3 else 4
    marks = (4, 3, 3, 2, 2)[difficulty - 1]
    things = props(rng, np.zeros((marks + 1, 2)), 0.7)
    turn = (35.0, 50.0, 70.0, 95.0, 125.0)[difficulty - 1] * float(rng.choice((-1, 1)))
    start = rng.uniform(0, 360)
    cameras = _orbit(start, size), _orbit(start + turn, size)

    def laid() -> Scene | None:
        spots = spread(rng, count + marks, (-1.3, -1.3), (1.3, 1.3), 0.8)
        if spots is None:
            return None
        alike = [moved(things[0], spot) for spot in spots[:count]]
        rest = [moved(each, spot) for each, spot in zip(things[1:], spots[count:], strict=True)]
        if not all(in_sight(camera, [*alike, *rest]) for camera in cameras):
            return None
        return stage(rng, [*alike, *rest])

    scene = first(laid, 150)
    if scene is None:
        return None
    views = [seen_well(scene, camera, range(1, count + marks + 1)) for camera in cameras]
    if views[0] is None or views[1] is None:
        return None
    right = int(rng.integers(count))
    here = _inner(views[0], right + 1)
    there = [_inner(views[1], place) for place in range(1, count + 1)]
    near = min(float(np.linalg.norm(a - b)) for k, a in enumerate(there) for b in there[:k])
    if near < 2.2 * unit(picture(views[1])):
        return None
    one, two = dot(picture(views[0]), _xy(here)), picture(views[1])
    for number, pixel in enumerate(there, 1):
        two = dot(two, _xy(pixel), str(number))
    seen = views[0], views[1]

    def recheck() -> bool:
        # From behind, another part of a thing is seen: middles are compared, not the points marked.
        place = _middle(cameras[0], seen[0], here)
        return int(np.argmin([np.linalg.norm(_middle(cameras[1], seen[1], at) - place) for at in there])) == right

    text = f"Two pictures of one place. Which {things[0].name} of the second is the one marked in the first?"
    return _asked(rng, text, [one, two], right, recheck, count)


def same_patch(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four patches of a poster seen from aside is the one shown straight on."""
    sheet = poster(rng, (2, 2, 3, 3, 4)[difficulty - 1], (5, 4, 3, 2, 2)[difficulty - 1])
    cells = rng.choice(CELLS * CELLS, 4, replace=False)
    right = int(rng.integers(4))
    width, height = size, size * 3 // 4
    lean = (0.1, 0.14, 0.18, 0.22, 0.26)[difficulty - 1]
    square = np.array([[0.06, 0.04], [0.94, 0.04], [0.94, 0.96], [0.06, 0.96]]) * (width, height)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (width, height)
    view, forth = seen_from_aside(sheet, square + inwards * rng.uniform(0, lean, (4, 2)), (width, height))
    quads = [mapped(forth, patch(int(cell))) for cell in cells]
    (left, top), _, (far, low), _ = patch(int(cells[right])).tolist()
    shown = sheet.crop((left, top, far, low))
    flat = [unwarped(sheet, patch(int(cell), 0.1), 32) for cell in cells]
    if min(float(np.abs(a - b).mean()) for k, a in enumerate(flat) for b in flat[:k]) < UNLIKE:
        return None
    marked = view.copy()
    pen = ImageDraw.Draw(marked)
    for quad in quads:
        corners = [(float(x), float(y)) for x, y in (*quad, quad[0])]
        pen.line(corners, fill="white", width=max(3, size // 60))
        pen.line(corners, fill=MARK, width=max(2, size // 100))
    for number, quad in enumerate(quads, 1):
        marked = dot(marked, _xy(quad.mean(axis=0)), str(number))
    reference = shown.resize((height, height), Image.Resampling.BICUBIC)

    def recheck() -> bool:
        straight = np.asarray(shown.resize((32, 32), Image.Resampling.BOX), dtype=float)
        gaps = [float(np.abs(unwarped(view, quad, 32) - straight).mean()) for quad in quads]
        return int(np.argmin(gaps)) == right

    text = "The second picture shows a poster from aside. Which of its marked patches is the one in the first picture?"
    return _asked(rng, text, [reference, marked], right, recheck, noun="patch")


def _round(camera: Camera, turn: float) -> Camera:
    """The camera carried round the middle of its room by some degrees, looking at the same place."""
    eye, target = np.array(camera.eye), np.array([0.9, 0.0, 0.5])
    angle = np.radians(turn)
    x, y = (eye - target)[:2]
    there = (target[0] + np.cos(angle) * x - np.sin(angle) * y, target[1] + np.sin(angle) * x + np.cos(angle) * y)
    return Camera.looking(
        (*there, float(eye[2])), target.tolist(), vfov=camera.vfov, width=camera.width, height=camera.height
    )


def _orbit(degrees: float, size: int) -> Camera:
    """A camera that looks at the origin from aside and above."""
    x, y = 4.0 * np.cos(np.radians(degrees)), 4.0 * np.sin(np.radians(degrees))
    return Camera.looking((float(x), float(y), 2.7), (0, 0, 0.1), vfov=46.0, width=size, height=size * 3 // 4)


def _common(
    rng: np.random.Generator, difficulty: int, cameras: tuple[Camera, Camera], views: tuple[View, View]
) -> tuple[Array, Array] | None:
    """Pixels ``[4, 2]`` in two views of four points that both show: of things, off their edges, apart."""
    rows, columns = np.nonzero(views[0].ids >= 5)
    if len(rows) < CANDIDATES:
        return None
    chosen = rng.choice(len(rows), CANDIDATES, replace=False)
    here = np.column_stack([columns[chosen], rows[chosen]]).astype(np.float64) + 0.5
    seen = cameras[1].project(_world(cameras[0], views[0], here))
    there: Array = np.floor(seen[:, :2]) + 0.5
    size = np.array([cameras[0].width, cameras[0].height])
    edge = unit(picture(views[0]))
    inside = ((here > edge) & (here < size - edge) & (there > edge) & (there < size - edge)).all(axis=1)
    here, there, depth = here[inside], there[inside], seen[inside, 2]
    shown = views[1].depth[there[:, 1].astype(int), there[:, 0].astype(int)]
    fair = (np.abs(shown - depth) < SAME) & (unevenness(views[0], here) < EVEN) & (unevenness(views[1], there) < EVEN)
    fair &= _owners(views[0], here) == _owners(views[1], there)  # things that touch have points of one depth
    here, there = here[fair], there[fair]
    if len(here) < 4:
        return None
    apart = max(APART[difficulty - 1] * size[0], 2.2 * edge)

    def four() -> tuple[Array, Array] | None:
        picked = rng.choice(len(here), 4, replace=False)
        marks = there[picked]
        gaps = np.linalg.norm(marks[:, None] - marks[None], axis=2) + 1e9 * np.eye(4)
        return (here[picked], marks) if gaps.min() >= apart else None

    return first(four, 300)


def _world(camera: Camera, view: View, pixels: Array) -> Array:
    """World points ``[n, 3]`` of what pixels ``[n, 2]`` show, metres."""
    columns, rows = pixels.astype(int).T
    return camera.unproject(pixels[:, 0], pixels[:, 1], view.depth[rows, columns])


def _owners(view: View, pixels: Array) -> npt.NDArray[np.int32]:
    """The things that pixels ``[n, 2]`` show: ``[n]``."""
    columns, rows = pixels.astype(int).T
    found: npt.NDArray[np.int32] = view.ids[rows, columns]
    return found


def _middle(camera: Camera, view: View, pixel: Array) -> Array:
    """The middle, over the floor, of what is seen of the thing that a pixel shows: ``[2]``, metres."""
    rows, columns = np.nonzero(view.ids == _owners(view, pixel[None])[0])
    pixels: Array = np.column_stack([columns, rows]).astype(np.float64) + 0.5
    points = _world(camera, view, pixels)[:, :2]
    found: Array = (points.min(axis=0) + points.max(axis=0)) / 2
    return found


def _inner(view: View, place: int) -> Array:
    """The pixel of a thing that is nearest to the middle of all of them."""
    rows, columns = np.nonzero(view.ids == place)
    middle = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return np.array([columns[middle] + 0.5, rows[middle] + 0.5])


def _xy(pixel: Array) -> tuple[float, float]:
    return float(pixel[0]), float(pixel[1])


def _asked(
    rng: np.random.Generator, text: str, images: list[Image.Image], right: int, recheck: Callable[[], bool],
    count: int = 4, noun: str = "number",
) -> Question:  # fmt: skip
    names = [f"{noun} {number}" for number in range(1, count + 1)]
    others = [name for name in names if name != names[right]]
    return mcq(rng, text, images, names[right], others, recheck, ["First:", "Second:"])


TEMPLATES = (same_point, same_thing, same_patch)
