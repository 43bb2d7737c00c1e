"""What a fleet runs on each node, and what travels between it and the caller."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from assay.sandbox.base import Sandbox, SandboxSpec
from assay.sandbox.errors import SandboxDied, SandboxError
from assay.sandbox.pool import Lease, SandboxPool

OPEN_SECONDS = 300.0
"""For a node to start a sandbox, an image's first container included."""


class Host:
    """What runs on a node: a pool, and the leases that are out. Made into a Ray actor by the fleet.

    Every call answers ``(value, error)``, so that our errors arrive as themselves.
    """

    def __init__(self, size: int, backend: str, max_resets: int) -> None:
        self._pool = SandboxPool(size=size, backend=backend, max_resets=max_resets)
        self._leases: dict[str, tuple[Lease, Sandbox]] = {}

    def lend(self, name: str, spec: SandboxSpec) -> tuple[Any, Exception | None]:
        """Take a sandbox for the lease ``name``; the caller knows that there is room."""

        def lend() -> None:
            lease = self._pool.lease(spec, timeout=OPEN_SECONDS)
            self._leases[name] = lease, lease.__enter__()

        return _answer(lend)

    def call(self, name: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make one call on the sandbox of a lease."""

        def call() -> Any:
            if name not in self._leases:
                raise SandboxDied("the lease of this sandbox has ended")
            return getattr(self._leases[name][1], method)(*args, **kwargs)

        return _answer(call)

    def give_back(self, name: str, died: bool) -> tuple[Any, Exception | None]:
        """End a lease."""

        def give_back() -> None:
            if name in self._leases:
                self._leases.pop(name)[0].give_back(died=died)

        return _answer(give_back)

    def stats(self) -> tuple[Any, Exception | None]:
        """The pool's own."""
        return _answer(self._pool.stats)

    def close(self) -> tuple[Any, Exception | None]:
        """Close the pool and whatever is still lent."""

        def close() -> None:
            self._pool.close()
            for name in list(self._leases):
                self._leases.pop(name)[0].give_back(died=True)

        return _answer(close)


class Tar(io.BytesIO):
    """Bytes that travel as bytes and arrive as a file."""

    def __reduce__(self) -> tuple[Callable[[bytes], Tar], tuple[bytes]]:
        return Tar, (self.getvalue(),)


def _answer(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except Exception as error:
        error.__traceback__ = error.__cause__ = error.__context__ = None
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return None, SandboxError(f"{type(error).__name__}: {error}")
        return None, error
