"""Self-goaling: from a goal in words, decide turn by turn what to do next, and when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.acting.body import HERE
from assay.envs.spatial_tree.acting.deciding import (
    AHEAD,
    ANGLE,
    DONE,
    GOES_ON,
    LETTERS,
    NEAR,
    STEP,
    Goal,
    State,
    options_at,
)
from assay.envs.spatial_tree.acting.deciding import Deciding as Activity
from assay.envs.spatial_tree.acting.places import OPEN, STANDING, WIDE, Place, furnished
from assay.envs.spatial_tree.acting.solids import box_of
from assay.envs.spatial_tree.engine import Camera, Light, Scene, render
from assay.envs.spatial_tree.question import Question

__all__ = ["TEMPLATES", "Activity"]

LONGEST = 8
"""Moves of the shortest way, at most."""
FAR = 4.0
"""Metres at which two things are still seen together."""
TOGETHER = 30.0
"""Degrees from straight ahead within which two things are seen together."""
WIDER = 1.7
"""At the start the goal must not hold even if its distances and angles were so many times as large."""
SHARE = 0.004
"""Of the picture, that what was gone up to fills at the end."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "You want to sit down.": ("chair", "stool", "sofa", "bench"),
    "You want to lie down and sleep.": ("bed",),
    "You want to put milk where it stays cold.": ("fridge",),
    "You want to wash your clothes.": ("washing machine",),
    "You want to cook soup.": ("stove",),
    "You want something to read.": ("bookshelf",),
    "You want to hang up your coat and hat.": ("coat stand",),
    "You want to switch on a light.": ("floor lamp",),
    "You want to water what grows.": ("plant pot",),
    "You want to pack for a journey.": ("suitcase",),
    "You want to throw something away.": ("bin",),
}
"""A need, and the kinds of things that meet it."""
LEANING = 8.0
"""Degrees by which what is seen of a thing may be farther from straight ahead than its middle."""
UNSEEN = 0.5
"""Metres by which the nearest point of a thing's box may be nearer than what is seen of it."""
_CLOSE = "Come within 1.5 m of {}, with its middle no more than 22 degrees from straight ahead."


def go_up_to(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Come to stand before a named thing."""
    place = _room(rng, difficulty)
    if place is None:
        return None
    target = _any(rng, place, 1)[0]
    text = _CLOSE.format(f"the {place.scene.things[target].name}")
    return _asked(rng, difficulty, size, place, [_before(place, target)], [[target]], text)


def meet_a_need(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Find what serves a need, and come to stand before it."""
    place = _room(rng, difficulty)
    if place is None:
        return None
    kinds = [each.kind for each in place.scene.things]
    fit = [need for need, serve in NEEDS.items() if sum(kind in serve for kind in kinds) == 1]
    if not fit:
        return None
    need = fit[rng.integers(len(fit))]
    target = next(k for k, kind in enumerate(kinds) if kind in NEEDS[need])
    text = f"{need} One thing here serves for that. " + _CLOSE.format("it")
    return _asked(rng, difficulty, size, place, [_before(place, target)], [[target]], text)


def see_both(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Find a stand from which two things are ahead at once."""
    place = _room(rng, difficulty)
    if place is None:
        return None
    pair = _any(rng, place, 2)
    one, two = (place.scene.things[k].name for k in pair)
    boxes = [box_of(place.scene.things[k]) for k in pair]
    text = f"Stand so that the middles of the {one} and of the {two} are both within 30 degrees of straight ahead, \
and both are less than 4 m away."
    return _asked(rng, difficulty, size, place, [{"boxes": boxes, "ahead": TOGETHER, "near": FAR}], [pair], text)


def one_then_other(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Go up to one thing and then to another."""
    place = _room(rng, difficulty)
    if place is None:
        return None
    pair = _any(rng, place, 2)
    one, two = (place.scene.things[k].name for k in pair)
    text = (
        f"Go up to the {one} first, and then to the {two}; each time come within 1.5 m of it, with its middle no more \
than 22 degrees from straight ahead."
    )
    return _asked(rng, difficulty, size, place, [_before(place, k) for k in pair], [[pair[0]], [pair[1]]], text)


def _room(rng: np.random.Generator, difficulty: int) -> Place | None:
    width, depth = (round(float(rng.uniform(4.0, 5.0) + 0.25 * difficulty), 2) for _ in range(2))
    return furnished(rng, width, depth, 3 + difficulty)


def _any(rng: np.random.Generator, place: Place, count: int) -> list[int]:
    here = [k for k, each in enumerate(place.scene.things) if each.kind in STANDING]
    return [int(k) for k in rng.choice(here, count, replace=False)]


def _before(place: Place, target: int) -> dict[str, Any]:
    return {"boxes": [box_of(place.scene.things[target])], "ahead": AHEAD, "near": NEAR}


def _asked(
    rng: np.random.Generator, difficulty: int, size: int, place: Place, stages: list[dict[str, Any]],
    targets: Sequence[Sequence[int]], text: str,
) -> Question | None:  # fmt: skip
    eye = place.eye(rng)
    if eye is None:
        return None
    camera = Camera.heading(eye, round(float(rng.uniform(-180, 180)), 1), height=3, width=4)
    world = place.world(camera, STEP, ANGLE, WIDE)
    goal = Goal({"stages": stages}, world)
    way = goal.shortest(State(HERE), LONGEST)
    if way is None or len(way) < min(3 + difficulty // 2, 5) or _nearly(goal):
        return None
    end = State(HERE)
    for move in way:
        end = goal.after(end, move)
    plain = Scene(place.scene.things, Light(shadow=False))
    last = render(plain, world.camera(end.pose, size))
    if min(last.share(k) for k in targets[-1]) < SHARE:
        return None
    order = int(rng.integers(2**31))
    start = {**place.start(camera, STEP, ANGLE, WIDE), "goal": {"stages": stages}, "order": order}
    letters = []
    for turn, move in enumerate(way):
        flag = DONE if turn == len(way) - 1 else GOES_ON
        letters.append(LETTERS[options_at(order, turn).index(move + flag)])
    view = render(place.scene, world.camera(HERE, size))
    if np.median(view.depth) < OPEN:
        return None
    check = partial(_recheck, start, letters, targets, size)
    ask = "Choose the option for your first turn: answer with its letter only."
    gold = " ".join(letters)
    return Question(
        f"The goal: {text}",
        [Image.fromarray(view.rgb)],
        {"answer": gold},
        gold,
        ask,
        check,
        options_at(order, 0),
        start=start,
    )


def _nearly(goal: Goal) -> bool:
    """Whether the last stage nearly holds at the start."""
    last = goal.stages[-1]
    wide = {**last, "ahead": WIDER * last["ahead"], "near": WIDER * last["near"]}
    return Goal({"stages": [wide]}, goal.world).holds(HERE, 0)


def _recheck(start: dict[str, Any], letters: Sequence[str], targets: Sequence[Sequence[int]], size: int) -> bool:
    """Played by letters, the goal holds by what is seen at the end, and by what is seen at the start it does not."""
    played = Activity({**start, "frame": "body", "layout": "any", "format_weight": 0.0, "turns": 99}, size)
    wanted = start["goal"]["stages"][-1]
    if _seems(played, targets[-1], wanted, size, tight=True):
        return False
    for letter in letters:
        played.act(letter, 9)
    return _seems(played, targets[-1], wanted, size, tight=False)


def _seems(played: Activity, things: Sequence[int], wanted: Mapping[str, Any], size: int, tight: bool) -> bool:
    """By segmentation and depth: the nearest seen point of each thing is near enough, and some of it lies ahead.

    ``tight``: what is seen of it lies ahead in the mean, well within the angle.
    """
    camera = played.world.camera(played.pose, size)
    view = render(played.scene, camera)
    for thing in things:
        rows, columns = np.nonzero(view.ids == thing)
        if len(rows) == 0:
            return False
        points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
        local = camera.local(points)
        near = float(np.hypot(*(points[:, :2] - np.array(camera.eye[:2])).T).min())
        turn = np.degrees(np.arctan2(local[:, 0], local[:, 2]))
        off, limit = (
            (abs(turn.mean()), wanted["ahead"] / 2) if tight else (np.abs(turn).min(), wanted["ahead"] + LEANING)
        )
        if off > limit or near > wanted["near"] + (0 if tight else UNSEEN):
            return False
    return True


TEMPLATES = (go_up_to, meet_a_need, see_both, one_then_other)
