"""The back-end for this host: native, then docker, then bubblewrap, else an error; never one without walls."""

from __future__ import annotations

import importlib
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from assay.sandbox.base import Image, Probe, Sandbox, SandboxSpec
from assay.sandbox.errors import SandboxUnavailable

Backend: TypeAlias = Literal["auto", "native", "docker", "bubblewrap", "local-unsafe"]

CLASSES = {
    "native": ("assay.sandbox.native", "NativeSandbox"),
    "docker": ("assay.sandbox.docker", "DockerSandbox"),
    "bubblewrap": ("assay.sandbox.bubblewrap", "BubblewrapSandbox"),
    "local-unsafe": ("assay.sandbox.local_unsafe", "LocalUnsafeSandbox"),
}
AUTOMATIC = ("native", "docker", "bubblewrap")
"""Tried in this order; local-unsafe is only ever taken by its name."""


class SandboxClass(Protocol):
    """What the class of a back-end looks like."""

    def __call__(self, spec: SandboxSpec, **kwargs: Any) -> Sandbox:
        """A sandbox that is not started yet."""
        ...

    def probe(self) -> Probe:
        """Whether it works on this host."""
        ...


def backend_class(name: str) -> SandboxClass:
    """The class of a back-end, imported now.

    Raises:
        ValueError: no back-end has that name.
    """
    if name not in CLASSES:
        raise ValueError(f"no sandbox back-end is called {name!r}; there are {', '.join(get_args(Backend))}")
    module, attribute = CLASSES[name]
    return cast(SandboxClass, getattr(importlib.import_module(module), attribute))


def probe(name: str) -> Probe:
    """Whether a back-end works here, tried for real where that is the only way to know.

    Raises:
        ValueError: no back-end has that name.
    """
    cls = backend_class(name)
    try:
        return cls.probe()
    except SandboxUnavailable as error:
        return Probe(False, error.reason, error.fix)


def open_sandbox(spec: SandboxSpec | None = None, backend: str = "auto", **kwargs: Any) -> Sandbox:
    """A started sandbox; close it when done.

    Args:
        spec: what it looks like; default: the host's programs, no layers, the default limits.
        backend: ``auto`` takes the first that works of native, docker and bubblewrap (an :class:`Image` as base always
            means docker), and never ``local-unsafe``, which has no walls and must be asked for.
        kwargs: for the class of the back-end.

    Raises:
        SandboxUnavailable: none works, with the reason of each; or the one asked for does not.
        ValueError: no back-end has that name.
    """
    spec = spec or SandboxSpec()
    name = choose_backend(spec) if backend == "auto" else backend
    sandbox = backend_class(name)(spec, **kwargs)
    try:
        sandbox.start()
    except BaseException:
        sandbox.close()
        raise
    return sandbox


def choose_backend(spec: SandboxSpec | None = None) -> str:
    """The name of the first back-end that works here; images and other OCI runtimes are docker's alone.

    What has worked once in this process is not tried again.

    Raises:
        SandboxUnavailable: none does; the reasons of all are in it.
    """
    spec = spec or SandboxSpec()
    reasons = []
    for name in ("docker",) if isinstance(spec.base, Image) or spec.runtime else AUTOMATIC:
        found = Probe(True) if name in _works else probe(name)
        if found.ok:
            _works.add(name)
            return name
        reasons.append(f"{name}: {found.reason}" + (f" ({found.fix})" if found.fix else ""))
    raise SandboxUnavailable(
        f"no sandbox works for this on this host: {'; '.join(reasons)}", "run `assay-sandbox doctor` for what to do"
    )


_works: set[str] = set()
