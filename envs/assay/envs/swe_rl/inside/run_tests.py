"""Run the tests in a child process and write the report that counts, which no code of the repository can reach.

This process never imports anything of the repository. The nonce that signs the report comes through standard input and
stays in its memory, which other processes may not read; the child only gets a key for the events of its pipe. What the
child says is checked against itself (numbers, chain, each test once, all that were collected), against its exit status,
and against tests that must fail.
"""

# Must run on Python 3.6:
# ruff: noqa: E402, RUF005, SIM105, UP006, UP031, UP035
import base64
import hashlib
import hmac
import json
import os
import random
import selectors
import signal
import subprocess
import sys
import time
import zlib
from typing import Any, Dict, List, Set, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from canary import canary  # type: ignore[import-not-found]

MAX_EVENTS = 64 * 2**20
TAIL = 8_000
GRACE = 5.0


def hide() -> None:
    """Let no other process of the same user read this one's memory or open its files."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    except (ImportError, OSError, AttributeError):
        pass


class Ledger:
    """What the child has said so far, and everything about it that cannot be."""

    def __init__(self, key: bytes) -> None:
        self._key, self._chain, self._number = key, b"", 0
        self._rest = b""
        self._size = 0
        self.ready = False
        self.collected: Any = None
        self.tests: Dict[str, str] = {}
        self.uncollectable: Dict[str, str] = {}
        self.end: Any = None
        self.problems: List[str] = []

    def add(self, data: bytes) -> None:
        """Bytes from the pipe."""
        self._size += len(data)
        if self._size > MAX_EVENTS:
            self._problem("more events than any test run has")
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._event(line)

    def _problem(self, text: str) -> None:
        if text not in self.problems and len(self.problems) < 20:
            self.problems.append(text)

    def _event(self, line: bytes) -> None:
        mac, _, payload = line.partition(b" ")
        digest = hashlib.blake2b(self._chain + payload, key=self._key, digest_size=16).digest()
        if mac != digest.hex().encode("ascii"):
            self._problem("an event that the plugin did not send")
            return
        self._chain = digest
        number, kind, *values = json.loads(payload.decode("ascii"))
        if number != self._number or self.end is not None:
            self._problem("events out of order")
        self._number += 1
        handle = getattr(self, "_on_%s" % kind, None)
        if handle is None:
            self._problem("an event that the plugin did not send")
        else:
            handle(*values)

    def _on_ready(self) -> None:
        self.ready = True

    def _on_collected(self, names: List[str]) -> None:
        if self.collected is not None:
            self._problem("collected twice")
        self.collected = names

    def _on_uncollectable(self, name: str, error: str) -> None:
        self.uncollectable[name] = error

    def _on_test(self, name: str, status: str) -> None:
        if name in self.tests:
            self._problem("a test was reported twice: %s" % name[:200])
            return
        self.tests[name] = status

    def _on_tampered(self, names: List[str]) -> None:
        self._problem("the test machinery was changed: %s" % ", ".join(names[:5])[:300])

    def _on_end(self, code: int) -> None:
        self.end = code

    def close(self, code: int, canaries: Set[str], tail: bytes) -> None:
        """Compare the whole with the child's exit status and with the tests that must fail."""
        if self.end is None:
            self._problem("the test process ended on its own (exit status %s)" % code)
            return
        if self._rest:
            self._problem("an event that the plugin did not send")
        if self.end != code:
            self._problem("the test process exited with %s, its report says %s" % (code, self.end))
        if self.end not in (0, 1):
            self._problem("pytest stopped (exit status %s)%s" % (code, complaint(tail)))
            return
        names = set(self.collected or ())
        if len(names) != len(self.collected or ()) or names != set(self.tests):
            self._problem("the tests that ran are not those that were collected")
        passed = sorted(name for name in canaries if self.tests.get(name) not in ("failed", "error"))
        if passed:
            self._problem("a test that must fail did not: failures do not count in this session")
        elif canaries and self.end == 0:
            self._problem("pytest reports success although tests failed")


def complaint(tail: bytes) -> str:
    """The last line of error in what was printed, '' if there is none."""
    lines = [line.strip() for line in tail.decode("utf-8", "replace").splitlines()]
    found = [line for line in lines if line.startswith(("E  ", "ERROR", "Error"))]
    return ": " + found[-1][:200] if found else ""


def make_canaries(task: Dict[str, Any], root: str) -> List[List[str]]:
    """Write two files of tests that must fail beside the first test file; for each its path and its node ids."""
    found = []
    if not task["canaries"] or not task["files"]:
        return []
    draw = random.SystemRandom()
    for _ in range(2):
        name = "test_%s_%d.py" % (draw.choice(["extra", "more", "cases", "edges"]), draw.randrange(10**6))
        path = os.path.join(os.path.dirname(task["files"][0]), name)
        text, ids = canary(path, draw.randrange(2**60))
        with open(os.path.join(root, path), "w") as out:
            out.write(text)
        found.append([path] + ids)
    return found


def start(task: Dict[str, Any], root: str, key: bytes, arguments: List[str]) -> Any:
    """The child, and the reading end of its pipe."""
    for_child, to_child = os.pipe()
    events, from_child = os.pipe()
    where = {
        "key": key.hex(),
        "arguments": arguments,
        "sources": [os.path.normpath(os.path.join(root, source)) for source in task["sources"]],
        "paths": [os.environ.get("ASSAY_ROOT", "") + path for path in task["paths"]],
    }
    environment = dict(os.environ)
    environment["HOME"] = task["home"]
    environment.pop("PYTHONPATH", None)
    bare = [] if task["site"] else ["-S"]  # nothing that happens to be installed for the host's own Python
    child = subprocess.Popen(
        [task["python"], "-s", "-B", *bare, os.path.join(HERE, "worker.py"), str(for_child), str(from_child)],
        cwd=root, env=environment, pass_fds=(for_child, from_child), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.close(for_child)
    os.close(from_child)
    with os.fdopen(to_child, "wb") as pipe:
        try:
            pipe.write(json.dumps(where).encode("ascii"))
        except BrokenPipeError:
            pass
    return child, events


def attend(child: Any, events: int, ledger: Ledger, deadline: float) -> Tuple[bytes, bool]:
    """Read until the child ends or the deadline has passed; the end of what it printed, and whether time ran out."""
    tail, late = b"", False
    out = child.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        for fd in (events, out):
            os.set_blocking(fd, False)
            selector.register(fd, selectors.EVENT_READ)
        stop: Any = None
        while selector.get_map() or child.poll() is None:
            now = time.monotonic()
            if now > deadline and child.poll() is None:
                late = True
                kill(child)
            if child.poll() is not None and stop is None:
                stop = now + 1.0  # a process that it left behind may hold the pipes open for ever
            if not selector.get_map():  # it closed its pipes, but has not ended
                time.sleep(0.005)
                continue
            ready = selector.select(0.02)
            if stop is not None and (not ready or now > stop):
                break
            for entry, _ in ready:
                try:
                    data = os.read(entry.fd, 1 << 16)
                except OSError:
                    data = b""
                if not data:
                    selector.unregister(entry.fd)
                elif entry.fd == events:
                    ledger.add(data)
                else:
                    tail = (tail + data)[-TAIL:]
    return tail, late


def kill(child: Any) -> None:
    """The child and what it started in its session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass


def run(task: Dict[str, Any]) -> Dict[str, Any]:
    """The report of a run."""
    root = os.environ.get("ASSAY_ROOT", "") + task["root"]
    task["home"] = os.environ.get("ASSAY_ROOT", "") + task["home"]
    os.makedirs(task["home"], exist_ok=True)
    files = make_canaries(task, root)
    canaries = {name for file in files for name in file[1:]}
    paths = list(task["files"])
    if files:
        paths = [files[0][0]] + paths + [files[1][0]]
    key = os.urandom(32)
    ledger = Ledger(key)
    child, events = start(task, root, key, task["arguments"] + ["--rootdir=" + root] + paths)
    deadline = time.monotonic() + task["timeout"]
    tail, late = attend(child, events, ledger, deadline)
    kill(child)
    code = child.wait()
    ledger.close(128 - code if code < 0 else code, canaries, tail)
    tests = {name: status for name, status in ledger.tests.items() if name not in canaries}
    bad = ledger.uncollectable or any(status in ("failed", "error") for status in tests.values())
    exit_code = ledger.end if ledger.end not in (0, 1) else int(bool(bad))
    return {
        "version": 1,
        "nonce": "",
        "complete": not ledger.problems and ledger.end is not None,
        "exit": 130 if exit_code is None else exit_code,
        "collected": len([name for name in ledger.collected or () if name not in canaries]),
        "tests": tests,
        "uncollectable": ledger.uncollectable,
        "problems": ["the tests did not end within %g s" % task["timeout"]] if late else ledger.problems,
        "ready": ledger.ready,
        "tail": tail.decode("utf-8", "replace"),
    }


def main() -> int:
    """Read the task, run, write the report: to a file, or in a line of output where that cannot be written."""
    hide()
    task = json.loads(sys.stdin.buffer.read().decode("ascii"))
    nonce, path = task.pop("nonce").encode("ascii"), os.environ.get("ASSAY_ROOT", "") + task.pop("report")
    body = json.dumps(run(task)).encode("ascii")
    # Not the nonce itself: what the tests left running could read it here, and write another report with it.
    data = hmac.new(nonce, body, "sha256").hexdigest().encode("ascii") + b"\n" + body
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
    except OSError:  # the disk is full of what the tests wrote
        try:
            os.unlink(path)
        except OSError:
            pass
        sys.stdout.write(base64.b64encode(zlib.compress(data)).decode("ascii"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
