"""Knowledge acquisition: look around, behind and in other rooms until the question can be answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.acting.body import HERE, World
from assay.envs.spatial_tree.acting.exploring import Exploring as Activity
from assay.envs.spatial_tree.acting.exploring import scouted, shown_ids
from assay.envs.spatial_tree.acting.homes import Home, home, stands_in
from assay.envs.spatial_tree.acting.places import EYES, OPEN, STANDING, WIDE, furnished
from assay.envs.spatial_tree.acting.stored import restored
from assay.envs.spatial_tree.engine import Camera, Scene, Thing, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, thing
from assay.envs.spatial_tree.question import Question, mcq
from assay.verifiers.spatial.poses import Pose, pose_of

__all__ = ["TEMPLATES", "Activity"]

STEP, ANGLE = 0.2, 15.0
"""Metres and degrees of a step."""
NEAREST = 1.2
"""Metres from a thing at which one looks at it, at least."""
MOST_LOOKS = 5
"""Views that a planner may need."""
LAYOUTS = 16
"""Homes that are tried for a number of things."""
_COUNTED = ("chair", "stool", "plant pot", "bin", "suitcase", "floor lamp")


def hidden_colour(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """The colour of a thing that stands behind one's back."""
    place = furnished(rng, 4.5 + 0.2 * difficulty, 4.5, 3 + difficulty)
    eye = None if place is None else place.eye(rng)
    if place is None or eye is None:
        return None
    here = [k for k, each in enumerate(place.scene.things) if each.kind in STANDING]
    target = int(rng.choice(here))
    kind, colour = place.scene.things[target].kind, place.scene.things[target].colour
    camera = _away(rng, eye, place.scene.things[target])
    wrong = rng.permutation([name for name in COLOURS if name != colour])[:3].tolist()
    stands = _far([(eye[0], eye[1]), *stands_in(rng, place, place.limits)], place.scene.things[target])
    text = f"There is one {kind} in this room. Which colour is it?"
    return _asked(rng, place, camera, size, [target], {target: stands}, text, colour, wrong, _colour_seen(kind))


def other_room(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four things stands in a room that is not the one one is in."""
    count = 2 if difficulty <= 3 else 3
    names = _named(rng, count * (2 + (difficulty in (2, 3, 5))) + 3)
    things, wrong = names[3:], [each.name for each in names[:3]]
    made = home(rng, count, [things[room::count] for room in range(count)])
    camera = None if made is None else _in_room(rng, made, 0)
    if made is None or camera is None:
        return None
    others = [made.first + k for k, room in enumerate(made.rooms) if room > 0]
    target = int(rng.choice(others))
    text = "You are in one of several rooms. Which of these stands in another of them?"
    right = made.place.scene.things[target].name
    return _asked(rng, made.place, camera, size, [target], _stands(rng, made, [target]), text, right, wrong,
                  partial(_name_seen, [right, *wrong]))  # fmt: skip


def count_all(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """How many things of a kind there are in all rooms together."""
    count = 2 if difficulty <= 3 else 3
    kind = str(rng.choice(_COUNTED))
    number = int(rng.integers(1, 5))
    for _ in range(LAYOUTS):  # of the same number, lest numbers that are easier to place be answers more often
        colours = rng.permutation(list(COLOURS))[:number]
        others = [each for each in _named(rng, 1 + difficulty) if each.kind != kind]
        things = [thing(kind, str(colour)) for colour in colours] + others
        places = rng.permutation(len(things)) % count
        rooms = [[each for each, room in zip(things, places, strict=True) if room == k] for k in range(count)]
        made = home(rng, count, rooms)
        camera = None if made is None else _in_room(rng, made, 0)
        if made is None or camera is None:
            continue
        targets = [k for k, each in enumerate(made.place.scene.things) if each.kind == kind]
        text = f"How many {kind}s are there in all {('two', 'three')[count - 2]} rooms together?"
        wrong = [str(each) for each in range(1, 5) if each != number]
        seen = partial(_number_seen, kind)
        stands = _stands(rng, made, targets)
        asked = _asked(rng, made.place, camera, size, targets, stands, text, str(number), wrong, seen, none=False)
        if asked is not None:
            return asked
    return None


def same_room(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of four things shares a room with a named one, in a home of which one sees a part."""
    count = 3
    things = _named(rng, 2 * count + difficulty // 2)
    made = home(rng, count, [things[room::count] for room in range(count)])
    camera = None if made is None else _in_room(rng, made, 0)
    if made is None or camera is None:
        return None
    pairs = [
        (a, b) for a, one in enumerate(made.rooms) for b, two in enumerate(made.rooms) if one == two > 0 and a != b
    ]
    known, target = (int(each) for each in pairs[rng.integers(len(pairs))])
    apart = [k for k, room in enumerate(made.rooms) if room != made.rooms[known]]
    wrong = [made.place.scene.things[made.first + int(k)].name for k in rng.permutation(apart)[:3]]
    scene = made.place.scene
    named, right = scene.things[made.first + known].name, scene.things[made.first + target].name
    text = f"You are in one of three rooms. Which of these is in the same room as the {named}?"
    targets = [made.first + known, made.first + target]
    together = partial(_together, named, [right, *wrong], [each.box for each in made.plan.rooms])
    return _asked(rng, made.place, camera, size, targets, _stands(rng, made, targets), text, right, wrong, together)


def _named(rng: np.random.Generator, count: int) -> list[Thing]:
    """Things of different kinds; of colours that repeat."""
    kinds = rng.choice([kind for kind in STANDING if kind not in ("bed", "sofa", "table")], count, replace=False)
    return [thing(str(kind), str(rng.choice(list(COLOURS)))) for kind in kinds]


def _away(rng: np.random.Generator, eye: Sequence[float], target: Thing) -> Camera:
    """From ``eye``, the target behind."""
    x, y = np.array(target.at[:2]) - np.array(eye[:2])
    yaw = float(np.degrees(np.arctan2(y, x))) + 180 + float(rng.uniform(-70, 70))
    return Camera.heading(eye, round(yaw, 1), height=3, width=4)


def _in_room(rng: np.random.Generator, made: Home, room: int) -> Camera | None:
    stands = stands_in(rng, made.place, made.plan.rooms[room].box, gap=0.3)
    if not stands:
        return None
    x, y = stands[rng.integers(len(stands))]
    return Camera.heading((x, y, EYES), round(float(rng.uniform(-180, 180)), 1), height=3, width=4)


def _stands(rng: np.random.Generator, made: Home, targets: Sequence[int]) -> dict[int, list[tuple[float, float]]]:
    rooms = {target: made.rooms[target - made.first] for target in targets}
    return {target: _far(stands_in(rng, made.place, made.plan.rooms[room].box), made.place.scene.things[target])
            for target, room in rooms.items()}  # fmt: skip


def _far(stands: Sequence[tuple[float, float]], target: Thing) -> list[tuple[float, float]]:
    """Those from which a thing is seen from top to bottom, the farthest first."""
    away = {at: float(np.hypot(at[0] - target.at[0], at[1] - target.at[1])) for at in stands}
    return sorted((at for at in stands if away[at] >= NEAREST), key=lambda at: -away[at])


def _asked(
    rng: np.random.Generator, place: Any, camera: Camera, size: int, targets: Sequence[int], stands: Any, text: str,
    right: str, wrong: Sequence[str], seen: Callable[[Scene, set[int]], str | None], none: bool = True,
) -> Question | None:  # fmt: skip
    """The question, if the first view does not show what is asked (``none``: nothing of it) and a few more do."""
    world: World = place.world(camera, STEP, ANGLE, WIDE)
    first = shown_ids(place.scene, world, [HERE])
    if (none and set(targets) & first) or set(targets) <= first:
        return None
    looks = scouted(place.scene, world, targets, stands)
    if looks is None or len(looks) > MOST_LOOKS:
        return None
    view = render(place.scene, world.camera(HERE, size))
    if np.median(view.depth) < OPEN:
        return None
    start = {**place.start(camera, STEP, ANGLE, WIDE), "looks": [list(look) for look in looks]}
    check = partial(_recheck, start, right, seen)
    made = mcq(rng, text, [Image.fromarray(view.rgb)], right, wrong, check)
    if not none:
        made = _in_order(made, right)
    ask = "Act, or answer with the letter of the right option only."
    return replace(made, ask=ask, start={**start, "choices": list(made.options), "answer": made.gold})


def _in_order(made: Question, right: str) -> Question:
    """Numbers from the least to the greatest."""
    options = tuple(sorted(made.options, key=int))
    letter = "ABCD"[options.index(right)]
    return replace(made, options=options, gold=letter, truth={"answer": letter, "choices": list(options)})


def _recheck(start: dict[str, Any], right: str, seen: Callable[[Scene, set[int]], str | None]) -> bool:
    """What all views of the planner's tour show gives the answer; what the first shows does not."""
    scene, world = restored(start["scene"]), World.of({**start, "frame": "body"})
    poses: list[Pose] = [HERE, *(pose_of(look) for look in start["looks"])]
    before = seen(scene, shown_ids(scene, world, poses[:1], 0.0005))
    return seen(scene, shown_ids(scene, world, poses, 0.0005)) == right != before


def _colour_seen(kind: str) -> Callable[[Scene, set[int]], str | None]:
    def seen(scene: Scene, ids: set[int]) -> str | None:
        found = {scene.things[k].colour for k in ids if k >= 0 and scene.things[k].kind == kind}
        return found.pop() if len(found) == 1 else None

    return seen


def _name_seen(names: Sequence[str], scene: Scene, ids: set[int]) -> str | None:
    found = {scene.things[k].name for k in ids if k >= 0} & set(names)
    return found.pop() if len(found) == 1 else None


def _number_seen(kind: str, scene: Scene, ids: set[int]) -> str | None:
    return str(sum(scene.things[k].kind == kind for k in ids if k >= 0))


def _together(
    named: str, names: Sequence[str], rooms: Sequence[Sequence[float]], scene: Scene, ids: set[int]
) -> str | None:
    """The seen one of some names in the rectangle of a room that the named thing, seen too, is in."""
    seen = {scene.things[k].name: scene.things[k].at for k in ids if k >= 0}
    if named not in seen:
        return None
    room = next(box for box in rooms if _within(seen[named], box))
    found = [name for name in names if name in seen and _within(seen[name], room)]
    return found[0] if len(found) == 1 else None


def _within(at: Sequence[float], box: Sequence[float]) -> bool:
    return box[0] <= at[0] < box[2] and box[1] <= at[1] < box[3]


TEMPLATES = (hidden_colour, other_room, count_all, same_room)
