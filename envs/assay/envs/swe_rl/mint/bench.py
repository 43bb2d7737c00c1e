"""Many runs of one project's tests in one sandbox, a few files changed each time: for searches, never for verdicts."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.boxes import TESTBED, TOOLS_AT, infra, place_of
from assay.envs.swe_rl.grading import arguments_of
from assay.envs.swe_rl.mint.trial import Statuses
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox import Sandbox
from assay.sandbox.patch import Entry

FOLDER = "/tmp/assay-warm"
GONE = 97
START_SECONDS = 60.0
MARGIN = 15.0
_START = """
root="$ASSAY_ROOT"; here="$root{folder}"; rm -f "$here/in" "$here/out" "$here/pid"; mkfifo "$here/in" "$here/out"
cd "$root{tree}"
nohup "{python}" -s -B "$here/warm.py" "$here" "$root{tools}" "{paths}" >"$here/log" 2>&1 </dev/null &
for i in $(seq 300); do [ -s "$here/pid" ] && exit 0; sleep 0.1; done
cat "$here/log"; exit 1
"""
_ASK = """
here="$ASSAY_ROOT{folder}"; kill -0 "$(cat "$here/pid" 2>/dev/null)" 2>/dev/null || exit {gone}
cat > "$here/request.json"; echo go > "$here/in"; exec cat "$here/out" > /dev/null
"""


class Bench:
    """A sandbox with a project's base tree and a warm Python; close it, or use it in ``with``.

    Args:
        row: whose base tree and environment; its tests are not looked at.
        backend: of the sandbox.
        limit: seconds for one run.
    """

    def __init__(self, row: SweRow, backend: str = "auto", limit: float = 60.0) -> None:
        self.row = row
        self.limit = limit
        self.runs = 0
        self.backend = backend
        self._place = place_of(row, backend=backend)
        self._box: Sandbox | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self, files: Sequence[str], changed: Mapping[str, Entry | None], *, limit: float = 0.0, calls: bool = False
    ) -> Statuses:
        """Run tests with some files changed; the files are put back afterwards.

        Args:
            files: test modules or node ids.
            changed: new contents by path; None removes a file.
            limit: seconds; default: the bench's.
            calls: note which functions each test calls (see :meth:`calls`).

        Raises:
            InfraError: if the sandbox fails.
        """
        seconds = limit or self.limit
        task = {
            "root": TESTBED,
            "home": "/tmp/assay-home",
            "python": self._place.python,
            "files": list(files),
            "sources": list(self._place.sources),
            "paths": list(self._place.paths),
            "arguments": [*arguments_of(self.row), *(("-p", "assay_calls") if calls else ())],
            "timeout": seconds,
            "canaries": False,
            "changed": {path: _coded(entry) for path, entry in changed.items()},
        }
        self.runs += 1
        with infra():
            box = self._started()
            done = box.exec(
                _ASK.format(folder=FOLDER, gone=GONE), timeout=seconds + MARGIN, stdin=json.dumps(task).encode()
            )
            if done.exit_code:
                self.close()
                return Statuses({}, {}, seconds, "the warm Python died")
            report: dict[str, Any] = json.loads(box.read_file(f"{FOLDER}/report.json", 64 * 2**20))
        problems = report["problems"]
        return Statuses(report["tests"], report["uncollectable"], report["seconds"], problems[0] if problems else "")

    def calls(self) -> dict[str, set[tuple[str, int]]]:
        """Of the last run with ``calls``: the functions, as (path, first line), that each test called."""
        with infra():
            data = json.loads(self._started().read_file(f"{FOLDER}/calls.json", 256 * 2**20))
        places = [(str(path), int(line)) for path, line in data["places"]]
        return {name: {places[number] for number in numbers} for name, numbers in data["tests"].items()}

    def close(self) -> None:
        """Give the sandbox back; a later run makes a new one."""
        if self._box is not None:
            self._box.close()
            self._box = None

    def _started(self) -> Sandbox:
        if self._box is None:
            from assay.sandbox import open_sandbox

            self._box = open_sandbox(self._place.spec, self.backend)
            for path in sorted((Path(__file__).parent / "inside").glob("*.py")):
                self._box.write_file(f"{FOLDER}/{path.name}", path.read_bytes())
            paths = ":".join(self._place.paths)
            python = self._place.python
            start = _START.format(folder=FOLDER, tools=TOOLS_AT, tree=TESTBED, python=python, paths=paths)
            done = self._box.exec(start, timeout=START_SECONDS)
            if done.exit_code:
                raise InfraError(f"{self.row.instance_id}: the warm Python does not start: {done.text()[-300:]}")
        return self._box


def node_arguments(tests: Collection[str], most: int = 40) -> list[str]:
    """What to hand to pytest for these tests: functions without their parameters, or whole modules if many."""
    functions = sorted({each.split("[")[0] for each in tests})
    return functions if len(functions) <= most else sorted({each.split("::")[0] for each in tests})


def _coded(entry: Entry | None) -> str | None:
    return None if entry is None else base64.b64encode(entry.data).decode("ascii")
