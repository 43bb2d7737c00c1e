"""A daemon of our own is killed and started again: nothing is scored for it, and nothing stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assay.sandbox import Limits, SandboxDied, SandboxSpec, SandboxUnavailable
from assay.sandbox.docker import DockerSandbox, engine, sweep

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SPEC = SandboxSpec(limits=Limits(memory_mb=128, disk_mb=32))


class Daemon:
    """In network and mount namespaces of its own, so that it cannot touch the bridge of another one.

    Its containerd is a process of its own too, as under systemd: one that dockerd starts dies with it. Both share the
    namespaces, or the one would not see what the other mounts.
    """

    def __init__(self, top: Path, *options: str) -> None:
        self.top = top
        self.address = f"unix://{top}/d.sock"
        places = [f"--root={top}/c-data", f"--state={top}/c-state", f"--address={top}/c.sock"]
        with open(self.top / "log", "ab") as log:
            command = ["unshare", "--net", "--mount", "containerd", *places]
            self.containerd = subprocess.Popen(command, stdout=log, stderr=log)
        while not (top / "c.sock").exists() and self.containerd.poll() is None:
            time.sleep(0.05)
        self.command = [
            *("nsenter", f"--target={self.containerd.pid}", "--net", "--mount", "dockerd"),
            *("--bridge=none", "--iptables=false", "--ip-masq=false", f"--containerd={top}/c.sock"),
            *(f"--data-root={top}/data", f"--exec-root={top}/exec", f"--pidfile={top}/pid", f"--host={self.address}"),
            *options,
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self.top / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not DockerSandbox.probe().ok:
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.skip(f"a second dockerd does not start here: {(self.top / 'log').read_text()[-300:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        (self.top / "pid").unlink(missing_ok=True)

    def end(self) -> None:
        for process in (self.process, self.containerd):
            if process is not None and process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
        for pid in running(str(self.top)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def running(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.fixture(params=[(), ("--live-restore",)], ids=["plain", "live-restore"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    if os.geteuid() or not all(map(shutil.which, ("dockerd", "containerd", "unshare", "nsenter"))):
        pytest.skip("needs root, dockerd, containerd, unshare and nsenter to start a second daemon")
    found = Daemon(tmp_path, *request.param)
    monkeypatch.setenv("DOCKER_HOST", found.address)
    found.start()
    yield found
    found.end()


def test_a_killed_daemon_is_a_dead_sandbox_and_leaves_nothing(daemon: Daemon) -> None:
    sandbox = DockerSandbox(SPEC)
    sandbox.start()
    assert sandbox.exec("echo up", timeout=30).stdout == b"up\n"
    threading.Timer(0.5, daemon.kill).start()
    with pytest.raises(SandboxDied):
        sandbox.exec("sleep 424242", timeout=60)
    assert not sandbox.alive()
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        DockerSandbox(SPEC).start()

    daemon.start()
    sandbox = DockerSandbox(SPEC)
    sandbox.start()
    assert sandbox.exec("echo up", timeout=30).stdout == b"up\n"
    sandbox.close()
    sweep()
    assert engine.connect().api.containers(all=True) == []
    deadline = time.monotonic() + 20
    while running("424242") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running("424242")
