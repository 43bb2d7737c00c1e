"""Robotic arm: lift, put down, stack and push things with a gripper, in steps, with a view after every turn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from assay.envs.spatial_tree.acting.arm import Handling as Activity
from assay.envs.spatial_tree.acting.body import HERE
from assay.envs.spatial_tree.acting.desk import Desk
from assay.envs.spatial_tree.acting.handling import CLOSE, Course, Goal, Way, course
from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS, STOP, said
from assay.envs.spatial_tree.acting.tabletop import (
    FIELD,
    KINDS,
    Spot,
    front_camera,
    seen,
    start_of,
    tabletop,
)
from assay.envs.spatial_tree.engine import Scene, render
from assay.envs.spatial_tree.engine.kinds import COLOURS
from assay.envs.spatial_tree.engine.turning import turned
from assay.envs.spatial_tree.engine.visibility import fair
from assay.envs.spatial_tree.question import Question

__all__ = ["TEMPLATES", "Activity"]

APART = 0.17
"""Between the middles of things at the start, metres."""
CLEAR = 0.15
"""Between the middle of a thing and the way of one that is pushed, metres."""
SURE = 0.6
"""Share of the tolerance within which the planner must put the thing."""
_STEPS = ((0.02, 5.0), (0.02, 7.5), (0.025, 7.5), (0.025, 10.0))
_CAPTIONS = ("The table now, from the front:", "From the wrist:", "How it is to be, hand included, from the front:")
_ASK = "Say your first action object."


def lift(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Grasp a thing and hold it up, above where it stands or beside."""
    step, angle = _STEPS[rng.integers(len(_STEPS))]
    spots = _strewn(rng, difficulty + 1, angle, difficulty)
    if spots is None:
        return None
    high = step * int(rng.integers(5, 9))
    aside = step * rng.integers(-6, 7, size=2) if difficulty >= 3 else np.zeros(2)
    at = np.array([spots[0].x + aside[0], spots[0].y + aside[1], high])
    text = f"Grasp the {spots[0].name} and hold it as the last picture shows, {high:.2f} m above the table."
    return _asked(rng, size, spots, (step, angle), "lift", at, _turned(rng, spots[0], angle, difficulty), text, [0])


def place(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Put a thing on a pad and let go of it."""
    step, angle = _STEPS[rng.integers(len(_STEPS))]
    spots = _strewn(rng, difficulty + 2, angle, difficulty, pads=1 + (difficulty >= 3))
    if spots is None:
        return None
    pad = spots[-1]
    text = f"Put the {spots[0].name} on the {pad.name}, middle over middle, let go of it, and lift the hand."
    at = np.array([pad.x, pad.y, 0.0])
    named = [0, len(spots) - 1]
    return _asked(rng, size, spots, (step, angle), "place", at, _turned(rng, spots[0], angle, difficulty), text, named)


def stack(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Put a thing on top of another and let go of it."""
    step, angle = _STEPS[rng.integers(len(_STEPS))]
    spots = _strewn(rng, difficulty + 1, angle, difficulty, kinds=("cube", "bar", "slab"))
    if spots is None:
        return None
    under = spots[1]
    text = f"Put the {spots[0].name} on top of the {under.name}, middle over middle, let go of it, and lift the hand."
    at = np.array([under.x, under.y, KINDS[under.kind][2]])
    return _asked(rng, size, spots, (step, angle), "place", at, _turned(rng, spots[0], angle, difficulty), text, [0, 1])


def push(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Push a thing onto a pad with closed fingers."""
    step, angle = _STEPS[rng.integers(len(_STEPS))]
    spots = _strewn(rng, difficulty + 2, angle, 1, pads=1) or []
    widest = 1 if difficulty <= 2 else int(60 / angle)
    for _ in range(40 if spots else 0):
        ahead = 90 + angle * int(rng.integers(-widest, widest + 1))
        away = step * int(rng.integers(6, 12)) * turned((0, 0, ahead))[:2, 0]
        thing = spots[0]._replace(yaw=ahead - 90)
        pad = spots[-1]._replace(x=thing.x + float(away[0]), y=thing.y + float(away[1]))
        if _inside(pad) and not _crowded([thing, *spots[1:-1], pad]) and not _in_the_way(thing, pad, spots[1:-1]):
            break
    else:
        return None
    spots = [thing, *spots[1:-1], pad]
    text = f"Close the fingers and push the {thing.name} onto the {pad.name}, middle over middle; then lift the hand."
    at = np.array([pad.x, pad.y, 0.0])
    return _asked(rng, size, spots, (step, angle), "push", at, thing.yaw, text, [0, len(spots) - 1])


def _strewn(
    rng: np.random.Generator, count: int, angle: float, difficulty: int, pads: int = 0,
    kinds: Sequence[str] = tuple(KINDS),
) -> list[Spot] | None:  # fmt: skip
    """Things apart from each other, all of different colours; the last ``pads`` are pads."""
    colours = rng.permutation(list(COLOURS))[: min(count, len(COLOURS))]
    spots: list[Spot] = []
    for number, colour in enumerate(colours):
        kind = "pad" if number >= len(colours) - pads else str(rng.choice(list(kinds)))
        most = int((10, 30, 60, 90, 90)[difficulty - 1] / angle)
        yaw = angle * int(rng.integers(-most, most + 1))
        for _ in range(40):
            x, y = (float(rng.uniform(*limits)) for limits in FIELD)
            spot = Spot(kind, str(colour), round(x, 3), round(y, 3), yaw)
            if not _crowded([*spots, spot]):
                spots.append(spot)
                break
        else:
            return None
    return spots


def _crowded(spots: Sequence[Spot]) -> bool:
    return any(np.hypot(one.x - two.x, one.y - two.y) < APART for one, two in combinations(spots, 2))


def _inside(spot: Spot) -> bool:
    return all(low <= value <= high for value, (low, high) in zip((spot.x, spot.y), FIELD, strict=True))


def _in_the_way(thing: Spot, pad: Spot, others: Sequence[Spot]) -> bool:
    """Whether another thing is near the way that is pushed."""
    one, two = (np.array([spot.x, spot.y]) for spot in (thing, pad))
    back = one - 0.12 * (two - one) / np.linalg.norm(two - one)
    for spot in others:
        off = np.array([spot.x, spot.y]) - back
        share = np.clip(off @ (two - back) / ((two - back) @ (two - back)), 0, 1)
        if np.linalg.norm(off - share * (two - back)) < CLEAR:
            return True
    return False


def _turned(rng: np.random.Generator, spot: Spot, angle: float, difficulty: int) -> float:
    """How the thing is to lie, degrees."""
    most = int((0, 0, 30, 45, 60)[difficulty - 1] / angle)
    return spot.yaw + angle * int(rng.integers(-most, most + 1))


def _asked(
    rng: np.random.Generator, size: int, spots: Sequence[Spot], steps: tuple[float, float], way: Way, at: Any,
    yaw: float, text: str, named: Sequence[int],
) -> Question | None:  # fmt: skip
    scene, items = tabletop(rng, spots)
    if not fair(scene, front_camera(size), [2 + number for number in named]):
        return None
    eye = [round(float(rng.uniform(-0.12, 0.12)), 3), round(float(rng.uniform(-0.12, 0.0)), 3), 0.3]
    start = start_of(scene, items, eye, *steps)
    desk = Desk.of({**start, "frame": "body"}, scene)
    first = Goal(way, 0, np.asarray(at, dtype=float), yaw, HERE)
    made = course(desk, desk.begin(), first, final=False)
    goal = Goal(way, 0, first.at, yaw, made.state.pose)
    if made.blocked or not _settled(made, goal) or len(made.actions) >= 2 * MOST_ACTIONS:
        return None
    start["goal"] = {"way": way, "thing": 0, "at": np.round(first.at, 4).tolist(), "yaw": yaw,
                     "pose": list(made.state.pose)}  # fmt: skip
    before, after = seen(desk, desk.begin(), size), seen(desk, made.state, size)[0]
    gold = "\n".join(said(part) for part in _by_turns([*made.actions, (STOP, 0)]))
    ends = [*made.ends, (made.state.pose, made.state.closed)]
    truth = {
        "poses": [list(HERE), *(list(pose) for pose, _ in ends)], "grip": [closed for _, closed in ends],
        "translation_step": steps[0], "rotation_step": steps[1], "unit": "degrees",
    }  # fmt: skip
    check = partial(_recheck, scene, start, gold, np.asarray(after), size)
    images = [*before, after]
    return Question(text, images, truth, gold, _ASK, check, metric="manipulate", captions=_CAPTIONS, start=start)


def _settled(made: Course, goal: Goal) -> bool:
    off = made.state.items[0].at - goal.at
    return goal.gripped(made.state) and goal.lies(made.state.items[0]) and float(np.hypot(*off[:2])) < SURE * CLOSE


def _by_turns(actions: Sequence[Any]) -> list[Sequence[Any]]:
    return [actions[at : at + MOST_ACTIONS] for at in range(0, len(actions), MOST_ACTIONS)]


def _recheck(scene: Scene, start: dict[str, Any], gold: str, shown: Any, size: int) -> bool:
    """Played by what was written down, it looks as shown; and by its depths the thing is seen where it belongs."""
    played = Activity({**start, "frame": "body", "layout": "any", "format_weight": 0.0}, size)
    for line in gold.splitlines():
        played.act(line, 1)
    view = render(played.desk.shown(played.state), front_camera(size))
    if not np.array_equal(view.rgb, shown):
        return False
    rows, columns = np.nonzero(view.ids == played.desk.items[0].place)
    if len(rows) < 20:
        return False
    points = front_camera(size).unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
    middle = np.array(start["goal"]["at"]) + np.array([0, 0, played.desk.items[0].size[2] / 2])
    reach = np.linalg.norm(played.desk.items[0].size) / 2 + CLOSE
    return bool((np.linalg.norm(points - middle, axis=1) < reach).mean() > 0.95)


TEMPLATES = (lift, place, stack, push)
