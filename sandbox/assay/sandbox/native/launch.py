"""The parent's side of the zygote: started when the first sandbox is, one for each process that wants sandboxes."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from assay.sandbox.errors import SandboxDied
from assay.sandbox.server_files import spool

# a bare interpreter that imports nothing but the zygote's own few modules: small, and quick to fork
BOOT = """
import sys, types
for name, path in zip(("assay", "assay.sandbox", "assay.sandbox.native"), sys.argv[1:]):
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module
from assay.sandbox.native.zygote import main
main()
"""


class Launcher:
    """A running zygote. Safe to use from several threads; calls take turns."""

    def __init__(self) -> None:
        here = Path(__file__).resolve().parent
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = [str(here.parents[1]), str(here.parent), str(here)]
        with theirs:
            # no environment: its first process is the sandbox's PID 1
            command = [sys.executable, "-I", "-S", "-c", BOOT, *paths]
            self._process: subprocess.Popen[bytes] = subprocess.Popen(command, stdin=theirs.fileno(), env={})
        self._socket = ours
        self._lock = threading.Lock()
        self.owner = os.getpid()

    @property
    def pid(self) -> int:
        """Of the zygote."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs and belongs to this process, not to the one that we were forked from."""
        return self.owner == os.getpid() and self._process.poll() is None

    def start(self, plan: dict[str, Any], control: socket.socket) -> int:
        """Fork a sandbox that answers on the other end of ``control``; the PID of its first process.

        Raises:
            OSError: the kernel refused.
            SandboxDied: the zygote is gone.
        """
        data = spool(json.dumps(plan).encode("ascii"))  # a message could be too short for it
        try:
            return int(self._ask({"op": "start"}, [control.fileno(), data])["pid"])
        finally:
            os.close(data)

    def end(self, pid: int) -> None:
        """Kill a sandbox; returns when nothing of it is left."""
        self._ask({"op": "end", "pid": pid}, [])

    def close(self) -> None:
        """End it, and with it every sandbox."""
        self._socket.close()
        if self.owner == os.getpid():
            self._process.wait()

    def _ask(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        with self._lock:
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode("ascii")], fds)
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise SandboxDied(f"the zygote is gone: {error}") from error
        if not data:
            raise SandboxDied("the zygote is gone")
        reply: dict[str, Any] = json.loads(data)
        if "error" in reply:
            raise OSError(reply["errno"], reply["error"])
        return reply


_lock = threading.Lock()
_launchers: list[Launcher] = []


def launcher() -> Launcher:
    """This process's zygote, started if there is none."""
    with _lock:
        if not _launchers or not _launchers[0].alive():
            _launchers[:] = [Launcher()]
            atexit.unregister(_close_all)
            atexit.register(_close_all)
        return _launchers[0]


def _close_all() -> None:
    for one in _launchers:
        one.close()
    _launchers.clear()
