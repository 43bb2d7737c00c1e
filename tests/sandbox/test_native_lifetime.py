"""What a native sandbox leaves behind: nothing, however it ends."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.sandbox import Layer, SandboxSpec
from assay.sandbox.errors import SandboxDied
from assay.sandbox.native import NativeSandbox
from assay.sandbox.native.cgroups import here
from assay.sandbox.native.launch import launcher

PARENT = """
import json, os, sys, time
from assay.sandbox import SandboxSpec
from assay.sandbox.native import NativeSandbox
from assay.sandbox.native.launch import launcher
boxes = [NativeSandbox(SandboxSpec()) for _ in range(3)]
for box in boxes:
    box.start()
    box.exec("(setsid sleep 1000 &) ; sleep 1000 &", timeout=30)
held = os.fork() if "fork" in sys.argv else 0  # holds a copy of every descriptor of ours
if "fork" in sys.argv and held == 0:
    time.sleep(60)
    os._exit(0)
print(json.dumps({"zygote": launcher().pid, "boxes": [box._pid for box in boxes], "held": held}), flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)


@pytest.fixture
def box() -> Iterator[NativeSandbox]:
    one = NativeSandbox(SandboxSpec())
    one.start()
    yield one
    one.close()


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= family(int(child))
    return found


def left(pids: set[int]) -> set[int]:
    """Those that have not ended within 30 s; a zombie that waits for its parent has."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        alive = set()
        for pid in pids:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    alive.add(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue
        if not alive:
            return set()
        time.sleep(0.02)
    return alive


def groups_of(zygote: int) -> list[Path]:
    return [path for base in here().values() if (path := base / f"assay-{zygote}").exists()]


@pytest.mark.parametrize("mode", ["plain", "fork"])
@pytest.mark.parametrize("victim", ["parent", "zygote"])
def test_a_killed_parent_or_zygote_takes_everything_along(mode: str, victim: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT, mode], stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    pids = family(told["zygote"])
    assert len(pids) >= 1 + 3 * 3
    (process.kill if victim == "parent" else lambda: os.kill(told["zygote"], signal.SIGKILL))()
    try:
        assert left(pids) == set()
        if victim == "parent":
            assert groups_of(told["zygote"]) == []
    finally:
        for pid in {told["held"]} - {0}:
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_dead_zygote_is_told_and_replaced(box: NativeSandbox) -> None:
    old = launcher().pid
    os.kill(old, signal.SIGKILL)
    assert left({box._pid}) == set()
    with pytest.raises(SandboxDied):
        box.exec("true", timeout=30)
    assert not box.alive()
    other = NativeSandbox(SandboxSpec())
    other.start()
    assert other.exec("echo new", timeout=30).stdout == b"new\n"
    assert launcher().pid != old
    other.close()


def test_a_killed_sandbox_is_told_and_leaves_its_neighbours(box: NativeSandbox) -> None:
    other = NativeSandbox(SandboxSpec())
    other.start()
    os.kill(box._pid, signal.SIGKILL)
    with pytest.raises(SandboxDied):
        box.exec("true", timeout=30)
    assert other.exec("echo here", timeout=30).stdout == b"here\n"
    other.close()


def test_close_leaves_no_process_group_or_descriptor() -> None:
    NativeSandbox.probe()
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    zygote = launcher().pid
    held = len(os.listdir(f"/proc/{zygote}/fd"))
    box = NativeSandbox(SandboxSpec())
    box.start()
    box.exec("setsid sleep 1000 & sleep 1000 &", timeout=30)
    pids = family(box._pid)
    assert len(pids) == 3
    box.close()
    box.close()
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []
    assert all(not any(path.is_dir() and path.name != "servers" for path in top.iterdir()) for top in groups_of(zygote))
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert len(os.listdir(f"/proc/{zygote}/fd")) == held
    with pytest.raises(SandboxDied):
        box.exec("true", timeout=30)


def test_two_hundred_resets_and_a_hundred_branches_stay_flat(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"file{number}").write_text("x")
    box = NativeSandbox(SandboxSpec(layers=(Layer(str(tmp_path), "/testbed"),)))
    box.start()

    def weight() -> tuple[int, int, int]:
        status = Path(f"/proc/{box._pid}/status").read_text()
        memory = int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])
        mounts = len(Path(f"/proc/{box._pid}/mountinfo").read_text().splitlines())
        return len(os.listdir(f"/proc/{box._pid}/fd")), mounts, memory

    def work(times: int) -> None:
        for number in range(times):
            box.exec("rm file1; echo y >> file2; head -c 100000 /dev/zero > new", timeout=30)
            if number % 2:
                one = box.snapshot()
                box.exec("rm -rf /testbed/*", timeout=30)
                box.restore(one)
                assert box.exec("ls | wc -l", timeout=30).stdout == b"50\n"
            box.reset()

    work(20)
    before = weight()
    work(200)
    after = weight()
    box.close()
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 2000  # KiB


def test_a_forked_child_gets_a_zygote_of_its_own(box: NativeSandbox) -> None:
    code = """
import os
from assay.sandbox import SandboxSpec
from assay.sandbox.native import NativeSandbox
from assay.sandbox.native.launch import launcher
first = NativeSandbox(SandboxSpec()); first.start()
zygote = launcher().pid
pid = os.fork()
if pid == 0:
    second = NativeSandbox(SandboxSpec()); second.start()
    ok = second.exec("echo child", timeout=30).stdout == b"child\\n" and launcher().pid != zygote
    second.close()
    os._exit(0 if ok else 1)
assert os.waitpid(pid, 0)[1] == 0
assert first.exec("echo parent", timeout=30).stdout == b"parent\\n"
first.close()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
