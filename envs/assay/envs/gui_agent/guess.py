"""Actions drawn blindly: what an agent does that sees nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

_WORDS = ("a", "1", "42", "hello", "yes", "test", "Ana", "report")
_KEYS = ("enter", "tab", "escape", "space", "up", "down", "left", "right", "delete", "ctrl+a", "ctrl+s", "backspace")
_SHARES = {"click": 60, "double_click": 10, "right_click": 2, "drag": 4, "scroll": 8, "type": 8, "key": 8}
"""How often each kind is drawn, of 100; ``done`` never is: it could only end an episode early."""


def random_action(seed: int, size: Sequence[int], scale: Sequence[float]) -> str:
    """An action with points drawn uniformly from the window.

    Args:
        seed: decides it.
        size: width and height of the window, pixels.
        scale: what coordinates of a response are multiplied by to be such pixels.
    """
    rng = random.Random(seed)

    def point() -> list[float]:
        return [round(rng.uniform(0, side) / unit, 4) for side, unit in zip(size, scale, strict=True)]

    kind = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    said: dict[str, Any] = {"action": kind}
    if kind == "type":
        said["text"] = rng.choice(_WORDS)
    elif kind == "key":
        said["key"] = rng.choice(_KEYS)
    else:
        said["point_2d"] = point()
    if kind == "drag":
        said["to_2d"] = point()
    elif kind == "scroll":
        said |= {"direction": rng.choice(("up", "down")), "amount": rng.randrange(1, 6)}
    return json.dumps(said)
