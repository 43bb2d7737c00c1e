"""Who takes part in the scenes of mental mapping (L2): things of distinct names, all about as large, on a stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, Kind, thing
from assay.envs.spatial_tree.parts.mapping import Array

EXTENT = 0.8
"""How large a thing is, metres: a mug is as large as a chair, so that all are told as well from across the room."""
LEFT_OUT = frozenset({
    "door", "ladder", "coat stand", "street lamp", "spade", "axe", "broom", "bicycle", "giraffe", "helicopter",
    "mailbox", "floor lamp", "hammer", "desk lamp", "cone", "cylinder", "fir tree",
})  # fmt: skip
"""Too thin to be told from afar, or easily taken for another kind."""
_FLOORS = ((0.62, 0.52, 0.4), (0.55, 0.56, 0.58), (0.45, 0.5, 0.45), (0.6, 0.5, 0.47), (0.7, 0.68, 0.62))


def cast(
    rng: np.random.Generator, count: int, alike: int = 0, fits: Callable[[Kind], bool] | None = None
) -> list[tuple[str, str]]:
    """Kind and colour of ``count`` things: no name twice.

    Args:
        rng: draws.
        count: how many.
        alike: so many pairs of neighbours in the list are of one kind and told apart by colour alone; the others are
            all of different kinds and, as far as there are enough, colours.
        fits: which kinds may come.
    """
    kinds = [name for name, kind in KINDS.items() if name not in LEFT_OUT and (fits is None or fits(kind))]
    names = [kinds[k] for k in rng.choice(len(kinds), min(count, len(kinds)), replace=False)]
    names += [kinds[k] for k in rng.integers(len(kinds), size=count - len(names))]
    colours = list(COLOURS)
    inks = [colours[k] for k in rng.permutation(len(colours))]
    for pair in range(min(alike, count // 2)):
        names[2 * pair + 1] = names[2 * pair]
    found = [(name, inks[place % len(inks)]) for place, name in enumerate(names)]
    return found if len(set(found)) == count else cast(rng, count, alike, fits)


def put(
    who: tuple[str, str], at: Sequence[float] | Array, yaw: float = 0.0, extent: float = EXTENT, height: float = 0.0
) -> Thing:
    """A thing of the cast at ``at`` (x, y) and ``height`` above the floor, metres.

    Its longest side is ``extent``, a little less of a bulky and up to 1.4 times that of a slim one, so that all show
    about as well.
    """
    size = np.array(KINDS[who[0]].size)
    bulk = float(np.prod(size / size.max()) ** (1 / 3))
    extent *= float(np.clip(0.8 / bulk, 0.9, 1.4))
    return thing(*who, at=(float(at[0]), float(at[1]), height), yaw=yaw, fit=extent)


def stage(rng: np.random.Generator, things: Sequence[Thing], half: float = 6.0) -> Scene:
    """The things on a floor; they are the first in ``things`` of the scene, in order."""
    colour = _FLOORS[int(rng.integers(len(_FLOORS)))]
    floor = Thing("floor", (Part("box", (2 * half, 2 * half, 0.1), (0, 0, -0.05), colour=colour),))
    angle = rng.uniform(0, 2 * np.pi)
    light = Light(towards=(2 * float(np.cos(angle)), 2 * float(np.sin(angle)), 4.0))
    return Scene((*things, floor), light)


def around(angle: float, size: int, radius: float = 4.8, height: float = 2.9, vfov: float = 46.0) -> Camera:
    """A camera beside the stage in the direction ``angle`` (degrees from +x) of its middle, looking at the middle."""
    turn = np.radians(angle)
    eye = (radius * float(np.cos(turn)), radius * float(np.sin(turn)), height)
    return Camera.looking(eye, (0, 0, 0.2), vfov=vfov, width=size, height=size * 3 // 4)
