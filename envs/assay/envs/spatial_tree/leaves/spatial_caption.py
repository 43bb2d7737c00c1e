"""Spatial caption: how things are laid out, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Scene, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.parts.caption import caption
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import (
    Array,
    clear,
    flat,
    heading,
    listed,
    picture,
    points_of,
    spots,
    the,
)
from assay.envs.spatial_tree.question import Question

WORDS: Mapping[str, tuple[str, ...]] = {
    "left": ("left",), "right": ("right",), "nearer": ("nearer", "closer"), "farther": ("farther", "further"),
    "on": ("on top", "on top of", "atop"), "under": ("under", "underneath", "beneath", "below"),
    "beside": ("beside", "next to", "alongside"),
}  # fmt: skip
"""Every word that a sentence may use for a value."""
SAID = {"on": "on top of"}
APART = (0.7, 0.6, 0.5, 0.42, 0.36)
"""By difficulty: how much farther left or nearer one thing is than another, metres, at the least."""
SCALE = 0.8
"""Of a table, to its natural size: 1.12 m long and 0.6 m high."""
SMALL = 0.36
"""How large what stands on, under or beside it is, metres."""
ALONG = {"on": 0.3, "under": 0.3, "beside": 0.82}
"""How far from a table's middle that is, along the table, metres."""
BETWEEN = 2.05
"""From one table's middle to the next one's, metres."""
ORDERS = {"from left to right in the picture": 0, "from the nearest to the camera to the farthest": 2}
"""Orders, and the axis of the camera's frame that they go along."""


def two_things(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How one thing stands to another as seen from the camera, and what stands nearest to it."""
    count = (4, 4, 5, 5, 6)[difficulty - 1]
    places = spots(rng, count, (1.7, 1.7), 1.0)
    if places is None:
        return None
    camera = around(float(rng.uniform(0, 360)), size)
    offset = camera.local([*(places[0] - places[1]), 0]) - camera.local([0, 0, 0])
    gaps = np.linalg.norm(places - places[0], axis=1)[2:]
    near = np.sort(gaps)
    least = APART[difficulty - 1]
    if min(abs(offset[0]), abs(offset[2])) < least or near[1] - near[0] < least:
        return None
    things = [put(who, at, float(rng.uniform(0, 360)), 0.75)
              for who, at in zip(cast(rng, count, alike=int(difficulty > 3)), places, strict=True)]  # fmt: skip
    scene = stage(rng, things)
    # Left and right must hold in the picture too, not only along the floor.
    x = camera.project([thing.middle() for thing in things[:2]])[:, 0]
    if not clear(scene, camera, range(count)) or (x[0] - x[1]) * offset[0] <= 0 or abs(x[0] - x[1]) < 0.06 * size:
        return None
    across, along = "left" if offset[0] < 0 else "right", "nearer" if offset[2] < 0 else "farther"
    nearest = things[2 + int(np.argmin(gaps))].name
    others = [things[k].name for k in rng.permutation(np.arange(2, count))]

    def recheck() -> bool:
        seen = render(flat(scene), camera)
        at = [points_of(seen, camera, k).mean(axis=0) for k in range(count)]
        close = 2 + int(np.argmin([np.linalg.norm(spot[:2] - at[0][:2]) for spot in at[2:]]))
        left = seen.centroid(0)[0] < seen.centroid(1)[0]
        near_ = np.median(seen.depth[seen.ids == 0]) < np.median(seen.depth[seen.ids == 1])
        return (left == (across == "left"), near_ == (along == "nearer"), things[close].name) == (True, True, nearest)

    text = (f"Describe where {the(things[0])} is: to the left or right of {the(things[1])} in the picture, nearer or "
            f"farther from the camera than it, and which of the others "
            f"({listed([f'the {name}' for name in others], 'or')}) it stands closest to on the floor.")  # fmt: skip
    ask = (f"Answer in one sentence without naming {the(things[1])}. "
           f"Such as: It is on the right, nearer, and next to the black cat.")  # fmt: skip
    slots = [(across, ["left", "right"]), (along, ["nearer", "farther"]), (nearest, others)]
    gold = f"It is on the {across}, {along}, and next to the {nearest}."
    return _caption(text, [picture(render(scene, camera))], slots, gold, ask, recheck)


def on_under_beside(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """At which of several tables a thing is, whether on, under or beside it, and at which end."""
    count = (2, 2, 2, 3, 3)[difficulty - 1]
    truth = list(ALONG)[int(rng.integers(3))], int(rng.integers(count)), float(rng.choice((-1, 1)))
    # Several tries for one truth, so that what is hidden more often is asked about as often.
    tries = (_at_tables(rng, difficulty, size, count, *truth) for _ in range(12))
    return next((question for question in tries if question is not None), None)


def _at_tables(
    rng: np.random.Generator, difficulty: int, size: int, count: int, relation: str, own: int, end: float
) -> Question | None:
    angle = float(rng.uniform(0, 360))
    camera = around(angle, size, 3.7 + 0.6 * (count - 2), 1.7, 56.0)
    right, ahead = camera.rotation[0][:2], -heading(angle)
    inks = [list(COLOURS)[k] for k in rng.permutation(len(COLOURS))]
    loose, deep = (4, 8, 12, 14, 18)[difficulty - 1], (0.0, 0.2, 0.3, 0.3, 0.4)[difficulty - 1]
    places = [right * (k - (count - 1) / 2) * BETWEEN + ahead * float(rng.uniform(-deep, deep)) for k in range(count)]
    yaws = [angle + float(rng.uniform(-loose, loose)) for _ in range(count)]
    tables = [thing("table", ink, (float(at[0]), float(at[1]), 0.0), yaw, SCALE)
              for ink, at, yaw in zip(inks, places, yaws, strict=False)]  # fmt: skip
    kinds = cast(rng, count, fits=lambda kind: min(kind.size) > 0.6 * max(kind.size) and "table" not in kind.name)
    small = []
    for k in range(count):
        # The other tables have something too, so that it is not enough to find the one that has.
        where, way = (relation, end) if k == own else (list(ALONG)[int(rng.integers(2))], float(rng.choice((-1, 1))))
        at = np.array(tables[k].at[:2]) + way * ALONG[where] * heading(yaws[k] + 90)
        high = float(tables[k].bounds()[1][2]) if where == "on" else 0.0
        small.append(put((kinds[k][0], inks[count + k]), at, float(rng.uniform(0, 360)), SMALL, high))
    scene = stage(rng, [*small, *tables])
    if not clear(scene, camera, [own]) or not clear(scene, camera, range(count, 2 * count), unhidden=0.5):
        return None
    # A table's +x is towards the camera, so that its +y is to the right in the picture.
    across = "left" if end < 0 else "right"
    names = [table.name for table in tables]

    def recheck() -> bool:
        return _at_table(scene, camera, own, count) == (tables[own].name, relation, across)

    text = (f"Describe where {the(small[own])} is: at which table ({listed([f'the {name}' for name in names], 'or')}), "
            f"on top of it, under it or beside it, and to the left or right of that table's middle in the "
            f"picture.")  # fmt: skip
    ask = ("Answer in one sentence that names no other table and says on top of, under or beside, and left or right. "
           "Such as: It is under the black table, on the left.")  # fmt: skip
    slots = [(tables[own].name, names), (relation, list(ALONG)), (across, ["left", "right"])]
    gold = f"It is {SAID.get(relation, relation)} the {tables[own].name}, on the {across}."
    return _caption(text, [picture(render(scene, camera))], slots, gold, ask, recheck)


def _at_table(scene: Scene, camera: Camera, own: int, count: int) -> tuple[str, str, str]:
    """Table, relation and end from the points that the picture shows, in the camera's directions."""
    seen = render(flat(scene), camera)
    axes = np.array(
        [[*camera.rotation[0][:2], 0], [*camera.rotation[2][:2] / np.hypot(*camera.rotation[2][:2]), 0], [0, 0, 1]]
    )
    points = points_of(seen, camera, own) @ axes.T
    tables = [points_of(seen, camera, count + k) @ axes.T for k in range(count)]
    across = float(points[:, 0].mean())
    gaps = [max(table[:, 0].min() - across, across - table[:, 0].max(), 0.0) for table in tables]
    best = int(np.argmin(gaps))
    top = float(np.quantile(tables[best][:, 2], 0.95))
    relation = "on" if points[:, 2].min() > top - 0.1 else "under" if gaps[best] == 0 else "beside"
    middle = (tables[best][:, 0].min() + tables[best][:, 0].max()) / 2
    return scene.things[count + best].name, relation, "left" if across < middle else "right"


def in_order(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """All things in their order from left to right, or from the nearest to the farthest; the order counts."""
    count = (3, 4, 4, 5, 6)[difficulty - 1]
    how = list(ORDERS)[int(rng.integers(2))]
    camera = around(float(rng.uniform(0, 360)), size)
    for _ in range(60):
        places = spots(rng, count, (1.7, 1.7), 1.0)
        if places is not None and (order := _order(places, camera, how, APART[difficulty - 1])) is not None:
            break
    else:
        return None
    things = [put(who, at, float(rng.uniform(0, 360)), 0.75)
              for who, at in zip(cast(rng, count, alike=int(difficulty > 3)), places, strict=True)]  # fmt: skip
    scene = stage(rng, things)
    if not clear(scene, camera, range(count)):
        return None
    names = [things[k].name for k in order]

    def recheck() -> bool:
        seen = render(flat(scene), camera)
        left = [seen.centroid(k)[0] for k in range(count)]
        near = [float(np.median(seen.depth[seen.ids == k])) for k in range(count)]
        return [things[k].name for k in np.argsort(near if ORDERS[how] else left)] == names

    shown = [things[k].name for k in rng.permutation(count)]
    text = f"The picture shows {listed([f'the {name}' for name in shown])}. Name them in their order {how}."
    ask = "Answer in one sentence that names each once, such as: The black cat, then the white cat, then the black dog."
    slots = [(name, (name,)) for name in names]  # a name in the wrong place is what the order punishes
    return _caption(text, [picture(render(scene, camera))], slots, ", then ".join(f"the {name}" for name in names), ask,
                    recheck, ordered=True)  # fmt: skip


def _order(places: Array, camera: Camera, how: str, least: float) -> list[int] | None:
    """The order along an axis of the camera; None where two things are as far to within ``least`` metres."""
    seen = camera.local(np.column_stack([places, np.full(len(places), 0.3)]))
    values = seen[:, 2] if ORDERS[how] else seen[:, 0] / seen[:, 2] * 4.8  # left in the picture is a matter of angle
    order = [int(k) for k in np.argsort(values)]
    return order if np.diff(values[order]).min() >= least else None


def _caption(
    text: str, images: Sequence[Image.Image], slots: Sequence[tuple[str, Sequence[str]]], gold: str, ask: str,
    recheck: Callable[[], bool], ordered: bool = False,
) -> Question:  # fmt: skip
    return caption(text, images, slots, gold, ask, recheck, WORDS, ordered=ordered)


TEMPLATES = (two_things, on_under_beside, in_order)
