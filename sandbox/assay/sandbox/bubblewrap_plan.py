"""From a spec to bubblewrap's command line: pure but for looking at what the host has."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.sandbox.base import HostBase, Limits, RootFS, SandboxSpec
from assay.sandbox.errors import LimitUnsupported, SandboxUnavailable
from assay.sandbox.server import PARTS

AGENT = 1000
HOME = "/home/agent"
SHARED_MEMORY = 64 * 2**20
PRIVATE = "/.assay"
PAGE = 4096
PACKAGE = Path(__file__).parent
# Of /etc only what programs need to start, never shadow, keys or machine-id.
ETC = (
    *("alternatives", "ca-certificates", "crypto-policies", "debian_version", "host.conf", "hosts", "ld.so.cache"),
    *("ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "os-release", "pki", "protocols"),
    *("services", "ssl", "terminfo"),
)
ETC_NETWORK = ("resolv.conf", "gai.conf")
HIDDEN = ("dev", "proc", "sys", "run", "tmp", "home", "root", "boot", "lost+found", ".dockerenv")
"""Of a root file system: made anew, or not for strangers."""

LOADER = f"import sys; sys.path.insert(0, {PRIVATE!r}); from assay.sandbox.bubblewrap_inside import main; main()"


@dataclass(frozen=True, slots=True)
class Bind:
    """Something of the host shown read-only inside."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sandbox is made of.

    Attributes:
        binds: shown read-only.
        links: symbolic links, from path to target.
        python: path inside of the Python that runs the server.
        path: directories for commands' ``PATH``.
        content: bytes of memory that the writable layers take before anything is written.
    """

    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    python: str
    path: str
    content: int = 0


def plan_for(spec: SandboxSpec) -> Plan:
    """Look at the host and say what to show.

    Raises:
        LimitUnsupported: the base is an image.
        SandboxUnavailable: a directory of the spec is missing, or there is no Python to run the server.
    """
    for layer in spec.layers:
        if not os.path.isdir(layer.source):
            raise SandboxUnavailable(f"layer {layer.source} is not a directory", "check the path")
    binds, links, python, path = _host(spec) if isinstance(spec.base, HostBase) else _root(spec)
    binds += [Bind(layer.source, layer.target) for layer in spec.layers if not layer.writable]
    ours = f"{PRIVATE}/assay/sandbox"
    binds += [Bind(os.fspath(PACKAGE / name), f"{ours}/{name}") for name in (*PARTS, "bubblewrap_inside.py")]
    content = sum(_weigh(layer.source) for layer in spec.layers if layer.writable)
    return Plan(tuple(binds), tuple(links), python, path, content)


def _weigh(directory: str) -> int:
    """Bytes of a tree in a memory file system, which holds whole pages."""
    total = 0
    for root, folders, files in os.walk(directory):
        total += PAGE * len(folders)
        for name in files:
            total += -(-os.lstat(os.path.join(root, name)).st_size // PAGE) * PAGE
    return total


def _host(spec: SandboxSpec) -> tuple[list[Bind], list[tuple[str, str]], str, str]:
    assert isinstance(spec.base, HostBase)
    prefix = spec.base.python or sys.base_prefix
    python = next((p for p in (f"{prefix}/bin/python3", f"{prefix}/bin/python") if os.path.exists(p)), "")
    if not python:
        raise SandboxUnavailable(f"no bin/python3 below {prefix}", "give HostBase(python=...) a Python installation")
    binds, links = [Bind("/usr", "/usr")], []
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            links.append((f"/{name}", os.readlink(f"/{name}")))
        elif os.path.isdir(f"/{name}"):
            binds.append(Bind(f"/{name}", f"/{name}"))
    for name in (*ETC, *(ETC_NETWORK if spec.limits.network else ())):
        if os.path.exists(f"/etc/{name}"):
            binds.append(Bind(os.path.realpath(f"/etc/{name}"), f"/etc/{name}"))
    if not f"{os.path.realpath(prefix)}/".startswith("/usr/"):
        binds.append(Bind(os.path.realpath(prefix), prefix))
    links.append((f"{PRIVATE}/bin/python", python))  # some installations have no such name
    return (
        binds,
        links,
        python,
        f"{prefix}/bin:{PRIVATE}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )


def _root(spec: SandboxSpec) -> tuple[list[Bind], list[tuple[str, str]], str, str]:
    if not isinstance(spec.base, RootFS):
        raise LimitUnsupported("bubblewrap does not run images", "take backend='docker', or unpack it into a RootFS")
    root = spec.base.path
    if not os.path.isdir(root):
        raise SandboxUnavailable(f"root file system {root} is not a directory", "check the path")
    binds: list[Bind] = []
    links: list[tuple[str, str]] = []
    writable = {f"/{layer.target.strip('/').split('/')[0]}" for layer in spec.layers if layer.writable}
    for name in sorted(os.listdir(root)):
        where = f"{root}/{name}"
        if name in HIDDEN or f"/{name}" in writable or spec.workdir == f"/{name}":
            continue
        if os.path.islink(where):
            links.append((f"/{name}", os.readlink(where)))
        elif os.path.isdir(where):
            binds.append(Bind(where, f"/{name}"))
    for python in ("/usr/local/bin/python3", "/usr/bin/python3"):
        if os.path.lexists(root + python):
            return binds, links, python, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    raise SandboxUnavailable(f"no python3 in {root}", "install Python 3.6 or newer in that root file system")


def arguments(spec: SandboxSpec, plan: Plan, sources: dict[str, str], seccomp_fd: int) -> list[str]:
    """bubblewrap's options and the server's command line.

    Args:
        spec: of the sandbox.
        plan: of it.
        sources: where each bind's source really is taken from.
        seccomp_fd: descriptor with the filter for all of it; -1 for none.
    """
    uid = AGENT if spec.user == "agent" else 0
    out = ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox", "--clearenv"]
    out += ["--unshare-user", "--disable-userns", "--uid", str(uid), "--gid", str(uid)]
    if spec.limits.network:
        out.append("--share-net")
    # One memory file system for everything that can be written to, or there would be no limit on the sum.
    disk = spec.limits.disk_mb * 2**20
    out += ["--size", str(disk + plan.content), "--perms", "0755", "--tmpfs", "/", "--dev", "/dev"]
    shared = min(SHARED_MEMORY, disk)
    out += ["--size", str(shared), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--proc", "/proc"]
    out += ["--perms", "1777", "--dir", "/tmp", "--dir", HOME, "--dir", spec.workdir]
    for layer in spec.layers:
        if layer.writable:
            out += ["--dir", layer.target]
    for bind in plan.binds:
        out += ["--ro-bind", sources[bind.source], bind.target]
    for path, target in plan.links:
        out += ["--symlink", target, path]
    if seccomp_fd >= 0:
        out += ["--seccomp", str(seccomp_fd)]
    return [*out, "--", plan.python, "-I", "-S", "-B", "-c", LOADER]


def server_options(limits: Limits, program: bytes) -> str:
    """What the server inside is told."""
    memory = limits.memory_mb * 2**20
    rlimits = {
        "CORE": 0,
        "FSIZE": limits.disk_mb * 2**20,
        "NOFILE": 4096,
        "NPROC": limits.pids,
        # The watch holds the exact limit; this is what one process can grow to between two looks.
        "DATA": 4 * memory,
    }
    return json.dumps({"memory": memory, "rlimits": rlimits, "filter": base64.b64encode(program).decode()})


def users(spec: SandboxSpec) -> Iterator[tuple[str, bytes]]:
    """``/etc/passwd`` and ``/etc/group`` of a sandbox on the host's programs."""
    if isinstance(spec.base, HostBase):
        yield "/etc/passwd", f"root:x:0:0::/root:/bin/bash\nagent:x:{AGENT}:{AGENT}::{HOME}:/bin/bash\n".encode()
        yield "/etc/group", f"root:x:0:\nagent:x:{AGENT}:\n".encode()
