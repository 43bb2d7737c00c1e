"""What the native walls hold beyond the list that every back-end is put through."""

from __future__ import annotations

import io
import os
import socket
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.sandbox import FileRefused, HostBase, Image, Layer, Limits, RootFS, SandboxSpec, SandboxUnavailable
from assay.sandbox.native import NativeSandbox, sandbox
from assay.sandbox.native.plan import make_plan
from assay.sandbox.native.sandbox import unavailable
from assay.sandbox.native.zygote import IDS, OUTSIDE, swapped


def started(spec: SandboxSpec | None = None) -> NativeSandbox:
    box = NativeSandbox(spec or SandboxSpec())
    box.start()
    return box


@pytest.fixture(scope="module")
def shared() -> Iterator[NativeSandbox]:
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)
    one = started()
    yield one
    one.close()


@pytest.fixture
def box(shared: NativeSandbox) -> NativeSandbox:
    shared.reset()
    return shared


def shell(box: NativeSandbox, script: str) -> str:
    return box.exec(script, timeout=60).text()


def test_no_signal_reaches_the_first_process(box: NativeSandbox) -> None:
    shell(box, "for signal in $(seq 1 64); do kill -$signal 1; kill -$signal -1; done; true")
    assert shell(box, "echo alive") == "alive\n"


def test_the_first_process_cannot_be_seen(box: NativeSandbox) -> None:
    assert shell(box, "ls /proc | grep -x 1; cat /proc/1/environ /proc/1/cmdline 2>/dev/null; true") == ""
    assert "No such file" in shell(box, "ls /proc/1/fd /proc/1/root/")


def test_commands_hold_no_descriptor_and_no_capability(box: NativeSandbox) -> None:
    assert shell(box, "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done").split() == ["0", "1", "2"]
    status = dict(line.split(":\t") for line in shell(box, "cat /proc/self/status").splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


@pytest.mark.parametrize("user", ["agent", "root"])
def test_no_user_of_the_host_is_behind_it(user: str, tmp_path: Path) -> None:
    box = started(SandboxSpec(user=user))
    try:
        assert shell(box, "id -un") == f"{user}\n"
        box.exec("sleep 1000 &", timeout=30)
        children = Path(f"/proc/{box._pid}/task/{box._pid}/children").read_text().split()
        uids = Path(f"/proc/{children[0]}/status").read_text().split("Uid:\t")[1].split("\n")[0].split()
        expected = OUTSIDE + (1000 if user == "agent" else 0) if os.geteuid() == 0 else os.geteuid()
        assert set(uids) == {str(expected)}
    finally:
        box.close()


def test_the_hosts_programs_cannot_be_written(box: NativeSandbox) -> None:
    places = f"/usr/bin/x /bin/x /lib/x /etc/ssl/x {sys.base_prefix}/x /proc/x /dev/x /proc/sys/kernel/hostname"
    for place in places.split():
        assert box.exec(f"echo x > {place}", timeout=30).exit_code != 0, place
    assert shell(box, "echo x > /dev/null; head -c 3 /dev/zero | wc -c; cat /dev/full | head -c 1 | wc -c").split() == [
        "3",
        "1",
    ]


def test_nothing_of_home_var_or_run_is_shown(box: NativeSandbox) -> None:
    assert shell(box, "ls -A /home /root /run /var/tmp /tmp /opt /mnt /srv /sys 2>/dev/null") != ""
    seen = shell(box, "find /home /root /run /var /tmp -xdev -type f")
    assert seen == ""
    for name in ("HOME", "USER", "PATH"):
        assert os.environ.get(name) is None or f"{name}=" in shell(box, "env")
    assert "PYTEST_CURRENT_TEST" not in shell(box, "env")


def test_memory_between_processes_does_not_outlive_a_reset(box: NativeSandbox) -> None:
    made = shell(box, "ipcmk -M 4096 && ipcmk -Q && ipcmk -S 1 && ipcs -m | grep -c 0x && echo x > /dev/shm/left")
    assert made.splitlines()[-1] == "1"
    box.reset()
    assert shell(box, "ipcs | grep -c 0x; ls /dev/shm") == "0\n"


def test_terminals_work(box: NativeSandbox) -> None:
    assert "done" in shell(box, "script -qec 'tty; echo done' /dev/null")


def test_a_pid_has_no_meaning_outside(box: NativeSandbox) -> None:
    assert box.exec(f"kill -0 {os.getpid()}", timeout=30).exit_code != 0
    assert int(shell(box, "echo $$")) < 100_000


def test_helpers_look_nobody_up_and_know_every_format() -> None:
    """Names of users come from libraries that the sandbox's own settings choose: they are never asked for."""
    box = started(SandboxSpec(user="root"))
    try:
        shell(box, "printf 'passwd: planted\\ngroup: planted\\n' > /etc/nsswitch.conf; mkdir out")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:xz") as file:
            file.addfile(tarfile.TarInfo("member"))
        box.upload(io.BytesIO(out.getvalue()), "out")
        with tarfile.open(fileobj=io.BytesIO(box.download("out"))) as file:
            assert [(member.name, member.uname, member.gname) for member in file] == [
                ("out", "", ""),
                ("out/member", "", ""),
            ]
    finally:
        box.close()


def test_a_helper_that_is_killed_over_and_over_still_answers(box: NativeSandbox) -> None:
    killer = "import os\nwhile True:\n try: os.kill(-1, 9)\n except OSError: pass\n"
    box.write_file("killer.py", killer.encode())
    box.exec("for n in 1 2 3; do (setsid python3 killer.py &) ; done", timeout=30)
    for number in range(5):
        box.write_file(f"file{number}", b"x" * 100_000)
        assert box.read_file(f"file{number}") == b"x" * 100_000


def test_loopback_is_up_and_private(box: NativeSandbox) -> None:
    script = (
        "import socket; server = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(server.getsockname()); print('met')"
    )
    assert box.exec(["python3", "-c", script], timeout=30).stdout == b"met\n"
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        assert "refused" in shell(box, f"bash -c 'echo > /dev/tcp/127.0.0.1/{port}'")


def test_with_network_the_host_can_be_reached() -> None:
    box = started(SandboxSpec(limits=Limits(network=True)))
    try:
        with socket.create_server(("127.0.0.1", 0)) as ours:
            port = ours.getsockname()[1]
            assert box.exec(f"echo > /dev/tcp/127.0.0.1/{port}", timeout=30).exit_code == 0
        if Path("/etc/resolv.conf").is_file():
            assert box.read_file("/etc/resolv.conf") == Path("/etc/resolv.conf").read_bytes()
    finally:
        box.close()


def test_debug_lets_processes_trace_each_other(box: NativeSandbox) -> None:
    trace = (
        "import ctypes, os, time\n"
        "pid = os.fork()\n"
        "if pid == 0: time.sleep(30)\n"
        "print(ctypes.CDLL(None).ptrace(16, pid, 0, 0))\n"
        "os.kill(pid, 9)\n"
    )
    assert box.exec(["python3", "-c", trace], timeout=30).stdout == b"-1\n"
    debugged = started(SandboxSpec(limits=Limits(debug=True)))
    try:
        assert debugged.exec(["python3", "-c", trace], timeout=30).stdout == b"0\n"
        assert debugged.exec("ls /proc/1", timeout=30).exit_code != 0
    finally:
        debugged.close()


def test_shared_memory_is_limited_apart_from_the_disk(box: NativeSandbox) -> None:
    assert "No space left" in shell(box, "head -c 80M /dev/zero > /dev/shm/big")
    assert box.exec("head -c 100M /dev/zero > /tmp/big", timeout=30).exit_code == 0


def test_a_snapshot_counts_against_the_disk() -> None:
    box = started(SandboxSpec(limits=Limits(disk_mb=16)))
    try:
        shell(box, "head -c 10M /dev/zero > one")
        state = box.snapshot()
        assert "No space left" in shell(box, "head -c 10M /dev/zero > two")
        box.restore(state)
        assert shell(box, "wc -c < one; ls") == f"{10 << 20}\none\n"
        box.reset()
        assert shell(box, "head -c 10M /dev/zero > two && ls") == "two\n"
    finally:
        box.close()


def test_what_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    cases: list[tuple[SandboxSpec, type[Exception], str]] = [
        (SandboxSpec(base=Image("debian")), SandboxUnavailable, "cannot run images"),
        (SandboxSpec(base=RootFS(str(tmp_path / "none"))), SandboxUnavailable, "no such directory"),
        (SandboxSpec(base=HostBase(str(tmp_path / "none"))), SandboxUnavailable, "no Python at"),
        (SandboxSpec(layers=(Layer(str(tmp_path / "none"), "/x"),)), SandboxUnavailable, "no such directory"),
        (SandboxSpec(layers=(Layer(str(tmp_path), "relative"),)), ValueError, "absolute"),
        (SandboxSpec(layers=(Layer(str(tmp_path), "/"),)), ValueError, "absolute"),
        (SandboxSpec(workdir="/../.."), ValueError, "absolute"),
        (SandboxSpec(user="daemon"), ValueError, "user must be"),
    ]
    for spec, kind, message in cases:
        with pytest.raises(kind, match=message) as caught:
            make_plan(spec)
        assert "\n" not in str(caught.value)


def test_a_layer_that_cannot_be_mounted_where_asked_is_said(tmp_path: Path, shared: NativeSandbox) -> None:
    box = NativeSandbox(SandboxSpec(layers=(Layer(str(tmp_path), "/usr/not/there"),)))
    with pytest.raises(SandboxUnavailable, match="Read-only"):
        box.start()
    assert not box.alive()
    box.close()


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("clone: Operation not permitted", "max_user_namespaces"),
        ("mount proc: Operation not permitted: 'proc'", "systempaths=unconfined"),
        ("mount_setattr with mapped ids: Invalid argument", "tmpfs"),
        ("mount overlay: Invalid argument", "kernel 6.6"),
        ("open_tree: Permission denied: '/x'", "readable"),
        ("never seen before", "doctor"),
    ],
)
def test_a_refusal_says_what_to_do(message: str, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "RESTRICTED", tmp_path / "restrict")
    assert fix in unavailable(message).fix
    assert message in unavailable(message).reason
    (tmp_path / "restrict").write_text("1\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "restrict=0" in unavailable(message).fix


@pytest.mark.parametrize(
    ("owner", "agent", "expected"),
    [
        (0, 1000, {0: 1000, 1000: 0, 1: 1, 999: 999, 1001: 1001, 65535: 65535}),
        (1000, 1000, {0: 0, 1000: 1000, 65535: 65535}),
        (0, 0, {0: 0, 1: 1, 65535: 65535}),
        (65535, 1000, {65535: 1000, 1000: 65535, 65534: 65534, 0: 0}),
        (500_000, 1000, {500_000: 1000, 0: 0, 999: 999, 1001: 1001}),
    ],
)
def test_owners_change_places(owner: int, agent: int, expected: dict[int, int]) -> None:
    lines = [tuple(map(int, line.split())) for line in swapped(owner, agent).splitlines()]
    mapped = {disk + step: outside + step for disk, outside, count in lines for step in range(count)}
    assert len(set(mapped.values())) == len(mapped) == sum(count for _, _, count in lines)
    assert set(mapped.values()) <= set(range(OUTSIDE, OUTSIDE + IDS))
    for disk, inside in expected.items():
        assert mapped[disk] == OUTSIDE + inside
    if owner >= IDS:
        assert agent not in mapped


def test_a_path_with_a_nul_byte_is_refused(box: NativeSandbox) -> None:
    with pytest.raises(FileRefused, match="NUL"):
        box.read_file("a\0b")
