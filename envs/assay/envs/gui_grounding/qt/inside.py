"""The Qt worker's side: one ``QApplication``, no screen."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from assay.envs.gui_grounding.serving import serve

SCREEN = (2560, 1600)
"""Size of the screen that does not exist, pixels; popups are placed within it."""


def main(argv: list[str]) -> int:
    """Serve until the requests end."""
    return serve(argv, start_application)


def start_application() -> Any:
    """The one ``QApplication`` of this process, without animations and blinking, on an off-screen screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _keep_none()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as screens:
        width, height = SCREEN
        json.dump({"screens": [{"name": "none", "x": 0, "y": 0, "width": width, "height": height}]}, screens)
        screens.flush()
        from PySide6.QtCore import Qt, qInstallMessageHandler
        from PySide6.QtWidgets import QApplication

        qInstallMessageHandler(_report)
        arguments = ["assay", "-platform", f"offscreen:configfile={screens.name}"]
        application: Any = QApplication.instance() or QApplication(arguments)
    application.setQuitOnLastWindowClosed(False)
    application.setCursorFlashTime(0)
    for effect in (Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_AnimateCombo, Qt.UIEffect.UI_FadeMenu):
        application.setEffectEnabled(effect, False)
    return application


def _keep_none() -> None:
    """Before Python 3.12, which made None immortal, every call into PySide6 6.12 that returns None takes one reference
    from it, and the process dies when the last one is gone. Give it more than can be taken.
    """
    if sys.version_info < (3, 12):
        import ctypes

        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 60


def _report(_kind: Any, _where: Any, text: str) -> None:
    # raising and grabbing: there is no desktop; clicks beside an open popup, which close it, as they should
    if not text.startswith(("This plugin does not support", "Mouse event at")):
        sys.stderr.write(text + "\n")


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # Qt's own teardown of live windows adds nothing and may crash
