"""The arguments of a container, the frames of its stream and its labels, without any daemon."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
import time

import pytest

from assay.sandbox import Limits, LimitUnsupported, SandboxSpec, SandboxUnavailable
from assay.sandbox.docker import DockerSandbox, boot, owner, plan
from assay.sandbox.docker.engine import connect
from assay.sandbox.docker.stream import AttachedStream

PLAN = plan.Plan("image", ("/python",), (plan.Place("/testbed", plan.Bound("/r", "/.assay/0"), 10 << 20, 500),))


def test_every_wall_is_asked_for() -> None:
    spec = SandboxSpec(limits=Limits(memory_mb=256, disk_mb=64, pids=50, cpus=0.5))
    found = plan.host_config(PLAN, spec)
    assert found["network_mode"] == "none"
    assert found["cap_drop"] == ["ALL"]
    assert not {"SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "MKNOD", "NET_RAW"} & set(found["cap_add"])
    assert found["security_opt"] == ["no-new-privileges"]
    assert found["read_only"] is True
    assert found["auto_remove"] is True
    assert found["init"] is False
    assert found["pids_limit"] == 50 + plan.SERVER_PIDS
    assert found["nano_cpus"] == 500_000_000
    assert found["mem_limit"] == found["memswap_limit"] == (256 + 64 + 10 + plan.SERVER_MB) << 20
    assert "runtime" not in found
    assert plan.host_config(PLAN, SandboxSpec(runtime="runsc"))["runtime"] == "runsc"
    assert plan.host_config(PLAN, SandboxSpec(limits=Limits(network=True)))["network_mode"] == "bridge"


def test_more_processors_than_there_are_is_no_error() -> None:
    spec = SandboxSpec(limits=Limits(cpus=64))
    assert plan.host_config(PLAN, spec, 2)["nano_cpus"] == 2_000_000_000


def sizes(options: dict[str, str], key: str) -> dict[str, int]:
    pairs = {path: dict(part.partition("=")[::2] for part in text.split(",")) for path, text in options.items()}
    return {path: int(found[key]) for path, found in pairs.items() if found[key].isdigit()}


def test_the_writable_places_together_hold_what_the_limits_say() -> None:
    limits = Limits(disk_mb=512, inodes=16_000)
    found = plan.tmpfs_options(PLAN.places, limits)
    shm = plan.host_config(PLAN, SandboxSpec(limits=limits))["shm_size"]
    disk = sizes(found, "size")
    assert set(disk) == {"/testbed", "/tmp", "/home/agent"}
    assert sum(disk.values()) + shm == (512 << 20) + PLAN.places[0].bytes
    assert sum(n for path, n in sizes(found, "nr_inodes").items() if path in disk) <= 16_000 + 500 + 2
    assert all("nosuid" in text and "nodev" in text for text in found.values())


def test_two_places_share() -> None:
    places = (*PLAN.places, plan.Place("/venv"))
    disk = sizes(plan.tmpfs_options(places, Limits(disk_mb=512)), "size")
    assert disk["/testbed"] == (160 << 20) + (10 << 20)
    assert disk["/venv"] == 160 << 20


@pytest.mark.parametrize(
    "path", ["testbed", "/", "//", "/proc/x", "/dev", "/sys", "/.assay/x", "/a:b", "/a,b", "/a/.."]
)
def test_targets_that_cannot_be(path: str) -> None:
    with pytest.raises(LimitUnsupported, match="cannot mount at"):
        plan.normal(path)


def test_targets_are_normalised() -> None:
    assert plan.normal("//opt//x/../venv/") == "/opt/venv"


def test_users() -> None:
    assert plan.user_id(SandboxSpec()) == 65534
    assert plan.user_id(SandboxSpec(user="root")) == 0
    with pytest.raises(LimitUnsupported, match="no user 'mallory'"):
        DockerSandbox(SandboxSpec(user="mallory"))


def test_a_layer_may_be_tmp_itself() -> None:
    found = plan.guest_options(plan.Plan("i", ("/p",), (plan.Place("/tmp"),)), SandboxSpec())
    assert [root["target"] for root in found["roots"]].count("/tmp") == 1
    assert next(root["mode"] for root in found["roots"] if root["target"] == "/tmp") == 0o1777


def test_the_server_is_sent_whole_and_in_order() -> None:
    """What PID 1 gets is in the grammar of Python 3.6, and every module comes after those that it imports."""
    first = boot.first_bytes({"roots": []})
    size, data = int(first[:16]), first[16:]
    assert len(data) == size
    names = [name for name, _ in json.loads(data)["modules"]]
    assert names[-1] == "assay.sandbox.docker.guest"
    assert names.index("assay.sandbox.server") < names.index("assay.sandbox.docker.guest")
    for name, source in json.loads(data)["modules"]:
        ast.parse(source, name, feature_version=(3, 6))


def frame(kind: int, data: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def stream() -> tuple[AttachedStream, socket.socket]:
    ours, theirs = socket.socketpair()
    return AttachedStream(ours), theirs


def soon() -> float:
    return time.monotonic() + 5


def test_frames_are_taken_apart() -> None:
    found, other = stream()
    other.sendall(frame(1, b"one") + frame(2, b"oops") + frame(1, b"") + frame(1, b"two"))
    assert found.read(2, soon()) == b"on"
    assert found.read(9, soon()) == b"e"
    assert found.read(9, soon()) == b"two"
    assert found.tail == b"oops"
    other.close()
    assert found.read(9, soon()) == b""


def test_frames_in_single_bytes() -> None:
    found, other = stream()
    for byte in frame(2, b"why") + frame(1, b"ab"):
        other.sendall(bytes([byte]))
    assert found.read(9, soon()) == b"ab"
    assert found.tail == b"why"


def test_the_tail_is_short() -> None:
    found, other = stream()
    other.sendall(frame(2, b"x" * 50_000 + b"end") + frame(1, b"."))
    assert found.read(1, soon()) == b"."
    assert len(found.tail) <= 4000
    assert found.tail.endswith(b"end")


def test_a_silent_engine_is_a_time_out() -> None:
    found, _other = stream()
    with pytest.raises(TimeoutError):
        found.read(1, time.monotonic() + 0.02)
    with pytest.raises(TimeoutError):
        found.write(b"x" * (1 << 24), time.monotonic() + 0.02)


def test_a_cut_frame_is_an_end() -> None:
    found, other = stream()
    other.sendall(frame(1, b"abcdef")[:-3])
    other.close()
    assert found.read(9, soon()) == b"abc"
    assert found.read(9, soon()) == b""


def test_closing_twice_and_using_it_after() -> None:
    found, other = stream()
    found.close()
    found.close()
    assert other.recv(1) == b""
    with pytest.raises(OSError, match="closed"):
        found.write(b"x", soon())
    with pytest.raises(OSError, match="closed"):
        found.read(1, soon())


def test_labels_name_the_living_owner() -> None:
    found = owner.labels("sandbox")
    assert found["assay.sandbox.pid"] == str(os.getpid())
    assert not owner.orphaned(found)


@pytest.mark.parametrize(
    ("change", "orphan"),
    [
        ({"assay.sandbox.started": "1"}, True),  # the pid is somebody else's by now
        ({"assay.sandbox.boot": "before"}, True),
        ({"assay.sandbox.host": "elsewhere"}, False),
        ({"assay.sandbox.pids": "pid:[1]"}, False),
        ({"assay.sandbox.pid": ""}, True),
        ({"assay.sandbox.pid": "-1"}, True),
    ],
)
def test_orphans(change: dict[str, str], orphan: bool) -> None:
    assert owner.orphaned({**owner.labels("sandbox"), **change}) is orphan


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = owner.started(child.pid)
    found = {**owner.labels("sandbox"), "assay.sandbox.pid": str(child.pid), "assay.sandbox.started": started or ""}
    assert started
    assert not owner.orphaned(found)
    child.communicate(b"\n")
    assert owner.orphaned(found)


def test_no_daemon_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxUnavailable, match=r"no container engine: there is no socket .*none\.sock; install"):
        connect()
    found = DockerSandbox.probe()
    assert not found.ok
    assert "DOCKER_HOST" in found.fix
    with pytest.raises(SandboxUnavailable):
        DockerSandbox(SandboxSpec()).start()


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    path = f"{tmp_path}/dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    found = DockerSandbox.probe()
    assert not found.ok
    assert "does not answer" in found.reason
    assert "start it" in found.fix


def test_no_sdk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    found = DockerSandbox.probe()
    assert found.reason == "needs the docker SDK"
    assert found.fix == "pip install 'assay[docker]'"
