"""What breaks around a sandbox is a typed error through the pool, and nothing is left of it."""

from __future__ import annotations

import io
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.sandbox import (
    FileRefused,
    Layer,
    Limits,
    Sandbox,
    SandboxDied,
    SandboxSpec,
    gc,
)
from assay.sandbox.pool import SandboxPool

Running = Callable[[str], list[int]]


def first_process(box: Sandbox, running: Running) -> int:
    """The host's PID of the process by whose death the whole sandbox dies."""
    mark = f"{400_000 + time.time_ns() % 10**8}"
    box.exec(f"sleep {mark} &", timeout=20)
    while not running(mark):
        time.sleep(0.005)
    pid = min(running(mark))
    while True:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        inside = status["NSpid"].split()
        if inside[-1] == "1" or len(inside) == 1:
            return pid
        pid = int(status["PPid"])


@pytest.fixture
def fresh_pool(backend: str, spec: SandboxSpec) -> SandboxPool:
    if backend == "local-unsafe":
        pytest.skip("local-unsafe has no process of its own that could die")
    return SandboxPool(spec, size=2, backend=backend)


def test_a_sandbox_killed_from_outside_is_dead_and_replaced(fresh_pool: SandboxPool, running: Running) -> None:
    mark = f"{500_000 + time.time_ns() % 10**8}"
    with fresh_pool as pool:
        with pytest.raises(SandboxDied), pool.lease() as box:  # noqa: PT012 - it must leave the lease too
            pid = first_process(box, running)
            box.exec(f"(setsid sleep {mark} &)", timeout=20)
            os.kill(pid, signal.SIGKILL)
            box.exec("sleep 5", timeout=20)
        with pool.lease() as box:
            assert box.exec("cat hello.txt", timeout=20).stdout == b"hello\n"
        assert pool.stats().broken == 1
        assert running(mark) == []


def test_one_killed_while_it_waits_is_not_lent(fresh_pool: SandboxPool, backend: str, running: Running) -> None:
    with fresh_pool as pool:
        with pool.lease() as box:
            pid = first_process(box, running)
        idle: Any = next(iter(pool._idle.values()))[0].box
        os.kill(idle._process.pid if backend == "bubblewrap" else pid, signal.SIGKILL)  # whose reset is a new process
        while idle.alive():
            time.sleep(0.005)
        with pool.lease() as box:
            assert box.exec("echo on", timeout=20).stdout == b"on\n"
        assert pool.stats().broken == 1


def test_every_call_on_a_dead_one_says_so(fresh_pool: SandboxPool, running: Running) -> None:
    with fresh_pool as pool, pool.lease() as box:
        snapshot = box.snapshot()
        os.kill(first_process(box, running), signal.SIGKILL)
        calls: list[Callable[[], object]] = [
            lambda: box.read_file("hello.txt"),
            lambda: box.write_file("x", b""),
            lambda: box.upload(io.BytesIO(), "x"),
            lambda: box.download("pkg"),
            box.diff,
            box.snapshot,
            lambda: box.restore(snapshot),
            box.reset,
            box.kill_all,
            lambda: box.exec("true", timeout=5),
        ]
        for call in calls:
            with pytest.raises(SandboxDied):
                call()
        assert not box.alive()


def test_a_full_disk_is_the_commands_error_or_a_refusal_and_never_stays(box: Sandbox, backend: str) -> None:
    if backend == "local-unsafe":
        pytest.skip("local-unsafe has no limit on the disk")
    assert box.exec("head -c 200M /dev/zero > /testbed/fill", timeout=60).exit_code != 0
    with pytest.raises(FileRefused):
        box.write_file("more", bytes(2**20))
    assert box.exec("echo still here", timeout=20).stdout == b"still here\n"
    assert box.read_file("hello.txt") == b"hello\n"
    box.reset()
    box.write_file("more", bytes(2**20))


def test_what_a_layer_holds_is_not_counted_as_written(
    opened: Callable[[SandboxSpec], Sandbox], backend: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "large").write_bytes(os.urandom(8 * 2**20))
    box = opened(SandboxSpec(layers=(Layer(str(tmp_path), "/testbed"),), limits=Limits(disk_mb=4)))
    assert box.exec("wc -c < large; echo x > small", timeout=20).stdout.split() == [b"8388608"]
    if backend != "local-unsafe":
        assert box.exec("head -c 8M /dev/zero > more", timeout=20).exit_code != 0


EPISODES = {"native": 150, "docker": 25, "bubblewrap": 25}


def test_many_episodes_with_injected_faults_all_come_through(
    fresh_pool: SandboxPool, backend: str, running: Running
) -> None:
    """One in ten has its sandbox killed or its disk filled; what died is run again; none sees another's traces."""
    rng = random.Random(7)
    mark = f"{600_000 + time.time_ns() % 10**8}"
    died = 0
    with fresh_pool as pool:
        for number in range(EPISODES[backend]):
            fault = rng.choice(["kill", "fill"]) if rng.random() < 0.1 else ""
            for attempt in range(3):
                try:
                    with pool.lease(timeout=60) as box:
                        if fault == "kill" and attempt == 0:
                            os.kill(first_process(box, running), signal.SIGKILL)
                        if fault == "fill":
                            box.exec("head -c 200M /dev/zero > /tmp/fill", timeout=60)
                        script = f"ls | wc -l; (setsid sleep {mark} &); echo {number} > trace"
                        result = box.exec(script, timeout=30)
                        assert result.stdout.split() == [b"8"]
                        break
                except SandboxDied:
                    died += 1
            else:
                pytest.fail("an episode died three times")
        assert pool.stats().broken == died > 0
    assert running(mark) == []
    gc.collect()
    assert gc.collect() == {}
