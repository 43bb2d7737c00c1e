"""The server under every Python of this host, and the channel against servers that lie."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import assay.sandbox.server as server_module
from assay.sandbox.base import Limits, SandboxSpec
from assay.sandbox.channel import Channel, FdStream, Served
from assay.sandbox.errors import FileRefused, SandboxDied
from assay.sandbox.server import HEAD, PARTS

BOOT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from assay.sandbox.server import Server
from assay.sandbox.server_files import above, prctl
prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
control = above(0, 3)
os.dup2(os.open(os.devnull, os.O_RDWR), 0)
Server((control, control), lambda command: None, whole=False, memory=int(sys.argv[2])).serve()
"""


def pythons() -> list[str]:
    """This one, and others from 3.6 on: the system's, and those beside this one, where version managers put them."""
    found = {os.path.realpath(sys.executable)}
    for minor in range(6, 14):
        on_path = shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
        found |= {os.path.realpath(on_path)} if on_path else set()
    for path in Path(sys.base_prefix).parent.glob("*3.*/bin/python3"):
        found.add(os.path.realpath(path))
    return sorted(found)


class Box(Served):
    """A server without any wall, below ``folder``."""

    def __init__(self, python: str, folder: Path, memory: int = 0) -> None:
        super().__init__(SandboxSpec(workdir=str(folder), limits=Limits(output_bytes=50_000)))
        code = folder / "code" / "assay" / "sandbox"
        code.mkdir(parents=True)
        for name in PARTS:
            shutil.copy(Path(server_module.__file__).with_name(name), code / name)
        ours, theirs = socket.socketpair()
        with theirs:
            command = [python, "-I", "-S", "-c", BOOT, str(folder / "code"), str(memory)]
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), env={})
        fd = ours.detach()
        self._channel = Channel(FdStream(fd, fd))

    def close(self) -> None:
        if self._channel:
            self._channel.close()
        self.process.wait(30)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    one = Box(sys.executable, tmp_path, memory=200 << 20)
    yield one
    one.close()


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).parents[1].name + "-" + Path(path).name)
def test_every_python_serves(python: str, tmp_path: Path) -> None:
    box = Box(python, tmp_path)
    try:
        result = box.exec("cat; printf '\\377\\0' >&2; exit 3", timeout=30, stdin=b"\xfe\0stdin")
        assert (result.exit_code, result.stdout, result.stderr) == (3, b"\xfe\0stdin", b"\xff\0")
        assert box.exec("# " + "x" * 2**20 + "\necho $((1 + 1))", timeout=30).stdout == b"2\n"
        assert box.exec(["printf", "%s", "é"], timeout=30).stdout == "é".encode()
        assert box.exec("sleep 60", timeout=0.2).exit_code is None
        box.write_file("deep/er/file", b"content", 0o640)
        assert box.read_file("deep/er/file") == b"content"
        data = box.download("deep")
        (tmp_path / "deep" / "er" / "file").unlink()
        with open(tmp_path / "tar", "wb") as file:
            file.write(data)
        with open(tmp_path / "tar", "rb") as file:
            box.upload(file, "copy")
        assert (tmp_path / "copy" / "deep" / "er" / "file").read_bytes() == b"content"
        with pytest.raises(FileRefused):
            box.read_file("/dev/zero")
    finally:
        box.close()


def test_commands_inherit_nothing(box: Box) -> None:
    listed = box.exec("for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done", timeout=30).stdout.split()
    assert set(listed) <= {b"0", b"1", b"2", b"255"}  # bash's own
    assert box.exec(["env"], timeout=30, env={"PATH": "/usr/bin:/bin", "HOME": "/"}).stdout.splitlines() == [
        b"PATH=/usr/bin:/bin",
        b"HOME=/",
        b"LANG=C.UTF-8",
    ]
    ignored = box.exec("grep SigIgn /proc/self/status; grep SigBlk /proc/self/status", timeout=30).stdout.split()
    # 32 and 33 belong to the C library, which lets no program set them: a host that ignores one, we inherit it from
    own = 1 << 31 | 1 << 32
    assert [int(mask, 16) & ~own for mask in ignored[1::2]] == [0, 0]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("exit 0", 0),
        ("kill -TERM $$", 143),
        (["no-such-program"], 127),
        (["/"], 126),
        (["echo", "x" * 2**20], 126),
        ("kill -SEGV $$", 139),
    ],
)
def test_exit_codes_are_those_of_a_shell(box: Box, command: Any, code: int) -> None:
    assert box.exec(command, timeout=30).exit_code == code


def test_output_is_cut_while_it_runs_and_counted(box: Box) -> None:
    result = box.exec("head -c 300000 /dev/zero; head -c 70000 /dev/zero >&2", timeout=30)
    assert (len(result.stdout), len(result.stderr), result.truncated) == (50_000, 50_000, 270_000)


def test_what_stays_in_the_background_holds_nothing_up(box: Box) -> None:
    begin = time.monotonic()
    assert box.exec("sleep 300 & (yes &) ; exit 7", timeout=60).exit_code == 7
    assert time.monotonic() - begin < 30
    box.kill_all()
    assert box.exec(f"pgrep -P {box.process.pid} -x sleep", timeout=30).stdout == b""


def test_a_time_out_takes_daemons_along(box: Box, tmp_path: Path) -> None:
    script = "(setsid sh -c 'trap : TERM; echo $$ > pid; while :; do sleep 1; done' &) ; sleep 300"
    result = box.exec(script, timeout=2)
    assert result.timed_out
    assert result.exit_code is None
    assert not os.path.exists(f"/proc/{int((tmp_path / 'pid').read_text())}")


def test_the_largest_process_goes_when_memory_is_over(box: Box) -> None:
    hog = f"exec {sys.executable} -c 'import time; data = bytearray(400 << 20); time.sleep(60)'"
    result = box.exec(f"({hog}); echo code $?", timeout=60)
    assert result.oom
    assert result.stdout == b"code 137\n"
    assert not box.exec("true", timeout=30).oom


def test_requests_without_sense_leave_the_server_alive(box: Box) -> None:
    with pytest.raises(ValueError, match="environment"):
        box.exec("true", timeout=30, env={"A": "x\0y"})
    with pytest.raises(ValueError, match="environment"):
        box.exec("true", timeout=30, env={"A=B": "x"})
    with pytest.raises(ValueError, match="NUL"):
        box.exec(["echo", "a\0b"], timeout=30)
    with pytest.raises(ValueError, match="word"):
        box.exec([], timeout=30)
    with pytest.raises(ValueError, match="timeout"):
        box.exec("true", timeout=0)
    with pytest.raises(FileRefused, match="no such working directory"):
        box.exec("true", timeout=30, cwd="/not/there")
    with pytest.raises(ValueError, match="'nobody'"):
        box.exec("true", timeout=30, user="nobody")
    assert box.alive()


def test_the_server_ends_what_it_started_when_the_caller_is_gone(tmp_path: Path) -> None:
    box = Box(sys.executable, tmp_path)
    box.exec("(setsid sh -c 'echo $$ > pid; exec sleep 300' &) ; while ! [ -s pid ]; do :; done", timeout=30)
    box.close()
    assert not os.path.exists(f"/proc/{int((tmp_path / 'pid').read_text())}")


def lying_server(answer: Callable[[socket.socket], None]) -> Channel:
    """A channel to a thread that reads one request and then does what it likes."""
    ours, theirs = socket.socketpair()

    def run() -> None:
        with theirs:
            theirs.recv(1 << 16)
            answer(theirs)

    threading.Thread(target=run, daemon=True).start()
    fd = ours.detach()
    return Channel(FdStream(fd, fd))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 5,
        HEAD.pack(2, 2**40) + b"{}",
        HEAD.pack(2**31, 0),
        HEAD.pack(2, 65537) + b"{}",
        HEAD.pack(4, 0) + b"null",
        HEAD.pack(4, 0) + b"}{}{",
        HEAD.pack(2, 10) + b"{}half",
    ],
)
def test_an_answer_that_is_none_ends_the_channel(answer: bytes) -> None:
    channel = lying_server(lambda end: end.sendall(answer))
    with pytest.raises(SandboxDied):
        channel.call("ping", timeout=30)
    assert channel.dead
    with pytest.raises(SandboxDied):
        channel.call("ping")


def test_no_answer_in_time_ends_the_channel() -> None:
    release = threading.Event()
    channel = lying_server(lambda end: (release.wait(60), None)[1])
    with pytest.raises(SandboxDied, match="no answer to 'ping' within"):
        channel.call("ping", timeout=0.1)
    release.set()


@pytest.mark.parametrize("timeout", [1e9, float("inf")])
def test_a_command_may_take_for_ever(box: Box, timeout: float) -> None:
    assert box.exec("echo done", timeout=timeout).stdout == b"done\n"


def test_threads_take_turns(box: Box) -> None:
    results: list[bytes] = []

    def ask(number: int) -> None:
        results.append(box.exec(f"echo {number}", timeout=60).stdout)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [f"{number}\n".encode() for number in range(8)]


def test_text_of_a_header_survives(box: Box) -> None:
    odd = 'tab\tquote"new\nline-\u20ac-\udce9'
    assert box.exec(["printf", "%s", odd], timeout=30).stdout == odd.encode("utf-8", "surrogateescape")
    assert json.dumps(odd).isascii()
