"""Abuse through files and arguments: rows 12, 13 and 19 of the list."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from assay.sandbox import FileRefused, Sandbox

Holds = Callable[[int], None]


def test_12_links_made_inside_resolve_inside(box: Sandbox, holds: Holds, tmp_path: Path) -> None:
    holds(12)
    tmp_path.chmod(0o777)
    (tmp_path / "file").write_text("from outside")
    up = "../../../../../../../../.."
    links = f"ln -s {tmp_path}/file file; ln -s {tmp_path} folder; ln -s / top; ln -s {up} up; ln -s loop loop"
    assert box.exec(links, timeout=20).exit_code == 0
    for path in ("file", "folder/file", f"top{tmp_path}/file", f"up{tmp_path}/file", f"{up}{tmp_path}/file", "loop"):
        with pytest.raises(FileRefused):
            box.read_file(path)
    for path in ("file", "folder/new", f"up{tmp_path}/new", f"{up}{tmp_path}/new"):
        with suppress(FileRefused):  # or it made the folders inside
            box.write_file(path, b"overwritten")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
    assert (tmp_path / "file").read_text() == "from outside"
    for path in ("file", "folder", f"up{tmp_path}"):
        with suppress(FileRefused):
            assert b"from outside" not in box.download(path)
    assert "from outside" not in box.diff()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644
    return info, data


OUT = "/tmp/assay-outside"
EVIL = {
    "dot-dot": [member("../../outside", data=b"x")],
    "dot-dot inside": [member("a/../../../outside", data=b"x")],
    "absolute": [member(f"{OUT}/x", data=b"x")],
    "through a link": [member("d", tarfile.SYMTYPE, "/tmp"), member("d/outside", data=b"x")],
    "through a link up": [member("d", tarfile.SYMTYPE, "../.."), member("d/outside", data=b"x")],
    "hard link out": [member("h", tarfile.LNKTYPE, "../../etc/passwd")],
    "hard link to absolute": [member("h", tarfile.LNKTYPE, "/etc/passwd")],
    "hard link through a link": [member("d", tarfile.SYMTYPE, "/etc"), member("h", tarfile.LNKTYPE, "d/passwd")],
    "character device": [member("c", tarfile.CHRTYPE)],
    "block device": [member("b", tarfile.BLKTYPE)],
    "pipe": [member("p", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("name", list(EVIL))
def test_12_a_tar_that_leads_out_is_refused(box: Sandbox, holds: Holds, name: str) -> None:
    holds(12)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for info, data in EVIL[name]:
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(FileRefused):
        box.upload(io.BytesIO(packed.getvalue()), "/testbed/in")
    for path in ("/outside", "/testbed/outside", "/tmp/outside", "outside", OUT):
        with pytest.raises(FileRefused):
            box.read_file(path)
    assert box.read_file("hello.txt") == b"hello\n"


@pytest.mark.parametrize("kind", ["zip", "garbage", "cut", "empty"])
def test_12_what_is_no_tar_is_refused(box: Sandbox, holds: Holds, kind: str) -> None:
    holds(12)
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("../evil", "x")
    elif kind == "cut":
        with tarfile.open(fileobj=data, mode="w") as tar:
            info, filling = member("x", data=b"x" * 5000)
            tar.addfile(info, io.BytesIO(filling))
    content = {"zip": data.getvalue(), "garbage": os.urandom(5000), "cut": data.getvalue()[:2000], "empty": b""}[kind]
    with pytest.raises(FileRefused):
        box.upload(io.BytesIO(content), "in")
    assert box.alive()


def test_12_a_small_tar_of_a_large_file_meets_the_disk_limit(box: Sandbox, holds: Holds) -> None:
    holds(7)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("bomb")
        info.size = 300 * 2**20
        tar.addfile(info, open("/dev/zero", "rb"))  # noqa: SIM115
    assert len(packed.getvalue()) < 2**20
    with pytest.raises(FileRefused):
        box.upload(io.BytesIO(packed.getvalue()), "in")
    box.reset()
    assert box.read_file("hello.txt") == b"hello\n"


@pytest.mark.parametrize("path", ["pipe", "/dev/zero", "/dev/random", "/dev/tty", "socket", "sparse", "pkg"])
def test_13_reading_what_never_ends_is_refused_at_once(box: Sandbox, holds: Holds, path: str) -> None:
    holds(13)
    box.exec("mkfifo pipe; truncate -s 1T sparse || truncate -s 60M sparse", timeout=20)
    box.exec(["python3", "-c", "import socket as s; s.socket(s.AF_UNIX).bind('socket')"], timeout=20)
    with pytest.raises(FileRefused):
        box.read_file(path)
    if path in ("pipe", "socket"):
        with pytest.raises(FileRefused):
            box.write_file(path, b"x")
    assert box.alive()


class TestRow19:
    def test_a_script_of_a_megabyte(self, box: Sandbox, holds: Holds) -> None:
        holds(19)
        script = "#" + "x" * 2**20 + "\nread line; echo got $line"
        assert box.exec(script, timeout=20, stdin=b"it\n").stdout == b"got it\n"

    def test_an_argument_of_a_megabyte_is_a_result(self, box: Sandbox, holds: Holds) -> None:
        holds(19)
        result = box.exec(["echo", "x" * 2**20], timeout=20)
        assert result.exit_code == 126
        assert result.stderr

    def test_nul_bytes_are_refused(self, box: Sandbox, holds: Holds) -> None:
        holds(19)
        for call in (
            lambda: box.exec("echo \0", timeout=20),
            lambda: box.exec(["echo", "\0"], timeout=20),
            lambda: box.exec("true", timeout=20, env={"A": "\0"}),
            lambda: box.exec("true", timeout=20, env={"A=B": "x"}),
        ):
            with pytest.raises(ValueError):
                call()
        assert box.alive()

    def test_foreign_names_come_through(self, box: Sandbox, holds: Holds) -> None:
        holds(19)
        box.write_file("\u00fc\udcff\n", b"x")
        assert box.read_file("\u00fc\udcff\n") == b"x"
        listed = box.exec(
            ["python3", "-c", "import os, sys; sys.stdout.buffer.write(repr(os.listdir(b'.')).encode())"], timeout=20
        )
        assert b"b'\\xc3\\xbc\\xff\\n'" in listed.stdout
        assert r'"b/\303\274\377\n"' in box.diff()
        assert box.exec("echo $A", timeout=20, env={"A": "\u00fc"}).stdout == "\u00fc\n".encode()
