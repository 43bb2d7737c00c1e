"""The whole protocol on every back-end that works here."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.sandbox import FileRefused, Layer, Sandbox, SandboxDied, SandboxError, SandboxSpec, open_sandbox
from assay.sandbox.asynchronous import AsyncSandbox
from assay.sandbox.patch import tar_entries, tree_map

Opener = Callable[[SandboxSpec], Sandbox]


def files_of(box: Sandbox, path: str) -> dict[str, object]:
    with tarfile.open(fileobj=io.BytesIO(box.download(path)), encoding="utf-8", errors="surrogateescape") as tar:
        return dict(tar_entries(tar))


def make_tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    data.seek(0)
    return data


class TestExec:
    def test_a_string_is_a_script_and_a_sequence_a_command(self, box: Sandbox) -> None:
        result = box.exec("echo out; echo err >&2; exit 3", timeout=20)
        assert (result.exit_code, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
        assert (result.timed_out, result.oom, result.truncated) == (False, False, 0)
        assert result.duration > 0
        assert box.exec(["printf", "%s|", "a b", "$HOME"], timeout=20).stdout == b"a b|$HOME|"

    @pytest.mark.parametrize(("cmd", "code"), [("kill -9 $$", 137), ("kill -TERM $$", 143), ("no-such-cmd", 127)])
    def test_codes_are_a_shells(self, box: Sandbox, cmd: str, code: int) -> None:
        assert box.exec(cmd, timeout=20).exit_code == code

    def test_a_missing_program_is_a_result(self, box: Sandbox) -> None:
        assert box.exec(["no-such-cmd"], timeout=20).exit_code == 127
        assert box.exec(["/testbed/hello.txt"], timeout=20).exit_code in (126, 127)

    def test_stdin_arrives_and_ends(self, box: Sandbox) -> None:
        data = bytes(range(256)) * 2000
        assert box.exec("wc -c", timeout=20, stdin=data).stdout.split() == [b"512000"]
        assert box.exec("cat", timeout=20).stdout == b""

    def test_the_environment_is_the_specs_and_the_calls_alone(
        self, box: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSAY_SECRET", "s3cret")
        result = box.exec("env", timeout=20, env={"MORE": "x y"})
        assert b"GREETING=hi\n" in result.stdout
        assert b"MORE=x y\n" in result.stdout
        assert b"s3cret" not in result.stdout

    def test_cwd(self, box: Sandbox) -> None:
        assert box.exec("pwd", timeout=20).stdout.strip().endswith(b"/testbed")
        assert box.exec("pwd", timeout=20, cwd="pkg").stdout.strip().endswith(b"/testbed/pkg")
        assert box.exec("pwd", timeout=20, cwd="/tmp").stdout.strip().endswith(b"/tmp")
        with pytest.raises(FileRefused, match="no such working directory"):
            box.exec("true", timeout=20, cwd="/nowhere")

    def test_tools_that_every_sandbox_has(self, box: Sandbox) -> None:
        result = box.exec("python3 -c 'import ssl, sqlite3, ctypes' && python --version && git --version", timeout=60)
        assert result.exit_code == 0, result.text()

    def test_output_is_capped_and_counted(self, box: Sandbox) -> None:
        result = box.exec("head -c 200000 /dev/zero; head -c 100000 /dev/zero >&2; echo end", timeout=20)
        assert (len(result.stdout), len(result.stderr)) == (65_536, 65_536)
        assert result.truncated == 200_004 + 100_000 - 2 * 65_536

    def test_bytes_that_are_no_text_stay_as_they_are(self, box: Sandbox) -> None:
        data = bytes(range(256))
        assert box.exec("cat", timeout=20, stdin=data).stdout == data
        assert "\ufffd" in box.exec("printf '\\377'", timeout=20).text()

    def test_a_limit_must_be_above_zero(self, box: Sandbox) -> None:
        with pytest.raises(ValueError, match="timeout"):
            box.exec("true", timeout=0)


class TestFiles:
    def test_write_and_read(self, box: Sandbox) -> None:
        data = bytes(range(256)) * 100
        box.write_file("/testbed/new/deep/file", data, mode=0o755)
        assert box.read_file("new/deep/file") == data
        assert box.exec("test -x new/deep/file && wc -c < new/deep/file", timeout=20).stdout.strip() == b"25600"
        box.write_file("hello.txt", b"x")
        assert box.exec("cat hello.txt", timeout=20).stdout == b"x"

    def test_what_cannot_be_read_is_refused(self, box: Sandbox) -> None:
        for path in ("missing", "pkg", "hello.txt/x", "nul\0"):
            with pytest.raises(FileRefused):
                box.read_file(path)
        with pytest.raises(FileRefused):
            box.read_file("hello.txt", max_bytes=3)
        with pytest.raises(FileRefused):
            box.write_file("pkg", b"")

    def test_a_folder_survives_the_way_up_and_down(self, box: Sandbox, tree: Path) -> None:
        assert files_of(box, "/testbed") == tree_map(tree)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", encoding="utf-8", errors="surrogateescape") as tar:
            tar.add(tree, "top")
        box.upload(io.BytesIO(packed.getvalue()), "/tmp/copy")
        assert files_of(box, "/tmp/copy/top") == tree_map(tree)
        with tarfile.open(fileobj=io.BytesIO(box.download("hello.txt"))) as tar:
            assert tar.getnames() == ["hello.txt"]
        with pytest.raises(FileRefused):
            box.download("/testbed", max_bytes=1000)

    def test_a_compressed_tar_is_one_too(self, box: Sandbox, tmp_path: Path) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.add(__file__, "a/b.py")
        box.upload(io.BytesIO(packed.getvalue()), "in")
        assert box.read_file("in/a/b.py") == Path(__file__).read_bytes()


class TestDiff:
    EDITS = (
        "printf 'def f():\\n    return 2\\n' > pkg/mod.py; rm crlf.txt; chmod -x run.sh; echo new > 'new file.txt';"
        "printf 'one\\r\\n' > crlf2.txt; rm link; ln -s run.sh link; printf 'x\\000y' > binary.bin; mkdir -p a/b;"
        "echo 'caf\u00e9' > a/b/\u00fc.txt; printf more >> 'open end'; printf '\\351\\n' >> latin1.txt; touch empty"
    )

    def test_git_turns_the_beginning_into_the_end(self, box: Sandbox, tree: Path, tmp_path: Path) -> None:
        assert box.exec(self.EDITS, timeout=20).exit_code == 0
        patch = box.diff()
        copy = shutil.copytree(tree, tmp_path / "copy", symlinks=True)
        run = subprocess.run(["git", "apply", "-"], cwd=copy, input=patch.encode(), capture_output=True)
        assert run.returncode == 0, run.stderr.decode()
        assert tree_map(copy) == files_of(box, "/testbed")
        assert tree_map(copy) != tree_map(tree)

    def test_nothing_changed_is_an_empty_patch(self, box: Sandbox) -> None:
        assert box.diff() == ""
        box.exec("cp -p hello.txt x; touch hello.txt; mv x hello.txt; touch pkg", timeout=20)
        assert box.diff() == ""

    def test_of_a_folder_only(self, box: Sandbox) -> None:
        box.exec("echo 1 > top; echo 2 > pkg/inner", timeout=20)
        patch = box.diff("pkg")
        assert "b/inner" in patch
        assert "top" not in patch

    def test_a_repository_of_the_sandboxs_own_does_not_count(self, box: Sandbox) -> None:
        made = "git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm x && echo 1 > y && "
        result = box.exec(made + "git add y && git -c user.name=a -c user.email=a@b commit -qm y", timeout=60)
        assert result.exit_code == 0, result.text()
        patch = box.diff()
        assert [line for line in patch.split("\n") if line.startswith("diff ")] == ["diff --git a/y b/y"]


class TestState:
    def test_files_stay_between_commands_and_go_with_a_reset(self, box: Sandbox, tree: Path) -> None:
        box.exec("rm hello.txt; echo x > /tmp/kept; echo 1 > pkg/more; echo alias > ~/.bashrc", timeout=20)
        assert box.exec("ls /tmp pkg; cat ~/.bashrc", timeout=20).exit_code == 0
        box.reset()
        assert files_of(box, "/testbed") == tree_map(tree)
        result = box.exec('test ! -e "$ASSAY_ROOT/tmp/kept" && test ! -e ~/.bashrc', timeout=20)
        assert result.exit_code == 0

    def test_the_layers_own_directory_is_never_written_to(self, box: Sandbox, tree: Path) -> None:
        before = tree_map(tree)
        box.exec("rm -rf ./* && echo x > hello.txt && chmod 777 .", timeout=20)
        assert tree_map(tree) == before

    def test_snapshots_can_be_left_and_come_back_to(self, box: Sandbox) -> None:
        box.exec("echo 1 > a; rm crlf.txt", timeout=20)
        first = box.snapshot()
        box.exec("echo 2 > a; echo 1 > b; rm hello.txt", timeout=20)
        second = box.snapshot()
        box.exec("echo 3 > a; rm -rf pkg", timeout=20)
        box.restore(first)
        state = "cat a; ls"
        assert box.exec(state, timeout=20).text().split() == listing("1", "a", "hello.txt", "pkg", drop="crlf.txt")
        box.restore(second)
        assert box.exec(state, timeout=20).text().split() == listing("2", "a", "b", "pkg", drop="crlf.txt hello.txt")
        assert "hello.txt" in box.diff()
        box.reset()
        with pytest.raises((SandboxError, ValueError)):
            box.restore(first)
        assert box.alive()

    def test_read_only_layers(self, opened: Opener, spec: SandboxSpec, tree: Path, backend: str) -> None:
        shown = Layer(str(tree), "/opt/shown", writable=False)
        box = opened(SandboxSpec(layers=(shown,), limits=spec.limits))
        assert box.read_file("/opt/shown/hello.txt") == b"hello\n"
        if backend != "local-unsafe":
            assert box.exec("echo x > /opt/shown/hello.txt", timeout=20).exit_code != 0
            with pytest.raises(FileRefused):
                box.write_file("/opt/shown/new", b"")
        assert (tree / "hello.txt").read_text() == "hello\n"
        assert box.exec("pwd; ls", timeout=20).text().split()[0].endswith("/testbed")


def listing(first: str, *more: str, drop: str) -> list[str]:
    """The words of ``cat a; ls`` in the small project, with more and fewer files."""
    names = {"binary.bin", "crlf.txt", "hello.txt", "latin1.txt", "link", "open end", "pkg", "run.sh", *more}
    return [first, *" ".join(sorted(names - set(drop.split()))).split()]


class TestLife:
    def test_kill_all_ends_what_was_left_and_nothing_else(
        self, box: Sandbox, running: Callable[[str], list[int]]
    ) -> None:
        marker = f"{time.time_ns() % 10**6 + 10**6}"
        box.exec(f"sleep {marker} & (setsid sleep {marker} &) ; echo x > kept", timeout=20)
        while len(running(marker)) < 2:
            time.sleep(0.005)
        box.kill_all()
        assert not running(marker)
        assert box.read_file("kept") == b"x\n"

    def test_it_outlives_the_thread_that_opened_it(self, backend: str, spec: SandboxSpec) -> None:
        boxes: list[Sandbox] = []
        thread = threading.Thread(target=lambda: boxes.append(open_sandbox(spec, backend)))
        thread.start()
        thread.join()
        time.sleep(0.05)
        try:
            assert boxes[0].exec("echo on", timeout=20).stdout == b"on\n"
        finally:
            boxes[0].close()

    def test_a_closed_one_is_dead_for_every_call(self, backend: str, spec: SandboxSpec) -> None:
        box = open_sandbox(spec, backend)
        box.close()
        box.close()
        assert not box.alive()
        calls: list[Callable[[], object]] = [
            lambda: box.exec("true", timeout=5),
            lambda: box.read_file("x"),
            lambda: box.write_file("x", b""),
            lambda: box.upload(make_tar(), "x"),
            lambda: box.download("x"),
            box.diff,
            box.snapshot,
            box.reset,
            box.kill_all,
        ]
        for call in calls:
            with pytest.raises(SandboxDied):
                call()

    def test_it_is_a_sandbox(self, backend: str, spec: SandboxSpec) -> None:
        box = open_sandbox(spec, backend)
        try:
            assert isinstance(box, Sandbox)
            assert box.spec == spec
            box.start()
            assert box.alive()
        finally:
            box.close()

    def test_a_layer_that_is_not_there_is_one_clear_error(self, backend: str, tmp_path: Path) -> None:
        with pytest.raises(SandboxError, match="missing"):
            open_sandbox(SandboxSpec(layers=(Layer(str(tmp_path / "missing"), "/testbed"),)), backend)


class TestAsync:
    def test_a_cancelled_command_dies_and_the_sandbox_goes_on(
        self, box: Sandbox, running: Callable[[str], list[int]]
    ) -> None:
        marker = f"{time.time_ns() % 10**6 + 2 * 10**6}"

        async def main() -> None:
            twin = AsyncSandbox(box)
            await twin.write_file("kept", b"1")
            task = asyncio.create_task(twin.exec(f"sleep {marker}", timeout=100))
            while not running(marker):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not running(marker)
            assert (await twin.exec("cat kept", timeout=20)).stdout == b"1"
            results = await asyncio.gather(*(twin.exec(f"echo {number}", timeout=20) for number in range(5)))
            assert [int(result.stdout) for result in results] == list(range(5))

        asyncio.run(asyncio.wait_for(main(), 60))

    def test_a_cancellation_at_once_loses_nothing(self, box: Sandbox) -> None:
        async def main() -> None:
            twin = AsyncSandbox(box)
            for delay in (0, 0, 0.001, 0.005):
                task = asyncio.create_task(twin.exec("sleep 50", timeout=100))
                await asyncio.sleep(delay)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert (await twin.exec("echo on", timeout=20)).stdout == b"on\n"

        asyncio.run(asyncio.wait_for(main(), 60))


def test_the_parents_descriptors_do_not_leak_into_commands(box: Sandbox) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        result = box.exec("ls /proc/self/fd | sort -n | tr '\\n' ' '", timeout=20)
        assert set(result.text().split()) <= {"0", "1", "2", "3"}  # 3 is the listing's own
    finally:
        os.close(read)
        os.close(write)
