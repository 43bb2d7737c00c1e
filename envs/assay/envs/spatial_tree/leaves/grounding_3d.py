"""3D Grounding: from coordinates in space to what the picture shows there, and back."""

from __future__ import annotations

import re

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Scene, View
from assay.envs.spatial_tree.engine.marks import dot, unit
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.parts.seen import Array, first, in_sight, picture, seen_well, spread, unevenness
from assay.envs.spatial_tree.parts.stage import moved, onlooker, props, stage, told_camera
from assay.envs.spatial_tree.question import Question, mcq

COUNT = 4
WINDOW = (0.9, 0.8, 0.65, 0.55, 0.45)
"""Of the picture: the sides of the window in which all marked points are, by difficulty."""
APART = (0.22, 0.2, 0.18, 0.16, 0.14)
"""Of the picture's width: how far any two of them are apart, by difficulty; at least 2.2 radii of a mark."""
DIFFERENT = (0.6, 0.5, 0.4, 0.3, 0.22)
"""Metres between any two coordinates that are offered, by difficulty."""
EVEN = 0.03
"""Of its inverse depth: how far a marked pixel may be from a plane; marks are not put on edges."""
SLACK = 0.05
"""Metres that a point told with two digits may be off the thing that it is on."""


def point_of_coordinate(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four marked points of the picture has the coordinates told."""
    found = _scene_with_points(rng, difficulty, size)
    if found is None:
        return None
    _, camera, view, pixels = found
    right = int(rng.integers(COUNT))
    told = _told(camera, view, pixels)[right]
    image = picture(view)
    for number, (x, y) in enumerate(pixels, 1):
        image = dot(image, (float(x), float(y)), str(number))

    def recheck() -> bool:
        gaps = np.linalg.norm(pixels - _pixel_told(camera, told), axis=1)
        return int(np.argmin(gaps)) == right

    names = [f"point {number}" for number in range(1, COUNT + 1)]
    text = f"{told_camera(camera)} Which marked point is at {told}?"
    return mcq(rng, text, [image], names[right], [name for name in names if name != names[right]], recheck)


def coordinate_of_point(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four coordinates a marked point has; all four are of points that the picture shows."""
    found = _scene_with_points(rng, difficulty, size)
    if found is None:
        return None
    scene, camera, view, pixels = found
    right = int(rng.integers(COUNT))
    told = _told(camera, view, pixels)
    x, y = (float(value) for value in pixels[right])

    def recheck() -> bool:
        gaps = [float(np.linalg.norm((x, y) - _pixel_told(camera, each))) for each in told]
        # The depth by geometry: the point told is on the thing that its pixel shows.
        place = int(view.ids[int(y), int(x)])
        return int(np.argmin(gaps)) == right and _holds(scene, place, _world_told(camera, told[right]))

    image = dot(picture(view), (x, y))
    text = f"{told_camera(camera)} What are the coordinates of the marked point?"
    return mcq(rng, text, [image], told[right], [each for each in told if each != told[right]], recheck)


def thing_at_coordinate(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of several things is at the coordinates told."""
    count = difficulty + 2
    right = int(rng.integers(count))
    camera = onlooker(rng, size)
    things = props(rng, np.zeros((count, 2)), 0.7)

    def laid() -> Scene | None:
        spots = spread(rng, count, (-1.4, -1.4), (1.7, 1.4), (1.1, 1.0, 0.9, 0.8, 0.75)[difficulty - 1])
        if spots is None:
            return None
        scene = stage(rng, [moved(each, spot) for each, spot in zip(things, spots, strict=True)])
        return scene if in_sight(camera, scene.things[1:]) else None

    scene = first(laid, 150)
    view = None if scene is None else seen_well(scene, camera, range(1, count + 1))
    if scene is None or view is None:
        return None
    rows, columns = np.nonzero(view.ids == right + 1)
    # The pixel of the thing that is nearest to the middle of them all.
    middle = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    pixel = np.array([[columns[middle] + 0.5, rows[middle] + 0.5]])
    told = _told(camera, view, pixel)[0]

    def recheck() -> bool:
        point = _world_told(camera, told)
        return [place - 1 for place in range(1, count + 1) if _holds(scene, place, point)] == [right]

    names = [f"the {each.name}" for each in things]
    text = f"{told_camera(camera)} Which thing is at {told}?"
    return mcq(rng, text, [picture(view)], names[right], [name for name in names if name != names[right]], recheck)


def _scene_with_points(
    rng: np.random.Generator, difficulty: int, size: int
) -> tuple[Scene, Camera, View, Array] | None:
    """A scene, its camera and view, and pixels ``[4, 2]`` apart in the picture and in space, none on an edge."""
    camera = onlooker(rng, size)
    things = props(rng, np.zeros((5, 2)), 0.85)

    def laid() -> Scene | None:
        spots = spread(rng, 5, (-1.4, -1.4), (1.7, 1.4), 0.85)
        if spots is None:
            return None
        scene = stage(rng, [moved(each, spot) for each, spot in zip(things, spots, strict=True)])
        return scene if in_sight(camera, scene.things[1:]) else None

    scene = first(laid, 150)
    view = None if scene is None else seen_well(scene, camera, range(1, 6))
    if scene is None or view is None:
        return None
    pixels = first(lambda: _pixels(rng, difficulty, camera, view), 300)
    return None if pixels is None else (scene, camera, view, pixels)


def _pixels(rng: np.random.Generator, difficulty: int, camera: Camera, view: View) -> Array | None:
    sides = np.array([camera.width, camera.height])
    window = sides * WINDOW[difficulty - 1]
    corner = rng.uniform(0.05, 1, 2) * (sides * 0.95 - window)
    apart = max(APART[difficulty - 1] * camera.width, 2.2 * unit(picture(view)))
    found = spread(rng, COUNT, corner.tolist(), (corner + window).tolist(), apart)
    if found is None:
        return None
    pixels: Array = np.floor(found) + 0.5
    ids = np.array([view.ids[int(y), int(x)] for x, y in pixels])
    # Half of the points at least are on things: a floor alone is one plane.
    if (ids < 0).any() or (ids > 0).sum() < 2:
        return None
    if unevenness(view, pixels).max() > EVEN:
        return None
    points = _points(camera, view, pixels)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(COUNT)
    return pixels if gaps.min() >= DIFFERENT[difficulty - 1] else None


def _points(camera: Camera, view: View, pixels: Array) -> Array:
    """Coordinates ``[n, 3]`` in the camera's frame of what pixels show, metres."""
    columns, rows = pixels.astype(int).T
    return camera.local(camera.unproject(pixels[:, 0], pixels[:, 1], view.depth[rows, columns]))


def _told(camera: Camera, view: View, pixels: Array) -> list[str]:
    return [f"({x:.2f}, {y:.2f}, {z:.2f})" for x, y, z in _points(camera, view, pixels)]


def _read(told: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", told)]


def _pixel_told(camera: Camera, told: str) -> Array:
    """Where a point told in words falls, worked out as a reader would from what :func:`told_camera` says."""
    x, y, z = _read(told)
    focal = round(camera.focal / camera.width, 2)
    return np.array([camera.width * (0.5 + focal * x / z), camera.height / 2 + camera.width * focal * y / z])


def _world_told(camera: Camera, told: str) -> Array:
    right, down, forward = np.array(camera.axes)
    x, y, z = _read(told)
    found: Array = np.array(camera.eye) + x * right + y * down + z * forward
    return found


def _holds(scene: Scene, place: int, point: Array) -> bool:
    """Whether a point is in the box of a thing or, for the floor, on it."""
    thing = scene.things[place]
    low, high = thing.bounds()
    local = turned(thing.turn).T @ (point - np.array(thing.at))
    on_top = place > 0 or abs(point[2]) <= SLACK
    return bool(on_top and (local >= low - SLACK).all() and (local <= high + SLACK).all())


TEMPLATES = (point_of_coordinate, coordinate_of_point, thing_at_coordinate)
