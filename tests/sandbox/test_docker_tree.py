"""What happens to the writable places, on directories of this host: no daemon is needed."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.sandbox import SandboxDied
from assay.sandbox.docker import delta as ours
from assay.sandbox.docker.guest_delta import DEEPEST, Delta, apply
from assay.sandbox.docker.guest_places import Root, empty
from assay.sandbox.server_files import Refused

Shown = dict[str, tuple[str, int, bytes]]


def shown(top: Path) -> Shown:
    """Every path with its kind, mode and content."""
    found: Shown = {}
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        name = str(path.relative_to(top))
        if path.is_symlink():
            found[name] = ("link", 0, os.fsencode(os.readlink(path)))
        elif path.is_dir():
            found[name] = ("folder", stat.S_IMODE(info.st_mode), b"")
        else:
            found[name] = ("file", stat.S_IMODE(info.st_mode), path.read_bytes())
    return found


def root(target: Path, pristine: Path | None = None) -> Root:
    target.mkdir(exist_ok=True)
    return Root(str(target), str(pristine or ""), os.getuid(), 0o755)


def delta(was: Path | None, now: Path, old: bool = False) -> bytes:
    out = io.BytesIO()
    found = Delta(out, old)
    fds = [os.open(path, os.O_RDONLY) if path else None for path in (was, now)]
    found.compare("0", fds[0], fds[1], now.stat().st_dev)
    found.close()
    for fd in fds:
        if fd is not None:
            os.close(fd)
    return out.getvalue()


def make_again(data: bytes, place: Root) -> None:
    for removed, part in ours.parts(io.BytesIO(data)):
        with tarfile.open(fileobj=io.BytesIO(part), encoding="utf-8", errors="surrogateescape") as tar:
            apply(tar, removed, [place])


def members(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


def write(top: Path, tree: dict[str, object]) -> Path:
    """Values: bytes of a file, text where a link points, a number the mode of a folder."""
    top.mkdir(exist_ok=True)
    for name, value in tree.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, bytes):
            path.write_bytes(value)
        elif isinstance(value, str):
            path.symlink_to(value)
        else:
            path.mkdir(exist_ok=True)
            path.chmod(int(str(value)))
    return top


TREE: dict[str, object] = {"a/b.py": b"x = 1\n", "a/run": b"#!", "link": "a/b.py", "hang": "nowhere", "e": 0o750}


def test_refill_brings_everything_back(tmp_path: Path) -> None:
    pristine = write(tmp_path / "old", TREE)
    (pristine / "a/run").chmod(0o755)
    os.utime(pristine / "a/b.py", (1, 1_000_000_000))
    place = root(tmp_path / "new", pristine)
    place.refill()
    first = shown(pristine)
    assert shown(tmp_path / "new") == first
    assert (tmp_path / "new/a/b.py").stat().st_mtime == 1_000_000_000
    write(tmp_path / "new", {"junk/x": b"y", "a/b.py": b"changed"})
    (tmp_path / "new/link").unlink()
    os.mkfifo(tmp_path / "new/pipe")
    (tmp_path / "new").chmod(0o777)
    place.refill()
    assert shown(tmp_path / "new") == first
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o755


def test_a_root_without_pristine_content_is_emptied(tmp_path: Path) -> None:
    place = root(tmp_path / "tmp")
    write(tmp_path / "tmp", TREE)
    place.refill()
    assert shown(tmp_path / "tmp") == {}


def test_empty_at_any_depth(tmp_path: Path) -> None:
    """Deeper than any path can name, and than Python recurses."""
    top = tmp_path / "deep"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("directory", dir_fd=fd)
        inner = os.open("directory", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    empty(os.fsencode(top))
    assert os.listdir(top) == []


def test_empty_does_not_follow_links(tmp_path: Path) -> None:
    kept = write(tmp_path / "kept", {"x": b"1"})
    top = write(tmp_path / "top", {"link": str(kept), "d/link": str(kept)})
    empty(os.fsencode(top))
    assert os.listdir(top) == []
    assert (kept / "x").read_bytes() == b"1"


def test_nothing_changed_is_nothing_written(tmp_path: Path) -> None:
    pristine = write(tmp_path / "old", TREE)
    root(tmp_path / "new", pristine).refill()
    assert members(delta(pristine, tmp_path / "new", old=True)) == ["removed"]


def test_same_size_and_time_but_other_content_is_found(tmp_path: Path) -> None:
    pristine = write(tmp_path / "old", {"a": b"one\n"})
    root(tmp_path / "new", pristine).refill()
    times = (pristine / "a").stat()
    (tmp_path / "new/a").write_bytes(b"two\n")
    os.utime(tmp_path / "new/a", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert members(delta(pristine, tmp_path / "new", old=True)) == ["old/0/a", "new/0/a", "removed"]


def test_a_folder_that_becomes_a_link_and_back(tmp_path: Path) -> None:
    pristine = write(tmp_path / "old", {"d/x": b"1", "l": "d"})
    place = root(tmp_path / "new", pristine)
    place.refill()
    now = tmp_path / "new"
    empty(os.fsencode(now))
    write(now, {"l/y": b"2", "d": "l"})
    data = delta(pristine, now, old=True)
    assert set(members(data)) == {"old/0/d", "old/0/d/x", "new/0/d", "old/0/l", "new/0/l", "new/0/l/y", "removed"}
    expected = shown(now)
    data = delta(pristine, now)
    place.refill()
    make_again(data, place)
    assert shown(now) == expected


def test_too_deep_is_refused_in_a_word(tmp_path: Path) -> None:
    top = tmp_path / "new"
    fd = None
    top.mkdir()
    for _ in range(DEEPEST + 5):
        fd_new = os.open(top, os.O_RDONLY) if fd is None else fd
        os.mkdir("d", dir_fd=fd_new)
        fd = os.open("d", os.O_RDONLY, dir_fd=fd_new)
        os.close(fd_new)
    assert fd is not None
    os.close(fd)
    with pytest.raises(Refused, match="inside one another"):
        delta(None, top)
    empty(os.fsencode(top))


def test_bytes_that_are_no_text_in_names(tmp_path: Path) -> None:
    now = tmp_path / "new"
    place = root(now)
    name = os.fsdecode(b"caf\xe9 \n\xff")
    write(now, {name: b"1", f"{name}.d/{name}": b"2", "l": name})
    expected = shown(now)
    data = delta(None, now)
    place.refill()
    make_again(data, place)
    assert shown(now) == expected


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
VALUES = st.one_of(st.binary(max_size=3), st.sampled_from(["a", "../x"]), st.sampled_from([0o700, 0o755, 0o555]))


def build(top: Path, tree: dict[str, object]) -> None:
    top.mkdir()
    for name, value in tree.items():
        path = top / name
        if any((top / part).is_symlink() or (top / part).is_file() for part in [str(p) for p in Path(name).parents]):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            continue
        if isinstance(value, bytes):
            path.write_bytes(value)
        elif isinstance(value, str):
            path.symlink_to(value)
        else:
            path.mkdir()
    for name, value in tree.items():
        if isinstance(value, int) and (top / name).is_dir() and not (top / name).is_symlink():
            (top / name).chmod(value | 0o700)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=8), st.dictionaries(NAMES, VALUES, max_size=8))
def test_a_delta_undone_by_refill_is_made_again(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, object], after: dict[str, object]
) -> None:
    top = tmp_path_factory.mktemp("delta")
    build(top / "old", before)
    build(top / "want", after)
    data = delta(top / "old", top / "want")
    place = root(top / "new", top / "old")
    place.refill()
    make_again(data, place)
    assert shown(top / "new") == shown(top / "want")
    removed = [name for gone, _ in ours.parts(io.BytesIO(data)) for name in gone]
    assert len(removed) == len(set(removed))


def test_a_large_delta_goes_in_parts(tmp_path: Path) -> None:
    now = write(tmp_path / "new", {f"f{index:02}": bytes([index]) * (1 << 20) for index in range(10)})
    (tmp_path / "new/big").write_bytes(b"b" * (9 << 20))
    pristine = write(tmp_path / "old", {"gone": b"1"})
    place, expected = root(now, pristine), shown(now)
    data = delta(pristine, now)
    pieces = list(ours.parts(io.BytesIO(data)))
    assert [gone for gone, _ in pieces] == [["0/gone"], *[[]] * (len(pieces) - 1)]
    assert len(pieces) == 4
    place.refill()
    make_again(data, place)
    assert shown(now) == expected


def test_a_delta_as_two_trees(tmp_path: Path) -> None:
    pristine = write(tmp_path / "old", {"a/same": b"1", "a/x": b"1", "b/y": b"2", "l": "a"})
    now = write(tmp_path / "new", {"a/same": b"1", "a/x": b"3", "b": b"4", "l": "b", "a/.git/config": b"5"})
    (now / "a/x").chmod(0o755)
    data = delta(pristine, now, old=True)
    was, is_now = ours.trees(data, ["/testbed"], "/testbed")
    assert {name: (entry.mode, entry.data) for name, entry in was.items()} == {
        "a/x": (0o100644, b"1"),
        "b/y": (0o100644, b"2"),
        "l": (0o120000, b"a"),
    }
    assert {name: (entry.mode, entry.data) for name, entry in is_now.items()} == {
        "a/x": (0o100755, b"3"),
        "b": (0o100644, b"4"),
        "l": (0o120000, b"b"),
    }
    assert set(ours.trees(data, ["/testbed"], "/testbed/a")[1]) == {"x"}
    assert set(ours.trees(data, ["/opt/testbed"], "/opt")[1]) == {"testbed/a/x", "testbed/b", "testbed/l"}
    assert ours.trees(data, ["/testbed"], "/other") == ({}, {})


@pytest.mark.parametrize("data", [b"", b"junk" * 1000, b"\0" * 1024])
def test_a_delta_that_is_none(data: bytes) -> None:
    with pytest.raises(SandboxDied):
        list(ours.parts(io.BytesIO(data)))
