"""Containers made ahead, lost ones, and the sweep of what dead owners left."""

from __future__ import annotations

import os
from typing import Any

import pytest

from assay.sandbox import HostBase, Limits, SandboxDied, SandboxSpec, SandboxUnavailable
from assay.sandbox.docker import DockerSandbox, engine, owner, sweep

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("daemon")]
LIMITS = Limits(memory_mb=256, disk_mb=64, pids=64, output_bytes=65_536)
SPEC = SandboxSpec(limits=LIMITS)


def container(sandbox: DockerSandbox) -> str:
    assert sandbox._cell is not None
    return sandbox._cell.container


def gone(daemon: engine.Engine, name: str) -> bool:
    return not any(row["Id"] == name for row in daemon.api.containers(all=True))


def test_spares(daemon: engine.Engine) -> None:
    spec = SandboxSpec(limits=Limits(memory_mb=111))
    try:
        assert DockerSandbox.keep_spares(spec, 2, wait=60)
        sandbox = DockerSandbox(spec)
        sandbox.start()
        assert sandbox.exec("echo hi", timeout=20).stdout == b"hi\n"
        sandbox.close()
        assert DockerSandbox.keep_spares(spec, 2, wait=60)
    finally:
        DockerSandbox.keep_spares(spec, 0)
    memory = (111 + spec.limits.disk_mb) << 20
    rows = [daemon.api.inspect_container(row["Id"]) for row in daemon.api.containers(filters={"label": owner.LABEL})]
    mine = [row for row in rows if memory < row["HostConfig"]["Memory"] < memory + (64 << 20)]
    assert not [row for row in mine if row["Config"]["Labels"]["assay.sandbox.pid"] == str(os.getpid())]


def test_a_spare_that_died_is_passed_over(daemon: engine.Engine) -> None:
    spec = SandboxSpec(limits=Limits(memory_mb=112))
    try:
        assert DockerSandbox.keep_spares(spec, 1, wait=60)
        for row in daemon.api.containers(filters={"label": owner.LABEL}):
            wanted = (112 + spec.limits.disk_mb) << 20
            if wanted < daemon.api.inspect_container(row["Id"])["HostConfig"]["Memory"] < wanted + (1 << 26):
                daemon.api.kill(row["Id"])
        sandbox = DockerSandbox(spec)
        sandbox.start()
        assert sandbox.alive()
        sandbox.close()
    finally:
        DockerSandbox.keep_spares(spec, 0)


def test_spares_that_cannot_be_made_are_an_error_for_who_asks() -> None:
    spec = SandboxSpec(base=HostBase(), runtime="no-such-spare")
    assert not DockerSandbox.keep_spares(spec, 1, wait=60)
    with pytest.raises(SandboxUnavailable, match="no-such-spare"):
        DockerSandbox(spec).start()


def test_a_container_that_was_removed_is_a_dead_sandbox(daemon: engine.Engine) -> None:
    sandbox = DockerSandbox(SPEC)
    sandbox.start()
    daemon.api.remove_container(container(sandbox), force=True)
    with pytest.raises(SandboxDied):
        sandbox.exec("true", timeout=20)
    assert not sandbox.alive()
    for call in (sandbox.reset, sandbox.diff, sandbox.snapshot, sandbox.kill_all):
        with pytest.raises(SandboxDied):
            call()
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxDied):
        sandbox.exec("true", timeout=20)


def plant(daemon: engine.Engine, **changed: str) -> str:
    labels = {**owner.labels("sandbox"), **{f"assay.sandbox.{key}": value for key, value in changed.items()}}
    image = DockerSandbox(SPEC)
    image.start()
    assert image._cell is not None
    made: dict[str, Any] = daemon.api.create_container(image._cell.plan.image, command=["/none"], labels=labels)
    image.close()
    return str(made["Id"])


def test_the_sweep_takes_what_dead_owners_left_and_nothing_else(daemon: engine.Engine, shared: DockerSandbox) -> None:
    dead = plant(daemon, started="1")
    lost = plant(daemon)  # ours, but we hold no sandbox on it
    foreign = plant(daemon, host="elsewhere")
    plain = daemon.api.create_container(daemon.api.inspect_container(dead)["Image"], command=["/none"])["Id"]
    try:
        removed = sweep()
        assert len(removed) >= 2
        assert gone(daemon, dead)
        assert gone(daemon, lost)
        assert not gone(daemon, foreign)
        assert not gone(daemon, plain)
        assert shared.alive()
    finally:
        for name in (foreign, plain):
            daemon.api.remove_container(name, force=True)
