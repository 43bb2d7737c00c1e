"""What the server's helpers do with tars and files, called directly on a folder of this machine."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from assay.sandbox.server_files import Refused, read_file, tar, untar, write_file


def archive(*members: tuple[str, bytes, str | bytes]) -> bytes:
    """A tar of (name, type, content or link target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if isinstance(content, str):
                info.linkname = content
                file.addfile(info)
            else:
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return out.getvalue()


FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
INNOCENT = ("innocent", FILE, b"x")


@pytest.mark.parametrize(
    "members",
    [
        [("../out", FILE, b"x")],
        [("a/../../out", FILE, b"x")],
        [("/etc/out", FILE, b"x")],
        [("link", LINK, ".."), ("link/out", FILE, b"x")],
        [("a/link", LINK, "/"), ("a/link/tmp/out", FILE, b"x")],
        [("./link", LINK, ".."), ("link/./out", FILE, b"x")],
        [("hard", HARD, "../secret")],
        [("hard", HARD, "/etc/passwd")],
        [("link", LINK, ".."), ("hard", HARD, "link/secret")],
        [("there/out", FILE, b"x")],
        [("hard", HARD, "there/secret")],
        [("null", tarfile.CHRTYPE, "")],
        [("disk", tarfile.BLKTYPE, "")],
        [("fifo", tarfile.FIFOTYPE, "")],
        [("", FILE, b"x")],
        [(".", LINK, "/etc")],
    ],
    ids=lambda members: "+".join(name or "unnamed" for name, _, _ in members),
)
def test_members_that_lead_out_are_refused_and_nothing_is_written(
    tmp_path: Path, members: list[tuple[str, bytes, str | bytes]]
) -> None:
    (tmp_path / "secret").write_text("s")
    base = tmp_path / "base"
    base.mkdir()
    (base / "there").symlink_to(tmp_path)  # as a command could have put it
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises((Refused, tarfile.TarError)):
        untar({"path": str(base)}, archive(INNOCENT, *members), io.BytesIO())
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_tree_comes_back_as_it_went(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "file").write_bytes(bytes(range(256)))
    (source / "deep" / "file").chmod(0o750)
    (source / "link").symlink_to("/nowhere/at/all")
    os.link(source / "deep" / "file", source / "hard")
    os.mkfifo(source / "fifo")
    (source / os.fsdecode(b"latin-\xe9")).write_text("é")
    (source / "deep").chmod(0o555)
    out = io.BytesIO()
    tar({"path": str(source), "max": 1 << 20}, b"", out)
    (source / "deep").chmod(0o755)
    untar({"path": str(tmp_path / "copy")}, out.getvalue(), io.BytesIO())
    copy = tmp_path / "copy" / "source"
    assert sorted(path.name for path in copy.iterdir()) == sorted({p.name for p in source.iterdir()} - {"fifo"})
    assert (copy / "deep" / "file").read_bytes() == bytes(range(256))
    assert (copy / "deep" / "file").stat().st_mode & 0o777 == 0o750
    assert (copy / "deep").stat().st_mode & 0o777 == 0o555
    assert os.readlink(copy / "link") == "/nowhere/at/all"
    assert (copy / "hard").samefile(copy / "deep" / "file")
    (copy / "deep").chmod(0o755)


def test_an_upload_replaces_links_instead_of_writing_through_them(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    base = tmp_path / "base"
    base.mkdir()
    (base / "file").symlink_to(tmp_path / "victim")
    (base / "folder").symlink_to(tmp_path)
    untar({"path": str(base)}, archive(("file", FILE, b"theirs"), ("folder", FOLDER, b"")), io.BytesIO())
    assert (tmp_path / "victim").read_text() == "mine"
    assert (base / "file").read_text() == "theirs"
    assert (base / "folder").is_dir()
    assert not (base / "folder").is_symlink()


def test_set_uid_bits_do_not_come_in(tmp_path: Path) -> None:
    info = tarfile.TarInfo("tool")
    info.mode = 0o6755
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        file.addfile(info, io.BytesIO(b""))
    untar({"path": str(tmp_path)}, out.getvalue(), io.BytesIO())
    assert (tmp_path / "tool").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("data", [b"", b"not a tar at all" * 100, b"\x1f\x8b garbage"])
def test_what_is_no_tar_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((tarfile.TarError, EOFError, OSError)):
        untar({"path": str(tmp_path)}, data, io.BytesIO())


def test_tar_stops_at_its_size(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(100_000))
    with pytest.raises(Refused, match="larger"):
        tar({"path": str(tmp_path), "max": 50_000}, b"", io.BytesIO())


@pytest.mark.parametrize(
    ("target", "error"), [("fifo", Refused), ("/dev/zero", Refused), (".", OSError), ("absent", OSError)]
)
def test_only_regular_files_are_read_and_written(tmp_path: Path, target: str, error: type[Exception]) -> None:
    os.mkfifo(tmp_path / "fifo")
    path = str(tmp_path / target)
    with pytest.raises((error, OSError)):
        read_file({"path": path, "max": 10}, b"", io.BytesIO())
    if target != "absent":
        with pytest.raises((error, OSError)):
            write_file({"path": path, "mode": 0o644}, b"x", io.BytesIO())


def test_a_file_may_be_as_large_as_allowed_and_no_larger(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    out = io.BytesIO()
    read_file({"path": str(tmp_path / "file"), "max": 5}, b"", out)
    assert out.getvalue() == b"12345"
    with pytest.raises(Refused, match="larger than 4"):
        read_file({"path": str(tmp_path / "file"), "max": 4}, b"", io.BytesIO())
