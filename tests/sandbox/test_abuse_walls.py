"""Abuse of the walls: rows 8, 10, 11 and 20 of the list."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.sandbox import Sandbox, SandboxSpec
from assay.sandbox.pool import SandboxPool

Holds = Callable[[int], None]
Running = Callable[[str], list[int]]

CONNECT = """
import json, socket, sys
told = {}
for family, address in json.loads(sys.argv[1]):
    name = str(address)
    address = address if isinstance(address, str) else tuple(address)
    if isinstance(address, str) and address.startswith("@"):
        address = "\\0" + address[1:]
    try:
        with socket.socket(getattr(socket, family)) as s:
            s.settimeout(3)
            s.connect(address)
        told[name] = "connected"
    except (OSError, AttributeError) as error:
        told[name] = ""
try:
    told["dns"] = str(socket.getaddrinfo("example.com", 80))
except OSError:
    told["dns"] = ""
print(json.dumps(told))
"""


@pytest.fixture
def listeners() -> Iterator[list[tuple[str, object]]]:
    """Doors of the host: a port, a port on every address, and an abstract socket."""
    name = f"assay-test-{os.getpid()}-{time.time_ns()}"
    with socket.socket() as near, socket.socket() as far, socket.socket(socket.AF_UNIX) as abstract:
        near.bind(("127.0.0.1", 0))
        far.bind(("0.0.0.0", 0))
        abstract.bind("\0" + name)
        for door in (near, far, abstract):
            door.listen()
        own = socket.gethostbyname(socket.gethostname())
        yield [
            ("AF_INET", near.getsockname()),
            ("AF_INET", (own, far.getsockname()[1])),
            ("AF_UNIX", f"@{name}"),
            ("AF_UNIX", "/var/run/docker.sock"),
            ("AF_INET", ("1.1.1.1", 53)),
            ("AF_INET", ("169.254.169.254", 80)),
            ("AF_INET6", ("2606:4700:4700::1111", 53)),
            ("AF_VSOCK", (2, 1024)),
        ]


def test_08_no_network(box: Sandbox, holds: Holds, listeners: list[tuple[str, object]]) -> None:
    holds(8)
    result = box.exec(["python3", "-c", CONNECT, json.dumps(listeners)], timeout=60)
    told = json.loads(result.stdout)
    assert len(told) == len(listeners) + 1
    assert {door: said for door, said in told.items() if said} == {}


def test_08_its_own_loopback_works(box: Sandbox, holds: Holds) -> None:
    holds(8)
    script = "import socket as s; d = s.create_server(('127.0.0.1', 0)); s.create_connection(d.getsockname()); print(1)"
    assert box.exec(["python3", "-c", script], timeout=20).stdout == b"1\n"


SYSCALLS = """
import ctypes, errno, json, os, platform
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
told = {}
def attempt(name, call, *arguments):
    ctypes.set_errno(0)
    result = call(*arguments)
    told[name] = "worked" if result >= 0 else errno.errorcode[ctypes.get_errno()]
def number(name, a, b, *arguments):
    attempt(name, libc.syscall, a if x86 else b, *arguments)
page = ctypes.create_string_buffer(4096)
attempt("mount", libc.mount, b"x", b"/tmp", b"tmpfs", 0, None)
attempt("bind mount", libc.mount, b"/usr", b"/tmp", None, 4096, None)
attempt("remount", libc.mount, None, b"/usr", None, 32 | 4096, None)
attempt("umount", libc.umount2, b"/proc", 2)
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000), ("net", 0x40000000)):
    attempt("unshare " + name, libc.unshare, flag)
number("clone user", 56, 220, 0x10000000 | 17, None, None, None, None)
number("clone3", 435, 435, ctypes.byref(page), 88)
attempt("setns", libc.setns, os.open("/proc/self/ns/uts", os.O_RDONLY), 0)
attempt("chroot", libc.chroot, b"/tmp")
number("pivot_root", 155, 41, b"/tmp", b"/tmp")
attempt("ptrace parent", libc.ptrace, 16, os.getppid(), None, None)
attempt("ptrace pid 1", libc.ptrace, 16, 1, None, None)
number("process_vm_readv", 310, 270, 1, ctypes.byref(page), 1, ctypes.byref(page), 1, 0)
number("keyctl", 250, 219, 0, -4, 1)
number("add_key", 248, 217, b"user", b"x", b"y", 1, -4)
number("bpf", 321, 280, 0, ctypes.byref(page), 72)
number("io_uring_setup", 425, 425, 8, ctypes.byref(page))
number("perf_event_open", 298, 241, ctypes.byref(page), 0, -1, -1, 0)
number("userfaultfd", 323, 282, 1)
number("open_by_handle_at", 304, 265, -100, ctypes.byref(page), 0)
number("fsopen", 430, 430, b"tmpfs", 0)
number("open_tree", 428, 428, -100, b"/usr", 1)
number("init_module", 175, 105, None, 0, b"")
number("kexec_load", 246, 104, 0, 0, None, 0)
number("reboot", 169, 142, 0, 0, 0, None)
number("syslog", 103, 116, 3, page, 4096)
number("swapon", 167, 224, b"/tmp", 0)
attempt("sethostname", libc.sethostname, b"x", 1)
attempt("mknod character device", libc.mknod, b"/tmp/c", 0o20666, 0x103)
attempt("mknod block device", libc.mknod, b"/tmp/b", 0o60666, 0x800)
attempt("setuid 0", libc.setuid, 0)
attempt("setgroups", libc.setgroups, 1, ctypes.byref(page))
attempt("chown", libc.chown, b"/usr/bin/env", os.getuid(), os.getgid())
attempt("raw socket", libc.socket, 2, 3, 1)
attempt("packet socket", libc.socket, 17, 3, 0)
print(json.dumps(told))
"""


def test_10_the_kernels_doors_are_shut(box: Sandbox, holds: Holds) -> None:
    holds(10)
    result = box.exec(["python3", "-c", SYSCALLS], timeout=30)
    assert result.exit_code == 0, result.text()
    told = json.loads(result.stdout)
    assert len(told) > 35
    assert [name for name, said in told.items() if said == "worked"] == []
    assert told["clone3"] == "ENOSYS"


def test_10_no_privilege_is_left_and_none_can_be_gained(box: Sandbox, holds: Holds) -> None:
    holds(10)
    status = dict(
        line.split(":\t", 1)
        for line in box.exec("cat /proc/self/status", timeout=20).text().splitlines()
        if ":\t" in line
    )
    assert {status[name].strip("0") for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")} == {""}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    made = "cp /usr/bin/id /tmp/id && chmod 6755 /tmp/id && /tmp/id -u; id -u"
    own, same = box.exec(made, timeout=20).stdout.split()
    assert own == same


def test_10_the_kernels_switches_are_out_of_reach(box: Sandbox, holds: Holds) -> None:
    holds(10)
    before = Path("/proc/sys/kernel/core_pattern").read_bytes()
    writes = (
        "echo '|/tmp/evil' > /proc/sys/kernel/core_pattern",
        "echo x > /proc/sys/kernel/hostname",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo h > /proc/sysrq-trigger",
        "echo 0 > /proc/sys/kernel/randomize_va_space",
        "echo 1 > /sys/kernel/mm/ksm/run",
        "echo 1000 > /proc/1/oom_score_adj",
        "mkdir /sys/fs/cgroup/memory/evil || mkdir /sys/fs/cgroup/evil",
        "head -c 1 /dev/mem || head -c 1 /dev/kmsg || head -c 1 /proc/kcore",
        "head -c 1 /dev/sda || head -c 1 /dev/vda || head -c 1 /dev/nvme0n1",
    )
    for write in writes:
        assert box.exec(write, timeout=20).exit_code != 0, write
    assert Path("/proc/sys/kernel/core_pattern").read_bytes() == before


def test_11_secrets_of_the_parent_are_not_there(
    holds: Holds,
    opened: Callable[[SandboxSpec], Sandbox],
    spec: SandboxSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holds(11)
    secret = f"secret-{time.time_ns()}"
    monkeypatch.setenv("ASSAY_TEST_SECRET", secret)
    (tmp_path / "secret.txt").write_text(secret)
    box = opened(spec)
    look = (
        f"cat {tmp_path}/secret.txt; cat /proc/*/environ; cat /proc/1/cmdline; tr '\\0' ' ' < /proc/self/environ;"
        f"cat /proc/1/root{tmp_path}/secret.txt; ls -a /root/.ssh /home/*/.ssh ~/.ssh; cat /etc/shadow;"
        f"cat /proc/1/cwd/secret.txt /proc/1/maps /proc/1/mem; ls /proc/1/fd/; cat /proc/*/root{tmp_path}/secret.txt"
    )
    result = box.exec(look, timeout=30)
    assert secret not in result.text()
    assert "root:$" not in result.text()
    assert "id_rsa" not in result.text()
    assert box.exec("test -e /var/run/docker.sock || test -e /run/docker.sock", timeout=20).exit_code == 1
    for process in box.exec("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'", timeout=20).text().splitlines():
        assert "pytest" not in process


def test_20_sandboxes_do_not_see_each_other(pool: SandboxPool, holds: Holds) -> None:
    holds(20)
    serve = (
        "import socket, time\ns = socket.create_server(('0.0.0.0', 54321)); u = socket.socket(socket.AF_UNIX)\n"
        "u.bind('\\0assay-neighbour'); u.listen(); time.sleep(1000)"
    )
    with pool.lease() as one, pool.lease() as two:
        one.exec(
            f'echo secret > /tmp/mine; echo secret > /dev/shm/mine; (setsid python3 -c "{serve}" &) ; sleep 0.5',
            timeout=30,
        )
        assert one.exec("cat /proc/net/unix", timeout=20).text().count("assay-neighbour") == 1
        result = two.exec("ls /tmp /dev/shm; cat /proc/*/cmdline; cat /proc/net/unix /proc/net/tcp; ipcs", timeout=20)
        for trace in ("mine", "assay-neighbour", "54321", "D431"):
            assert trace not in result.text()
        doors = json.dumps([("AF_INET", ("127.0.0.1", 54321)), ("AF_UNIX", "@assay-neighbour")])
        told = json.loads(two.exec(["python3", "-c", CONNECT, doors], timeout=30).stdout)
        assert set(told.values()) == {""}
