"""Grade a patch: in a fresh sandbox the tests decide, and what they say is read where no tested code can write."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.audit import finding, is_due, task_of, undeclared
from assay.envs.swe_rl.boxes import TESTBED, TOOLS_AT, Place, infra
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.images import is_hidden, needs_script, run_script
from assay.envs.swe_rl.inside.protected import noise
from assay.envs.swe_rl.patches import PatchError, check_patch, paths_of, without
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox import ExecResult, FileRefused, Sandbox
from assay.verifiers.swe import ReportError, read_report

PREPARE_SECONDS = 300.0
GRACE_SECONDS = 5.0
MAX_REPORT = 64 * 2**20
OpenBox = Callable[[], AbstractContextManager[Sandbox]]
"""Gives a sandbox that nobody has used since it was made or reset."""


def grade(row: SweRow, patch: str, place: Place, open_box: OpenBox, timeout: float = 1800.0) -> Evidence:
    """Run the tests of ``row`` on its base with ``patch``.

    The patch goes in without its changes to tests and test configuration; then the task's own tests are put in place;
    then the test files run. See ``inside/run_tests.py`` for what keeps the report honest. What would be paid is looked
    at again in another sandbox, see :mod:`assay.envs.swe_rl.audit`.

    Args:
        row: the task.
        patch: what the agent changed, as a git patch; empty or unreadable is legal and resolves nothing.
        place: where it runs.
        open_box: opens the sandbox.
        timeout: seconds for the tests; what is not done by then has failed.

    Raises:
        InfraError: if anything but the patch is at fault: sandbox, image, Python, test patch.
    """
    cleaned, left_out = clean(patch, row)
    if not patch.strip() or (left_out and not cleaned.strip()):
        return Evidence(patch="", applied=True, message="the patch is empty")
    try:
        check_patch(cleaned)
    except PatchError as error:
        return Evidence(patch=patch, applied=False, message=f"not a patch: {error}")
    with open_box() as box, infra():
        evidence = grade_in(box, row, cleaned, place, timeout)
    if not is_due(row, evidence):
        return evidence
    with open_box() as box, infra():
        return audited(box, row, cleaned, place, timeout, evidence)


def clean(patch: str, row: SweRow) -> tuple[str, list[str]]:
    """The patch without what the agent did not write (caches, compiled files, what was hidden), and those paths."""
    return without(patch, lambda path: noise(path) or is_hidden(row, path))


def grade_in(box: Sandbox, row: SweRow, patch: str, place: Place, timeout: float) -> Evidence:
    """:func:`grade` in a sandbox that is at hand and fresh; also for an empty patch."""
    ready = prepare(box, row, patch)
    if not ready["applied"]:
        return Evidence(patch=patch, applied=False, message=ready["message"])
    if needs_script(row):
        return Evidence(patch, True, ready["how"], tuple(ready["restored"]), run_script(box, row, timeout))
    report = run_tests(box, row, place, timeout, ready["missing"])
    return Evidence(
        patch=patch,
        applied=True,
        message=ready["how"],
        tampered=tuple(ready["restored"]),
        report=report,
    )


def audited(box: Sandbox, row: SweRow, patch: str, place: Place, timeout: float, evidence: Evidence) -> Evidence:
    """The evidence, made invalid if tests that must fail do not; in a sandbox that is at hand and fresh.

    Raises:
        InfraError: if the tests could not be made to fail.
    """
    report = dict(evidence.report or {})
    ready = prepare(box, row, patch)
    task = task_of(row, report, TESTBED, secrets.randbits(60))
    done = _python(box, "spoil.py", task, place.python, PREPARE_SECONDS)
    try:
        outcome: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise InfraError(f"{row.instance_id}: making the tests fail failed: {_last(done)}") from None
    reason = undeclared(outcome)
    if not reason and outcome["spoiled"]:
        spoiled = [task["passed"][index] for index in outcome["spoiled"]]
        reason = finding(spoiled, run_tests(box, row, place, 2 * timeout, ready["missing"]))
    return replace(evidence, report={**report, "complete": False, "problems": [reason]}) if reason else evidence


def prepare(box: Sandbox, row: SweRow, patch: str) -> dict[str, Any]:
    """Apply the patch, undo its changes to tests, put the task's own tests in place.

    Raises:
        InfraError: if the task's test patch does not apply, or git is missing in the sandbox.
    """
    named = row.test_files
    task = {
        "root": TESTBED,
        "patch": _coded(patch),
        "test_patch": _coded(row.test_patch),
        "tests": list(named),
        "exempt": [path for path in paths_of(row.patch) if path not in named],
        "files": files_of(row),
    }
    done = _python(box, "prepare.py", task, "python3", PREPARE_SECONDS)
    try:
        outcome: dict[str, Any] = json.loads(done.stdout.decode("utf-8", "replace"))
    except ValueError:
        raise InfraError(f"{row.instance_id}: preparing the tree failed: {_last(done)}") from None
    if "error" in outcome:
        raise InfraError(f"{row.instance_id}: {outcome['error']}")
    return outcome


def files_of(row: SweRow) -> list[str]:
    """The test files to run: those of the tests that decide, else the Python files of the test patch."""
    named = list(dict.fromkeys(test.partition("::")[0] for test in row.tests if "::" in test))
    return named or [path for path in paths_of(row.test_patch) if path.endswith(".py")]


def run_tests(box: Sandbox, row: SweRow, place: Place, timeout: float, missing: list[str]) -> dict[str, Any]:
    """The report of our plugin's parent process, after a check that nobody else wrote it.

    Raises:
        InfraError: if pytest could not even start.
    """
    nonce, folder = secrets.token_hex(16), f"/tmp/assay-{secrets.token_hex(8)}"
    task = {
        "root": TESTBED,
        "nonce": nonce,
        "report": f"{folder}/report.json",
        "python": place.python,
        "site": not place.bare,
        "files": [path for path in files_of(row) if path not in missing],
        "sources": list(place.sources),
        "paths": list(place.paths),
        "arguments": arguments_of(row),
        "home": "/tmp/assay-home",
        "timeout": timeout,
        "canaries": row.environment.get("canaries", True) is not False,
    }
    done = _python(box, "run_tests.py", task, place.python, timeout + GRACE_SECONDS)
    box.kill_all()
    if done.exit_code in (126, 127):
        raise InfraError(f"{row.instance_id}: {place.python} cannot be run in the sandbox: {_last(done)}")
    try:
        text = _authentic(_report_bytes(box, done, f"{folder}/report.json"), nonce)
        read_report(text, None)
    except (FileRefused, ValueError) as error:
        why = "time ran out" if done.timed_out else f"exit status {done.exit_code}"
        return _lost(f"the test run left no report of its own ({why}): {error}")
    report: dict[str, Any] = json.loads(text)
    if not report.get("ready", True):
        raise InfraError(f"{row.instance_id}: pytest does not start: {str(report.get('tail'))[-500:].strip()}")
    report.pop("tail", None)
    return report


def arguments_of(row: SweRow) -> list[str]:
    """pytest's arguments: ours, then those of the row's test command."""
    command = [str(word) for word in row.environment.get("test_command") or ("pytest",)]
    own: list[str] = []
    for number, word in enumerate(command):
        if word.rsplit("/", 1)[-1] in ("pytest", "py.test"):
            own = command[number + 1 :]
            break
    else:
        raise InfraError(f"{row.instance_id}: test_command must run pytest, or the row needs an eval_script")
    fixed = ["-p", "no:cacheprovider", "--continue-on-collection-errors", "-q", "--maxfail=0"]
    return [*own, *fixed]


def _python(box: Sandbox, script: str, task: dict[str, Any], python: str, timeout: float) -> ExecResult:
    """Run one of our files with a task on its standard input."""
    command = f'exec "{python}" -s -B "$ASSAY_ROOT{TOOLS_AT}/{script}"'
    return box.exec(command, timeout=timeout, stdin=json.dumps(task).encode("ascii"))


def _report_bytes(box: Sandbox, done: ExecResult, path: str) -> bytes:
    """The report from its file, or from the output where the tests had filled the disk."""
    try:
        return box.read_file(path, MAX_REPORT)
    except FileRefused:
        if not done.stdout:
            raise
    try:
        return zlib.decompressobj().decompress(base64.b64decode(done.stdout, validate=True), MAX_REPORT)
    except zlib.error:
        raise ReportError("the report is damaged") from None


def _authentic(data: bytes, nonce: str) -> str:
    """The report's text, if it carries the signature that only the holder of the nonce can make."""
    signature, _, body = data.partition(b"\n")
    wanted = hmac.new(nonce.encode("ascii"), body, "sha256").hexdigest().encode("ascii")
    if not hmac.compare_digest(signature, wanted):
        raise ReportError("it was not written by this run")
    return body.decode("ascii")


def _lost(reason: str) -> dict[str, Any]:
    return {"version": 1, "nonce": "", "complete": False, "exit": 130, "collected": 0, "tests": {},
            "uncollectable": {}, "problems": [reason]}  # fmt: skip


def _coded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def _last(done: ExecResult) -> str:
    if done.timed_out:
        return "it did not end in time"
    lines = done.text().strip().splitlines()
    return (lines[-1] if lines else f"exit status {done.exit_code}")[:300]
