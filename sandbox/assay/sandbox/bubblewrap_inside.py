"""Inside bubblewrap, as PID 1: the command server, and what shuts each command in beyond what bubblewrap has done.

Standard library of Python 3.6, because it also runs in old root file systems.
"""

# must run on Python 3.6:
# ruff: noqa: UP006, UP035
import base64
import ctypes
import json
import os
import resource
import sys
from typing import Callable, Dict

from assay.sandbox.server import Server
from assay.sandbox.server_files import above, prctl

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38


class Filter(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_char_p)]


def lockdown_for(program: bytes, rlimits: Dict[str, int]) -> Callable[[bool], None]:
    """What every forked child does first; the limits and the filter are for commands only."""
    libc = ctypes.CDLL(None, use_errno=True)
    packed = Filter(len(program) // 8, program)
    limits = [(getattr(resource, "RLIMIT_" + name), value) for name, value in rlimits.items()]

    def lockdown(command: bool) -> None:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if not command:
            return
        for limit, value in limits:
            hard = resource.getrlimit(limit)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (value, value))
        if program and libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(packed), 0, 0):
            raise OSError(ctypes.get_errno(), "no seccomp filter")

    return lockdown


def main() -> None:
    """Serve over standard input and output; the one argument is a JSON object with what the plan says."""
    options = json.loads(sys.argv[1])
    source, sink = above(0, 3), above(1, 3)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    prctl(PR_SET_DUMPABLE, 0)  # commands are the same user and must not look into us
    lockdown = lockdown_for(base64.b64decode(options["filter"]), options["rlimits"])
    Server((source, sink), lockdown, whole=True, memory=options["memory"]).serve()
