"""Motion understanding: what moves in a clip and how, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Scene, Thing, View, render
from assay.envs.spatial_tree.engine.rooms import room
from assay.envs.spatial_tree.parts.caption import caption
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import Array, away, clear, flat, listed, picture, points_of, spots
from assay.envs.spatial_tree.parts.motion import misfit
from assay.envs.spatial_tree.question import Question

MOVES = {
    "pan": ("left", "right"), "tilt": ("up", "down"), "truck": ("left", "right"), "pedestal": ("up", "down"),
    "dolly": ("forward", "backward"),
}  # fmt: skip
"""What a camera does, and where to."""
WORDS: Mapping[str, tuple[str, ...]] = {
    **{name: (name, f"{name}s") for name in ("truck", "pedestal", "tilt")},
    "pan": ("pan", "pans", "panning"), "dolly": ("dolly", "dollies"),
    "left": ("left", "leftward", "leftwards"), "right": ("right", "rightward", "rightwards"),
    "up": ("up", "upward", "upwards"), "down": ("down", "downward", "downwards"),
    "forward": ("forward", "forwards"), "backward": ("backward", "backwards"),
    "towards": ("towards", "toward"), "away": ("away",),
    "steady": ("steady", "steadily"), "faster": ("faster",), "slower": ("slower",),
    "stops": ("stops", "stopped", "stop"), "turns back": ("turns back", "turned back", "turn back"),
    "keeps going": ("keeps going", "keep going", "kept going"),
}  # fmt: skip
"""Every word that a sentence may use for a value."""
PACES = {"steady": 1.0, "faster": 2.0, "slower": 0.5}
"""Power of the share of the clip that is over, which is the share of the movement that is done."""
WAYS = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "towards": (0.0, -1.0), "away": (0.0, 1.0)}
"""Directions to the camera's right, and away from it."""
FRAMES = 6
STEADY = 4
"""A camera's movement is told by things that show in all pictures; so many at the least."""
APART = 1.0
"""Least distance of a moving thing to all others, metres."""


GONE = {
    "turned left": ("pan", "left"), "turned right": ("pan", "right"), "tilted upwards": ("tilt", "up"),
    "tilted downwards": ("tilt", "down"), "moved to its left": ("truck", "left"),
    "moved to its right": ("truck", "right"), "moved upwards": ("pedestal", "up"),
    "moved downwards": ("pedestal", "down"), "moved forwards": ("dolly", "forward"),
    "moved backwards": ("dolly", "backward"),
}  # fmt: skip
"""Movements as :mod:`assay.envs.spatial_tree.parts.motion` knows them, and what this leaf calls them."""


def camera_move(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How the camera moves: which movement, where to and, in the harder ones, with which pace."""
    kind = list(MOVES)[int(rng.integers(5))]
    way = MOVES[kind][int(rng.integers(2))]
    pace = list(PACES)[int(rng.integers(3))] if difficulty >= 3 else "steady"
    turn, step = (26, 24, 22, 18, 15)[difficulty - 1], (1.3, 1.1, 1.0, 0.8, 0.65)[difficulty - 1]
    places = spots(rng, 5 + difficulty // 2, (1.5, 2.2), 0.95)
    if places is None:
        return None
    base = room(rng, 9.0, 8.0)
    things = [put(who, at + np.array([1.2, 0.0]), float(rng.uniform(0, 360)))
              for who, at in zip(cast(rng, len(places)), places, strict=True)]  # fmt: skip
    scene = Scene((*things, *base.things), base.light)
    done = (np.arange(FRAMES) / (FRAMES - 1)) ** PACES[pace]
    if pace == "slower":
        done = 1 - (1 - np.arange(FRAMES) / (FRAMES - 1)) ** 2
    sign = 1.0 if way in ("right", "up", "forward") else -1.0
    cameras = [
        _camera(kind, sign * (share - 0.5) * (turn if kind in ("pan", "tilt") else step), size) for share in done
    ]
    ends = [render(flat(scene), cameras[k]) for k in (0, -1)]
    if sum(min(end.share(k) for end in ends) > 0.006 for k in range(len(things))) < STEADY:
        return None

    def recheck() -> bool:
        return _camera_told(scene, cameras, difficulty >= 3) == (kind, way, pace)

    slots = [(kind, list(MOVES)), (way, ["left", "right", "up", "down", "forward", "backward"])]
    paced = ""
    if difficulty >= 3:
        slots.append((pace, list(PACES)))
        paced = ", and its pace: steady, getting faster or getting slower"
    text = ("The pictures of a clip, taken at equal times. How does the camera move? A pan or tilt turns it on the "
            "spot; truck, pedestal and dolly shift it sideways, vertically, or along its view.")  # fmt: skip
    ask = (f"Answer in one sentence that says the movement: pan, tilt, truck, pedestal or dolly, its direction: left, "
           f"right, up, down, forward or backward{paced}.")  # fmt: skip
    gold = f"The camera's movement is a {kind} {way}" + (f", {pace}." if paced else ".")
    return _told(text, [picture(render(scene, camera)) for camera in cameras], slots, gold, ask, recheck)


def _camera(kind: str, amount: float, size: int) -> Camera:
    yaw = -amount if kind == "pan" else 0.0
    pitch = -9.0 + (amount if kind == "tilt" else 0.0)
    straight = Camera.heading((-3.1, 0.0, 1.3), yaw, pitch, vfov=56.0, width=size, height=size * 3 // 4)
    right, down, ahead = straight.rotation
    offset = {"truck": right, "pedestal": -down, "dolly": ahead}.get(kind, np.zeros(3)) * amount
    return Camera.posed(np.array(straight.eye) + offset, straight.axes, vfov=56.0, width=size, height=size * 3 // 4)


def _camera_told(scene: Scene, cameras: Sequence[Camera], pace: bool) -> tuple[str, str, str]:
    """Movement, direction and pace from depths alone: which movement brings the first picture's onto the later ones."""
    views = [render(flat(scene), camera) for camera in cameras]

    def misfits(name: str, view: View, tried: Array) -> list[float]:
        return [misfit(cameras[0], views[0], view, name, amount) for amount in tried]

    tried = {name: np.linspace(7, 32, 16) if name.startswith("t") else np.linspace(0.3, 1.6, 16) for name in GONE}
    name = min(GONE, key=lambda name: min(misfits(name, views[-1], tried[name])))
    kind, way = GONE[name]
    if not pace:
        return kind, way, "steady"
    fine = np.linspace(0, tried[name][-1], 65)
    reached = np.array([fine[int(np.argmin(misfits(name, view, fine)))] for view in views[1:]])
    even = np.arange(1, FRAMES) / (FRAMES - 1)
    done = {"steady": even, "faster": even**2, "slower": 1 - (1 - even) ** 2}
    return kind, way, min(done, key=lambda each: float(np.abs(done[each] - reached / reached[-1]).sum()))


def thing_move(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which thing moves, where to, and how it ends."""
    way = list(WAYS)[int(rng.integers(4))]
    ends = {"keeps going": (0, 1, 2, 3, 4, 5), "stops": (0, 1, 2, 3, 3, 3), "turns back": (0, 1, 2, 3, 2, 1)}
    ending = list(ends)[int(rng.integers(3))]
    step = (0.3, 0.27, 0.25, 0.22, 0.2)[difficulty - 1]
    made = _movers(rng, (3, 3, 4, 5, 6)[difficulty - 1], [(way, step * 5)], size)
    if made is None:
        return None
    things, camera, paths = made
    tracks = [paths[0] * step * k for k in ends[ending]]
    base = stage(rng, things)
    scenes = [Scene((_shifted(things[0], move), *base.things[1:]), base.light) for move in tracks]
    names = [things[k].name for k in rng.permutation(len(things))]

    def recheck() -> bool:
        at = _stood(scenes, camera, len(things))
        mover = int(np.linalg.norm(at - at[:1], axis=2).max(axis=0).argmax())
        path = at[:, mover] - at[0, mover]
        last = float((path[-1] - path[3]) @ path[3] / (path[3] @ path[3]))
        told = "stops" if abs(last) < 0.3 else "keeps going" if last > 0 else "turns back"
        return (mover, _way(path[3], camera), told) == (0, way, ending)

    slots = [(things[0].name, names), (way, list(WAYS)), (ending, list(ends))]
    text = (f"The pictures of a clip, taken at equal times, show {listed([f'the {name}' for name in names])}. "
            f"Which of them moves, where to at first, and how does it end?")  # fmt: skip
    ask = ("Answer in one sentence that names the thing that moves and no other, says where it moves at first: left, "
           "right, towards or away (from the camera), and whether in the end it stops, turns back or keeps "
           "going.")  # fmt: skip
    return _told(text, [picture(render(each, camera)) for each in scenes], slots,
                 f"The {things[0].name} moves {way} and {ending}.", ask, recheck)  # fmt: skip


def one_after_the_other(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which two things move one after the other, and where to; the order counts."""
    ways = [list(WAYS)[int(k)] for k in rng.integers(4, size=2)]
    step = (0.5, 0.45, 0.4, 0.36, 0.32)[difficulty - 1]
    made = _movers(rng, (3, 4, 4, 5, 6)[difficulty - 1], [(way, 2 * step) for way in ways], size)
    if made is None:
        return None
    things, camera, paths = made
    shares = ((0, 0), (1, 0), (2, 0), (2, 1), (2, 2))
    base = stage(rng, things)
    moved = [[_shifted(thing, path * step * k) for thing, path, k in zip(things, paths, share, strict=False)]
             for share in shares]  # fmt: skip
    scenes = [Scene((*pair, *base.things[2:]), base.light) for pair in moved]
    names = [things[k].name for k in rng.permutation(len(things))]

    def recheck() -> bool:
        at = _stood(scenes, camera, len(things))
        half = [np.linalg.norm(at[b] - at[a], axis=1) for a, b in ((0, 2), (2, 4))]
        movers = [int(each.argmax()) for each in half]
        told = [_way(at[b, k] - at[a, k], camera) for k, (a, b) in zip(movers, ((0, 2), (2, 4)), strict=True)]
        return movers == [0, 1] and told == ways

    slots = [(things[0].name, names), (ways[0], list(WAYS)), (things[1].name, names), (ways[1], list(WAYS))]
    text = (f"The pictures of a clip, taken at equal times, show {listed([f'the {name}' for name in names])}. Two of "
            f"them move, one after the other. Which, and where to?")  # fmt: skip
    ask = ("Answer in one sentence such as: The black cat moves left, then the white cat moves away. Name only the "
           "two, in the order in which they move, each with its direction: left, right, towards or away (from the "
           "camera).")  # fmt: skip
    gold = f"The {things[0].name} moves {ways[0]}, then the {things[1].name} moves {ways[1]}."
    return _told(text, [picture(render(each, camera)) for each in scenes], slots, gold, ask, recheck, ordered=True)


def _movers(
    rng: np.random.Generator, count: int, moves: Sequence[tuple[str, float]], size: int
) -> tuple[list[Thing], Camera, list[Array]] | None:
    """What moves may do, tried several times, so that movements that are seldom free are asked about as often."""
    return next((made for made in (_mover(rng, count, moves, size) for _ in range(15)) if made is not None), None)


def _mover(
    rng: np.random.Generator, count: int, moves: Sequence[tuple[str, float]], size: int
) -> tuple[list[Thing], Camera, list[Array]] | None:
    """Things of which the first move so far along free paths, the camera, and the directions of the paths."""
    angle = float(rng.uniform(0, 360))
    camera = around(angle, size, 5.2, 3.0, 50.0)
    right, ahead = camera.rotation[0][:2], camera.rotation[2][:2] / np.linalg.norm(camera.rotation[2][:2])
    paths = [WAYS[way][0] * right + WAYS[way][1] * ahead for way, _ in moves]
    places = spots(rng, count, (1.7, 1.7), 1.1)
    if places is None:
        return None
    ends = [places[k] + path * far for k, (path, (_, far)) in enumerate(zip(paths, moves, strict=True))]
    for k, end in enumerate(ends):
        others = [spot for j, spot in enumerate([*places, *ends]) if j not in (k, count + k)]
        if any(away(spot, places[k], end) < APART for spot in others):
            return None
    things = [put(who, at, float(rng.uniform(0, 360)), 0.75)
              for who, at in zip(cast(rng, count, alike=int(count > 4)), places, strict=True)]  # fmt: skip
    last = [_shifted(thing, end - at) for thing, end, at in zip(things, ends, places, strict=False)]
    for state in (things, [*last, *things[len(last) :]]):
        if not clear(Scene(tuple(state)), camera, range(count)):
            return None
    return things, camera, paths


def _shifted(thing: Thing, by: Array) -> Thing:
    return replace(thing, at=(thing.at[0] + float(by[0]), thing.at[1] + float(by[1]), thing.at[2]))


def _stood(scenes: Sequence[Scene], camera: Camera, count: int) -> Array:
    """Where things are in each picture by the points seen of them: ``[pictures, things, 2]``, metres."""
    views = [render(flat(scene), camera) for scene in scenes]
    return np.array([[points_of(view, camera, k)[:, :2].mean(axis=0) for k in range(count)] for view in views])


def _way(move: Array, camera: Camera) -> str:
    right, ahead = camera.rotation[0][:2], camera.rotation[2][:2]
    return max(
        WAYS, key=lambda name: float(move @ (WAYS[name][0] * right + WAYS[name][1] * ahead / np.linalg.norm(ahead)))
    )


def _told(
    text: str, images: Sequence[Image.Image], slots: Sequence[tuple[str, Sequence[str]]], gold: str, ask: str,
    recheck: Callable[[], bool], ordered: bool = False,
) -> Question:  # fmt: skip
    captions = [f"Picture {number}:" for number in range(1, len(images) + 1)]
    return caption(text, images, slots, gold, ask, recheck, WORDS, captions, ordered)


TEMPLATES = (camera_move, thing_move, one_after_the_other)
