"""How the agent is told what it can do, what to reach, and what came of its last action."""

from __future__ import annotations

from assay.envs.gui_agent.actions import UnreadableActionError
from assay.envs.gui_grounding.prompt import SPACES
from assay.envs.gui_grounding.protocol import Protocol, Size
from assay.envs.tasks import Message

SYSTEM = """You operate a computer program. You see a screenshot and a goal; {reply} with one action, a JSON object:
{{"action": "click", "point_2d": [x, y]}} - also double_click and right_click
{{"action": "drag", "point_2d": [x, y], "to_2d": [x, y]}}
{{"action": "scroll", "point_2d": [x, y], "direction": "up|down|left|right", "amount": 3}} - notches of the wheel
{{"action": "type", "text": "..."}} - into whatever has the focus
{{"action": "key", "key": "enter"}} - also tab, escape, f5, ctrl+a, shift+tab and the like
{{"action": "wait"}}
{{"action": "done"}} - {done}
{space} After each action you get the next screenshot. Change nothing that the goal does not ask for."""
REPLY = {False: "reply", True: "think inside <think> and </think>, then reply"}
DONE = {
    "state": "give up: the episode ends by itself as soon as the goal is reached",
    "done": "say that the goal is reached; the episode ends",
}
GOAL = 'The screenshot is {width}x{height} pixels. Goal: "{goal}" You have {turns} actions.'
AFTER = "{left} left."


def render_prompt(goal: str, size: Size, protocol: Protocol, finish: str, turns: int) -> list[Message]:
    """The messages that open an episode; the image part stands for the first screenshot.

    Args:
        goal: what to reach.
        size: width and height of the window, pixels.
        protocol: says how it is shown and what coordinates count.
        finish: ``state`` or ``done``.
        turns: actions that there are.
    """
    width, height = size if protocol.coord == "abs_original" else protocol.shown(size)
    said = GOAL.format(width=width, height=height, goal=goal, turns=turns)
    system = protocol.system_prompt or SYSTEM.format(
        reply=REPLY[protocol.think], done=DONE[finish], space=SPACES[protocol.coord]
    )
    user: Message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": said}]}
    return [user] if system == "none" else [{"role": "system", "content": system}, user]


def after_action(left: int) -> list[Message]:
    """What follows an action that was carried out; the image part stands for the new screenshot."""
    text = {"type": "text", "text": AFTER.format(left=_actions(left))}
    return [{"role": "user", "content": [{"type": "image"}, text]}]


def after_failure(error: UnreadableActionError, left: int) -> list[Message]:
    """What follows a response that was no action; the screen is as it was, so none is shown."""
    return [{"role": "user", "content": f"Nothing was done: {error}. {AFTER.format(left=_actions(left))}"}]


def _actions(left: int) -> str:
    return f"{left} action{'s' if left != 1 else ''}"
