"""An episode in which a body looks around until it can answer a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from assay.envs.spatial_tree.acting import rules
from assay.envs.spatial_tree.acting.body import HERE, World, walk
from assay.envs.spatial_tree.acting.letters import letter_of
from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS, said
from assay.envs.spatial_tree.acting.planner import plan
from assay.envs.spatial_tree.acting.touring import Tour
from assay.envs.spatial_tree.acting.verdicts import closing
from assay.envs.spatial_tree.activity import Sight
from assay.envs.spatial_tree.engine import Light, Scene, render
from assay.envs.spatial_tree.engine.visibility import SHARE, visible
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import tagged
from assay.verifiers.spatial.navscore import nav_score
from assay.verifiers.spatial.poses import Pose, pose_of
from assay.verifiers.spatial.quaternions import Y, about

CLEAR = 0.5
"""Share of a thing that must not be hidden in the view that shows it."""
_SMALL = 160


class Exploring(Tour):
    """A tour that a letter ends."""

    turns: ClassVar[int] = 8

    def __init__(self, start: Mapping[str, Any], size: int) -> None:
        super().__init__(start, size)
        self.left = int(start["turns"])
        self.looked = 0

    @staticmethod
    def rules(start: Mapping[str, Any]) -> str:
        """The actions and what they do."""
        solid = f" {rules.SOLID}" if start["frame"] == "body" else ""
        return (
            "Your view does not show it yet. Each turn either act, and get a new view, or answer, which ends it: a "
            f"letter alone is the answer.\n{rules.motion(start)}{solid} {rules.turns(start)} "
            "The answer takes one of them."
        )

    def act(self, action: str, left: int) -> Sight:
        """Go and see, or answer."""
        self.left = left
        if letter_of(action, self.start["layout"], self.start["choices"]) is not None:
            return Sight(over=True)
        sight = super().act(action, left)
        looks = self.start["looks"]
        if self.looked < len(looks) and self._at(pose_of(looks[self.looked])):
            self.looked += 1
        return Sight(over=left <= 0) if sight.over else sight

    def _at(self, look: Pose) -> bool:
        told = nav_score(HERE, look, self.pose)
        return told["error_m"] <= self.world.step and told["error_deg"] <= self.world.angle

    def expert(self) -> str:
        """On to the next place from which something is seen that matters; then, or in the last turn, the answer."""
        layout, weight = self.start["layout"], self.start["format_weight"]
        looks = self.start["looks"]
        todo = None
        if self.looked < len(looks) and self.left > 1:
            todo = plan(self.pose, pose_of(looks[self.looked]), self.world)
        if not todo:
            return tagged(self.start["answer"], layout, weight)
        return said(todo[:MOST_ACTIONS], layout, weight)

    @staticmethod
    def score(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """1 if the one answer, a letter, is right."""
        start = truth.get("start", {})
        layout = start.get("layout", "any")
        letters = (letter_of(action, layout, truth["choices"]) for action in actions)
        found = next((letter for letter in letters if letter is not None), None)
        right = found == truth["answer"]
        detail = "no answer was given" if found is None else f"read {found}, the answer is {truth['answer']}"
        return closing(actions, {"format_weight": 0.0, **start}, float(right), right, found is not None, detail)


def scouted(
    scene: Scene, world: World, wanted: Sequence[int], stands: Mapping[int, Sequence[Sequence[float]]]
) -> list[Pose] | None:
    """Poses, to be gone to one after the other, whose views show all that is wanted; None if none are found.

    Args:
        scene: what there is.
        world: with the start.
        wanted: places of things in the scene.
        stands: for each of them, where to look from: x, y in the world, tried in turn.
    """
    pose, looks, left = HERE, list[Pose](), list(wanted)
    while left:
        look = _look(scene, world, pose, left[0], stands[left[0]])
        if look is None:
            return None
        looks.append(look)
        pose = look
        left = [thing for thing in left if not _shown(scene, world, look, thing)]
    return looks


def _look(scene: Scene, world: World, pose: Pose, thing: int, stands: Sequence[Sequence[float]]) -> Pose | None:
    for stand in stands:
        x, y = scene.things[thing].middle()[:2] - np.array(stand)
        place = (np.array([*stand, world.eye[2]]) - world.eye) @ world.rows.T
        ahead = np.array([x, y, 0.0]) @ world.rows.T
        goal = (*place.tolist(), *about(Y, float(np.arctan2(ahead[0], ahead[2]))))
        way = plan(pose, goal, world)
        if way is None or len(way) > MOST_ACTIONS:
            continue
        there = walk(pose, way, world).pose
        if _shown(scene, world, there, thing):
            return there
    return None


def _shown(scene: Scene, world: World, pose: Pose, thing: int) -> bool:
    """Whether a view shows a thing well: its middle within the picture, and not much of it hidden."""
    camera = world.camera(pose, _SMALL)
    x, y, depth = camera.project(scene.things[thing].middle())
    if not (depth > 0 and 0 < x < camera.width and 0 < y < camera.height):
        return False
    seen = visible(scene, camera, thing)
    return seen.share >= SHARE and seen.unoccluded >= CLEAR


def shown_ids(scene: Scene, world: World, poses: Sequence[Pose], share: float = 0.0) -> set[int]:
    """Places of all things that any of the poses' views shows on more than a share of the picture."""
    plain = Scene(scene.things, Light(shadow=False))
    views = [render(plain, world.camera(pose, _SMALL)) for pose in poses]
    return {int(place) for view in views for place in np.unique(view.ids) if view.share(int(place)) > share}
