"""Images with a repository inside and without Python; engines that do not share our files, and that vanish."""

from __future__ import annotations

import io
import os
import shutil
import socket
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assay.sandbox import (
    HostBase,
    Image,
    Layer,
    Limits,
    SandboxDied,
    SandboxSpec,
    SandboxUnavailable,
)
from assay.sandbox.docker import (
    DockerSandbox,
    build_from_rootfs,
    content,
    engine,
    hosted,
    images,
    sweep,
)

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("daemon")]
LIMITS = Limits(memory_mb=256, disk_mb=64, pids=64)
TESTBED = "opt/miniconda3/envs/testbed"


def derived(daemon: engine.Engine, image: str, name: str, tree: dict[str, bytes | str | None]) -> str:
    """An image with files (bytes), links (text) and folders (None) on top of another."""
    made = daemon.api.create_container(image, command=["/none"])["Id"]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, value in tree.items():
            info = tarfile.TarInfo(path)
            info.mode = 0o755 if value is None else 0o600
            if value is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(value, str):
                info.type, info.linkname = tarfile.SYMTYPE, value
            else:
                info.size = len(value)
            tar.addfile(info, io.BytesIO(value) if isinstance(value, bytes) else None)
    daemon.api.put_archive(made, "/", out.getvalue())
    daemon.api.commit(made, repository=name, tag="latest")
    daemon.api.remove_container(made)
    return f"{name}:latest"


@pytest.fixture(scope="module")
def official(daemon: engine.Engine, closure_image: str) -> Iterator[str]:
    """As SWE-bench makes them: the repository at /testbed, owned by root, its Python in a conda environment."""
    folders = ["testbed", "testbed/pkg", "opt", "opt/miniconda3", "opt/miniconda3/envs", TESTBED, f"{TESTBED}/bin"]
    tree: dict[str, bytes | str | None] = dict.fromkeys(folders)
    tree["testbed/pkg/__init__.py"] = b"x = 1\n"
    tree["testbed/setup.py"] = b"pass\n"
    tree[f"{TESTBED}/bin/python"] = f"{os.path.realpath(sys.base_prefix)}/bin/python3"
    name = derived(daemon, closure_image, "assay-test-official", tree)
    yield name
    daemon.api.remove_image(name, force=True)


@pytest.fixture(scope="module")
def bare(daemon: engine.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shell, and no Python."""
    top = tmp_path_factory.mktemp("rootfs")
    shell = os.path.realpath(shutil.which("sh") or "/bin/sh")
    loader, libraries = hosted.needs(Path(shell))
    for path in (loader, *libraries):
        place = top / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), place)
    (top / "bin").mkdir()
    shutil.copy(shell, top / "bin/sh")
    name = build_from_rootfs(str(top), "assay-test-bare:latest")
    yield name
    daemon.api.remove_image(name, force=True)


def started(spec: SandboxSpec) -> DockerSandbox:
    sandbox = DockerSandbox(spec)
    try:
        sandbox.start()
    except BaseException:
        sandbox.close()
        raise
    return sandbox


def test_a_repository_inside_the_image(official: str) -> None:
    sandbox = started(SandboxSpec(base=Image(official), limits=LIMITS))
    try:
        assert sandbox.exec("command -v python", timeout=20).stdout == f"/{TESTBED}/bin/python\n".encode()
        assert sandbox.exec("python -c 'import pkg; print(pkg.x)'", timeout=20).stdout == b"1\n"
        assert (
            sandbox.exec("echo 'x = 2' > pkg/__init__.py; rm setup.py; rm -rf pkg/__pycache__", timeout=20).exit_code
            == 0
        )
        patch = sandbox.diff()
        assert patch.count("diff --git") == 2
        assert "-x = 1\n+x = 2\n" in patch
        assert "deleted file" in patch
        kept = sandbox.snapshot()
        sandbox.exec("rm -rf pkg; echo > setup.py", timeout=20)
        sandbox.restore(kept)
        assert sandbox.diff() == patch
        sandbox.reset()
        assert sandbox.diff() == ""
        assert sandbox.exec("cat setup.py pkg/__init__.py", timeout=20).stdout == b"pass\nx = 1\n"
    finally:
        sandbox.close()


def test_declared_volumes_are_read_only(daemon: engine.Engine, closure_image: str) -> None:
    """By themselves they are directories of the host's disk, without a limit, and no reset empties them."""
    first = derived(daemon, closure_image, "assay-test-volume", {"data": None, "data/kept": b"1"})
    made = daemon.api.create_container(first, command=["/none"])["Id"]
    daemon.api.commit(made, "assay-test-volume", "declared", changes=["VOLUME /data", "VOLUME /testbed"])
    daemon.api.remove_container(made)
    sandbox = DockerSandbox(SandboxSpec(base=Image("assay-test-volume:declared"), limits=LIMITS, user="root"))
    try:
        sandbox.start()
        assert sandbox.exec("cat /data/kept; touch /testbed/x && echo ok", timeout=20).stdout == b"1ok\n"
        assert b"Read-only" in sandbox.exec("touch /data/x", timeout=20).stderr
    finally:
        sandbox.close()
        for name in ("assay-test-volume:declared", "assay-test-volume:latest"):
            daemon.api.remove_image(name, force=True)


def test_a_layer_over_the_image_s_own_repository(official: str, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("y = 1\n")
    sandbox = started(SandboxSpec(base=Image(official), layers=(Layer(str(tmp_path), "/testbed"),), limits=LIMITS))
    try:
        assert sandbox.exec("ls", timeout=20).stdout == b"other.py\n"
    finally:
        sandbox.close()


def test_an_image_without_python_on_this_host_s_engine(bare: str) -> None:
    sandbox = started(SandboxSpec(base=Image(bare), limits=LIMITS))
    try:
        result = sandbox.exec("echo from sh; exit 3", timeout=20)
        assert (result.exit_code, result.stdout) == (3, b"from sh\n")
        sandbox.write_file("a/b", b"1")
        assert sandbox.read_file("/testbed/a/b") == b"1"
        assert sandbox.diff().startswith("diff --git a/a/b b/a/b\n")
        assert sandbox.exec("while :; do :; done", timeout=0.3).timed_out
    finally:
        sandbox.close()


def test_a_copy_that_was_removed_is_made_again(official: str, daemon: engine.Engine) -> None:
    """The engine would mount a new, empty volume of the same name, and say nothing."""
    spec = SandboxSpec(base=Image(official), limits=LIMITS)
    started(spec).close()
    name = content.image_content(daemon, images.inspect(daemon, official)["Id"], "/testbed")
    for volume in (name, f"{name}.whole"):
        daemon.api.remove_volume(volume)
    sandbox = started(spec)
    try:
        assert sandbox.exec("cat setup.py", timeout=20).stdout == b"pass\n"
    finally:
        sandbox.close()


class Forwarder:
    """The daemon behind a TCP port, as one on another machine would be; it can vanish."""

    def __init__(self, path: str, listener: socket.socket) -> None:
        self.path = path
        self.listener = listener
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self.listener.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(self.path)
                self.open += [ours, theirs]
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        self.listener.close()
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def forwarder(daemon: engine.Engine, listener: socket.socket) -> Forwarder:
    if not daemon.local:
        pytest.skip("the daemon has no local socket to forward to")
    listener.listen()
    return Forwarder(daemon.address.partition("://")[2], listener)


@pytest.fixture
def remote(daemon: engine.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forwarder]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    found = forwarder(daemon, listener)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    yield found
    found.vanish()


def test_an_engine_elsewhere_gets_copies(remote: Forwarder, tmp_path: Path, daemon: engine.Engine) -> None:
    """Nothing is mounted from here: programs come as an image, layers as volumes, Python is the image's own."""
    (tmp_path / "repo/pkg").mkdir(parents=True)
    (tmp_path / "repo/pkg/m.py").write_text("x = 1\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/t").write_text("t\n")
    layers = (Layer(str(tmp_path / "repo"), "/testbed"), Layer(str(tmp_path / "tools"), "/tools", writable=False))
    sandbox = started(SandboxSpec(HostBase(), layers, LIMITS))
    try:
        assert sandbox._cell is not None
        mounts = daemon.api.inspect_container(sandbox._cell.container)["Mounts"]
        assert {mount["Type"] for mount in mounts} == {"volume"}
        assert sandbox.exec("cat pkg/m.py /tools/t; python3 -c 'print(6 * 7)'", timeout=60).stdout == b"x = 1\nt\n42\n"
        sandbox.exec("echo 'x = 2' > pkg/m.py", timeout=20)
        assert "+x = 2" in sandbox.diff()
        sandbox.reset()
        assert sandbox.read_file("pkg/m.py") == b"x = 1\n"
    finally:
        sandbox.close()
    sweep(caches=True)
    names = [volume["Name"] for volume in daemon.api.volumes()["Volumes"] or []]
    assert not [name for name in names if name.startswith("assay-layer-")]


def test_an_official_image_elsewhere(remote: Forwarder, official: str) -> None:
    sandbox = started(SandboxSpec(base=Image(official), limits=LIMITS))
    try:
        assert sandbox.exec("python -c 'import pkg; print(pkg.x)'", timeout=60).stdout == b"1\n"
    finally:
        sandbox.close()


def test_an_image_without_python_elsewhere_says_what_it_lacks(remote: Forwarder, bare: str) -> None:
    with pytest.raises(SandboxUnavailable, match=r"no Python 3\.6 or newer in the image; install Python 3"):
        DockerSandbox(SandboxSpec(base=Image(bare))).start()


def test_a_daemon_that_vanishes_during_a_command(
    daemon: engine.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "d.sock"))
    found = forwarder(daemon, listener)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/d.sock")
    sandbox = started(SandboxSpec(limits=LIMITS))
    assert sandbox._cell is not None
    name = sandbox._cell.container
    threading.Timer(0.3, found.vanish).start()
    with pytest.raises(SandboxDied):
        sandbox.exec("sleep 60", timeout=60)
    with pytest.raises(SandboxDied):
        sandbox.exec("true", timeout=60)
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        DockerSandbox(SandboxSpec(limits=LIMITS)).start()
    monkeypatch.setenv("DOCKER_HOST", daemon.address)
    sweep()
    assert not [row for row in daemon.api.containers() if row["Id"] == name and row["State"] == "running"]
