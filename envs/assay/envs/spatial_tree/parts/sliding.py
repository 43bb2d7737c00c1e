"""The sliding puzzle with eight tiles: moves, distances, pictures, and tiles read back from them."""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from assay.envs.spatial_tree.parts.drawing import INK, near, sheet, write

Board = tuple[str, ...]
"""Nine fields row by row; "" is the gap."""
TILES = tuple("12345678")
_TILE = (246, 222, 150)
_TRAY = (92, 74, 60)


def slid(board: Board, name: str) -> Board:
    """The board after a tile beside the gap has been slid into it."""
    tiles = list(board)
    gap, tile = tiles.index(""), tiles.index(name)
    tiles[gap], tiles[tile] = name, ""
    return tuple(tiles)


def beside_gap(board: Board) -> list[str]:
    """The tiles that can be slid."""
    gap = board.index("")
    return [board[k] for k in range(9) if abs(k // 3 - gap // 3) + abs(k % 3 - gap % 3) == 1]


def distance_map(board: Board, deepest: int) -> dict[Board, int]:
    """Slides to every board that at most ``deepest`` slides away (breadth first)."""
    found, queue = {board: 0}, deque([board])
    while queue:
        here = queue.popleft()
        if found[here] == deepest:
            continue
        for name in beside_gap(here):
            there = slid(here, name)
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    return found


def board_picture(board: Board, size: int) -> Image.Image:
    """The board from above, square."""
    image, pen = sheet(size, size, _TRAY)
    rim = max(2, size // 40)
    pitch = (size - rim) // 3
    for place, name in enumerate(board):
        if name:
            left, top = rim + place % 3 * pitch, rim + place // 3 * pitch
            pen.rectangle((left, top, left + pitch - rim - 1, top + pitch - rim - 1), fill=_TILE)
            half = (pitch - rim) / 2
            write(pen, (left + half, top + half), name, pitch * 0.7)
    return image


def drawn_board(image: Image.Image) -> Board:
    """The board that a picture shows, by comparing each field with every numeral."""
    size = image.width
    rim = max(2, size // 40)
    pitch = (size - rim) // 3
    found = []
    for place in range(9):
        left, top = rim + place % 3 * pitch, rim + place // 3 * pitch
        field = image.crop((left, top, left + pitch - rim, top + pitch - rim))
        if near(field, _TRAY, 20).mean() > 0.5:
            found.append("")
        else:
            seen = near(field, INK, 90)
            found.append(min(TILES, key=lambda name: int((seen ^ _glyph(name, pitch, rim)).sum())))
    return tuple(found)


@cache
def _glyph(name: str, pitch: int, rim: int) -> npt.NDArray[np.bool_]:
    side = pitch - rim
    image, pen = sheet(side, side, _TILE)
    write(pen, (side / 2, side / 2), name, pitch * 0.7)
    return near(image, INK, 90)
