"""Set-ups whose outcome the simulator knows: seen from the side, run forward, and run again otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.physics import STEP, Body, Course, simulate
from assay.envs.spatial_tree.parts.drawing import INK, PAPER, font
from assay.envs.spatial_tree.question import LETTERS

Array = npt.NDArray[np.float64]
PAINTS: tuple[tuple[float, float, float], ...] = (
    (0.85, 0.25, 0.2), (0.95, 0.6, 0.15), (0.95, 0.85, 0.25), (0.35, 0.68, 0.35), (0.25, 0.5, 0.85),
    (0.58, 0.36, 0.72), (0.92, 0.6, 0.72), (0.55, 0.75, 0.8),
)  # fmt: skip
WOOD = (0.72, 0.55, 0.36)
BALL = (0.86, 0.12, 0.12)
FINER = ((STEP, 50), (STEP / 2, 120))
"""Steps and solver iterations: as drawn, and as checked again."""


def box(name: str, at: tuple[float, float, float], size: tuple[float, float, float], paint: tuple[float, float, float],
        tilt: float = 0.0) -> Thing:  # fmt: skip
    """A box with its middle at ``at``, turned by ``tilt`` degrees about y: positive lowers its +x end."""
    return Thing(name, (Part("box", size, colour=paint),), at, (0.0, tilt, 0.0))


def ball(name: str, at: tuple[float, float, float], radius: float, paint: tuple[float, float, float] = BALL) -> Thing:
    """A ball with its middle at ``at``."""
    return Thing(name, (Part("sphere", (2 * radius,) * 3, colour=paint),), at)


def from_front(width: float, height: float, size: int, above: float = 0.8) -> Camera:
    """Looks along +y at ``width`` x ``height`` metres of the plane y = 0, a strip for letters below z = 0 included."""
    tall = round(size * min(1.0, max(0.4, height / width)))
    far = 14.0
    half = max(height / 2, width / 2 * tall / size) * 1.04
    middle = height / 2 - 0.16 * width
    return Camera.looking((0.0, -far, middle + above), (0.0, 0.0, middle), width=size, height=tall,
                          vfov=float(2 * np.degrees(np.arctan(half / far))))  # fmt: skip


def surroundings(rng: np.random.Generator) -> list[Thing]:
    """A floor and a wall behind, both quiet."""
    tint = rng.uniform(-0.04, 0.04, 3)
    floor_, wall_ = (tuple(float(c) for c in np.clip(np.array(base) + tint, 0, 1)) for base in
                     ((0.62, 0.6, 0.56), (0.84, 0.86, 0.88)))  # fmt: skip
    return [
        Thing("floor", (Part("box", (60, 40, 0.1), (0, 0, -0.05), colour=(floor_[0], floor_[1], floor_[2])),)),
        Thing("wall", (Part("box", (30, 0.1, 20), (0, 3, 9), colour=(wall_[0], wall_[1], wall_[2])),)),
    ]


def shot(things: Sequence[Thing], around: Sequence[Thing], camera: Camera) -> View:
    """What the camera sees; the places of ``things`` come first."""
    light = Light((-1.0, -3.0, 4.0), ambient=0.6, diffuse=0.45, shadow=False)
    return render(Scene((*things, *around), light), camera)


def labelled(view: View, camera: Camera, along: Sequence[float], letters: Sequence[str] = LETTERS) -> Image.Image:
    """The picture with letters at its lower edge, under places ``along`` x (metres), the least first."""
    image = Image.fromarray(view.rgb)
    pen = ImageDraw.Draw(image)
    tall = max(10, round(0.075 * camera.width))
    last, low = -np.inf, True
    for number, x in enumerate(along):
        column = float(camera.project((x, 0.0, 0.0))[0])
        # Where two would touch, the second stands higher.
        low = not low if column - last < 0.95 * tall else True
        last = column
        spot = (column, camera.height - tall * (0.6 if low else 1.5))
        pen.text(spot, letters[number], fill=INK, font=font(tall), anchor="mm", stroke_width=1, stroke_fill=PAPER)
    return image


def outcome(
    bodies: Sequence[Body], seconds: float, read: Callable[[Course], int | None], fine: bool = False,
    contacts: bool = False,
) -> int | None:  # fmt: skip
    """What ``read`` makes of the course of things; ``fine`` runs it with half the step and more iterations."""
    step, iterations = FINER[fine]
    return read(simulate(bodies, seconds, 1 / 24, step=step, iterations=iterations, contacts=contacts))


def spans(view: View, camera: Camera, places: Sequence[int], front: float) -> Array:
    """What the front sides of things in a picture span: least x, z, greatest x, z, metres, ``[things, 4]``.

    Args:
        view: of things whose front is a plane y = ``front``.
        camera: it.
        places: of the things.
        front: metres.
    """
    found = []
    for place in places:
        rows, columns = np.nonzero(view.ids == place)
        points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
        points = points[np.abs(points[:, 1] - front) < 0.03][:, [0, 2]]
        found.append(np.concatenate([points.min(axis=0), points.max(axis=0)]))
    return np.array(found)
