"""Perspective taking: what the world is like from where somebody else stands."""

from __future__ import annotations

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import (
    Array,
    away,
    clear,
    flat,
    from_above,
    heading,
    lettered,
    picture,
    side,
    spots,
    the,
)
from assay.envs.spatial_tree.parts.person import eye_of, person
from assay.envs.spatial_tree.question import Question, mcq

SIDES = {"in front of": 0.0, "to the left of": 90.0, "behind": 180.0, "to the right of": -90.0}
"""Degrees counter-clockwise from where a person looks."""
SLACK = (12, 14, 17, 20, 24)
"""By difficulty: how far from the middle of a side a thing may be, degrees; sides meet at 45."""
TELL = 10.0
"""Two views differ by so many degrees in where at least one thing is seen."""
RING = 2.9
"""How far from the middle people stand who look at it, metres."""
SEES = 22.0
"""How far from straight ahead what a person sees may be, degrees; the question says 45."""
FREE = 0.55
"""How far from the line of sight to the target all else stays, metres."""


def side_of_person(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """On which side of a person a thing is, from the person's own point of view."""
    sides = list(SIDES)
    truth = sides[int(rng.integers(4))]
    yaw = float(rng.uniform(0, 360))
    slack = SLACK[difficulty - 1]
    target = float(rng.uniform(1.1, 1.8)) * heading(yaw + SIDES[truth] + float(rng.uniform(-slack, slack)))
    places = spots(rng, difficulty - 1, (2.0, 2.0), 1.0, taken=[np.zeros(2), target])
    if places is None:
        return None
    body = person(*_clothes(rng), (0, 0), yaw)
    things = [put(who, at, float(rng.uniform(0, 360)), 0.75)
              for who, at in zip(cast(rng, difficulty), [target, *places], strict=True)]  # fmt: skip
    # The easy way to look is from behind the person, the hard one from before.
    turn = float(rng.uniform(*((0, 30), (15, 60), (40, 110), (70, 150), (120, 180))[difficulty - 1]))
    scene = stage(rng, [*things, body])
    camera = around(yaw + 180 + turn * float(rng.choice((-1, 1))), size, 4.2)
    if not clear(scene, camera, (0,)) or not clear(scene, camera, (len(things),), unhidden=0.75):
        return None

    def recheck() -> bool:
        alone = flat(Scene((scene.things[0],)))
        looks = [render(alone, eye_of(body, yaw + turn, 160, 75)) for turn in SIDES.values()]
        return sides[int(np.argmax([look.share(0) for look in looks]))] == truth

    text = (f"Take the point of view of {the(body)}, who looks where the peak of the cap points. "
            f"Where is {the(things[0])}?")  # fmt: skip
    options = {each: f"{each} the person" for each in sides}
    return mcq(rng, text, [picture(render(scene, camera))], options[truth],
               [options[each] for each in sides if each != truth], recheck)  # fmt: skip


def _clothes(rng: np.random.Generator) -> tuple[str, tuple[float, float, float]]:
    ink = list(COLOURS)[int(rng.integers(len(COLOURS)))]
    return f"person in {ink}", COLOURS[ink]


def which_view(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four pictures is what a person sees."""
    count = (3, 3, 4, 4, 5)[difficulty - 1]
    places = spots(rng, count, (1.1, 1.1), 0.95)
    if places is None:
        return None
    apart = (90, 80, 70, 60, 50)[difficulty - 1]
    steps = np.cumsum([0, *rng.uniform(apart, 90, 3)]) * float(rng.choice((-1, 1)))
    stands = float(rng.uniform(0, 360)) + steps
    if any(_differ(places, stands[0], other) < TELL for other in stands[1:]):
        return None
    things = [put(who, at, float(rng.uniform(0, 360)), 0.75)
              for who, at in zip(cast(rng, count, alike=int(difficulty > 3)), places, strict=True)]  # fmt: skip
    people = [person("person in blue", COLOURS["blue"], _ring(at), float(at) + 180) for at in stands]
    scene = stage(rng, [*things, people[0]])
    camera = around(float(rng.uniform(0, 360)), size, 6.2, 3.4)
    alone = Scene((*things, scene.things[-1]), scene.light)
    eyes = [eye_of(each, width=size) for each in people]
    if not clear(scene, camera, range(count + 1), 0.003):
        return None
    if not all(clear(alone, eye, range(count), unhidden=0.35) for eye in eyes):
        return None
    order = rng.permutation(4)
    right = int(np.flatnonzero(order == 0)[0])
    shown = [eyes[k] for k in order]

    def recheck() -> bool:
        above = from_above(scene, range(count + 1))
        body = above[count]
        bearings = np.array([-side(-body, above[k] - body) for k in range(count)])
        return int(np.argmin([np.abs(_columns(alone, eye, count) - bearings).max() for eye in shown])) == right

    views = [picture(render(scene, camera)), *(picture(render(alone, eye)) for eye in shown)]
    names = [f"View {letter}" for letter in "ABCD"]
    text = ("The first picture shows a person in blue who looks at some things. Which of the other four pictures is "
            "what the person sees? (The person is not in them.)")  # fmt: skip
    return lettered(text, views, ["The scene:", *(f"{name}:" for name in names)], right, names, recheck)


def _ring(angle: float) -> tuple[float, float]:
    x, y = (RING * heading(angle)).tolist()
    return x, y


def _differ(places: Array, one: float, other: float) -> float:
    """By how many degrees the things are seen elsewhere from two stands on the ring, at the most."""
    seen = [np.array([side(-heading(at), spot - RING * heading(at)) for spot in places]) for at in (one, other)]
    return float(np.abs(seen[0] - seen[1]).max())


def _columns(scene: Scene, camera: Camera, count: int) -> Array:
    """How far to the right of the middle the first things show, degrees."""
    seen = render(flat(scene), camera)
    x = np.array([seen.centroid(place)[0] for place in range(count)])
    found: Array = np.degrees(np.arctan((x - camera.width / 2) / camera.focal))
    return found


def who_sees(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which one of several people can see a thing."""
    count = (2, 3, 3, 4, 4)[difficulty - 1] + 1
    target = rng.uniform(-0.4, 0.4, 2)
    angles = float(rng.uniform(0, 360)) + np.arange(count) * 360 / count + rng.uniform(-12, 12, count)
    stands = [target + float(rng.uniform(1.9, 2.6)) * heading(angle) for angle in angles]
    low, high = ((130, 180), (110, 180), (90, 160), (75, 130), (70, 110))[difficulty - 1]
    inks = [list(COLOURS)[k] for k in rng.permutation(len(COLOURS))[:count]]
    # The first one sees it; the last one, in the hard ones, would but for a screen.
    turns = [
        float(rng.uniform(-SEES, SEES)),
        *(float(rng.uniform(low, high) * rng.choice((-1, 1))) for _ in angles[1:]),
    ]
    screens = []
    if difficulty >= 3:
        turns[-1] = float(rng.uniform(-SEES, SEES))
        middle = target + 0.5 * (stands[-1] - target)
        screens = [_screen(middle, angles[-1])]
        if away(middle, stands[0], target) < FREE + 0.6:
            return None
    people = [person(f"person in {ink}", COLOURS[ink], (float(at[0]), float(at[1])), float(angle) + 180 + turn)
              for ink, at, angle, turn in zip(inks, stands, angles, turns, strict=True)]  # fmt: skip
    thing = put(cast(rng, 1)[0], target, float(rng.uniform(0, 360)), 0.75)
    scene = stage(rng, [*people, thing, *screens])
    camera = around(float(rng.uniform(0, 360)), size, 6.0, 4.2)
    if not clear(scene, camera, range(count), 0.003, 0.75) or not clear(scene, camera, (count,), 0.002):
        return None

    def recheck() -> bool:
        seen = []
        for place, body in enumerate(people):
            rest = Scene((thing, *screens, *people[:place], *people[place + 1 :]))
            whole = render(flat(Scene((thing,))), eye_of(body, width=160, vfov=73.7)).share(0)
            seen.append(render(flat(rest), eye_of(body, width=160, vfov=73.7)).share(0) > 0.3 * whole > 0)
        return seen == [True, *(False for _ in people[1:])]

    text = (f"Everybody looks where the peak of the cap points, and sees what is at most 45 degrees to the left or "
            f"right of that{', if no screen hides it' if screens else ''}. Who sees {the(thing)}?")  # fmt: skip
    names = [the(each) for each in people]
    return mcq(rng, text, [picture(render(scene, camera))], names[0], names[1:], recheck)


def _screen(at: Array, angle: float) -> Thing:
    """A screen at ``at`` across the direction ``angle``, degrees."""
    part = Part("box", (0.06, 1.3, 1.5), (0, 0, 0.75), colour=(0.88, 0.86, 0.8))
    return Thing("screen", (part,), (float(at[0]), float(at[1]), 0.0), (0, 0, float(angle)))


TEMPLATES = (side_of_person, which_view, who_sees)
