"""Layers, owners, diffs and snapshots of the native back-end, held against a plain copy and real git."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.sandbox import FileRefused, Layer, SandboxSpec
from assay.sandbox.native import NativeSandbox

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other owners than oneself")


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with one of everything."""
    top = tmp_path / "closed" / "source"
    for folder in ("pkg/deep", "gone/inner", "swap", ".git/refs"):
        (top / folder).mkdir(parents=True)
    (top / "a.txt").write_text("one\ntwo\n")
    (top / "pkg" / "mod.py").write_text("x = 1\n")
    (top / "pkg" / "deep" / "data.bin").write_bytes(bytes(range(256)))
    (top / "gone" / "inner" / "file").write_text("bye\n")
    (top / "swap" / "file").write_text("folder\n")
    (top / "run.sh").write_text("#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("a.txt")
    (top / "out").symlink_to("/etc")
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return top


@pytest.fixture
def box(source: Path) -> Iterator[NativeSandbox]:
    one = NativeSandbox(SandboxSpec(layers=(Layer(str(source), "/testbed"),)))
    one.start()
    yield one
    one.close()


def tree(top: Path) -> dict[str, tuple[int, bytes]]:
    """By path: 0 and target of a link, or the executable bit and content of a file."""
    found = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = (0, os.fsencode(os.readlink(path)))
        elif path.is_file():
            found[name] = (1 + (path.stat().st_mode >> 6 & 1), path.read_bytes())
    return found


CHANGES = {
    "nothing": "true",
    "touched only": "touch a.txt; cat a.txt > /dev/null; chmod 600 a.txt",
    "edited": "echo three >> a.txt; sed -i s/1/2/ pkg/mod.py",
    "mode": "chmod +x a.txt; chmod -x run.sh",
    "binary": "printf '\\0\\1' >> pkg/deep/data.bin; head -c 3000 /dev/urandom > new.bin",
    "removed": "rm a.txt link; rm -rf gone",
    "folder made anew": "rm -rf gone; mkdir gone; echo new > gone/file",
    "folder made anew, same content": "rm -rf gone; mkdir -p gone/inner; echo bye > gone/inner/file",
    "file becomes folder": "rm a.txt; mkdir a.txt; echo in > a.txt/inside",
    "folder becomes file": "rm -rf swap; echo flat > swap",
    "folder becomes link": "rm -rf swap; ln -s pkg swap",
    "link becomes folder": "rm out; mkdir out; echo mine > out/passwd",
    "link becomes file": "rm link; echo text > link",
    "link elsewhere": "ln -sfn pkg link",
    "file becomes link": "rm a.txt; ln -s run.sh a.txt",
    "moved": "mv pkg moved; mv a.txt b.txt",
    "odd names": "echo 1 > 'sp ace'; echo 2 > $'new\\nline'; echo 3 > $'latin-\\xe9'; echo 4 > 'quo\"te'",
    "names beyond ASCII": "mkdir -p é; echo 5 > é/ü",
    "no newline": "printf 'one\\ntwo' > a.txt; printf x > y",
    "crlf": "printf 'one\\r\\ntwo\\r\\n' > a.txt",
    "unreadable": "echo secret > hidden; chmod 000 hidden; chmod 111 pkg",
    "not files": "mkfifo pipe; mkdir empty; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"",
    "git's own": "echo x > .git/HEAD; mkdir .GIT; echo y > .GIT/config; rm -rf .git",
}


@pytest.mark.parametrize("script", CHANGES.values(), ids=CHANGES.keys())
def test_the_patch_makes_of_the_source_what_the_sandbox_has(
    box: NativeSandbox, source: Path, tmp_path: Path, script: str
) -> None:
    result = box.exec(f"set -e; {script}", timeout=60)
    assert result.exit_code == 0, result.text()
    patch = box.diff()
    again = tmp_path / "again"
    shutil.copytree(source, again, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    if patch:
        applied = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            cwd=again,
            input=patch.encode(),
            capture_output=True,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)},
        )
        assert applied.returncode == 0, applied.stderr
    box.exec("chmod -R u+rwX . ; find . -type p -o -type s | xargs -r rm", timeout=60)
    data = tmp_path / "now.tar"
    data.write_bytes(box.download("."))
    now = tmp_path / "now"
    now.mkdir()
    subprocess.run(["tar", "-xf", data, "--no-same-owner"], cwd=now, check=True)
    shown = {name: value for name, value in tree(now).items() if not name.startswith(".GIT/")}
    if "chmod 000" in script:
        shown["hidden"] = (1, b"secret\n")
    assert tree(again) == shown
    assert (patch == "") == (tree(again) == tree(source))


def test_nothing_of_the_host_leaks_through_a_link_of_the_layer(box: NativeSandbox) -> None:
    box.exec("rm out; mkdir out; echo mine > out/passwd; rm -r out; mkdir out; echo mine > out/hosts", timeout=30)
    patch = box.diff()
    assert "root:x:0" not in patch
    assert "localhost" not in patch
    assert "+mine" in patch


def test_diff_of_other_places(box: NativeSandbox) -> None:
    box.exec("echo x >> pkg/mod.py; echo y >> a.txt; echo z > ~/mine", timeout=30)
    assert box.diff("pkg").count("diff --git") == 1
    assert "a/mod.py b/mod.py" in box.diff("/testbed/pkg")
    whole = box.diff("/")
    assert all(name in whole for name in ("testbed/pkg/mod.py", "testbed/a.txt", "home/agent/mine"))
    assert box.diff("/home/agent").startswith("diff --git a/mine b/mine\nnew file")
    assert box.diff("/nowhere") == ""


def test_a_diff_that_would_be_too_large_is_refused(box: NativeSandbox) -> None:
    box.exec("for n in 1 2 3; do head -c 30M /dev/urandom > big$n; done", timeout=60)
    with pytest.raises(FileRefused, match="larger than a patch may be"):
        box.diff()
    box.reset()
    assert box.diff() == ""


def test_the_source_is_never_touched(box: NativeSandbox, source: Path) -> None:
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_uid) for path in source.rglob("*")}
    box.exec("find . -type f -exec sh -c 'echo x >> {}' ';' ; chmod -R 700 . ; rm -rf pkg", timeout=60)
    assert box.exec("mount -o remount,rw / || umount /testbed", timeout=30).exit_code != 0
    box.reset()
    box.close()
    assert {path: (path.lstat().st_mtime_ns, path.lstat().st_uid) for path in source.rglob("*")} == before


def test_read_only_layers_beside_and_below_writable_ones(source: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "tool").write_text("#!/bin/sh\necho ran\n")
    (tools / "tool").chmod(0o755)
    layers = (Layer(str(source), "/testbed"), Layer(str(tools), "/testbed/pkg/tools", writable=False))
    box = NativeSandbox(SandboxSpec(layers=layers))
    box.start()
    for _ in range(2):
        assert (
            box.exec("pkg/tools/tool; echo x > pkg/tools/tool; rm -rf pkg; ls pkg", timeout=30).stdout
            == b"ran\ntools\n"
        )
        box.reset()
    box.close()


def test_snapshots_are_a_tree_of_states(box: NativeSandbox) -> None:
    """A random walk over snapshots and restores, against a model that remembers listings."""
    rng = random.Random(7)
    listing = "find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; ls /tmp"
    states = {}
    for step in range(25):
        box.exec(
            f"echo {step} > file{rng.randrange(5)}; rm -rf gone file{rng.randrange(5)}; "
            f"[ {step % 3} = 0 ] && mkdir -p gone && echo {step} > gone/x; echo > /tmp/t{step}",
            timeout=30,
        )
        if rng.random() < 0.6:
            seen = box.exec(listing, timeout=30).stdout
            states[box.snapshot()] = (seen, box.diff())
            assert box.exec(listing, timeout=30).stdout == seen
        if states and rng.random() < 0.6:
            name = rng.choice(sorted(states))
            box.restore(name)
            assert (box.exec(listing, timeout=30).stdout, box.diff()) == states[name]
    assert len(states) > 8
    box.reset()
    with pytest.raises(ValueError, match="no snapshot"):
        box.restore(next(iter(states)))
    assert box.diff() == ""


def test_a_restore_cannot_be_led_astray(box: NativeSandbox) -> None:
    """What was mounted stays mounted where it was, whatever commands put in its way."""
    name = box.snapshot()
    box.exec("cd /; rm -rf /home/agent; ln -s /proc /home/agent; mv /testbed /elsewhere; rm -rf /tmp/*", timeout=30)
    again = box.snapshot()
    for one in (again, name):
        box.restore(one)
        assert box.exec("cat a.txt; mount | grep -c testbed", timeout=30).stdout == b"one\ntwo\n1\n"


@ROOT_ONLY
def test_layers_of_any_owner_belong_to_the_sandbox(source: Path) -> None:
    (source.parent).chmod(0o700)
    os.chown(source / "a.txt", 4321, 4321)
    os.chown(source / "run.sh", 1000, 1000)
    (source / "run.sh").chmod(0o700)
    (source / "pkg" / "mod.py").chmod(0o600)
    for user in ("agent", "root"):
        box = NativeSandbox(SandboxSpec(layers=(Layer(str(source), "/testbed"),), user=user))
        box.start()
        assert box.exec("stat -c %U . pkg pkg/mod.py", timeout=30).stdout == f"{user}\n{user}\n{user}\n".encode()
        assert (
            box.exec("cat pkg/mod.py && echo y >> pkg/mod.py && mkdir pkg/new && git init -q . ", timeout=30).exit_code
            == 0
        )
        assert box.exec("rm -f a.txt && echo new > a.txt && rm -rf gone", timeout=30).exit_code == 0
        assert box.exec("echo x >> run.sh", timeout=30).exit_code != 0
        assert box.diff("pkg").count("+y") == 1
        box.close()
    assert (source / "a.txt").stat().st_uid == 4321


@ROOT_ONLY
def test_a_layer_that_another_user_owns(source: Path) -> None:
    for path in (source, *source.rglob("*")):
        os.chown(path, 12345, 54321, follow_symlinks=False)
    box = NativeSandbox(SandboxSpec(layers=(Layer(str(source), "/testbed"),)))
    box.start()
    assert box.exec("stat -c %U:%G a.txt; echo x >> a.txt", timeout=30).stdout == b"agent:agent\n"
    assert "+x" in box.diff()
    box.close()
    assert (source / "a.txt").stat().st_uid == 12345
