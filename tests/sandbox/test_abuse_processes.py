"""Abuse by processes, memory, output and disk: rows 1 to 7 and 9 of the list."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from assay.sandbox import FileRefused, Sandbox
from assay.sandbox.pool import SandboxPool

Holds = Callable[[int], None]
Running = Callable[[str], list[int]]

ALLOCATE = "import sys, time; x = b'x' * (int(sys.argv[1]) << 20); print(len(x)); time.sleep(float(sys.argv[2]))"


def marker() -> str:
    """Seconds of a sleep by which it can be found among all processes of the machine."""
    return f"{100_000 + time.time_ns() % 10**8}"


def usable(box: Sandbox) -> None:
    """After whatever was done to it, a reset makes a sandbox as good as new."""
    assert box.alive()
    box.reset()
    result = box.exec("echo ok; cat hello.txt", timeout=30)
    assert (result.exit_code, result.stdout) == (0, b"ok\nhello\n")


@pytest.mark.parametrize(
    "bomb",
    [
        ":(){ :|:& };: ; sleep 1",
        ["python3", "-c", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"],
    ],
    ids=["bash", "python"],
)
def test_01_a_fork_bomb_stops_at_the_limit(box: Sandbox, holds: Holds, bomb: str | list[str]) -> None:
    holds(1)
    box.exec(bomb, timeout=2)
    assert box.read_file("hello.txt") == b"hello\n"  # the server has room for its own work
    usable(box)


def test_01_threads_count_too(box: Sandbox, holds: Holds) -> None:
    holds(1)
    script = "import threading, time\nfor i in range(500): threading.Thread(target=time.sleep, args=(1,)).start()"
    result = box.exec(["python3", "-c", script], timeout=20)
    assert b"can't start new thread" in result.stderr
    usable(box)


def test_02_one_process_above_the_memory_limit_is_killed_and_said_so(box: Sandbox, holds: Holds) -> None:
    holds(2)
    result = box.exec(["python3", "-c", ALLOCATE, "512", "0"], timeout=60)
    assert result.exit_code != 0
    assert result.oom
    assert b"536870912" not in result.stdout
    assert not box.exec("true", timeout=20).oom  # of this command, not of the one before
    usable(box)


def test_03_many_processes_above_the_memory_limit_together(box: Sandbox, holds: Holds) -> None:
    holds(3)
    some = (
        f'for i in 1 2 3 4; do python3 -c "{ALLOCATE}" 100 2 & done; for i in 1 2 3 4; do wait -n || echo killed; done'
    )
    result = box.exec(some, timeout=60)
    assert result.oom
    assert b"killed" in result.stdout
    usable(box)


MEMFD = "import os\nfd = os.memfd_create('x')\nfor i in range(1024): os.write(fd, bytes(2**20))"
DELETED = "import tempfile as t\nf = t.TemporaryFile(dir='/dev/shm')\nfor i in range(1024): f.write(bytes(2**20))"
MAPPED = "import mmap\nm = mmap.mmap(-1, 2**30)\nfor i in range(0, 2**30, 4096): m[i] = 1"
PIPES = "import os\nfor i in range(9000):\n w = os.pipe()[1]; os.set_blocking(w, False); os.write(w, bytes(2**16))"


@pytest.mark.parametrize("script", [MEMFD, DELETED, MAPPED, PIPES], ids=["memfd", "deleted", "mapped", "pipes"])
def test_03_memory_that_no_process_seems_to_hold(box: Sandbox, holds: Holds, script: str) -> None:
    holds(3)
    result = box.exec(["python3", "-c", script], timeout=60)
    assert result.exit_code != 0
    usable(box)


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_04_endless_output(box: Sandbox, holds: Holds, where: str) -> None:
    holds(4)
    result = box.exec("yes" if where == "stdout" else "yes >&2", timeout=1)
    assert result.timed_out
    assert len(getattr(result, where)) == box.spec.limits.output_bytes
    assert result.truncated > 10**6
    usable(box)


def ten_gigabytes(box: Sandbox) -> None:
    result = box.exec("head -c 10G /dev/zero", timeout=240)
    assert result.exit_code == 0
    assert len(result.stdout) + result.truncated == 10 * 2**30
    usable(box)


def test_04_ten_gigabytes_are_counted_and_dropped(box: Sandbox, holds: Holds, backend: str) -> None:
    holds(4)
    if backend != "native":
        pytest.skip("with -m slow")
    ten_gigabytes(box)


@pytest.mark.slow
def test_04_ten_gigabytes_are_counted_and_dropped_everywhere(box: Sandbox, holds: Holds) -> None:
    holds(4)
    ten_gigabytes(box)


@pytest.mark.parametrize(
    "stubborn",
    [
        "sleep {0}",
        "trap '' TERM INT HUP; sleep {0}; sleep {0}",
        "setsid sleep {0} & sleep {0}",
        "(setsid sh -c 'setsid sleep {0} & exec sleep {0}' &) ; sleep {0}",
        "nohup sh -c 'trap \"\" TERM; sleep {0}' >/dev/null 2>&1 & sleep {0}",
    ],
    ids=["sleep", "ignores-signals", "own-session", "double-fork", "nohup"],
)
def test_05_nothing_survives_the_time_limit(box: Sandbox, holds: Holds, running: Running, stubborn: str) -> None:
    holds(5)
    mark = marker()
    result = box.exec(stubborn.format(mark), timeout=0.5)
    assert result.timed_out
    assert result.exit_code is None
    assert running(mark) == []
    usable(box)


def test_05_nothing_survives_the_lease(pool: SandboxPool, holds: Holds, running: Running) -> None:
    holds(5)
    mark = marker()
    with pool.lease() as box:
        assert box.exec(f"(setsid sleep {mark} &) ; sleep {mark} & disown; true", timeout=20).exit_code == 0
        while len(running(mark)) < 2:
            time.sleep(0.01)
    assert running(mark) == []


def test_06_a_job_left_behind_does_not_delay_the_return(box: Sandbox, holds: Holds) -> None:
    holds(6)
    for left in ("sleep 1000 & echo hi", "(setsid sleep 1000 &) ; echo hi", "yes >&2 & echo hi"):
        result = box.exec(left, timeout=100)
        assert not result.timed_out
        assert result.exit_code == 0
        assert b"hi\n" in result.stdout
    usable(box)


@pytest.mark.parametrize("place", ["/testbed", "/tmp", "$HOME", "/dev/shm"])
def test_07_a_full_disk_is_an_error_of_the_command(box: Sandbox, holds: Holds, place: str) -> None:
    holds(7)
    fill = f"for i in 1 2 3 4; do head -c 50M /dev/zero > {place}/fill$i || exit 9; done"
    assert box.exec(fill, timeout=60).exit_code == 9
    usable(box)


def test_07_all_places_together_have_one_limit(box: Sandbox, holds: Holds) -> None:
    holds(7)
    places = "/testbed /tmp $HOME /dev/shm /var/tmp /run / /dev /etc /opt /usr"
    box.exec(f"for p in {places}; do head -c 100M /dev/zero > $p/fill; done; true", timeout=60)
    count = f"for p in {places}; do stat -c %s $p/fill 2>/dev/null; done | awk '{{ s += $1 }} END {{ print s + 0 }}'"
    written = int(box.exec(count, timeout=20).stdout)
    assert written <= 2 * box.spec.limits.disk_mb * 2**20  # shared memory is a file system of its own
    with pytest.raises(FileRefused):
        box.write_file("/testbed/large", bytes(box.spec.limits.disk_mb << 20))
    usable(box)


def test_07_files_without_content_run_out_too(box: Sandbox, holds: Holds, backend: str) -> None:
    holds(7)
    if backend == "bubblewrap":
        pytest.skip("bwrap cannot bound the number of files")
    script = "import os\nfor i in range(60_000):\n    open(f'f{i}', 'x').close()"
    result = box.exec(["python3", "-c", script], timeout=60)
    assert b"No space left on device" in result.stderr
    usable(box)


@pytest.mark.parametrize(
    "shot", ["kill -9 -1", "kill -9 1", "kill -STOP 1; kill -STOP -1", "pkill -9 python3", "kill -TERM 1"]
)
def test_09_killing_everyone_ends_the_command_at_most(box: Sandbox, holds: Holds, shot: str) -> None:
    holds(9)
    box.exec(shot, timeout=5)
    assert box.exec("echo on", timeout=20).stdout == b"on\n"
    usable(box)


def test_09_signals_do_not_reach_the_pool(box: Sandbox, holds: Holds) -> None:
    holds(9)
    gone = [pid for pid in (os.getpid(), os.getppid()) if pid > 100]  # small numbers exist inside too
    for pid in gone:
        assert box.exec(f"kill -0 {pid} || kill -9 {pid}", timeout=20).exit_code != 0
        assert box.exec(["python3", "-c", f"import os; os.pidfd_open({pid})"], timeout=20).exit_code != 0
    usable(box)
