"""Affordance: the part of a thing that one holds, sits on, opens or pours into; the answer is a point on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import KINDS
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.parts.cast import cast, put, stage
from assay.envs.spatial_tree.parts.mapping import Array, exploded, flat, heading, picture, points_of, spots, the
from assay.envs.spatial_tree.question import Question
from assay.verifiers.spatial.masks import encode_mask, mask_of

LEAST = 0.006
"""Least share of the picture of the part that is meant."""
OPEN = 0.6
"""Least share of that part that no other thing hides."""
BACK = 1.35
"""How much farther the camera is where parts are large, so that a blind guess hits them no more often."""
AGREE = 0.6
"""Intersection over union of the mask by segmentation and by depth, at least."""

HELD = {kind.name: kind.handle for kind in KINDS.values() if kind.handle and kind.name not in ("umbrella", "broom")}
"""Kind -> places of the parts that one holds."""
RESTED = {"chair": (4,), "stool": (3,), "sofa": (3, 6), "bench": (6, 7, 8), "bed": (3, 4)}
"""Kind -> places of the parts that one sits or lies on."""
OPENED = {
    "wardrobe": (2, 3, 4, 5), "fridge": (2, 3, 4, 5), "washing machine": (2, 3),
    "chest of drawers": tuple(range(3, 12)), "desk": tuple(range(4, 10)),
}  # fmt: skip
"""Kind -> places of the doors, drawers and what they are pulled by."""
FILLED = {"mug": (1,), "bucket": (5,), "frying pan": (1,), "teapot": (4, 5), "watering can": (2, 3)}
"""Kind -> places of the parts that something goes into or comes out of."""
_ASKED = {
    "mug": "Where would you pour coffee into {}?", "bucket": "Where would you drop a sponge into {}?",
    "frying pan": "Where would you put an egg to fry in {}?",
    "teapot": "Through which part does tea come out of {}?",
    "watering can": "Through which part does water come out of {}?",
}  # fmt: skip


def where_to_hold(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where a hand takes hold of a thing."""
    return _point(rng, difficulty, size, HELD, lambda kind: "Where would you take hold of {} to carry or use it?")


def where_to_rest(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where one sits down or lies down."""
    do = {"bed": "lie down"}
    return _point(rng, difficulty, size, RESTED, lambda kind: f"Where would you {do.get(kind, 'sit')} on {{}}?")


def what_opens(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which part of a piece of furniture opens."""
    return _point(rng, difficulty, size, OPENED, lambda kind: "Which part of {} swings or slides open? Any will do.")


def where_it_goes(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Where something goes into a thing or comes out of it."""
    return _point(rng, difficulty, size, FILLED, lambda kind: _ASKED[kind])


def _point(
    rng: np.random.Generator,
    difficulty: int,
    size: int,
    table: Mapping[str, tuple[int, ...]],
    asked: Callable[[str], str],
) -> Question | None:
    kinds = list(table)
    kind = kinds[int(rng.integers(len(kinds)))]
    who = cast(rng, difficulty + 1, fits=lambda each: each.name not in table)
    target = (kind, who[0][1])
    others = list(who[1:])
    if difficulty >= 4:  # one more of its kind, told apart by colour
        others[0] = (kind, others[0][1])
    places = spots(rng, len(others), (2.3, 2.3), 1.25, taken=[np.zeros(2)])
    if places is None:
        return None
    spread = [np.zeros(2), *places]
    things = [put(each, at, float(rng.uniform(0, 360)), 1.0)
              for each, at in zip([target, *others], spread, strict=True)]  # fmt: skip
    scene = stage(rng, things)
    camera = _camera(rng, things[0], difficulty, size, BACK if table in (RESTED, OPENED) else 1.0)
    meant = table[kind]
    mask = _mask(scene, camera, meant)
    if mask.mean() < LEAST or mask.sum() < OPEN * _mask(Scene(scene.things[:1]), camera, meant).sum():
        return None
    if render(flat(scene), camera).share(0) < 0.02:
        return None

    def recheck() -> bool:
        again = _by_depth(scene, camera, [things[0].parts[k] for k in meant])
        return bool((mask & again).sum() >= AGREE * (mask | again).sum())

    data = encode_mask((255 * mask.astype(int)).tolist())
    column, row = mask_of(data).best() or (0, 0)
    gold = f"[{column / (camera.width - 1):.4f}, {row / (camera.height - 1):.4f}]"
    ask = ("Answer with one point [x, y] only: shares of the picture's width from the left and of its height from the "
           "top, both between 0 and 1.")  # fmt: skip
    text = asked(kind).format(the(things[0]))
    return Question(text, [picture(render(scene, camera))], {"mask": data}, gold, ask, recheck, (), "affmask")


def _camera(rng: np.random.Generator, thing: Thing, difficulty: int, size: int, back: float) -> Camera:
    """A camera that has the thing anywhere in its picture, so that no place in it is a good guess."""
    far = float(rng.uniform(2.6, (2.9, 3.1, 3.4, 3.8, 4.2)[difficulty - 1])) * back
    rise, angle = np.radians(rng.uniform(25, 50)), float(rng.uniform(0, 360))
    middle = thing.middle()
    eye = middle + far * np.array([*(np.cos(rise) * heading(angle)), np.sin(rise)])
    straight = Camera.looking(eye.tolist(), middle.tolist(), vfov=50.0, width=size, height=size * 3 // 4)
    right, down, _ = straight.rotation
    x, y = rng.uniform(-0.4, 0.4, 2) * (straight.width, straight.height) * far / straight.focal
    aim = middle - x * right - y * down
    return Camera.looking(eye.tolist(), aim.tolist(), vfov=50.0, width=size, height=size * 3 // 4)


def _mask(scene: Scene, camera: Camera, meant: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which pixels show those parts of the first thing."""
    parts = exploded(scene.things[0])
    seen = render(flat(Scene((*parts, *scene.things[1:]))), camera)
    return np.isin(seen.ids, meant)


def _by_depth(scene: Scene, camera: Camera, parts: Sequence[Part]) -> npt.NDArray[np.bool_]:
    """The same from the depth alone: the pixels of the thing whose points lie on one of the parts."""
    seen = render(flat(scene), camera)
    thing = scene.things[0]
    local = (points_of(seen, camera, 0) - np.array(thing.at)) @ turned(thing.turn)
    on = np.zeros(len(local), dtype=bool)
    for part in parts:
        on |= _touches(part, local)
    found = np.zeros(seen.ids.shape, dtype=bool)
    found[np.nonzero(seen.ids == 0)] = on
    return found


def _touches(part: Part, points: Array) -> npt.NDArray[np.bool_]:
    """Which points of the thing's frame lie in a part or within a few millimetres of it."""
    loose = 0.012
    x, y, z = ((points - np.array(part.at)) @ turned(part.turn)).T
    wide, _, long = (np.array(part.size) / 2).tolist()
    if part.shape == "sphere":
        return np.asarray(np.sqrt(x**2 + y**2 + z**2) <= wide + loose)
    if part.shape == "capsule":
        beyond = np.clip(np.abs(z) - long, 0, None)
        return np.asarray(np.sqrt(x**2 + y**2 + beyond**2) <= wide + loose)
    if part.shape == "cylinder":
        return np.asarray((np.hypot(x, y) <= wide + loose) & (np.abs(z) <= long + loose))
    half = np.array(part.size) / 2 + loose
    return np.asarray((np.abs(x) <= half[0]) & (np.abs(y) <= half[1]) & (np.abs(z) <= half[2]))


TEMPLATES = (where_to_hold, where_to_rest, what_opens, where_it_goes)
