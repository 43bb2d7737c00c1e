"""What the environment can be told: the goals, how a screenshot is shown, and how long an episode may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions
from assay.envs.gui_grounding.options import FamilyName


@dataclass(frozen=True)
class Options(BaseOptions):
    """Goals first, then the protocol (as in gui-grounding-v0), then limits."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the windows; no window is in two."""
    seed: int = 0
    """Of the windows and goals."""
    count: int = 120
    """Goals drawn for a split, spread over all kinds of goal."""
    apps: tuple[str, ...] = ()
    """Only these applications; empty takes all eight."""
    goals: tuple[str, ...] = ()
    """Only these kinds of goal, such as mail.archive; empty takes all."""
    test_share: float = 0.2
    """Share of windows held out."""
    dev_share: float = 0.0
    """Share of windows set aside for development."""
    family: FamilyName = "infigui-g1"
    """Model family whose conventions hold: resizing and coordinates. The following override one of them."""
    coord: Literal["auto", "abs_resized", "abs_original", "rel1", "rel1000"] = "auto"
    """What coordinates count: pixels of the image shown, of the original, 0 to 1, or 0 to 1000; auto: the family's."""
    max_image_tokens: int = -1
    """Tokens that an image may take; larger ones are scaled down. 0: no limit; -1: the family's."""
    max_side: int = -1
    """Longest side of the image shown, pixels. 0: no limit; -1: the family's."""
    think: bool = False
    """Ask for a thought in <think> tags before each action; one is always allowed."""
    system_prompt: str = ""
    """Replaces the system turn, the list of actions included; "none" leaves it out."""
    max_turns: int = 15
    """Actions an episode may take, unreadable ones included."""
    finish: Literal["state", "done"] = "state"
    """state: success the moment that the goal state holds. done: the agent must say so, while it holds."""
    live: int = 16
    """Applications that a rollout or an evaluation keeps open at once; each takes about 60 MB."""
    patience: float = 30.0
    """Seconds after which an application that does not answer is taken for dead and replaced."""
