"""Attacks on the walls that were found or tried by hand, beyond the twenty rows of the list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.sandbox import FileRefused, Layer, Limits, Sandbox, SandboxSpec
from assay.sandbox.native import NativeSandbox

NEST = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('end', 'w').write('x')"

DOORS = r"""
import ctypes, errno, json, mmap, os, socket
libc = ctypes.CDLL(None, use_errno=True)
told = {}
def number(name, call, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(call), *arguments)
    told[name] = "worked" if result >= 0 else errno.errorcode[ctypes.get_errno()]
page = ctypes.create_string_buffer(4096)
own = os.pidfd_open(os.getpid()) if hasattr(os, "pidfd_open") else -1
number("x32 getpid", 0x40000000 | 39)
number("x32 mount", 0x40000000 | 165, b"x", b"/tmp", b"tmpfs", 0, None)
number("pidfd_getfd", 438, own, 0, 0)
number("memfd_secret", 447, 0)
number("kcmp", 312, os.getpid(), os.getpid(), 0, 0, 0)
number("mount_setattr", 442, -100, b"/usr", 0, page, 32)
number("open_tree_attr", 467, -100, b"/usr", 1, page, 32)
number("prlimit of the first process", 302, 1, 7, None, page)
number("move_pages", 279, 1, 0, None, None, None, 0)
number("realtime", 144, 0, 1, b"\1\0\0\0")
number("realtime disk", 251, 1, 0, 1 << 13)
for family in range(64):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind).close()
        except OSError:
            continue
        told.setdefault("families", []).append(family)
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\xb8\x14\0\0\0\xcd\x80\xc3")  # getpid by the numbers of 32 bits
pid = os.fork()
if pid == 0:
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
    os._exit(0)
told["32 bits"] = os.WTERMSIG(os.waitpid(pid, 0)[1])
print(json.dumps(told))
"""


@pytest.fixture
def native(tmp_path: Path) -> Iterator[Callable[..., NativeSandbox]]:
    """Starts native sandboxes; skips where they do not work."""
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)
    boxes = []
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text("a\n")

    def start(user: str = "agent", limits: Limits | None = None) -> NativeSandbox:
        layer = Layer(str(tmp_path / "tree"), "/testbed")
        boxes.append(NativeSandbox(SandboxSpec(layers=(layer,), user=user, limits=limits or Limits())))
        boxes[-1].start()
        return boxes[-1]

    yield start
    for box in boxes:
        box.close()


def test_folders_without_end_are_refused_and_break_nothing(box: Sandbox, backend: str) -> None:
    """Whoever makes them must not be able to tell a lost sandbox from a lost game."""
    if backend == "local-unsafe":
        pytest.skip("they would lie on this machine")
    assert box.exec(["python3", "-c", NEST], timeout=60).exit_code == 0
    for call in (box.diff, lambda: box.download("/testbed")):
        with pytest.raises(FileRefused):
            call()
    assert box.exec("echo alive", timeout=20).stdout == b"alive\n"
    box.reset()
    assert box.diff() == ""


def test_what_lies_beside_the_work_tree_does_not_fill_its_patch(native: Callable[..., NativeSandbox]) -> None:
    box = native(limits=Limits(disk_mb=256))
    box.exec("head -c 80M /dev/zero > /tmp/big; echo b >> a.txt; chmod 0 a.txt", timeout=60)
    assert "+b\n" in box.diff()
    assert "big" not in box.diff()


@pytest.mark.skipif("__import__('platform').machine() != 'x86_64'", reason="numbers and code of x86-64")
def test_other_ways_into_the_kernel_are_shut(native: Callable[..., NativeSandbox]) -> None:
    done = native().exec(["python3", "-c", DOORS], timeout=60)
    told = json.loads(done.stdout)
    families, died = set(told.pop("families")), told.pop("32 bits")
    assert families <= {1, 2, 10, 16}
    assert died == 31  # SIGSYS
    assert [name for name, said in told.items() if said == "worked"] == []
    assert len(told) == 11


@pytest.mark.parametrize("user", ["agent", "root"])
def test_settings_of_the_namespaces_cannot_be_left_to_the_next(native: Callable[..., NativeSandbox], user: str) -> None:
    box = native(user)
    names = "kernel/pid_max kernel/msgmni kernel/sem fs/mqueue/queues_max net/ipv4/ip_forward kernel/ns_last_pid"
    told = box.exec(f"cd /proc/sys; for name in {names}; do echo 301 > $name && echo $name; done", timeout=20)
    assert told.stdout == b""


def test_a_terminal_of_nobody_elses(native: Callable[..., NativeSandbox]) -> None:
    """No controlling terminal to push keys into, whoever started us from one."""
    script = "import fcntl\nfor path in ('/dev/tty', '/dev/console', '/dev/stdin'):\n try:\n  fcntl.ioctl(open(path, 'rb'), 0x5412, b'x'); print(path)\n except OSError: pass"  # noqa: E501
    assert native().exec(["python3", "-c", script], timeout=20).stdout == b""


def test_a_folder_for_its_owner_alone_shows_nothing_else_of_its_parents(
    native: Callable[..., NativeSandbox], tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "secret.txt").write_text("secret")
    box = native()
    look = f"cat /testbed/../secret.txt {tmp_path}/secret.txt /proc/self/root/../secret.txt; cat a.txt; ls {tmp_path}"
    assert "secret\n" not in (said := box.exec(look, timeout=20).stdout.decode())
    assert said == "a\n"


@pytest.mark.parametrize(
    "path", ["/proc/self/mem", "/proc/kmsg", "/dev/tty", "/dev/ptmx", "/proc/self/fd/0", "/dev/zero"]
)
def test_a_file_of_the_kernels_behind_a_link_is_read_or_refused_at_once(
    native: Callable[..., NativeSandbox], path: str
) -> None:
    box = native()
    box.exec(f"ln -s {path} link", timeout=20)
    with pytest.raises(FileRefused):
        box.read_file("link", 64)
    assert box.alive()
