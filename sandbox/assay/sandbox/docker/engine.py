"""The daemon: one connection for each process, its failures as our errors, and calls that are repeated once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from assay.sandbox.errors import ImageMissing, SandboxDied, SandboxError, SandboxUnavailable

T = TypeVar("T")

TIMEOUT = 120.0
"""Seconds for one request to the daemon; attached streams have their own deadlines."""
START_FIX = "start it (`systemctl start docker`), or point DOCKER_HOST at a Docker or Podman socket"


class Engine:
    """The Docker API (or Podman's, which speaks it) of one daemon.

    Args:
        api: a ``docker.APIClient``.
        address: as in ``DOCKER_HOST``.
    """

    def __init__(self, api: Any, address: str) -> None:
        self.api = api
        self.address = address
        self.local = address.startswith(("unix://", "http+unix://"))
        self._info: dict[str, Any] = {}

    def info(self) -> dict[str, Any]:
        """What the daemon says of its machine; asked once."""
        if not self._info:
            self._info = self.ask(lambda api: api.info())
        return self._info

    def ask(self, call: Callable[[Any], T], *, repeat: bool = True) -> T:
        """``call(api)``, once more if the connection broke and ``repeat`` says that this is safe.

        Raises:
            SandboxDied: the daemon does not answer.
            ImageMissing: it has no such image.
            EngineRefused: it answered with an error.
        """
        import docker.errors
        import requests.exceptions

        attempt = 0
        while True:
            try:
                return call(self.api)
            except docker.errors.ImageNotFound as error:
                raise ImageMissing(_line(error), "pull or build it") from error
            except docker.errors.APIError as error:
                raise EngineRefused(_line(error), int(getattr(error.response, "status_code", 0) or 0)) from error
            except (requests.exceptions.RequestException, docker.errors.DockerException, OSError) as error:
                attempt += 1
                if attempt > 1 or not repeat:
                    raise SandboxDied(
                        f"the container engine at {self.address} does not answer: {_line(error)}"
                    ) from error

    def quietly(self, call: Callable[[Any], object]) -> bool:
        """Like :meth:`ask` for what may already be done or gone: whether it went through."""
        try:
            self.ask(call)
        except SandboxError:
            return False
        return True


class EngineRefused(SandboxError):  # noqa: N818 - the event is the name
    """The daemon answered with an error.

    Args:
        reason: its words, one line.
        status: the HTTP status.
    """

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def connect() -> Engine:
    """The daemon of ``DOCKER_HOST``, or the local one; pinged, so that what is returned answered a moment ago.

    Raises:
        SandboxUnavailable: no SDK, no daemon, or no permission to talk to it.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError as error:
        raise SandboxUnavailable("needs the docker SDK", "pip install 'assay[docker]'") from error
    import requests.exceptions

    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    with _lock:
        engine = _engines.get((os.getpid(), address))
        try:
            if engine is None:
                client = docker.from_env(timeout=TIMEOUT, max_pool_size=32)
                engine = Engine(client.api, address)
            engine.api.ping()
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            _engines.pop((os.getpid(), address), None)
            raise _unavailable(address, error) from error
        _engines[os.getpid(), address] = engine
    return engine


_engines: dict[tuple[int, str], Engine] = {}
_lock = threading.Lock()


def _unavailable(address: str, error: BaseException) -> SandboxUnavailable:
    path = address.removeprefix("http+").removeprefix("unix://")
    words = str(error)
    if "ermission denied" in words:
        return SandboxUnavailable(
            f"no permission to use the container engine's socket {path}",
            "join its group (`sudo usermod -aG docker $USER`, then log in again), or use rootless Docker or Podman",
        )
    if address.startswith(("unix://", "http+unix://")) and not os.path.exists(path):
        return SandboxUnavailable(f"no container engine: there is no socket {path}", f"install Docker or {START_FIX}")
    return SandboxUnavailable(f"the container engine at {address} does not answer: {_line(error)}", START_FIX)


def _line(error: BaseException) -> str:
    text = str(getattr(error, "explanation", None) or error) or type(error).__name__
    return " ".join(text.split())[:500]
