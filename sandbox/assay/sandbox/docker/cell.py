"""One running container with our server as PID 1 and one stream to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from assay.sandbox.base import SandboxSpec
from assay.sandbox.channel import FILE_SECONDS, Channel
from assay.sandbox.docker import boot, owner
from assay.sandbox.docker.engine import Engine, EngineRefused
from assay.sandbox.docker.helpers import mounts, untouched
from assay.sandbox.docker.plan import Bound, Plan, guest_options, host_config
from assay.sandbox.docker.stream import AttachedStream
from assay.sandbox.errors import SandboxDied, SandboxError, SandboxUnavailable

NOT_FOUND, CONFLICT = 404, 409
BOOT_SECONDS = 60.0
GONE_SECONDS = 30.0


class Cell:
    """A container, from its creation to its removal.

    The engine closes its standard input when this process hangs up or dies, PID 1 ends with that, and the engine
    removes what has ended: nothing is left even by a parent that was killed.

    Args:
        engine: where it runs.
        plan: what it is made of.
        spec: its limits and its user.
    """

    def __init__(self, engine: Engine, plan: Plan, spec: SandboxSpec) -> None:
        self.engine = engine
        self.plan = plan
        self.name = owner.new_name("sandbox")
        self.container = ""
        self._stream: AttachedStream | None = None
        self.channel: Channel | None = None
        try:
            self._start(spec)
        except BaseException:
            self.close()
            raise

    def _start(self, spec: SandboxSpec) -> None:
        try:
            self.container = self._create(spec)
            volumes = [bound.source for bound in _bounds(self.plan) if bound.volume]
            if not untouched(self.engine, volumes):
                raise StaleCopy(f"a copy in {', '.join(volumes)} was removed meanwhile")
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            # attached before the start: nothing is lost, and nothing has to be waited for
            attached = self.engine.ask(lambda api: api.attach_socket(self.container, params=wanted), repeat=False)
            self._stream = AttachedStream(attached)
            self.engine.ask(lambda api: api.start(self.container), repeat=False)
        except EngineRefused as error:
            raise _refused(error, spec, self.engine) from error
        self.channel = Channel(_Primed(self._stream, boot.first_bytes(guest_options(self.plan, spec))), self.name)
        try:
            self.channel.call("ping", timeout=BOOT_SECONDS)
            self.channel.call("reset", timeout=FILE_SECONDS)
        except SandboxError as error:
            words = self._stream.tail.decode("utf-8", "replace").strip()
            said = f": {words.splitlines()[-1][:300]}" if words else ""
            raise SandboxUnavailable(
                f"the server does not start in {self.plan.image[:80]} ({error}){said}",
                "try the image with `docker run`; it must be of this machine's architecture",
            ) from error

    def _create(self, spec: SandboxSpec) -> str:
        command = boot.command(list(self.plan.python))
        api = self.engine.api
        settings = api.create_host_config(
            **host_config(self.plan, spec, int(self.engine.info().get("NCPU") or 0)),
            mounts=mounts(_bounds(self.plan)),
            log_config={"Type": "none", "Config": {}},  # else every byte of the stream is written to the host's disk
        )
        made: dict[str, Any] = self.engine.ask(
            lambda api: api.create_container(
                self.plan.image,
                name=self.name,
                hostname="sandbox",
                entrypoint=command[:1],
                command=command[1:],
                user="0:0",
                working_dir="/",
                stdin_open=True,
                labels=owner.labels("sandbox"),
                host_config=settings,
                healthcheck={"test": ["NONE"]},
            ),
            repeat=False,
        )
        return str(made["Id"])

    def close(self) -> None:
        """Hang up, then remove the container and wait until it is gone; nothing if the engine is away."""
        if self.channel is not None:
            self.channel.close()
        elif self._stream is not None:
            self._stream.close()
        container, self.container = self.container, ""
        if container:
            with suppress(SandboxError):
                self._remove(container)
        owner.release(self.name)  # where the engine is away, the next sweep takes it

    def _remove(self, container: str) -> None:
        try:
            self.engine.ask(lambda api: api.remove_container(container, force=True, v=True))
        except EngineRefused as error:
            if error.status == CONFLICT:  # it is being removed already
                with suppress(EngineRefused, SandboxDied):
                    self.engine.ask(lambda api: api.wait(container, timeout=GONE_SECONDS, condition="removed"))


class StaleCopy(SandboxError):  # noqa: N818 - the event is the name
    """A volume that the plan counts on was removed; with a new plan it is filled again."""


def _bounds(plan: Plan) -> list[Bound]:
    return [*(place.pristine for place in plan.places if place.pristine), *plan.bounds]


class _Primed:
    """A stream whose first write is preceded by what the loader is waiting for."""

    def __init__(self, stream: AttachedStream, first: bytes) -> None:
        self._stream, self._first = stream, first

    def write(self, data: bytes, deadline: float) -> None:
        first, self._first = self._first, b""
        self._stream.write(first + data, deadline)

    def read(self, most: int, deadline: float) -> bytes:
        return self._stream.read(most, deadline)

    def close(self) -> None:
        self._stream.close()


def _refused(error: EngineRefused, spec: SandboxSpec, engine: Engine) -> SandboxUnavailable:
    words = str(error)
    if spec.runtime and "runtime" in words.lower():
        known = ", ".join(sorted(engine.info().get("Runtimes") or {}))
        return SandboxUnavailable(
            f"the container engine has no runtime {spec.runtime!r}, only {known}",
            "install it and name it under `runtimes` in /etc/docker/daemon.json",
        )
    return SandboxUnavailable(f"the container engine refuses the container: {words}", "see `docker info`")
