"""The worker's side: carries out calls until its owner is gone.

A worker is started by :class:`~assay.envs.gui_grounding.workers.Worker` as ``python -m MODULE REQUESTS ANSWERS
LIFELINE`` (file descriptors). A call names a function, ``module:function``; it takes keyword arguments and returns a
JSON value, or that and a list of byte strings. A :class:`RefusedError` is the caller's mistake (``ValueError`` on the
other side); any other exception is reported with its type.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from assay.envs.gui_grounding.qt.frames import RefusedError, read_frame, write_frame


def serve(argv: Sequence[str], start: Callable[[], Any]) -> int:
    """Serve until the requests end; returns the exit status.

    Args:
        argv: the three file descriptors.
        start: called once before the first request; what it returns is kept until the end.
    """
    requests, answers, lifeline = (int(word) for word in argv)
    _die_with_owner(lifeline)
    os.dup2(2, 1)  # what a program prints must not look like an answer
    kept = start()
    while True:
        try:
            call, _ = read_frame(requests)
        except EOFError:
            del kept
            return 0
        write_frame(answers, *_carry_out(call))


def _carry_out(call: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
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
