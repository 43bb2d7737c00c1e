"""What a sandbox of a given spec is made of: the sources, folders and files that its first process mounts."""

from __future__ import annotations

import os
import stat
import sys
from typing import Any

from assay.sandbox.base import HostBase, Image, RootFS, SandboxSpec
from assay.sandbox.errors import SandboxUnavailable

MIB = 2**20
USERS = {"agent": 1000, "root": 0}
PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
SETTINGS = ("ssl", "pki", "ca-certificates", "alternatives", "fonts", "ld.so.conf.d", "terminfo")
"""Folders of ``/etc`` that are shown, read-only."""
FILES = ("ld.so.cache", "ld.so.conf", "localtime", "timezone", "mime.types", "services", "protocols", "os-release")
"""Files of ``/etc`` that are copied."""
NETWORK_FILES = ("resolv.conf", "gai.conf", "host.conf", "ca-certificates.conf")
FILE_BYTES = 4 * MIB
EXTRA_PROGRAMS = "/opt/programs"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def make_plan(spec: SandboxSpec) -> dict[str, Any]:
    """The plan for a spec, ready for JSON.

    Raises:
        SandboxUnavailable: an image, or a source that is not there.
        ValueError: a layer's target or the workdir is not an absolute path, or the user is unknown.
    """
    if spec.user not in USERS:
        raise ValueError(f"user must be one of {', '.join(USERS)}, got {spec.user!r}")
    if isinstance(spec.base, Image):
        raise SandboxUnavailable(
            "the native back-end cannot run images", "use the docker back-end, or unpack it and pass RootFS(path)"
        )
    for target in (spec.workdir, *(layer.target for layer in spec.layers)):
        if not target.startswith("/") or os.path.normpath(target) in ("/", "//"):
            raise ValueError(f"not an absolute path below /: {target!r}")
    sources = [layer.source for layer in spec.layers] + ([spec.base.path] if isinstance(spec.base, RootFS) else [])
    for source in sources:
        if not os.path.isdir(source):
            raise SandboxUnavailable(f"no such directory: {source}", "give a layer or root that is there")
    limits = spec.limits
    plan: dict[str, Any] = {
        "agent": USERS[spec.user],
        "network": limits.network,
        "debug": limits.debug,
        "memory": limits.memory_mb * MIB,
        "disk": limits.disk_mb * MIB,
        "inodes": limits.inodes,
        "pids": limits.pids,
        "cpus": limits.cpus,
        "workdir": os.path.normpath(spec.workdir),
        "home": home(spec),
        "layers": [
            (os.path.realpath(layer.source), os.path.normpath(layer.target), layer.writable) for layer in spec.layers
        ],
        "root": os.path.realpath(spec.base.path) if isinstance(spec.base, RootFS) else "",
        "binds": [],
        "dirs": [],
        "links": [],
        "files": [],
    }
    if isinstance(spec.base, HostBase):
        _show_host(plan, python_prefix(spec.base))
    else:
        plan["binds"] = [(path, path) for path in ("/etc/resolv.conf",) if limits.network and os.path.isfile(path)]
    return plan


def python_prefix(base: HostBase) -> str:
    """Where the Python that is shown lives."""
    return os.path.abspath(base.python or sys.base_prefix)


def home(spec: SandboxSpec) -> str:
    """The home of the sandbox's user."""
    return "/root" if spec.user == "root" else "/home/agent"


def environment(spec: SandboxSpec) -> dict[str, str]:
    """What commands find in their environment before the spec's own variables."""
    path = SYSTEM_PATH
    if isinstance(spec.base, HostBase):
        path = f"{python_prefix(spec.base)}/bin:{path}:{EXTRA_PROGRAMS}"
    return {
        "PATH": path,
        "HOME": home(spec),
        "USER": spec.user,
        "LOGNAME": spec.user,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }


def _show_host(plan: dict[str, Any], prefix: str) -> None:
    if not os.path.isdir(prefix):
        raise SandboxUnavailable(f"no Python at {prefix}", "pass HostBase(python=...) with one that is there")
    binds, links = plan["binds"], plan["links"]
    binds.append(("/usr", "/usr"))
    for name in PROGRAMS:
        path = f"/{name}"
        if os.path.islink(path):
            links.append((path, os.readlink(path)))
        elif os.path.isdir(path):
            binds.append((path, path))
    for path in [f"/etc/{name}" for name in SETTINGS] + ["/nix/store", "/gnu/store"]:
        if os.path.isdir(path):
            binds.append((os.path.realpath(path), path))
    real = os.path.realpath(prefix)
    for path in dict.fromkeys((prefix, real)):  # venvs point to one or the other
        if not any(path == target or path.startswith(f"{target}/") for _, target in binds):
            binds.append((real, path))
    plan["files"] = _settings(plan["network"])
    if not os.path.exists(f"{prefix}/bin/python") and not os.path.exists("/usr/bin/python"):
        links.append((f"{EXTRA_PROGRAMS}/python", f"{prefix}/bin/python3"))
    agent_home = [("/home/agent", 0o755, True), ("/root", 0o755, plan["agent"] == 0), (plan["workdir"], 0o755, True)]
    open_to_all = [("/tmp", 0o1777, False), ("/var/tmp", 0o1777, False), ("/run", 0o755, False)]
    points = ["/etc", "/proc", "/dev", EXTRA_PROGRAMS] + [target for _, target in binds]
    points += [target for _, target, _ in plan["layers"]]
    plan["dirs"] = [("/", 0o755, False)] + [(path, 0o755, False) for path in points] + agent_home + open_to_all


def _settings(network: bool) -> list[tuple[str, str]]:
    """The files of ``/etc``, as Latin-1 text so that bytes survive JSON."""
    found = [
        (
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
        ),
        ("/etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
        ("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
        ("/etc/hostname", "sandbox\n"),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
    ]
    for name in (*FILES, *(NETWORK_FILES if network else ())):
        try:
            with open(f"/etc/{name}", "rb") as file:
                info = os.fstat(file.fileno())
                if stat.S_ISREG(info.st_mode) and info.st_mode & stat.S_IROTH and info.st_size <= FILE_BYTES:
                    found.append((f"/etc/{name}", file.read().decode("latin-1")))
        except OSError:
            continue
    return found
