"""Goals for every kind of window, drawn from the state that a window starts in.

A module of an application has functions ``name(state, rng) -> Goal | None``: a goal with values from that window, or
None where the window does not allow it. :data:`MAKERS` lists them as ``application.name``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from assay.envs.gui_agent.goals import dashboard, editor, files, form, mail, player, settings, sheet
from assay.envs.gui_agent.goals.parts import Goal

Maker = Callable[[dict[str, Any], random.Random], Goal | None]

_MODULES = {
    "mail": mail, "files": files, "settings": settings, "editor": editor, "sheet": sheet, "player": player,
    "form": form, "dashboard": dashboard,
}  # fmt: skip

MAKERS: dict[str, Maker] = {f"{app}.{each.__name__}": each for app, module in _MODULES.items() for each in module.GOALS}
"""Every kind of goal."""
APPS = tuple(_MODULES)
"""Kinds of window that have goals."""
