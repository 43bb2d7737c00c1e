"""A Python that has pytest loaded and forks once for each run of the tests, so that a run costs no start-up.

Started in the background of a sandbox with its folder as the argument. For each line on the pipe ``in`` it reads
``request.json``, changes the files that it names, runs the tests in a fork, puts the files back, writes
``report.json``, and answers on the pipe ``out``. It never imports anything of the repository itself.
"""

# Must run on Python 3.6.
# ruff: noqa: UP006, UP007, UP035, UP045, SIM105, RUF100
import base64
import json
import os
import sys
import time
import traceback
from typing import Any, Dict, List, Optional


class Forked:
    """A child process with what ``run_tests`` asks of one."""

    def __init__(self, pid: int, out: int) -> None:
        self.pid = pid
        self.stdout = os.fdopen(out, "rb", 0)
        self._status: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Its exit status, or None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._take(status)
        return self._status

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        if self._status is None:
            self._take(os.waitpid(self.pid, 0)[1])
        assert self._status is not None
        return self._status

    def _take(self, status: int) -> None:
        self._status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def starter(worker: Any) -> Any:
    """What stands in for ``run_tests.start``: a fork of this process instead of a new Python."""

    def start(task: Dict[str, Any], root: str, key: bytes, arguments: List[str]) -> Any:
        for_child, to_child = os.pipe()
        events, from_child = os.pipe()
        out, from_out = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.setsid()
                for fd in (to_child, events, out):
                    os.close(fd)
                empty = os.open(os.devnull, os.O_RDONLY)
                for source, target in ((empty, 0), (from_out, 1), (from_out, 2)):
                    os.dup2(source, target)
                os.environ["HOME"] = task["home"]
                os.chdir(root)
                sys.argv = ["worker.py", str(for_child), str(from_child)]
                worker.main()
            finally:
                traceback.print_exc()
                os._exit(70)
        for fd in (for_child, from_child, from_out):
            os.close(fd)
        where = {
            "key": key.hex(),
            "arguments": arguments,
            "sources": [os.path.normpath(os.path.join(root, source)) for source in task["sources"]],
            "paths": [os.environ.get("ASSAY_ROOT", "") + path for path in task["paths"]],
        }
        with os.fdopen(to_child, "wb") as pipe:
            try:
                pipe.write(json.dumps(where).encode("ascii"))
            except BrokenPipeError:
                pass
        return Forked(pid, out), events

    return start


def change(root: str, files: Dict[str, Optional[str]]) -> Dict[str, Optional[str]]:
    """Write files (base 64; None removes), and say how they were before, in the same form."""
    before: Dict[str, Optional[str]] = {}
    for path, coded in files.items():
        target = os.path.join(root, path)
        before[path] = None
        if os.path.isfile(target):
            with open(target, "rb") as old:
                before[path] = base64.b64encode(old.read()).decode("ascii")
        if coded is None:
            if os.path.isfile(target):
                os.unlink(target)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as new:
                new.write(base64.b64decode(coded))
    return before


def main() -> None:
    """Serve until killed. Arguments: the folder of the pipes, the folder of the grader's files, pytest's folders."""
    here, tools, paths = sys.argv[1:4]
    sys.path.insert(0, tools)
    import report_plugin  # type: ignore[import-not-found]
    import run_tests as machine  # type: ignore[import-not-found]
    import worker  # type: ignore[import-not-found]

    # The checks that keep a grader honest cost more than the tests, and what is found here decides nothing.
    report_plugin.Machinery._parts = lambda self: iter(())
    machine.start = starter(worker)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") not in (here, tools)]
    sys.path += [path for path in paths.split(os.pathsep) if path] + [here]
    worker.load_machinery()
    with open(os.path.join(here, "pid"), "w") as out:
        out.write(str(os.getpid()))
    while True:
        with open(os.path.join(here, "in")) as pipe:
            pipe.read()
        with open(os.path.join(here, "request.json")) as request:
            task = json.load(request)
        root = os.environ.get("ASSAY_ROOT", "") + task["root"]
        started = time.monotonic()
        before = change(root, task.pop("changed"))
        try:
            report = machine.run(task)
        finally:
            change(root, before)
        report["seconds"] = time.monotonic() - started
        with open(os.path.join(here, "report.json"), "w") as answer:
            json.dump(report, answer)
        with open(os.path.join(here, "out"), "w") as pipe:
            pipe.write("done\n")


if __name__ == "__main__":
    main()
