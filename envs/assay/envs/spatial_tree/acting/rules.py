"""What an agent that moves is told about its actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.envs.spatial_tree.acting.orders import MOST_ACTIONS
from assay.verifiers.spatial.actions import MOST_STEPS

_AXES = {
    "body": "Moves go along {own} own axes, and turns about them, as they are at that moment.",
    "parity": "Moves go along the right, down and forward axes of the start, whatever turns came before, and all moves "
    "of an object are added up. So are its turns: ← → about the forward axis of the start, then ↑ ↓ about its down "
    "axis, then ↻ ↺ about its right axis.",
}


def motion(start: Mapping[str, Any], own: str = "your") -> str:
    """The symbols, how far a step of each goes, and the form of an action object."""
    return (
        'An action object is {"actions": ["W", "→"], "step_nums": [5, 2]}: '
        f"at most {MOST_ACTIONS} actions, each with a whole number of steps from 0 to {MOST_STEPS}, in order. "
        f"W and S move forward and back, A and D left and right, space and shift up and down, {start['step']:g} m a "
        "step. ← and → (left arrow, right arrow) turn left and right, ↑ and ↓ (up arrow, down arrow) tilt up and down, "
        f"↻ and ↺ (clockwise, counter-clockwise) roll, {start['angle']:g} degrees a step. "
        f"{_AXES[start['frame']].format(own=own)}"
    )


def turns(start: Mapping[str, Any]) -> str:
    """How often the agent acts."""
    count = start["turns"]
    return "You have one turn." if count == 1 else f"You have {count} turns, and see what comes of each."


SOLID = "Walls and things are solid: a step into one is not made, and the rest of that turn is dropped."
"""Said where it is so."""
