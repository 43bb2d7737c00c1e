"""Mazes on a grid: made, drawn, searched, and read back from their picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from assay.envs.spatial_tree.parts.drawing import PAPER, Ink, middle, near, sheet

Cell = tuple[int, int]
"""Column and row, from the upper left."""
Passage = tuple[Cell, Cell]
"""Two neighbours, the smaller first."""
STEPS: dict[str, Cell] = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}
"""Clockwise, from up."""
THEMES: tuple[tuple[Ink, Ink], ...] = (
    ((250, 246, 232), (40, 44, 60)), ((240, 244, 248), (60, 40, 30)), ((246, 238, 214), (24, 66, 52)),
    ((244, 236, 246), (62, 34, 78)), ((236, 246, 238), (70, 70, 74)),
)  # fmt: skip
"""Floor and wall."""
START: Ink = (226, 24, 34)
GOAL: Ink = (24, 92, 236)


def joined(a: Cell, b: Cell) -> Passage:
    """The passage between two neighbours."""
    return (a, b) if a < b else (b, a)


def moved(cell: Cell, way: str, steps: int = 1) -> Cell:
    """Where ``steps`` steps lead."""
    dx, dy = STEPS[way]
    return cell[0] + dx * steps, cell[1] + dy * steps


def cells(width: int, height: int) -> list[Cell]:
    """All cells, row by row."""
    return [(x, y) for y in range(height) for x in range(width)]


def passages(width: int, height: int) -> list[Passage]:
    """All pairs of neighbours."""
    across = [((x, y), (x + 1, y)) for x in range(width - 1) for y in range(height)]
    return across + [((x, y), (x, y + 1)) for x in range(width) for y in range(height - 1)]


def trees(
    rng: np.random.Generator, width: int, height: int, first: Iterable[Passage] = (), roots: Sequence[Cell] = ()
) -> set[Passage]:
    """Random trees that hold all cells (Kruskal): one, or one for each of ``roots``.

    Args:
        rng: draws the order in which walls are taken away.
        width, height: cells.
        first: passages that are there in any case; they must close no loop.
        roots: cells that must stay apart.
    """
    parent = {cell: cell for cell in cells(width, height)}
    rooted = dict.fromkeys(roots, True)

    def top(cell: Cell) -> Cell:
        while parent[cell] != cell:
            parent[cell] = cell = parent[parent[cell]]
        return cell

    every = passages(width, height)
    found = set()
    for a, b in [*first, *(every[k] for k in rng.permutation(len(every)))]:
        one, other = top(a), top(b)
        if one == other or (rooted.get(one) and rooted.get(other)):
            continue
        parent[one] = other
        rooted[other] = rooted.get(one, False) or rooted.get(other, False)
        found.add(joined(a, b))
    return found


def distances(open_: Iterable[Passage], start: Cell) -> dict[Cell, int]:
    """Steps from ``start`` to every cell that can be reached (breadth first)."""
    beside: dict[Cell, list[Cell]] = {}
    for a, b in open_:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    found, queue = {start: 0}, deque([start])
    while queue:
        here = queue.popleft()
        for there in beside.get(here, []):
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    return found


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the cells of a maze lie in its picture.

    Attributes:
        left, top: of the outer wall, pixels.
        pitch: from cell to cell, pixels.
        wall: thickness, pixels.
        gap: share of a passage's width that is open.
    """

    left: int
    top: int
    pitch: int
    wall: int
    gap: float = 1.0

    def middle(self, cell: Cell) -> tuple[float, float]:
        """The middle of a cell, pixels."""
        half = (self.wall + self.pitch) / 2
        return self.left + cell[0] * self.pitch + half, self.top + cell[1] * self.pitch + half

    def cell(self, at: tuple[float, float]) -> Cell:
        """The cell at a pixel."""
        half = self.wall / 2
        return int((at[0] - self.left - half) // self.pitch), int((at[1] - self.top - half) // self.pitch)

    @classmethod
    def fitting(cls, size: int, width: int, height: int, margin: float, thick: float = 0.2, gap: float = 1.0) -> Frame:
        """In the middle of a square picture, with at least ``margin`` of its side free all around."""
        pitch = int(size * (1 - 2 * margin) / (max(width, height) + thick))
        wall = max(2, round(pitch * thick))
        return cls((size - width * pitch - wall) // 2, (size - height * pitch - wall) // 2, pitch, wall, gap)


def draw(
    size: int,
    frame: Frame,
    width: int,
    height: int,
    open_: Iterable[Passage],
    theme: tuple[Ink, Ink],
    floor: Iterable[Cell] | None = None,
    doors: Iterable[tuple[Cell, str]] = (),
) -> Image.Image:
    """The maze from above.

    Args:
        size: side of the picture, pixels.
        frame: where its cells lie.
        width, height: cells.
        open_: passages.
        theme: colours of floor and wall.
        floor: cells that are not solid; all by default.
        doors: openings of the outer wall: the cell and the way out.
    """
    image, pen = sheet(size, size, PAPER)
    clear, solid = theme
    side = frame.pitch - frame.wall
    pen.rectangle((frame.left, frame.top, frame.left + width * frame.pitch + frame.wall - 1,
                   frame.top + height * frame.pitch + frame.wall - 1), fill=solid)  # fmt: skip

    def block(cell: Cell, way: str | None) -> tuple[int, int, int, int]:
        """The floor of a cell, or that of the wall on one side of it."""
        x, y = frame.left + cell[0] * frame.pitch + frame.wall, frame.top + cell[1] * frame.pitch + frame.wall
        if way is None:
            return x, y, x + side - 1, y + side - 1
        dx, dy = STEPS[way]
        lost = round(side * (1 - frame.gap) / 2)
        if dx:
            edge = x + side if dx > 0 else x - frame.wall
            return edge, y + lost, edge + frame.wall - 1, y + side - 1 - lost
        edge = y + side if dy > 0 else y - frame.wall
        return x + lost, edge, x + side - 1 - lost, edge + frame.wall - 1

    for cell in cells(width, height) if floor is None else floor:
        pen.rectangle(block(cell, None), fill=clear)
    for a, b in open_:
        pen.rectangle(block(a, "right" if b[0] > a[0] else "down"), fill=clear)
    for cell, way in doors:
        pen.rectangle(block(cell, way), fill=clear)
    return image


def read(image: Image.Image, frame: Frame, width: int, height: int, wall: Ink) -> set[Passage]:
    """The passages that a picture shows: no pixel of wall on the line between two cells' middles."""
    blocked = near(image, wall, 24)
    return {(a, b) for a, b in passages(width, height) if not any(blocked[p] for p in _line(frame, a, b))}


def _line(frame: Frame, a: Cell, b: Cell) -> Iterator[tuple[int, int]]:
    (ax, ay), (bx, by) = frame.middle(a), frame.middle(b)
    for part in np.linspace(0, 1, frame.pitch + 1):
        yield int(ay + (by - ay) * part), int(ax + (bx - ax) * part)


def flooded(image: Image.Image, wall: Ink, spots: list[tuple[float, float]]) -> list[int]:
    """The places whose letter is the closest to where paint from the red dot runs out of the walls."""
    shut = near(image, wall, 24)
    rows, columns = np.nonzero(shut)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    x, y = middle(near(image, START))
    copy = Image.fromarray(np.where(shut, 0, 255).astype(np.uint8))
    copy = copy.crop((int(left), int(top), int(right) + 1, int(bottom) + 1))
    ImageDraw.floodfill(copy, (int(x - left), int(y - top)), 128)
    wet = np.asarray(copy) == 128
    found = set()
    for axis, place in ((0, 0), (0, -1), (1, 0), (1, -1)):
        line = np.nonzero(wet.take(place, axis=axis))[0]
        if len(line):
            at = (left + line.mean(), (top, bottom)[place]) if axis == 0 else ((left, right)[place], top + line.mean())
            found.add(min(range(len(spots)), key=lambda k: float(np.hypot(spots[k][0] - at[0], spots[k][1] - at[1]))))
    return sorted(found)


def dot(pen: ImageDraw.ImageDraw, frame: Frame, cell: Cell, ink: Ink = START) -> None:
    """A round mark in a cell."""
    x, y = frame.middle(cell)
    reach = (frame.pitch - frame.wall) * 0.36
    pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)


def square(pen: ImageDraw.ImageDraw, frame: Frame, cell: Cell) -> None:
    """A square mark in a cell."""
    x, y = frame.middle(cell)
    reach = (frame.pitch - frame.wall) * 0.3
    pen.rectangle((x - reach, y - reach, x + reach, y + reach), fill=GOAL)


def arrow(pen: ImageDraw.ImageDraw, frame: Frame, cell: Cell, way: str) -> None:
    """A triangle with its tip ahead."""
    x, y = frame.middle(cell)
    dx, dy = STEPS[way]
    reach = (frame.pitch - frame.wall) * 0.42
    tip, tail = (x + dx * reach, y + dy * reach), (x - dx * reach * 0.8, y - dy * reach * 0.8)
    wide = reach * 0.75
    pen.polygon([tip, (tail[0] - dy * wide, tail[1] + dx * wide), (tail[0] + dy * wide, tail[1] - dx * wide)],
                fill=START)  # fmt: skip
