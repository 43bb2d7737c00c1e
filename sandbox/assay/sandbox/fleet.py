"""Sandboxes of several machines behind one pool: a Ray actor on each node lends out what its own pool holds."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from assay.sandbox.asynchronous import AsyncSandbox, in_thread
from assay.sandbox.base import Sandbox, SandboxSpec
from assay.sandbox.errors import SandboxDied, SandboxError, SandboxUnavailable
from assay.sandbox.fleet_host import OPEN_SECONDS, Host, Tar
from assay.sandbox.pool import PoolClosed, PoolStats, PoolTimeout
from assay.sandbox.proxy import SandboxProxy
from assay.sandbox.turns import Turns

GRACE = 30.0
"""Seconds beyond a call's own limit after which its node is taken for dead."""
FILE_SECONDS = 150.0


@dataclass(slots=True)
class _Node:
    actor: Any
    name: str
    free: int
    alive: bool = True


class RayPool:
    """Lends sandboxes of all nodes of a Ray cluster, like ``SandboxPool``; the node with most free places first.

    Ray must be initialised (``ray.init(address=...)``) by whoever makes the pool, which owns the actors: they and
    their sandboxes end with it. When a node or its actor dies, calls on its sandboxes raise ``SandboxDied`` and its
    places are gone; the others go on.

    Args:
        spec: what a lease that names no spec gets.
        size: sandboxes alive at once on each node.
        backend: as for :func:`~assay.sandbox.open_sandbox`, on every node.
        max_resets: as for ``SandboxPool``.
        nodes: Ray's hexadecimal ids of the nodes to use; default: all that are alive.
        resources: of each actor, as ``ray.remote`` takes them; default: no CPU is reserved, since what uses it are
            the sandboxes' own processes.

    Raises:
        SandboxUnavailable: Ray is not installed or not initialised, or there is no node.
    """

    def __init__(
        self,
        spec: SandboxSpec | None = None,
        size: int = 4,
        backend: str = "auto",
        max_resets: int = 200,
        nodes: Sequence[str] | None = None,
        resources: dict[str, float] | None = None,
    ) -> None:
        ray = _ray()
        self._default = spec or SandboxSpec()
        alive = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        names = alive if nodes is None else [node for node in nodes if node in alive]
        if not names or size < 1:
            raise SandboxUnavailable("no living Ray node to run sandboxes on", "start one with `ray start`, size >= 1")
        near = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        host = ray.remote(Host)
        options: dict[str, Any] = {
            "num_cpus": 0,
            "max_restarts": 0,
            "max_concurrency": size + 2,
            "resources": resources,
        }
        self._nodes = []
        for name in names:
            here = host.options(**options, scheduling_strategy=near(name, soft=False))
            self._nodes.append(_Node(here.remote(size, backend, max_resets), name, size))
        self._size = size * len(names)
        self._turns = Turns(self._size)
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="assay-fleet")
        self._timeouts = 0

    def lease(self, spec: SandboxSpec | None = None, timeout: float | None = None) -> FleetLease:
        """A sandbox on some node for one ``with`` or ``async with`` block; errors as for ``SandboxPool.lease``."""
        return FleetLease(self, spec or self._default, timeout)

    def stats(self) -> dict[str, PoolStats]:
        """Each living node's figures, by its id."""
        return {node.name: self.ask(node, "stats", timeout=GRACE) for node in self._nodes if node.alive}

    def close(self) -> None:
        """Close every sandbox and end the actors."""
        ray = _ray()
        self._turns.close(PoolClosed("the sandbox pool is closed"))
        for node in self._nodes:
            if node.alive:
                with suppress(SandboxError):
                    self.ask(node, "close", timeout=GRACE)
                ray.kill(node.actor)
                node.alive = False
        self._threads.shutdown(wait=False)

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, node: _Node, method: str, *args: Any, timeout: float) -> Any:
        """Call a node's actor; ``SandboxDied`` if it is gone or does not answer in ``timeout`` seconds."""
        ray = _ray()
        if not node.alive:
            raise SandboxDied(f"node {node.name[:8]} is gone")
        try:
            value, error = ray.get(getattr(node.actor, method).remote(*args), timeout=timeout)
        except (ray.exceptions.RayError, OSError) as fault:
            self._lose(node)
            with suppress(Exception):  # one that only hangs must not keep its sandboxes
                ray.kill(node.actor)
            raise SandboxDied(f"node {node.name[:8]} is gone: {type(fault).__name__}") from fault
        if error is not None:
            raise error
        return value

    def pick(self) -> _Node | None:
        """The living node with most free places, one of which is taken; the caller holds a turn.

        None if a node was lost after the turn was given; the turn is given back then, to be waited for again.
        """
        with self._lock:
            nodes = [node for node in self._nodes if node.alive and node.free > 0]
            if not nodes:
                self._turns.give()
                return None
            node = max(nodes, key=lambda node: node.free)
            node.free -= 1
            return node

    def release(self, node: _Node) -> None:
        """Give back a place; those of a lost node are gone already."""
        with self._lock:
            if node.alive:
                node.free += 1
                self._turns.give()

    def _lose(self, node: _Node) -> None:
        """Its free places are withdrawn now, its taken ones never come back."""
        with self._lock:
            if not node.alive:
                return
            node.alive = False
            self._turns.withdraw(node.free)
            if not any(other.alive for other in self._nodes):
                self._turns.close(
                    SandboxUnavailable("every node of the fleet is gone", "restart the nodes and make a new pool")
                )


class FleetLease:
    """The right to one sandbox of the fleet for one ``with`` or ``async with`` block."""

    def __init__(self, fleet: RayPool, spec: SandboxSpec, timeout: float | None) -> None:
        self._fleet = fleet
        self._spec = spec
        self._timeout = timeout
        self._name = uuid.uuid4().hex
        self._node: _Node | None = None
        self._box: _Remote | None = None

    def __enter__(self) -> Sandbox:
        while True:
            try:
                self._fleet._turns.take(self._timeout)
            except TimeoutError:
                raise self._too_late() from None
            if (node := self._fleet.pick()) is not None:
                return self._begin(node)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(isinstance(error, SandboxDied))

    async def __aenter__(self) -> AsyncSandbox:
        node = None
        while node is None:
            try:
                await self._fleet._turns.take_async(self._timeout)
            except TimeoutError:
                raise self._too_late() from None
            node = self._fleet.pick()
        threads = self._fleet._threads
        try:
            box = await in_thread(threads, self._begin, node)
        except BaseException:
            if self._node is not None:
                await in_thread(threads, self._end, False)
            raise
        return AsyncSandbox(box, threads)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await in_thread(self._fleet._threads, self._end, isinstance(error, SandboxDied))

    def _begin(self, node: _Node) -> _Remote:
        try:
            self._fleet.ask(node, "lend", self._name, self._spec, timeout=OPEN_SECONDS + GRACE)
        except BaseException:
            self._fleet.release(node)
            raise
        self._node, self._box = node, _Remote(self._fleet, node, self._name, self._spec)
        return self._box

    def _end(self, died: bool) -> None:
        node, self._node = self._node, None
        if self._box is not None:
            self._box.ended = True
        if node is not None:
            try:
                self._fleet.ask(node, "give_back", self._name, died, timeout=OPEN_SECONDS)
            except SandboxDied:
                return  # the node went, and its sandboxes and places with it
            finally:
                self._fleet.release(node)

    def _too_late(self) -> PoolTimeout:
        return PoolTimeout(
            f"no sandbox became free in {self._timeout} s on any of {len(self._fleet._nodes)} nodes; "
            "add nodes, make the pool larger, or run fewer episodes at once"
        )


class _Remote(SandboxProxy):
    """A sandbox on another machine."""

    def __init__(self, fleet: RayPool, node: _Node, name: str, spec: SandboxSpec) -> None:
        self.spec = spec
        self.ended = False
        self._fleet, self._node, self._name = fleet, node, name

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.ended:
            raise SandboxDied("the lease of this sandbox has ended")
        timeout = (kwargs["timeout"] if name == "exec" else FILE_SECONDS) + GRACE
        if name == "upload":
            args = (Tar(args[0].read()), *args[1:])
        return self._fleet.ask(self._node, "call", self._name, name, args, kwargs, timeout=timeout)

    def interrupt(self) -> None:
        """End the command that runs now, from another thread, where the back-end can."""
        with suppress(SandboxError, AttributeError):
            self.call("interrupt")


def _ray() -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise SandboxUnavailable("needs ray", "pip install 'assay[ray]'") from None
    if not ray.is_initialized():
        raise SandboxUnavailable(
            "Ray is not initialised", "call ray.init(address='auto') first, or ray.init() for one node"
        )
    return ray
