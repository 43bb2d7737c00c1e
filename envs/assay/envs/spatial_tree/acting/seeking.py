"""An episode in which a body goes to a pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.spatial_tree.acting import rules
from assay.envs.spatial_tree.acting.body import HERE
from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS, STOP, said
from assay.envs.spatial_tree.acting.planner import plan
from assay.envs.spatial_tree.acting.touring import Tour, orders_of, reached
from assay.envs.spatial_tree.acting.verdicts import closing
from assay.verifiers.score import Score
from assay.verifiers.spatial.navscore import nav_score, succeeded
from assay.verifiers.spatial.poses import pose_of


class Seeking(Tour):
    """A tour with a pose at its end."""

    @staticmethod
    def rules(start: Mapping[str, Any]) -> str:
        """The actions and what they do."""
        solid = f" {rules.SOLID}" if start["frame"] == "body" else ""
        return f"{rules.motion(start)}{solid} STOP says that you are there and ends it. {rules.turns(start)}"

    def expert(self) -> str:
        """The rest of the shortest way, as much of it as a turn takes."""
        todo = plan(self.pose, pose_of(self.start["goal"]), self.world) or []
        turn = [*todo, (STOP, 0)] if len(todo) < MOST_ACTIONS else todo[:MOST_ACTIONS]
        return said(turn, self.start["layout"], self.start["format_weight"])

    @staticmethod
    def score(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """As ``spatial.agentic_nav`` pays the pose reached; right if it is a strict success."""
        start = truth["start"]
        orders = orders_of(actions, start)
        if not orders:
            return closing(actions, start, 0.0, False, False, "no action could be read")
        pose, goal = reached(orders, start), pose_of(truth["poses"][-1])
        told = nav_score(HERE, goal, pose)
        detail = f"{told['error_m']:.2f} m and {told['error_deg']:.0f} degrees off"
        parts = {name: told[name] for name in ("direction", "position", "rotation")}
        return closing(actions, start, told["score"], succeeded(HERE, goal, pose), True, detail, **parts)
