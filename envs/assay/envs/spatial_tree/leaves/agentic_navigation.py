"""Agentic navigation: go to where a picture was taken, and look as it does, with a new view after every turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.acting.body import HERE, World, walk
from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS, STOP, Action, said
from assay.envs.spatial_tree.acting.places import Place, furnished, planned
from assay.envs.spatial_tree.acting.planner import moves, path, plan, runs, turns
from assay.envs.spatial_tree.acting.seeking import Seeking as Activity
from assay.envs.spatial_tree.engine import Camera, Scene, View, render
from assay.envs.spatial_tree.engine.plans import floor_plan
from assay.envs.spatial_tree.question import Question
from assay.verifiers.spatial.poses import Pose
from assay.verifiers.spatial.quaternions import inverse, product, rotated

__all__ = ["TEMPLATES", "Activity"]

TOLD, SHOWN = 2, 0.006
"""So many things must show in a goal's view, each on this share of the picture."""
OPEN = 0.9
"""Metres that must lie in front of half of a goal's view."""
NEAREST = 0.5
"""Least way to go, metres."""
_FAR = (1.2, 1.8, 2.5, 3.0, 3.6)
_TURN = (45.0, 90.0, 180.0, 180.0, 180.0)
_STEPS = ((0.1, 5.0), (0.1, 7.5), (0.15, 7.5), (0.2, 10.0))
_ASK = "Say your first action object."


def match_view(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Reach the pose from which a picture was taken."""
    text = "Go to where the second picture was taken, and look from there as it does."
    return _to_a_goal(rng, difficulty, size, text, _TURN[difficulty - 1], told=False)


def match_position(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Reach a place given in numbers and look there as a picture does."""
    text = "Go to where the second picture was taken, and look from there as it does. That place is {where}."
    return _to_a_goal(rng, difficulty, size, text, 180.0, told=True)


def retrace(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Go back the way that a sequence of views came, to where the first was taken."""
    place, step, angle = _room(rng, difficulty)
    camera = None if place is None else _standing(rng, place)
    if place is None or camera is None:
        return None
    world = place.world(camera, step, angle)
    # All stands are on the lattice of the first, so that whole steps lead back to it.
    stands, poses = [HERE], [HERE]
    for _ in range(2 + (difficulty >= 3)):
        stand = _leg(rng, stands[-1], world, 0.0, _FAR[min(difficulty, 3) - 1], place.inside)
        if stand is None:
            return None
        stands.append(stand)
        poses.append(world.moved(stand, turns(int(rng.uniform(-90, 90) * len(poses) / angle), 0, 0)))
    if np.linalg.norm(poses[-1][:3]) < NEAREST:
        return None
    end = world.camera(poses[-1], size)
    home = inverse(poses[-1][3:])
    back = (*rotated(home, [-x for x in poses[-1][:3]]), *home)
    views = [render(place.scene, world.camera(pose, size)) for pose in poses]
    if not _telling(views[0], place.scene):
        return None
    captions = [f"View {number}:" for number in range(1, len(poses))] + [f"View {len(poses)}, now:"]
    text = f"You came here by {len(poses) - 1} stretches, and these are your views before, between and after them. Go \
back to where view 1 was taken, and look from there as it does."
    return _asked(place, end, (step, angle), back, views, captions, text, 0, size)


def next_room(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Reach the pose from which a picture of another room was taken."""
    plan_ = floor_plan(rng, 2 if difficulty <= 3 else 3)
    place = planned(plan_)
    step, angle = _STEPS[rng.integers(2, len(_STEPS))]
    camera = _standing(rng, place)
    if camera is None:
        return None
    world = place.world(camera, step, angle)
    here = plan_.room_of(camera.eye)
    goal = _leg(rng, HERE, world, 180.0, 4.0 + 0.5 * difficulty, lambda at: plan_.room_of(at) not in (None, here), 1.5)
    if goal is None:
        return None
    views = [render(place.scene, world.camera(pose, size)) for pose in (HERE, goal)]
    if not _telling(views[1], place.scene) or not _differ(views):
        return None
    text = "The second picture was taken in another room. Go to where that was, and look from there as it does."
    return _asked(place, camera, (step, angle), goal, views, _TWO, text, 1, size)


_TWO = ("Your view now:", "The view to reach:")


def _to_a_goal(
    rng: np.random.Generator, difficulty: int, size: int, text: str, turn: float, told: bool
) -> Question | None:
    place, step, angle = _room(rng, difficulty)
    camera = None if place is None else _standing(rng, place)
    if place is None or camera is None:
        return None
    world = place.world(camera, step, angle)
    goal = _leg(rng, HERE, world, turn, _FAR[difficulty - 1], place.inside, least_turn=30.0 if told else 0.0)
    if goal is None:
        return None
    if difficulty >= 4:
        rise = moves((0, int(rng.integers(-3, 4)), 0))
        lean = turns(0, int(rng.integers(-20, 21) / angle), 0) if difficulty == 5 else []
        went = walk(goal, [*rise, *lean], world)
        if went.blocked:
            return None
        goal = went.pose
    views = [render(place.scene, world.camera(pose, size)) for pose in (HERE, goal)]
    if not _telling(views[1], place.scene):
        return None
    where = _in_words(goal) if told else ""
    return _asked(place, camera, (step, angle), goal, views, _TWO, text.format(where=where), 1, size)


def _room(rng: np.random.Generator, difficulty: int) -> tuple[Place | None, float, float]:
    width, depth = (round(float(rng.uniform(4.0, 5.0 + 0.3 * difficulty)), 2) for _ in range(2))
    step, angle = _STEPS[rng.integers(len(_STEPS))]
    return furnished(rng, width, depth, 4 + difficulty), step, angle


def _standing(rng: np.random.Generator, place: Place) -> Camera | None:
    eye = place.eye(rng)
    return None if eye is None else Camera.heading(eye, round(float(rng.uniform(-180, 180)), 1), height=3, width=4)


def _leg(
    rng: np.random.Generator, pose: Pose, world: World, turn: float, far: float, allowed: Callable[[list[float]], bool],
    least: float = NEAREST, least_turn: float = 0.0,
) -> Pose | None:  # fmt: skip
    """Where a turn and a way on the lattice lead from a pose, metres and degrees away at least and at most; or None.

    ``allowed`` is asked about the point of the world.
    """
    low, most = int(np.ceil(least_turn / world.angle)), int(turn / world.angle)
    size = int(far / world.step)
    for _ in range(60):
        pan = int(rng.integers(low, most + 1)) * int(rng.choice([-1, 1]))
        turned = world.moved(pose, turns(pan, 0, 0))
        right, ahead = (int(each) for each in rng.integers(-size, size + 1, size=2))
        point = world.point(world.moved(turned, moves((right, 0, ahead)))[:3])
        if not least <= world.step * float(np.hypot(right, ahead)) <= far or not allowed(point.tolist()):
            continue
        if world.solids.gap(point[None])[0] >= 2 * world.radius:
            way = path(turned, (right, ahead), world)
            return None if way is None else walk(turned, runs(way), world).pose
    return None


def _telling(view: View, scene: Scene) -> bool:
    """Whether a view has enough in it to be found again, and is not of a wall right ahead."""
    shown = [k for k, each in enumerate(scene.things) if each.kind not in ("wall", "floor") and view.share(k) >= SHOWN]
    return len(shown) >= TOLD and float(np.median(view.depth)) >= OPEN


def _differ(views: Sequence[View]) -> bool:
    """Whether one view has a thing that the other has not."""
    one, two = (set(np.unique(view.ids).tolist()) for view in views)
    return bool(two - one)


def _in_words(goal: Pose) -> str:
    x, y, z = goal[:3]
    sides = [
        f"{abs(x):.2f} m to the {'right' if x > 0 else 'left'}",
        f"{abs(z):.2f} m {'ahead' if z > 0 else 'behind'}",
    ]
    height = "at your height" if abs(y) < 1e-6 else f"{abs(y):.2f} m {'below' if y > 0 else 'above'} your eyes"
    return f"{sides[0]} and {sides[1]} of where you are, as you look now, and {height}"


def _asked(
    place: Place, camera: Camera, steps: tuple[float, float], goal: Pose, views: Sequence[View],
    captions: Sequence[str], text: str, shown: int, size: int,
) -> Question | None:  # fmt: skip
    """The question; ``shown``: which of the views is that of the goal."""
    start = {**place.start(camera, *steps), "goal": list(goal)}
    world = World.of({**start, "frame": "body"})
    todo = plan(HERE, goal, world)
    if todo is None or len(todo) >= 2 * MOST_ACTIONS:
        return None
    went = walk(HERE, todo, world).pose
    if not np.allclose(went, goal, atol=1e-6) and not np.allclose(
        (*went[:3], *(-x for x in went[3:])), goal, atol=1e-6
    ):
        return None
    lines = [[*todo, (STOP, 0)][at : at + MOST_ACTIONS] for at in range(0, len(todo) + 1, MOST_ACTIONS)]
    truth = {
        "poses": [list(HERE), list(goal)],
        "translation_step": steps[0],
        "rotation_step": steps[1],
        "unit": "degrees",
    }
    check = partial(_recheck, start, lines, truth, views[shown].rgb, size)
    images = [Image.fromarray(view.rgb) for view in views]
    gold = "\n".join(said(line) for line in lines)
    return Question(text, images, truth, gold, _ASK, check, metric="agentic_nav", captions=tuple(captions), start=start)


def _recheck(
    start: dict[str, Any], lines: Sequence[Sequence[Action]], truth: dict[str, Any], shown: Any, size: int
) -> bool:
    """Played turn by turn it ends with the view that was shown; nothing moves through what is seen in the way."""
    played = Activity({**start, "frame": "body", "layout": "any", "format_weight": 0.0}, size)
    pose = HERE
    for line in lines:
        for action in line:
            ahead = _depth_ahead(played, pose, size) if action[0] == "W" else np.inf
            there = played.world.moved(pose, [action])
            if np.linalg.norm(np.subtract(there[:3], pose[:3])) > ahead:
                return False
            pose = there
        played.act(said(line), 1)
    if not np.array_equal(np.asarray(played.view()), shown):
        return False
    off = product(inverse(pose[3:]), tuple(truth["poses"][-1][3:]))
    return bool(np.linalg.norm(np.subtract(pose[:3], truth["poses"][-1][:3])) < 1e-6 and abs(off[3]) > 1 - 1e-9)


def _depth_ahead(played: Activity, pose: Pose, size: int) -> float:
    """Metres to what is straight ahead of a pose, by the render."""
    depth = render(played.scene, played.world.camera(pose, size)).depth
    return float(depth[depth.shape[0] // 2, depth.shape[1] // 2])


TEMPLATES = (match_view, match_position, retrace, next_room)
