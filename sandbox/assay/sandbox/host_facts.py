"""What this host can do, found out by looking and by trying in a process that is thrown away."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRIAL_SECONDS = 20

# Each step is one that a sandbox takes; what fails is told by the kernel's own message.
TRIAL = r"""
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
told = {}
def step(name, call, *arguments):
    if call(*arguments) < 0:
        told[name] = os.strerror(ctypes.get_errno())
    else:
        told[name] = ""
    return not told[name]
def write(path, text):
    with open(path, "w") as file:
        file.write(text)
uid, gid = os.getuid(), os.getgid()
if step("user_namespace", libc.unshare, 0x10000000):
    try:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", "0 %d 1" % uid)
        write("/proc/self/gid_map", "0 %d 1" % gid)
    except OSError as error:
        told["user_namespace"] = "uid_map: " + str(error.strerror)
    if step("namespaces", libc.unshare, 0x20000 | 0x20000000 | 0x40000000 | 0x8000000 | 0x4000000):
        if os.fork() == 0:
            step("private", libc.mount, b"none", b"/", None, 0x44000, None)
            if step("tmpfs", libc.mount, b"assay", b"/tmp", b"tmpfs", 0, b"size=1m"):
                for name in ("p", "l", "u", "w", "m"):
                    os.mkdir("/tmp/" + name)
                step("proc", libc.mount, b"proc", b"/tmp/p", b"proc", 0, None)
                options = b"lowerdir=/usr,upperdir=/tmp/u,workdir=/tmp/w,userxattr"
                step("overlay", libc.mount, b"assay", b"/tmp/m", b"overlay", 0, options)
            print(json.dumps(told), flush=True)
            os._exit(0)
        os.wait()
        os._exit(0)
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found; strings say what went wrong and are empty where all is well.

    Attributes:
        system: ``Linux``, ``Darwin``, ...
        release: of the kernel.
        machine: ``x86_64``, ``aarch64``, ...
        root: whether this is root.
        container: what kind of container this runs in; empty for none.
        sysctls: values of the kernel's switches that matter, by name; absent ones are left out.
        trial: what each step of the trial said, by name.
        cgroups: where limits can be set, one line; empty if nowhere.
        bwrap: version of bubblewrap; empty if it is not installed.
    """

    system: str
    release: str
    machine: str
    root: bool
    container: str = ""
    sysctls: dict[str, int] = field(default_factory=dict)
    trial: dict[str, str] = field(default_factory=dict)
    cgroups: str = ""
    bwrap: str = ""


SYSCTLS = (
    "user/max_user_namespaces",
    "kernel/unprivileged_userns_clone",
    "kernel/apparmor_restrict_unprivileged_userns",
)


def gather() -> Facts:
    """Look at this host; changes nothing."""
    linux = platform.system() == "Linux"
    return Facts(
        system=platform.system(),
        release=platform.release(),
        machine=platform.machine(),
        root=os.geteuid() == 0,
        container=_container() if linux else "",
        sysctls=_sysctls() if linux else {},
        trial=_try() if linux else {},
        cgroups=_cgroups() if linux else "",
        bwrap=_bwrap(),
    )


def _container() -> str:
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if os.path.exists(path):
            return name
    with suppress(OSError):
        for entry in Path("/proc/1/environ").read_bytes().split(b"\0"):
            if entry.startswith(b"container="):
                return entry.partition(b"=")[2].decode("utf-8", "replace")
    return "kubernetes" if "KUBERNETES_SERVICE_HOST" in os.environ else ""


def _sysctls() -> dict[str, int]:
    found = {}
    for name in SYSCTLS:
        with suppress(OSError, ValueError):
            found[name.replace("/", ".")] = int(Path("/proc/sys", name).read_text())
    return found


def _try() -> dict[str, str]:
    try:
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-c", TRIAL], capture_output=True, timeout=TRIAL_SECONDS, check=False
        )
        told: Any = json.loads(run.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"user_namespace": f"the trial gave no answer ({type(error).__name__})"}
    return {str(name): str(said) for name, said in told.items()}


def _cgroups() -> str:
    from assay.sandbox.native.cgroups import here

    bases = here()
    if "unified" in bases:
        return f"version 2, below {bases['unified']}"
    return f"version 1: {', '.join(sorted(bases))}" if bases else ""


def _bwrap() -> str:
    if shutil.which("bwrap") is None:
        return ""
    with suppress(OSError, subprocess.TimeoutExpired):
        run = subprocess.run(["bwrap", "--version"], capture_output=True, timeout=TRIAL_SECONDS, check=False)
        return run.stdout.decode("utf-8", "replace").strip().removeprefix("bubblewrap ") or "of unknown version"
    return ""
