"""What abuse leaves behind: rows 14, 15 and 17 of the list."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from assay.sandbox import Sandbox, SandboxSpec, gc

Holds = Callable[[int], None]
Running = Callable[[str], list[int]]


def test_14_a_reset_undoes_everything(box: Sandbox, holds: Holds, running: Running) -> None:
    holds(14)
    mark = f"{200_000 + time.time_ns() % 10**8}"
    mischief = (
        "git init -q . ; echo 'echo evil' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; "
        "git config --global alias.st evil; echo 'alias ls=evil' > ~/.bashrc; mkdir -p ~/.local/lib ~/.config; "
        "echo x > /tmp/x; rm -rf pkg; echo evil > hello.txt; chmod 000 crlf.txt; chmod 700 .; "
        f"(setsid sleep {mark} &); echo x > /dev/shm/x; mkdir -p a/b/c; ln -s / a/b/root"
    )
    state = (
        "find . -printf '%p %m %s %l\\n' | sort; ls -A ~ /tmp /dev/shm; "
        "for f in hello.txt crlf.txt pkg/mod.py; do cksum < $f; done"
    )
    before = box.exec(state, timeout=20).text()
    box.exec(mischief, timeout=30)
    box.reset()
    after = box.exec(state, timeout=20).text()
    # shared memory is the host's where there are no walls
    assert after.split("/dev/shm")[0] == before.split("/dev/shm")[0]
    assert running(mark) == []
    box.exec("rm -f /dev/shm/x", timeout=20)


ORPHAN = """
import sys, threading, time, warnings
warnings.simplefilter("ignore")
from assay.sandbox import SandboxSpec, open_sandbox
box = open_sandbox(SandboxSpec(), sys.argv[1])
threading.Thread(target=lambda: box.exec("sleep " + sys.argv[2], timeout=1000), daemon=True).start()
print("up", flush=True)
time.sleep(1000)
"""


def test_15_nothing_is_left_of_a_parent_that_was_killed(
    backend: str, holds: Holds, running: Running, python: Callable[..., subprocess.Popen[bytes]]
) -> None:
    holds(15)
    mark = f"{300_000 + time.time_ns() % 10**8}"
    parent = python(ORPHAN, backend, mark)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    deadline = time.monotonic() + 60
    while not [pid for pid in running(mark) if pid != parent.pid] and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
        if backend == "docker":
            gc.collect()  # a container goes with the next start or sweep
    assert running(mark) == []
    gc.collect()
    assert gc.collect() == {}


RESETS = {"native": 200, "docker": 25, "bubblewrap": 20, "local-unsafe": 50}


def test_17_resets_leave_no_trace(
    backend: str, holds: Holds, opened: Callable[[SandboxSpec], Sandbox], spec: SandboxSpec
) -> None:
    holds(17)
    box = opened(spec)

    def weigh() -> tuple[int, int, int]:
        descriptors = len(os.listdir("/proc/self/fd"))
        mounts = sum(line.startswith("assay ") for line in Path("/proc/self/mounts").read_text().splitlines())
        return descriptors, mounts, threading.active_count()

    box.reset()
    before = weigh()
    for number in range(RESETS[backend]):
        box.exec(f"echo {number} > x; sleep 100 &", timeout=20)
        box.reset()
    assert all(now <= then for now, then in zip(weigh(), before, strict=True)), (weigh(), before)
    assert box.exec("ls x; ls | wc -l; ls /proc | grep -c '^[0-9]'", timeout=20).exit_code == 0
    assert box.exec("ls /proc/self/fd", timeout=20).stdout.split()[:3] == [b"0", b"1", b"2"]
