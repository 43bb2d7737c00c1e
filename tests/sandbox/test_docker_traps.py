"""Each thing that Docker is known to do otherwise than one would think, on the real daemon."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assay.sandbox import Layer, Limits, LimitUnsupported, SandboxSpec, SandboxUnavailable
from assay.sandbox.docker import DockerSandbox, engine

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("daemon")]
LIMITS = Limits(memory_mb=256, disk_mb=64, pids=64, output_bytes=65_536)
SPEC = SandboxSpec(limits=LIMITS)


@pytest.fixture
def box(shared: DockerSandbox) -> DockerSandbox:
    shared.reset()
    return shared


def container(sandbox: DockerSandbox) -> str:
    assert sandbox._cell is not None
    return sandbox._cell.container


def gone(daemon: engine.Engine, name: str) -> bool:
    return not any(row["Id"] == name for row in daemon.api.containers(all=True))


def test_commands_never_go_through_an_exec_of_the_engine(box: DockerSandbox, daemon: engine.Engine) -> None:
    """An exec cannot be killed, nor timed out, nor has it a pid that can be used inside."""
    box.exec("sleep 0.01", timeout=20)
    assert not daemon.api.inspect_container(container(box))["ExecIDs"]


def test_the_container_has_its_walls(box: DockerSandbox, daemon: engine.Engine) -> None:
    settings = daemon.api.inspect_container(container(box))["HostConfig"]
    assert settings["ReadonlyRootfs"]
    assert settings["NetworkMode"] == "none"
    assert settings["CapDrop"] == ["ALL"]
    assert not settings["Privileged"]
    assert settings["PidsLimit"] >= LIMITS.pids
    assert settings["Memory"] == settings["MemorySwap"] > LIMITS.memory_mb << 20
    assert settings["LogConfig"]["Type"] == "none"
    assert all(mount["RW"] is False for mount in daemon.api.inspect_container(container(box))["Mounts"])


def test_a_command_has_no_capability_and_cannot_gain_one(box: DockerSandbox) -> None:
    status = box.exec("cat /proc/self/status", timeout=20).text()
    found = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert found["NoNewPrivs"] == "1"
    assert found["Uid"].split() == ["65534"] * 4
    assert found["Gid"].split() == ["65534"] * 4
    assert found["Seccomp"] == "2"


def test_root_inside_has_none_either() -> None:
    sandbox = DockerSandbox(SandboxSpec(limits=LIMITS, user="root"))
    sandbox.start()
    try:
        result = sandbox.exec(
            "id -u; touch mine && echo wrote; grep CapEff /proc/self/status; cat /proc/1/environ", timeout=20
        )
        assert result.stdout.split() == [b"0", b"wrote", b"CapEff:", b"0" * 16]
        assert b"Permission denied" in result.stderr
        sandbox.exec("kill -9 1; kill -9 -1; prlimit --pid 1 --nproc=0", timeout=20)
        assert sandbox.alive()
    finally:
        sandbox.close()


def test_the_server_and_pristine_copies_are_out_of_reach(box: DockerSandbox) -> None:
    for path in ("/.assay", "/proc/1/environ", "/proc/1/mem", "/proc/1/fd", "/proc/1/root", "/proc/1/cwd"):
        assert box.exec(["ls", "-l", f"{path}/."], timeout=20).exit_code, path
        assert box.exec(["cat", path], timeout=20).exit_code, path
    assert box.exec("prlimit --pid 1 --nofile=0", timeout=20).exit_code


def test_no_signal_reaches_pid_1(box: DockerSandbox) -> None:
    assert box.exec("for s in $(seq 1 64); do kill -$s 1; done 2>/dev/null; true", timeout=20).exit_code == 0
    assert box.exec("trap '' TERM; kill -9 -1; echo still here", timeout=20).stdout == b"still here\n"
    assert box.alive()


def test_no_zombies(box: DockerSandbox) -> None:
    box.exec("for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.01' &) ; done; sleep 0.2", timeout=20)
    assert b" Z" not in box.exec("ps -eo pid,stat", timeout=20).stdout


def test_a_daemon_of_the_command_s_neither_delays_nor_survives(box: DockerSandbox) -> None:
    """An exec of the engine would return two seconds late."""
    result = box.exec("setsid sleep 98765 & setsid nohup sleep 98765 >/dev/null 2>&1 & echo done", timeout=60)
    assert result.stdout == b"done\n"
    assert result.duration < 30
    assert box.exec("pgrep -c sleep", timeout=20).stdout == b"2\n"
    box.kill_all()
    assert box.exec("pgrep -c sleep", timeout=20).stdout == b"0\n"
    result = box.exec("setsid sleep 98765 & trap '' TERM INT; sleep 98765", timeout=0.3)
    assert result.timed_out
    assert result.exit_code is None
    assert box.exec("pgrep -c sleep", timeout=20).stdout == b"0\n"


def test_endless_output_is_cut_and_the_container_still_goes_at_once(daemon: engine.Engine) -> None:
    """A reader that only stops makes the removal take 20 s."""
    sandbox = DockerSandbox(SPEC)
    sandbox.start()
    name = container(sandbox)
    result = sandbox.exec("yes & yes >&2", timeout=0.5)
    assert len(result.stdout) == len(result.stderr) == LIMITS.output_bytes
    assert result.truncated > 0
    begin = time.monotonic()
    sandbox.close()
    assert gone(daemon, name)
    assert time.monotonic() - begin < 15


def test_out_of_memory_is_known_without_the_engine_s_flag(box: DockerSandbox, daemon: engine.Engine) -> None:
    result = box.exec(["python3", "-c", "x = b'x' * (1 << 30)"], timeout=60)
    assert result.oom
    assert result.exit_code == 137
    assert not daemon.api.inspect_container(container(box))["State"]["OOMKilled"]
    assert box.exec("exit 137", timeout=20).oom is False


def test_files_in_memory_count_as_disk_and_not_as_memory(box: DockerSandbox) -> None:
    result = box.exec("head -c 36M /dev/zero > big && python3 -c \"x = b'x' * (180 << 20); print('fits')\"", timeout=60)
    assert result.stdout == b"fits\n"


def test_more_than_an_argument_can_hold(box: DockerSandbox) -> None:
    script = "echo start; : '" + "x" * 300_000 + "'; echo end"
    assert box.exec(script, timeout=20).stdout == b"start\nend\n"
    result = box.exec(["echo", "x" * 200_000], timeout=20)
    assert result.exit_code == 126
    assert b"too long" in result.stderr


def test_any_bytes_in_and_out(box: DockerSandbox) -> None:
    data = bytes(range(256)) * 200
    assert box.exec("cat", timeout=20, stdin=data).stdout == data
    assert box.exec("cat; echo end", timeout=20).stdout == b"end\n"


def test_the_root_is_read_only_and_the_rest_has_room(box: DockerSandbox) -> None:
    for path in ("/x", "/usr/x", "/etc/x", "/opt/x", "/var/x"):
        assert box.exec(["touch", path], timeout=20).exit_code, path
    for path in ("/testbed/x", "/tmp/x", "/home/agent/x", "/dev/shm/x"):
        assert box.exec(["touch", path], timeout=20).exit_code == 0, path
    box.exec("printf '#!/bin/sh\\necho ran' > /tmp/run; chmod +x /tmp/run", timeout=20)
    assert box.exec("/tmp/run", timeout=20).stdout == b"ran\n"


def test_a_reset_forgets_every_place(box: DockerSandbox) -> None:
    places = "/testbed /tmp /home/agent /dev/shm"
    box.exec(f"for d in {places}; do mkdir -p $d/.a/b; touch $d/.a/b/c; chmod 0 $d/.a; chmod 1700 $d; done", timeout=20)
    box.exec(
        ["python3", "-c", "import ctypes as c; l = c.CDLL(None); print(l.shmget(7, 99, 0o1600), l.msgget(7, 0o1600))"],
        timeout=20,
    )
    before = box.exec("wc -l < /proc/sysvipc/msg; ls -A /tmp", timeout=20).stdout
    assert before == b"2\n.a\n"
    box.reset()
    after = box.exec(f"wc -l < /proc/sysvipc/msg; wc -l < /proc/sysvipc/shm; ls -A {places}", timeout=20).text()
    assert after.split() == ["1", "1", "/dev/shm:", "/home/agent:", "/testbed:", "/tmp:"]
    assert box.exec("stat -c %a /testbed /tmp /home/agent", timeout=20).stdout == b"755\n1777\n755\n"


def test_only_loopback(box: DockerSandbox) -> None:
    script = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    assert b"unreachable" in box.exec(["python3", "-c", script], timeout=20).stderr
    assert box.exec("ls /sys/class/net", timeout=20).stdout == b"lo\n"


def test_with_a_network_names_and_certificates_can_be_found() -> None:
    sandbox = DockerSandbox(SandboxSpec(limits=Limits(network=True)))
    sandbox.start()
    try:
        assert b"eth0" in sandbox.exec("ls /sys/class/net", timeout=20).stdout
        assert sandbox.exec("grep -c nameserver /etc/resolv.conf", timeout=20).stdout != b"0\n"
        script = "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 0)"
        assert sandbox.exec(["python3", "-c", script], timeout=20).stdout == b"True\n"
    finally:
        sandbox.close()


def test_more_processors_than_there_are() -> None:
    sandbox = DockerSandbox(SandboxSpec(limits=Limits(cpus=4096)))
    sandbox.start()
    sandbox.close()


def test_a_runtime_that_is_not_there_is_one_line() -> None:
    with pytest.raises(SandboxUnavailable, match=r"has no runtime 'no-such', only .*runc") as error:
        DockerSandbox(SandboxSpec(runtime="no-such")).start()
    assert "\n" not in str(error.value)


def test_a_layer_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SandboxUnavailable, match="no directory"):
        DockerSandbox(SandboxSpec(layers=(Layer(str(missing), "/testbed"),))).start()
    assert not missing.exists()


def test_a_place_inside_the_host_s_own_is_one_line(tmp_path: Path) -> None:
    for writable in (True, False):
        with pytest.raises(LimitUnsupported, match="cannot mount at /usr/assay-test, below /usr"):
            DockerSandbox(SandboxSpec(layers=(Layer(str(tmp_path), "/usr/assay-test", writable),))).start()
    assert not os.path.exists("/usr/assay-test")


@pytest.mark.parametrize("key", ["MemoryLimit", "PidsLimit"])
def test_an_engine_that_cannot_hold_a_limit_is_refused(
    daemon: engine.Engine, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setitem(daemon.info(), key, False)
    with pytest.raises(LimitUnsupported, match="cannot limit"):
        DockerSandbox(SPEC).start()


def test_layers_of_both_kinds_and_inside_each_other(tmp_path: Path) -> None:
    for name in ("repo/sub", "venv/lib", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "repo/a.txt").write_text("a\n")
    (tmp_path / "repo/sub/hidden").write_text("hidden\n")
    (tmp_path / "repo/private").write_text("p\n")
    (tmp_path / "repo/private").chmod(0o600)
    (tmp_path / "venv/lib/x").write_text("x\n")
    (tmp_path / "data/d").write_text("d\n")
    layers = (
        Layer(str(tmp_path / "repo"), "/testbed"),
        Layer(str(tmp_path / "data"), "/testbed/sub"),
        Layer(str(tmp_path / "venv"), "/testbed/venv", writable=False),
    )
    sandbox = DockerSandbox(SandboxSpec(layers=layers, limits=LIMITS))
    sandbox.start()
    try:
        listing = "find . -type f | sort; cat private"
        first = sandbox.exec(listing, timeout=20).text()
        assert first == "./a.txt\n./private\n./sub/d\n./venv/lib/x\np\n"
        assert sandbox.diff() == ""
        assert sandbox.exec("rm venv/lib/x", timeout=20).exit_code
        sandbox.exec("rm -rf *; echo new > sub/n; echo a2 > a.txt", timeout=20)
        assert sandbox.exec(listing, timeout=20).text().split()[:3] == ["./a.txt", "./sub/n", "./venv/lib/x"]
        patch = sandbox.diff()
        assert [line for line in patch.splitlines() if line.startswith("diff")] == [
            "diff --git a/a.txt b/a.txt",
            "diff --git a/private b/private",
            "diff --git a/sub/d b/sub/d",
            "diff --git a/sub/n b/sub/n",
        ]
        assert sandbox.diff("sub").count("diff --git") == 2
        sandbox.reset()
        assert sandbox.exec(listing, timeout=20).text() == first
    finally:
        sandbox.close()
    assert (tmp_path / "repo/private").read_text() == "p\n"


def test_git_s_own_files_are_in_no_patch(box: DockerSandbox) -> None:
    box.exec("git init -q . && echo x > a && git add a && mkdir -p d/.git && echo y > d/.git/config", timeout=20)
    assert box.diff().count("diff --git") == 1


def test_a_write_through_a_memory_map_is_seen(box: DockerSandbox, tmp_path: Path) -> None:
    """It changes no time of a file on a tmpfs if the page was read before."""
    (tmp_path / "f").write_bytes(b"a" * 4096)
    sandbox = DockerSandbox(SandboxSpec(layers=(Layer(str(tmp_path), "/testbed"),), limits=LIMITS))
    sandbox.start()
    try:
        script = "import mmap; f = open('f', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0]; m[0] = 98; print(m[:2])"
        assert sandbox.exec(["python3", "-c", script], timeout=20).stdout == b"b'ba'\n"
        assert sandbox.diff().startswith("diff --git a/f b/f")
        sandbox.reset()
        assert sandbox.read_file("f") == b"a" * 4096
    finally:
        sandbox.close()


def test_a_diff_while_files_change(box: DockerSandbox) -> None:
    script = "while :; do mkdir -p a/b; echo x > a/b/c; ln -sfn a l; rm -rf a l; ln -s /etc a; rm a; done"
    box.exec(f"({script}) >/dev/null 2>&1 & sleep 0.1", timeout=20)
    for _ in range(20):
        assert "root:" not in box.diff()
    assert box.alive()
