"""Images: missing ones, and those made of this host or of a directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.sandbox import (
    Image,
    ImageMissing,
    Limits,
    RootFS,
    SandboxSpec,
    SandboxUnavailable,
)
from assay.sandbox.docker import (
    DockerSandbox,
    build_from_rootfs,
    build_host_closure,
    engine,
    images,
)

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("daemon")]
LIMITS = Limits(memory_mb=256, disk_mb=64, pids=64)


def started(spec: SandboxSpec) -> DockerSandbox:
    sandbox = DockerSandbox(spec)
    try:
        sandbox.start()
    except BaseException:
        sandbox.close()
        raise
    return sandbox


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "assay-no-such:latest",
            "`docker pull assay-no-such:latest`, or ask for Image('assay-no-such:latest', pull=True)",
        ),
        (
            "sweb.eval.x86_64.django__django-11099:latest",
            "`docker pull swebench/sweb.eval.x86_64.django_1776_django-11099:latest && docker tag ",
        ),
        (
            "swesmith.x86_64.pallets__flask.bc098406",
            "`docker pull jyangballin/swesmith.x86_64.pallets_1776_flask.bc098406 && docker tag ",
        ),
        ("assay-host:mine", "build_host_closure('assay-host:mine')"),
    ],
)
def test_a_missing_image_says_how_to_get_it_and_pulls_nothing(
    name: str, command: str, daemon: engine.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(*_: object, **__: object) -> None:
        raise AssertionError("pulled without being asked")

    monkeypatch.setattr(daemon.api, "pull", pulled)
    with pytest.raises(ImageMissing) as error:
        DockerSandbox(SandboxSpec(base=Image(name))).start()
    assert f"there is no image {name} on this host" in str(error.value)
    assert command in error.value.fix
    assert "\n" not in str(error.value)


def test_a_pull_that_fails_is_a_missing_image(daemon: engine.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def pull(repository: str, tag: str) -> None:
        import docker.errors

        asked.append((repository, tag))
        raise docker.errors.APIError("no such host")

    monkeypatch.setattr(daemon.api, "pull", pull)
    with pytest.raises(ImageMissing, match="cannot pull assay-no-such:v1"):
        DockerSandbox(SandboxSpec(base=Image("assay-no-such:v1", pull=True))).start()
    assert asked == [("assay-no-such", "v1")]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a", "latest")),
        ("a/b:c", ("a/b", "c")),
        ("host:5000/a", ("host:5000/a", "latest")),
        ("host:5000/a:v", ("host:5000/a", "v")),
    ],
)
def test_tags_and_ports(name: str, parts: tuple[str, str]) -> None:
    assert images._repository(name) == parts


def test_the_host_closure_works_alone(closure_image: str) -> None:
    assert build_host_closure() == closure_image
    sandbox = started(SandboxSpec(base=Image(closure_image), limits=LIMITS))
    try:
        script = "import ssl, sqlite3, ctypes, zoneinfo, lzma, decimal; print('imports', ssl.OPENSSL_VERSION_INFO[0])"
        assert sandbox.exec(["python3", "-c", script], timeout=60).stdout.startswith(b"imports")
        git = "git init -q . && git config user.email a && git config user.name b && touch f && git add f"
        assert sandbox.exec(f"{git} && git commit -qm x && git log --oneline | wc -l", timeout=60).stdout == b"1\n"
        tools = "ls | sort; echo a1 | sed s/1/2/ | grep -o a2; seq 3 | awk '{s+=$1} END {print s}'; find . -name f"
        assert sandbox.exec(tools, timeout=60).stdout == b"f\na2\n6\n./f\n"
    finally:
        sandbox.close()


def test_a_root_file_system_is_imported_once_for_a_state(tmp_path: Path, daemon: engine.Engine) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/name").write_text("one")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/junk").write_text("junk")
    first = build_from_rootfs(str(tmp_path))
    assert build_from_rootfs(str(tmp_path)) == first
    (tmp_path / "etc/name").write_text("three")
    second = build_from_rootfs(str(tmp_path))
    assert second != first
    try:
        sandbox = started(SandboxSpec(base=RootFS(str(tmp_path)), limits=LIMITS))
        try:
            assert sandbox.read_file("/etc/name") == b"three"
        finally:
            sandbox.close()
    finally:
        for name in (first, second):
            daemon.api.remove_image(name, force=True)


def test_a_root_file_system_that_is_not_there() -> None:
    with pytest.raises(SandboxUnavailable, match="no directory"):
        DockerSandbox(SandboxSpec(base=RootFS("/no/such/rootfs"))).start()
