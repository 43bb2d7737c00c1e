"""What this host can do for sandboxes, what is wrong, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.sandbox.base import Probe
from assay.sandbox.choose import AUTOMATIC, probe
from assay.sandbox.errors import SandboxError
from assay.sandbox.host_facts import Facts, gather

CONTAINER_FLAGS = "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
MACHINES = ("x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is as it should be.
        said: what was found, one line.
        fix: what to do about it, one line; empty if nothing need be done.
        needed_by: back-ends that cannot do without it; empty if it only makes them better.
    """

    name: str
    ok: bool
    said: str
    fix: str = ""
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, each back-end's probe, and which one ``auto`` takes (empty: none)."""

    checks: tuple[Check, ...]
    backends: dict[str, Probe]
    chosen: str


def examine(facts: Facts | None = None, ask: Callable[[str], Probe] = probe) -> Report:
    """Look at the host and try every back-end that ``auto`` would.

    Args:
        facts: default: of this host.
        ask: gives a back-end's probe.
    """
    backends = {name: _ask(name, ask) for name in AUTOMATIC}
    chosen = next((name for name, found in backends.items() if found.ok), "")
    checks = diagnose(facts or gather())
    if backends["docker"].ok:
        checks += _daemon()
    return Report(tuple(checks), backends, chosen)


def _daemon() -> list[Check]:
    """What the daemon says of itself; nothing if it does not answer."""
    from assay.sandbox.docker.engine import connect

    try:
        info = connect().info()
    except (SandboxError, OSError):
        return []
    runtimes = sorted(name for name in info.get("Runtimes") or {} if not name.startswith("io.containerd"))
    said = f"{info.get('ServerVersion', '?')}, {info.get('Images', 0)} images, runtimes {', '.join(runtimes)}"
    missing = [name for name in ("MemoryLimit", "PidsLimit") if info.get(name) is False]
    if missing:
        fix = "give the daemon a cgroup hierarchy with the controllers memory and pids"
        return [Check("container daemon", False, f"{said}; cannot hold {', '.join(missing)}", fix, ("docker",))]
    return [Check("container daemon", True, said)]


def _ask(name: str, ask: Callable[[str], Probe]) -> Probe:
    try:
        return ask(name)
    except (SandboxError, ImportError, OSError) as error:
        return Probe(False, f"{type(error).__name__}: {error}")


def diagnose(facts: Facts) -> list[Check]:
    """What the facts mean. Pure."""
    if facts.system != "Linux":
        fix = "use the docker back-end, or a Linux machine"
        return [Check("Linux", False, f"this is {facts.system}", fix, ("native", "bubblewrap"))]
    return [
        _kernel(facts),
        _user_namespaces(facts),
        _proc(facts),
        _overlay(facts),
        _cgroups(facts),
        _machine(facts),
        _bwrap(facts),
    ]


def _kernel(facts: Facts) -> Check:
    parts = facts.release.split(".")
    known = len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit()
    ok = known and (int(parts[0]), int(parts[1])) >= (6, 6)
    where = f", in a container ({facts.container})" if facts.container else ""
    return Check(
        "kernel",
        ok,
        f"Linux {facts.release}{where}",
        "" if ok else "native sandboxes need 6.6 or newer; use docker or bubblewrap",
        () if ok else ("native",),
    )


def _user_namespaces(facts: Facts) -> Check:
    name, needed = "user namespaces", ("native", "bubblewrap")
    said = facts.trial.get("user_namespace", "not tried") or facts.trial.get("namespaces", "not tried")
    if not said:
        return Check(name, True, "can be made")
    said = f"refused: {said}"
    if facts.sysctls.get("user.max_user_namespaces") == 0:
        return Check(
            name, False, f"{said} (user.max_user_namespaces is 0)", "sysctl -w user.max_user_namespaces=65536", needed
        )
    if facts.sysctls.get("kernel.unprivileged_userns_clone") == 0 and not facts.root:
        fix = "sysctl -w kernel.unprivileged_userns_clone=1"
        return Check(name, False, f"{said} (kernel.unprivileged_userns_clone is 0)", fix, needed)
    if facts.sysctls.get("kernel.apparmor_restrict_unprivileged_userns") == 1 and not facts.root:
        fix = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with `userns,`"
        return Check(name, False, f"{said} (AppArmor restricts them)", fix, ("native",))
    if facts.container:
        return Check(name, False, f"{said} (in a container)", f"start the container with {CONTAINER_FLAGS}", needed)
    return Check(name, False, said, "see whether seccomp or a security module of this host forbids unshare(2)", needed)


def _proc(facts: Facts) -> Check:
    said = facts.trial.get("proc")
    if said is None:
        return Check("proc mount", False, "not tried, namespaces come first", "", ())
    if not said:
        return Check("proc mount", True, "can be made")
    fix = "whoever starts this process must leave /proc unmasked"
    if facts.container:
        fix = f"start the container with {CONTAINER_FLAGS}"
    return Check("proc mount", False, f"refused: {said}", fix, ("native", "bubblewrap"))


def _overlay(facts: Facts) -> Check:
    name = "overlay in a user namespace"
    said = facts.trial.get("overlay")
    if said is None:
        return Check(name, False, "not tried, namespaces come first", "", ())
    if not said:
        return Check(name, True, "can be mounted")
    fix = "modprobe overlay; a kernel of 5.11 or newer"
    if facts.container:
        fix = "in a container keep base and layers on a volume: its own root, an overlay itself, cannot lie below one"
    return Check(name, False, f"refused: {said}", fix, ("native",))


def _cgroups(facts: Facts) -> Check:
    if facts.cgroups:
        return Check("cgroups", True, f"can be made ({facts.cgroups})")
    return Check(
        "cgroups",
        False,
        "cannot be made here: memory is watched ten times a second instead, cpus are not held",
        "run as root, or under `systemd-run --user --scope -p Delegate=yes`",
    )


def _machine(facts: Facts) -> Check:
    ok = facts.machine in MACHINES
    fix = "" if ok else "use the docker back-end"
    needed = () if ok else ("native", "bubblewrap")
    return Check("seccomp table", ok, f"{facts.machine}: {'known' if ok else 'not known'}", fix, needed)


def _bwrap(facts: Facts) -> Check:
    if facts.bwrap:
        return Check("bubblewrap", True, f"version {facts.bwrap}")
    return Check("bubblewrap", False, "not installed", "install the package bubblewrap, if native does not work", ())
