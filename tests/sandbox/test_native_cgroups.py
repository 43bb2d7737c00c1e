"""Finding, making and limiting cgroups, on texts and folders of the kernel's shape, and on the kernel's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.sandbox.native import cgroups, kernel
from assay.sandbox.native.cgroups import Cgroups, anonymous_bytes, find_bases, sweep

SPLIT = """\
30 25 0:26 {root} {top}/memory rw - cgroup cgroup rw,memory
31 25 0:27 {root} {top}/pids rw - cgroup cgroup rw,pids
32 25 0:28 {root} {top}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 25 0:29 / {top}/unified rw - cgroup2 cgroup2 rw
"""
UNIFIED = "30 25 0:26 {root} {top} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def folders(top: Path, *names: str) -> None:
    for name in names:
        (top / name).mkdir(parents=True)


def test_version_1_below_our_own_groups(tmp_path: Path) -> None:
    folders(tmp_path, "memory/job", "pids", "cpu,cpuacct/job")
    ours = "3:memory:/job\n2:pids:/\n1:cpu,cpuacct:/job\n0::/elsewhere\n"
    found = find_bases(ours, SPLIT.format(root="/", top=tmp_path))
    assert found == {
        "memory": tmp_path / "memory/job",
        "pids": tmp_path / "pids",
        "cpu": tmp_path / "cpu,cpuacct/job",
    }


def test_version_1_inside_a_container_whose_mounts_start_at_its_own_group(tmp_path: Path) -> None:
    folders(tmp_path, "memory", "pids", "cpu,cpuacct")
    ours = "3:memory:/docker/1f\n2:pids:/docker/1f\n1:cpu,cpuacct:/docker/1f\n"
    found = find_bases(ours, SPLIT.format(root="/docker/1f", top=tmp_path))
    assert found["memory"] == tmp_path / "memory"


def test_nothing_where_nothing_can_be_written(tmp_path: Path) -> None:
    ours = "3:memory:/gone\n2:pids:/\n"
    assert find_bases(ours, SPLIT.format(root="/", top=tmp_path)) == {}
    assert find_bases("0::/\n", "22 1 0:20 / /proc rw - proc proc rw\n") == {}


def unified(top: Path, path: str, enabled: str) -> None:
    folder = top / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").write_text("")
    (folder / "cgroup.subtree_control").write_text(enabled)


def test_version_2_takes_the_nearest_group_that_hands_its_controllers_on(tmp_path: Path) -> None:
    unified(tmp_path, ".", "cpu memory pids")
    unified(tmp_path, "user.slice", "cpu memory pids")
    unified(tmp_path, "user.slice/job.scope", "")
    (tmp_path / "user.slice/job.scope/cgroup.subtree_control").unlink()  # as if it could not be read or written
    (tmp_path / "user.slice/job.scope/cgroup.subtree_control").mkdir()
    found = find_bases("0::/user.slice/job.scope\n", UNIFIED.format(root="/", top=tmp_path))
    assert found == {"unified": tmp_path / "user.slice"}


def test_version_2_directories(tmp_path: Path) -> None:
    groups = Cgroups({"unified": tmp_path})
    groups.open()
    base = tmp_path / f"assay-{os.getpid()}"
    assert (base / "cgroup.subtree_control").read_text() == "+memory +pids +cpu\n"
    (base / "servers" / "cgroup.procs").write_text("")
    groups.place(4242, None)
    assert (base / "servers" / "cgroup.procs").read_text() == "4242\n"
    (base / "1").mkdir()
    with pytest.raises(FileExistsError):
        groups.make("1", {"memory": 1, "pids": 1, "cpus": 1.0})


def test_version_2_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Cgroups({"unified": tmp_path})
    groups.open()
    made = Path.mkdir

    def with_kernel_files(self: Path, *args: object, **kwargs: object) -> None:
        made(self)
        (self / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
        (self / "cgroup.procs").write_text("")
        (self / "memory.stat").write_text("anon 4096\nfile 8192\n")

    monkeypatch.setattr(Path, "mkdir", with_kernel_files)
    group = groups.make("1", {"memory": 1 << 20, "pids": 7, "cpus": 1.5})
    path = group.paths[0]
    values = {
        name: (path / name).read_text().strip() for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max")
    }
    assert values == {
        "memory.max": "1048576",
        "memory.swap.max": "0",
        "pids.max": "7",
        "cpu.max": "150000 100000",
    }
    assert group.into >= 0
    assert anonymous_bytes(group.stat) == 4096
    fds = group.fds
    groups.remove(group)
    for fd in fds:
        with pytest.raises(OSError):
            os.fstat(fd)


def test_memory_of_version_1_counts_all_below(tmp_path: Path) -> None:
    (tmp_path / "memory.stat").write_text("cache 1\nrss 5\ntotal_cache 2\ntotal_rss 12288\n")
    fd = os.open(tmp_path / "memory.stat", os.O_RDONLY)
    assert anonymous_bytes(fd) == 12288
    os.close(fd)


def test_groups_of_dead_zygotes_are_swept_and_others_left(tmp_path: Path) -> None:
    dead = 2**22 + 1  # above every possible PID
    folders(tmp_path, f"assay-{dead}/1", f"assay-{dead}/2", f"assay-{os.getpid()}/1", "other")
    assert sweep({"memory": tmp_path}) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"assay-{os.getpid()}", "other"])


def test_a_fork_can_begin_inside_a_group() -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    tops = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK)]
    if not tops:
        pytest.skip("no cgroup version 2 in which this user may make groups")
    group = tops[0] / f"assay-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"cannot make a group: {error}")
    fd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    told, tell = os.pipe()
    try:
        pid = kernel.fork_into(fd)
        if pid == 0:
            os.write(tell, Path("/proc/self/cgroup").read_bytes())
            os._exit(0)
        os.waitpid(pid, 0)
        assert f"0::/{group.name}" in os.read(told, 4096).decode().replace(str(tops[0]), "")
    finally:
        for each in (fd, told, tell):
            os.close(each)
        group.rmdir()


def test_quota_never_falls_below_what_the_kernel_takes() -> None:
    assert cgroups._quota(0.001) == 1000
    assert cgroups._quota(2) == 200_000
