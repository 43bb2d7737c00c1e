"""A repository of ``swe_rl`` as agentless-mini needs it: in a sandbox, and without anything of the hidden tests."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from assay.agents.scaffolds.agentless import Problem
from assay.agents.scaffolds.agentless_read import is_test
from assay.envs.swe_rl.boxes import TESTBED, Place, borrowed, place_of
from assay.envs.swe_rl.grading import run_tests
from assay.envs.swe_rl.oracle import shell_answer
from assay.envs.swe_rl.rows import SweRow
from assay.envs.swe_rl.shell import prelude
from assay.sandbox import Sandbox
from assay.verifiers.swe import ReportError, read_report

MAX_FILE = 1_000_000
SCRIPT = "/tmp/assay_reproduce.py"


class BoxRepository:
    """One sandbox, set back to the base commit before every run.

    Args:
        box: a fresh sandbox.
        row: the task; only its repository and environment are used, not its tests or its solution.
        place: where it runs.
        test_seconds: for a run of the repository's own tests; what is not done by then has not passed.
        script_seconds: for a reproduction script.
    """

    def __init__(
        self, box: Sandbox, row: SweRow, place: Place, *, test_seconds: float = 300.0, script_seconds: float = 30.0
    ) -> None:
        self.box = box
        self.place = place
        self.test_seconds = test_seconds
        self.script_seconds = script_seconds
        self._files: dict[str, str] | None = None
        self._row = replace(row, patch="", test_patch="", fail_to_pass=(), pass_to_pass=(), expected={}, eval_script="")

    def files(self) -> Mapping[str, str]:
        """The Python files, as text; links, files over a megabyte and other encodings are left out."""
        if self._files is None:
            self.box.reset()
            self._files = python_files(self.box.download(TESTBED))
        return self._files

    def passing(self, changed: Mapping[str, str]) -> frozenset[str]:
        """The repository's own tests that pass with files changed, by node id; none if the run broke down."""
        tests = [path for path in self.files() if is_test(path) and not path.endswith(("conftest.py", "__init__.py"))]
        if not tests:
            return frozenset()
        self._change(changed)
        row = replace(self._row, pass_to_pass=tuple(f"{path}::all" for path in tests))  # names the files to run
        report = run_tests(self.box, row, self.place, self.test_seconds, [])
        try:
            statuses = read_report(json.dumps(report), None).tests
        except ReportError:
            return frozenset()
        return frozenset(name for name, status in statuses.items() if status in ("passed", "xfail"))

    def printed(self, script: str, changed: Mapping[str, str]) -> str:
        """What a script prints, standard error included; empty if it does not end in time."""
        self._change(changed)
        self.box.write_file(SCRIPT, script.encode("utf-8", "replace"))
        command = f'{prelude(self.place)}exec "{self.place.python}" -B "$ASSAY_ROOT{SCRIPT}"'
        done = self.box.exec(command, timeout=self.script_seconds)
        return "" if done.timed_out else done.text()

    def _change(self, changed: Mapping[str, str]) -> None:
        self.box.reset()
        for path, text in changed.items():
            self.box.write_file(f"{TESTBED}/{path}", text.encode("utf-8", "replace"))


@contextmanager
def open_repository(row: SweRow, repos: str = "", backend: str = "auto", size: int = 4) -> Iterator[BoxRepository]:
    """The repository of a row in a sandbox of the shared pool.

    Raises:
        InfraError: if it cannot be had, or fails on the way.
    """
    place = place_of(row, repos, backend)
    with borrowed(place.spec, backend, size) as box:
        yield BoxRepository(box, row, place)


def problem_of(row: SweRow, repos: str = "", backend: str = "auto", size: int = 4) -> Problem:
    """What agentless-mini is told of a row."""
    return Problem(
        issue=row.problem_statement,
        open=lambda: open_repository(row, repos, backend, size),
        submit=lambda patch: shell_answer(patch) if patch else "```bash\nsubmit\n```",
        about_tests=row.repo.rpartition("/")[2] == "pytest",
    )


def python_files(tar: bytes) -> dict[str, str]:
    """The Python files of a tar by their paths below its one top folder; what is not UTF-8 is left out."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for member in members:
            path = member.name.removeprefix("./").partition("/")[2]
            if not member.isreg() or not path.endswith(".py") or member.size > MAX_FILE or path.startswith(".git/"):
                continue
            opened = members.extractfile(member)
            with contextlib.suppress(UnicodeDecodeError):
                found[path] = opened.read().decode("utf-8") if opened is not None else ""
    return dict(sorted(found.items()))
