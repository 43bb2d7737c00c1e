"""A root file system of our own making: a shell, a few programs, and what they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.sandbox import Limits, RootFS, SandboxSpec
from assay.sandbox.native import NativeSandbox

PROGRAMS = ("bash", "cat", "chmod", "id", "ls", "mkdir", "rm", "stat", "touch")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)
    top = tmp_path_factory.mktemp("rootfs")
    for name in PROGRAMS:
        program = os.path.realpath(shutil.which(name) or "")
        needs = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in [program, *re.findall(r"(/\S+)", needs)]:
            where = top / (f"bin/{name}" if path == program else path.lstrip("/"))
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, where)
    (top / "etc").mkdir()
    (top / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/bash\nagent:x:1000:1000::/home/agent:/bin/bash\n")
    (top / "tmp").mkdir(mode=0o1777)
    (top / "testbed").symlink_to("real")  # as some images have it
    (top / "real").mkdir()
    (top / "real" / "file").write_text("one\n")
    return top


@pytest.fixture
def box(root: Path) -> Iterator[NativeSandbox]:
    one = NativeSandbox(SandboxSpec(base=RootFS(str(root))))
    one.start()
    yield one
    one.close()


def test_it_is_the_whole_world(box: NativeSandbox, root: Path) -> None:
    assert box.exec("ls /", timeout=30).stdout.split() == [
        *(b"bin", b"dev", b"etc", b"home", b"lib", b"lib64", b"proc", b"real", b"testbed", b"tmp")
    ]
    assert box.exec("id -un; cat ~/.none; ls -d $HOME", timeout=30).stdout == b"agent\n/home/agent\n"
    assert box.exec("cat file; pwd -P", timeout=30).stdout == b"one\n/real\n"
    assert box.exec(["python3"], timeout=30).exit_code == 127
    assert sorted(path.name for path in root.iterdir()) == ["bin", "etc", "lib", "lib64", "real", "testbed", "tmp"]


def test_its_files_are_the_users_own_and_come_back(box: NativeSandbox, root: Path) -> None:
    changed = box.exec("echo two >> /real/file; rm /etc/passwd; mkdir -p /new/deep; echo x > /new/deep/f", timeout=30)
    assert changed.exit_code == 0, changed.text()
    patch = box.diff("/")
    assert "deleted file" in patch
    assert "+two" in patch
    assert "b/new/deep/f" in patch
    assert "+two" in box.diff("/real")
    assert box.diff() == box.diff("/real")
    state = box.snapshot()
    box.exec("rm -rf /new /real/file", timeout=30)
    box.restore(state)
    assert box.diff("/") == patch
    box.reset()
    assert box.diff("/") == ""
    assert (root / "real" / "file").read_text() == "one\n"


def test_root_inside_is_nobody_outside(root: Path) -> None:
    box = NativeSandbox(SandboxSpec(base=RootFS(str(root)), user="root", limits=Limits(network=True)))
    box.start()
    assert box.exec("id -u; touch /bin/new; stat -c %u /bin/new /bin/ls", timeout=30).stdout == b"0\n0\n0\n"
    resolv = Path("/etc/resolv.conf")
    if resolv.is_file():
        assert box.read_file("/etc/resolv.conf") == resolv.read_bytes()
    box.close()
