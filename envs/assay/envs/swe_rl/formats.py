"""Records that are not in SWE-bench's columns: R2E-Gym's and SWE-smith's, read as rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from assay.envs.swe_rl.fixtures.apply import PatchError, reverse
from assay.envs.swe_rl.inside.protected import is_test
from assay.envs.swe_rl.rows import RowError, SweRow, row_of
from assay.sandbox.patch import REGULAR, Entry, make_patch

_ISSUE = re.compile(r"\[ISSUE\](.*?)\[/ISSUE\]", re.DOTALL)


def swe_smith_row(record: Mapping[str, Any], where: str) -> SweRow:
    """A SWE-smith record: its ``patch`` is the bug, the solution is the patch backwards.

    The tree at ``base_commit`` has the bug in it. The repository's tests are there already, so nothing is added.

    Raises:
        RowError: as :func:`row_of`, and for a bug that cannot be turned round.
    """
    name = record.get("instance_id")
    bug = record.get("patch")
    if not isinstance(bug, str) or not bug:
        raise RowError(f"{where} ({name}): the row has no patch")
    try:
        fix = reverse(bug.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    except PatchError as error:
        raise RowError(f"{where} ({name}): the bug cannot be turned round: {error}") from None
    commit = record.get("base_commit") or str(name).rpartition("__")[2]  # published rows name a branch
    return row_of({**record, "patch": fix, "test_patch": "", "base_commit": commit, "rules": "swe-smith"}, where)


def r2e_gym_row(record: Mapping[str, Any], where: str) -> SweRow:
    """An R2E-Gym record: the commit's own change without tests is the solution, and every status must be as recorded.

    Raises:
        RowError: as :func:`row_of`, and for a commit or statuses that cannot be read.
    """
    commit, repo = record.get("commit_hash"), record.get("repo_name") or record.get("repo")
    if not isinstance(commit, str) or not isinstance(repo, str) or not commit or not repo:
        raise RowError(f"{where}: an R2E-Gym row needs repo_name and commit_hash")
    name = f"{repo}__{commit[:12]}"
    parsed = _object(record.get("parsed_commit_content"), f"{where} ({name}): parsed_commit_content")
    expected = _object(record.get("expected_output_json"), f"{where} ({name}): expected_output_json")
    statement = str(record.get("problem_statement") or "")
    issue = _ISSUE.search(statement)
    row = {
        "instance_id": name,
        "repo": repo,
        "base_commit": f"{commit}^",
        "patch": _commit_patch(parsed, f"{where} ({name})"),
        "problem_statement": (issue[1] if issue else statement).strip(),
        "image": record.get("docker_image"),
        "eval_script": "cd /testbed && bash run_tests.sh\n",
        "rules": "r2e-gym",
        "expected": {str(test): str(status) for test, status in expected.items()},
    }
    return row_of(row, where)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise RowError(f"{what} is not JSON") from None
    if not isinstance(value, Mapping) or not value:
        raise RowError(f"{what} is missing or empty")
    return value


def _commit_patch(parsed: Mapping[str, Any], where: str) -> str:
    """The commit's change of files that are no tests, from the contents that it records."""
    before: dict[str, Entry] = {}
    after: dict[str, Entry] = {}
    for file in parsed.get("file_diffs") or ():
        try:
            path = str(file["header"]["file"]["path"])
        except (KeyError, TypeError):
            raise RowError(f"{where}: a file of parsed_commit_content has no path") from None
        if is_test(path) or file.get("is_binary_file"):
            continue
        for side, content in ((before, file.get("old_file_content")), (after, file.get("new_file_content"))):
            if content:
                side[path] = Entry(REGULAR, str(content).encode("utf-8", "surrogateescape"))
    return make_patch(before, after)
