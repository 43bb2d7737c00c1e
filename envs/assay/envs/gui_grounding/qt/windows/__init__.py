"""The kinds of application window, one module each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.envs.gui_grounding.qt.app import AppWindow
    from assay.envs.gui_grounding.qt.look import Look

KINDS = {
    "mail": "mail:Mail",
    "files": "files:Files",
    "settings": "settings:Settings",
    "editor": "editor:Editor",
    "sheet": "sheet:Sheet",
    "player": "player:Player",
    "form": "form:Form",
    "dashboard": "dashboard:Dashboard",
}
"""``module:class`` of each kind."""


def build(kind: str, seed: int, look: Look, hard: bool = False) -> AppWindow:
    """A window of a kind, not yet shown; only inside a worker.

    Args:
        kind: a key of :data:`KINDS`.
        seed: decides its content.
        look: put on with :func:`~assay.envs.gui_grounding.qt.look.wear` by this call.
        hard: put look-alikes beside each other.

    Raises:
        KeyError: for an unknown kind.
    """
    from assay.envs.gui_grounding.qt.look import wear

    module, _, name = KINDS[kind].partition(":")
    wear(look)
    made: AppWindow = getattr(import_module(f"{__name__}.{module}"), name)(seed, look, hard)
    return made
