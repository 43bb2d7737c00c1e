"""Every back-end that works here, warm, one after another; and what each is expected to hold against abuse."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.sandbox import HostBase, Layer, Limits, Sandbox, SandboxSpec, open_sandbox, probe
from assay.sandbox.pool import SandboxPool

BACKENDS = [
    "native",
    pytest.param("docker", marks=pytest.mark.docker),
    "bubblewrap",
    "local-unsafe",
]
LIMITS = Limits(memory_mb=256, disk_mb=64, inodes=20_000, pids=64, output_bytes=65_536)

HOLDS = "holds"
ALL_WALLS = {"native": HOLDS, "docker": HOLDS, "bubblewrap": HOLDS}
OPEN = "local-unsafe has no walls; not tried, it would hit this machine"

# Numbers are those of docs/sandbox-abuse.md. "holds" is tested; any other text says why the row is not run on that
# back-end. Row 18, rewards got by cheating, is tested with the environments that give them.
EXPECTED: dict[int, dict[str, str]] = {
    1: {**ALL_WALLS, "local-unsafe": OPEN},
    2: {**ALL_WALLS, "local-unsafe": "bounded for each process by RLIMIT_AS, never reported as oom"},
    3: {**ALL_WALLS, "local-unsafe": "the sum over processes is not bounded"},
    4: {**ALL_WALLS, "local-unsafe": HOLDS},
    5: {**ALL_WALLS, "local-unsafe": HOLDS},
    6: {**ALL_WALLS, "local-unsafe": HOLDS},
    7: {**ALL_WALLS, "local-unsafe": OPEN},
    8: {**ALL_WALLS, "local-unsafe": "the network is the host's"},
    9: {**ALL_WALLS, "local-unsafe": OPEN},
    10: {**ALL_WALLS, "local-unsafe": OPEN},
    11: {**ALL_WALLS, "local-unsafe": "files of this user can be read; the environment is clean"},
    12: {**ALL_WALLS, "local-unsafe": HOLDS},
    13: {**ALL_WALLS, "local-unsafe": HOLDS},
    14: {**ALL_WALLS, "local-unsafe": HOLDS},
    15: {**ALL_WALLS, "local-unsafe": "processes of a killed parent stay"},
    16: {
        "native": "has no daemon",
        "docker": "tested with a daemon of its own in test_docker_*",
        "bubblewrap": "has no daemon",
        "local-unsafe": "has no daemon",
    },
    17: {**ALL_WALLS, "local-unsafe": HOLDS},
    19: {**ALL_WALLS, "local-unsafe": HOLDS},
    20: {**ALL_WALLS, "local-unsafe": "sandboxes see each other's files and processes"},
}


@pytest.fixture
def expected() -> dict[int, dict[str, str]]:
    return EXPECTED


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    found = probe(name)
    if not found.ok:
        pytest.skip(f"{name}: {found.reason}; {found.fix}")
    return name


@pytest.fixture
def holds(backend: str) -> Callable[[int], None]:
    """Call it with the row: the test goes on if the back-end is expected to hold it."""

    def check(row: int) -> None:
        expected = EXPECTED[row][backend]
        if expected != HOLDS:
            pytest.skip(f"row {row}, {backend}: {expected}")

    return check


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with every kind of file."""
    top = tmp_path_factory.mktemp("layer")
    top.chmod(0o755)
    (top / "pkg").mkdir()
    (top / "pkg" / "mod.py").write_text("def f():\n    return 1\n")
    (top / "hello.txt").write_text("hello\n")
    (top / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (top / "latin1.txt").write_bytes(b"caf\xe9\n")
    (top / "binary.bin").write_bytes(bytes(range(256)))
    (top / "open end").write_bytes(b"no newline")
    (top / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("hello.txt")
    return top


@pytest.fixture(scope="session")
def spec(tree: Path) -> SandboxSpec:
    return SandboxSpec(HostBase(), (Layer(str(tree), "/testbed"),), LIMITS, {"GREETING": "hi"})


@pytest.fixture(scope="session")
def pool(backend: str, spec: SandboxSpec) -> Iterator[SandboxPool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with SandboxPool(spec, size=3, backend=backend) as lender:
            yield lender


@pytest.fixture
def box(pool: SandboxPool) -> Iterator[Sandbox]:
    """A sandbox as on the first day, its workdir a copy of ``tree``."""
    with pool.lease(timeout=60) as lent:
        yield lent


@pytest.fixture
def opened(backend: str) -> Iterator[Callable[[SandboxSpec], Sandbox]]:
    """Opens sandboxes of other specs, closed at the end."""
    boxes = []

    def open_one(wanted: SandboxSpec) -> Sandbox:
        boxes.append(open_sandbox(wanted, backend))
        return boxes[-1]

    yield open_one
    for one in boxes:
        one.close()


@pytest.fixture(scope="module")
def daemon() -> Any:
    """The Docker engine; skips what asks for it where none answers."""
    found = probe("docker")
    if not found.ok:
        pytest.skip(f"docker: {found.reason}; {found.fix}")
    from assay.sandbox.docker import engine

    return engine.connect()


@pytest.fixture(scope="module")
def closure_image(daemon: Any) -> str:
    """An image of this host's programs."""
    from assay.sandbox.docker import build_host_closure

    return build_host_closure()


@pytest.fixture(scope="module")
def shared(daemon: Any, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One container for a module, of the module's ``SPEC``."""
    sandbox = open_sandbox(request.module.SPEC, "docker")
    yield sandbox
    sandbox.close()


def running(marker: str) -> list[int]:
    """Processes of this machine with ``marker`` among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture(name="running")
def running_fixture() -> Callable[[str], list[int]]:
    return running


@pytest.fixture
def python() -> Callable[..., subprocess.Popen[bytes]]:
    """Starts this Python on a script, to be killed by the test."""

    def start(script: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)

    return start
