"""Tasks whose repository is in a container image: its Python, what an agent may not see, and its own test script."""

from __future__ import annotations

import re
from typing import Any

from assay.envs.errors import InfraError
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox import FileRefused, Sandbox

PYTHONS = {
    "swe-bench": "/opt/miniconda3/envs/testbed/bin/python",
    "swe-gym": "/opt/miniconda3/envs/testbed/bin/python",
    "swe-smith": "/opt/miniconda3/envs/testbed/bin/python",
    "r2e-gym": "/testbed/.venv/bin/python",
}
"""The interpreter that has a published image's packages."""
HIDDEN = ("run_tests.sh", "r2e_tests")
"""What R2E-Gym's images hold of the answer, in the repository and in the home folder."""
SEAL_SECONDS = 300.0
MAX_LOG = 64 * 2**20
_END = re.compile(r"^[^\n]*>>>>> End Test Output", re.MULTILINE)
_SEAL = """
set -e
cd /testbed
rm -rf .git {hidden}
find . -name .git -prune -exec rm -rf {{}} + 2>/dev/null || true
git init -q --template=
mkdir -p .git/info
printf '* -text -filter -ident -working-tree-encoding\\n' > .git/info/attributes
git add -A -f .
git -c user.name=base -c user.email=base@example.invalid -c commit.gpgSign=false commit -q --no-verify --allow-empty \\
  --date=2000-01-01T00:00:00Z -m 'The repository as it is'
rm -rf .git/logs
"""


def seal(box: Sandbox, row: SweRow) -> None:
    """Take out of a fresh sandbox what would give the answer away: the history, and R2E-Gym's tests.

    Raises:
        InfraError: if the image has no git or no repository at ``/testbed``.
    """
    hidden = " ".join(f"{name} ~/{name} /root/{name}" for name in HIDDEN) if row.rules == "r2e-gym" else ""
    done = box.exec(_SEAL.format(hidden=hidden), timeout=SEAL_SECONDS)
    if done.exit_code != 0:
        lines = done.text().strip().splitlines() or [f"exit status {done.exit_code}"]
        raise InfraError(f"{row.instance_id}: the image {row.image} cannot be used: {lines[-1][:300]}")


def is_hidden(row: SweRow, path: str) -> bool:
    """Whether :func:`seal` removed a path, so that its absence is no change of the agent's."""
    return row.rules == "r2e-gym" and path.split("/")[0] in HIDDEN


def needs_script(row: SweRow) -> bool:
    """Whether the tests can only be read from the log of the row's own script: they are not pytest's."""
    return row.rules == "r2e-gym" or not all("::" in test for test in row.tests)


def run_script(box: Sandbox, row: SweRow, timeout: float) -> dict[str, Any]:
    """The log of an official script, for the official parser.

    Such a log is printed by the process that runs the repository's code: only for rows that bring nothing better.

    Raises:
        InfraError: if the row has no script.
    """
    if not row.eval_script:
        raise InfraError(f"{row.instance_id}: its tests are not pytest's, so the row needs an eval_script")
    script = with_exit_status(row.eval_script)
    box.write_file("/tmp/assay-eval.sh", script.encode("utf-8", "surrogateescape"), 0o755)
    done = box.exec("bash /tmp/assay-eval.sh > /tmp/assay-eval.log 2>&1", timeout=timeout)
    box.kill_all()
    try:
        log = box.read_file("/tmp/assay-eval.log", MAX_LOG).decode("utf-8", "replace")
    except FileRefused as error:
        log = f"the log cannot be read: {error}"
    if done.timed_out:
        log += "\n>>>>> Tests Timed Out\n"
    return {"log": log, "parser": row.log_parser, "exit": done.exit_code}


def with_exit_status(script: str) -> str:
    """The script with the test command's exit status printed after the end marker, as the official harness does it."""
    ends = list(_END.finditer(script))
    if not ends:
        return script
    start, stop = ends[-1].start(), script.find("\n", ends[-1].start())
    stop = len(script) if stop < 0 else stop
    told = 'echo ">>>>> Test Exit Code: $ASSAY_EXIT"'
    return f"{script[:start]}ASSAY_EXIT=$?\n{script[start:stop]}\n{told}{script[stop:]}\n"
