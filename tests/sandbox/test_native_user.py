"""The native back-end as an ordinary user: all of it, in a process that is one. Without cgroups, limits are watched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import assay.sandbox

USER = 23_456
SANDBOX = Path(assay.sandbox.__file__ or "").parents[2]

SCRIPT = """
import os, sys, time
from pathlib import Path
from assay.sandbox import Layer, Limits, SandboxSpec
from assay.sandbox.native import NativeSandbox

assert os.geteuid() != 0
source = Path(sys.argv[1]) / "source"
source.mkdir()
(source / "file").write_text("one\\n")
limits = Limits(memory_mb=200, disk_mb=32, inodes=2000, pids=40)
box = NativeSandbox(SandboxSpec(layers=(Layer(str(source), "/testbed"),), limits=limits))
box.start()

def shell(script, timeout=60.0):
    return box.exec(script, timeout=timeout)

assert shell("id -un").stdout == b"agent\\n"
assert shell("echo two >> file; mkdir new; echo x > new/x; rm -rf new; cat file").stdout == b"one\\ntwo\\n"
assert "+two" in box.diff()
name = box.snapshot()
shell("rm file")
box.restore(name)
assert shell("cat file").stdout == b"one\\ntwo\\n"
box.reset()
assert shell("cat file").stdout == b"one\\n" and box.diff() == ""

assert shell(":(){ :|:& };: ; sleep 0.2; echo after").stdout.endswith(b"after\\n")
box.kill_all()
one = shell("(python3 -c 'data = bytearray(500 << 20); import time; time.sleep(60)'); echo $?")
assert one.oom and one.stdout == b"137\\n", one
hog = "python3 -c 'data = bytearray(90 << 20); import time; time.sleep(10)' & "
many = shell(hog * 4 + "wait", timeout=30)
assert many.oom, many
assert not shell("true").oom
share = "data = mmap.mmap(-1, 90 << 20); data[:] = b'1' * (90 << 20); [os.fork() for _ in (1, 2)]; time.sleep(1)"
shared = box.exec(["python3", "-c", "import mmap, os, time; " + share], timeout=60)
assert shared.exit_code == 0 and not shared.oom, shared
hidden = shell("python3 -c 'import os; os.memfd_create(\\"x\\")'")
assert hidden.exit_code != 0 and b"PermissionError" in hidden.stderr, hidden
assert b"No space" in shell("head -c 40M /dev/zero > big").stderr
assert b"No space" in shell("for n in $(seq 3000); do : > f$n || break; done").stderr
box.reset()
begin = time.monotonic()
late = shell("setsid sh -c 'trap : TERM; while :; do sleep 1; done' & sleep 300", timeout=1.0)
assert late.timed_out and time.monotonic() - begin < 20
assert shell("ps -e -o comm= | sort | uniq").stdout.split() == [b"bash", b"ps", b"sort", b"uniq"]
assert shell("kill -9 -1; kill -INT 1; kill -9 1; echo alive").stdout == b"alive\\n"
assert shell("cat /proc/1/environ; ls /proc/1").exit_code != 0
pid = box._pid
box.close()
assert not os.path.exists(f"/proc/{pid}")
print("all of it")
"""


def test_as_an_ordinary_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        command, folder = [sys.executable], tmp_path
    else:
        python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
        setpriv = shutil.which("setpriv")
        if not python or not setpriv:
            pytest.skip("needs setpriv and a system Python that an ordinary user can run")
        who = [setpriv, f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        command, folder = [*who, python], Path("/tmp") / f"assay-user-{os.getpid()}"
        usable = subprocess.run(
            [*command, "-c", f"import sys; sys.path[:0] = [{str(SANDBOX)!r}]; import assay.sandbox.native"]
        )
        if usable.returncode:
            pytest.skip("an ordinary user cannot import this checkout with the system Python (3.11 or newer)")
        folder.mkdir(mode=0o700)
        os.chown(folder, USER, USER)
    try:
        done = subprocess.run(
            [*command, "-c", SCRIPT, str(folder)],
            env={"PYTHONPATH": str(SANDBOX), "PATH": os.environ["PATH"], "HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            timeout=200,
        )
        if b"SandboxUnavailable" in done.stderr:
            pytest.skip(done.stderr.decode().splitlines()[-1])
        assert done.stdout == b"all of it\n", done.stderr.decode()
    finally:
        if folder != tmp_path:
            shutil.rmtree(folder)
