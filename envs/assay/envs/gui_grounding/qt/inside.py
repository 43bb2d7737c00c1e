"""The worker's side: one ``QApplication``, no screen; carries out calls until its owner is gone.

Started by :class:`~assay.envs.gui_grounding.qt.worker.QtWorker` as ``python -m ...qt.inside REQUESTS ANSWERS
LIFELINE`` (file descriptors). A call names a function, ``module:function``; it takes keyword arguments and returns a
JSON value, or that and a list of byte strings. A :class:`RefusedError` is the caller's mistake (``ValueError`` on the
other side); any other exception is reported with its type.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import sys
import tempfile
import threading
import time
import traceback
from typing import Any

from assay.envs.gui_grounding.qt.frames import RefusedError, read_frame, write_frame

SCREEN = (2560, 1600)
"""Size of the screen that does not exist, pixels; popups are placed within it."""


def main(argv: list[str]) -> int:
    """Serve until the requests end."""
    requests, answers, lifeline = (int(word) for word in argv)
    _die_with_owner(lifeline)
    os.dup2(2, 1)  # what a program prints must not look like an answer
    application = start_application()
    while True:
        try:
            call, _ = read_frame(requests)
        except EOFError:
            return 0
        write_frame(answers, *_carry_out(call, application))


def start_application() -> Any:
    """The one ``QApplication`` of this process, without animations and blinking, on an off-screen screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;qt.qpa.*=false")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as screens:
        width, height = SCREEN
        json.dump({"screens": [{"name": "none", "x": 0, "y": 0, "width": width, "height": height}]}, screens)
        screens.flush()
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QApplication

        arguments = ["assay", "-platform", f"offscreen:configfile={screens.name}"]
        application: Any = QApplication.instance() or QApplication(arguments)
    application.setQuitOnLastWindowClosed(False)
    application.setCursorFlashTime(0)
    for effect in (Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_AnimateCombo, Qt.UIEffect.UI_FadeMenu):
        application.setEffectEnabled(effect, False)
    return application


def _carry_out(call: dict[str, Any], application: Any) -> tuple[dict[str, Any], list[bytes]]:
    try:
        module, _, function = call["target"].partition(":")
        outcome = getattr(importlib.import_module(module), function)(**call["arguments"])
    except RefusedError as error:
        return {"refused": str(error)}, []
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}, []
    if isinstance(outcome, tuple):
        return {"result": outcome[0]}, [bytes(blob) for blob in outcome[1]]
    return {"result": outcome}, []


def _die_with_owner(lifeline: int) -> None:
    """End this process when the owner's end of the lifeline closes, whatever is running.

    The kernel sends SIGIO on hang-up, whose default action ends a process even inside a C loop. A sibling that was
    forked may hold the other end open, so the parent's id is watched as well.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="owner-watch").start()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # Qt's own teardown of live windows adds nothing and may crash
