"""What an agent that moves says in a turn, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from assay.verifiers.spatial.actions import Action, UnreadableError, read_actions, read_segments
from assay.verifiers.spatial.layout import Layout, answer_in, tagged

MOST_ACTIONS = 20
"""Actions that one turn may have."""
MOVES = ("W", "S", "A", "D", "space", "shift")
TURNS = ("←", "→", "↑", "↓", "↻", "↺")
HANDS = ("G", "H", "P", "L")
STOP = "STOP"

__all__ = ["HANDS", "MOST_ACTIONS", "MOVES", "STOP", "TURNS", "Action", "UnreadableError", "read", "said"]


def read(response: str, layout: Layout, hands: bool = False) -> list[Action]:
    """The actions of a response, in order; what follows a STOP is dropped.

    The answer is one JSON object, ``{"actions": [..], "step_nums": [..]}``, or several such below ``step_1``,
    ``step_2`` and so on, which are carried out one after the other. Prose without braces may stand around it.

    Args:
        response: what the agent said; any string.
        layout: where the answer stands in it.
        hands: whether there is a gripper, to which G, H, P and L speak.

    Raises:
        UnreadableError: one line that says why it is none.
    """
    text, problem = answer_in(response, layout)
    if text is None:
        raise UnreadableError(problem)
    if '"step_1"' in text:
        found = [action for segment in read_segments(text) for action in segment]
    else:
        found = read_actions(text)
    if not found:
        raise UnreadableError("no actions are given")
    if len(found) > MOST_ACTIONS:
        raise UnreadableError(f"{len(found)} actions in a turn, more than {MOST_ACTIONS}")
    if not hands and (wrong := [symbol for symbol, _ in found if symbol in HANDS]):
        raise UnreadableError(f"there is no gripper for {wrong[0]}")
    ends = [place for place, (symbol, _) in enumerate(found) if symbol == STOP]
    return found[: ends[0] + 1] if ends else found


def said(actions: Sequence[Action], layout: Layout = "any", format_weight: float = 0.0) -> str:
    """Actions as a response."""
    told = {"actions": [symbol for symbol, _ in actions], "step_nums": [count for _, count in actions]}
    return tagged(json.dumps(told, ensure_ascii=False), layout, format_weight)
