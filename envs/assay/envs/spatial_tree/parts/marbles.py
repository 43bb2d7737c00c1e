"""A board of sloping bars on which a marble runs down into one of four bins."""

from __future__ import annotations

import numpy as np

from assay.envs.spatial_tree.engine import Thing
from assay.envs.spatial_tree.engine.physics import Body, Course
from assay.envs.spatial_tree.parts.drawing import lettered
from assay.envs.spatial_tree.parts.dynamics import (
    WOOD,
    ball,
    box,
    from_front,
    labelled,
    outcome,
    shot,
    surroundings,
)
from assay.envs.spatial_tree.question import LETTERS, Question

_WIDE, _RADIUS, _BIN = 4.0, 0.11, 0.45
_OUTER = (0.0, 0.4, 0.6, 0.7, 0.7)
"""Share of boards that lead to an outer bin and are passed over, by difficulty: else most would."""
Bar = tuple[float, float, float, float]
"""x, z and length in metres, tilt in degrees: positive falls to the right."""
_STOREY = 0.62
"""Metres from one row of bars to the next."""
_SHAKEN = 0.03
"""Metres to each side by which the marble may start elsewhere and must still end in the same bin."""


def marble_bin(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Into which of four bins a marble falls that is let go above sloping bars."""
    seconds = 1.2 + 0.75 * difficulty
    bars, start = _board(rng, difficulty)
    things = _things(bars)
    found = outcome(_bodies(things, start), seconds, _bin)
    if found is None or (found in (0, 3) and rng.random() < _OUTER[difficulty - 1]):
        return None
    near = [(start[0] + shift, start[1]) for shift in (-_SHAKEN, _SHAKEN)]
    if any(outcome(_bodies(things, spot), seconds, _bin) != found for spot in near):
        return None
    marble = _marble(*start)
    camera = from_front(_WIDE + 0.6, _top(bars) + 1.5, size)
    view = shot([marble, *things], surroundings(rng), camera)
    # Letters in any order, for more marbles end at the sides than in the middle.
    order = rng.permutation(4).tolist()
    image = labelled(view, camera, [k - 1.5 for k in range(4)], [LETTERS[k] for k in order])

    def recheck() -> bool:
        middle = view.centroid(0)
        spot = camera.unproject(*middle, view.depth[int(middle[1]), int(middle[0])])
        again = outcome(_bodies(things, (float(spot[0]), start[1])), seconds + 1, _bin, fine=True)
        return abs(float(spot[0]) - start[0]) < _SHAKEN and again == found

    said = "The red marble is let go. It falls and rolls down the bars. In which of the four bins does it come to rest?"
    return lettered(said, [image], "bin", order[found], 4, recheck)


def _top(bars: list[Bar]) -> float:
    return _BIN + 0.35 + _STOREY * len(bars)


def _things(bars: list[Bar]) -> list[Thing]:
    """The walls, the dividers and the bars."""
    top = _top(bars)
    found = [box(f"wall {side}", (side * (_WIDE / 2 + 0.05), 0.0, top / 2), (0.1, 0.5, top), WOOD) for side in (-1, 1)]
    found += [box(f"divider {k}", (float(k), 0.0, _BIN / 2), (0.06, 0.5, _BIN), WOOD) for k in (-1, 0, 1)]
    return found + [
        box(f"bar {k}", (x, 0.0, z), (length, 0.5, 0.07), (0.3, 0.36, 0.5), tilt)
        for k, (x, z, length, tilt) in enumerate(bars)
    ]


def _bodies(things: list[Thing], start: tuple[float, float]) -> list[Body]:
    return [*(Body(each, mass=0.0, friction=0.6) for each in things), Body(_marble(*start), mass=0.2, friction=0.6)]


def _bin(course: Course) -> int | None:
    """The bin in which the last body lies on the floor."""
    x, _, z = course.places[-1, -1]
    return int(np.floor(x + 2)) if z < 1.5 * _RADIUS and abs(x) < 2 else None


def _marble(x: float, z: float) -> Thing:
    return ball("marble", (x, 0.0, z), _RADIUS)


def _board(rng: np.random.Generator, count: int) -> tuple[list[Bar], tuple[float, float]]:
    """Bars from the top down, and the start."""
    x = float(rng.uniform(-1.4, 1.4))
    start = (x, _BIN + 0.35 + _STOREY * count + 0.1)
    bars = []
    for k in range(count):
        tilt = float(rng.uniform(11, 17)) * (1 if rng.random() < 0.5 else -1)
        # What would throw the marble against a wall turns the other way.
        if abs(x + np.sign(tilt) * 1.1) > 1.7:
            tilt = -tilt
        length = float(rng.uniform(0.8, 1.3))
        middle = x + np.sign(tilt) * length * 0.22
        bars.append((middle, _BIN + 0.35 + _STOREY * (count - 1 - k) + 0.2, length, tilt))
        x = middle + np.sign(tilt) * (length / 2 + 0.2)
    return bars, start
