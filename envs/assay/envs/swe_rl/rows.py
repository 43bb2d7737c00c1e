"""One repair task as a record: SWE-bench's columns, whichever data set they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.envs.swe_rl.patches import PatchError, check_patch, paths_of

LEVELS = ("mutation", "split-release", "whole-release", "official")
"""``meta["level"]``, from easy and artificial to what people are compared on."""


class RowError(ValueError):
    """A record that cannot be a task; one line that names it."""


@dataclass(frozen=True)
class SweRow:
    """A repository at a commit, what is wrong with it, and the tests that tell whether it was mended.

    Attributes:
        instance_id: ``owner__repo-number`` or the like; unique in its source.
        repo: ``owner/name``; splits are made by it.
        base_commit: the commit that the agent starts from (of a fixture or a release: a hash of its files).
        patch: the reference solution, as a git patch without test files.
        test_patch: what is done to the test files after the agent has ended; may be empty.
        problem_statement: what the agent is told.
        fail_to_pass: node ids that fail before and pass after the reference solution.
        pass_to_pass: node ids that pass before and after.
        version: of the package, as SWE-bench's tables of environments name it.
        created_at: when the issue was opened.
        environment: ``python``, ``requirements``, ``pythonpath``, ``test_command``, ``files``: how the tests run.
        image: container image that holds the repository; empty: the files come from elsewhere.
        eval_script: a shell script that applies nothing and runs the tests, with the official markers.
        log_parser: name of the official parser for that script's output.
        rules: whose rules of grading hold: ``swebench``, ``swe-smith`` or ``r2e-gym``.
        expected: for ``r2e-gym`` the status of every test, by name.
        meta: level, source, difficulty, licence and the like; safe to show.
    """

    instance_id: str
    repo: str
    base_commit: str
    patch: str
    test_patch: str
    problem_statement: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    version: str = ""
    created_at: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""
    eval_script: str = ""
    log_parser: str = ""
    rules: str = "swebench"
    expected: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-serialisable data; :func:`row_of` reads it back."""
        return {
            "instance_id": self.instance_id,
            "repo": self.repo,
            "base_commit": self.base_commit,
            "patch": self.patch,
            "test_patch": self.test_patch,
            "problem_statement": self.problem_statement,
            "FAIL_TO_PASS": list(self.fail_to_pass),
            "PASS_TO_PASS": list(self.pass_to_pass),
            "version": self.version,
            "created_at": self.created_at,
            "environment": dict(self.environment),
            "image": self.image,
            "eval_script": self.eval_script,
            "log_parser": self.log_parser,
            "rules": self.rules,
            "expected": dict(self.expected),
            "meta": dict(self.meta),
        }

    @property
    def tests(self) -> tuple[str, ...]:
        """The node ids that decide, those that must turn first."""
        return self.fail_to_pass + self.pass_to_pass

    @property
    def test_files(self) -> tuple[str, ...]:
        """The files that hold those tests or that the test patch touches, sorted."""
        named = {test.partition("::")[0] for test in self.tests if "::" in test}
        return tuple(sorted(named | set(paths_of(self.test_patch))))


def row_of(record: Mapping[str, Any], where: str, meta: Mapping[str, Any] | None = None) -> SweRow:
    """Read a record with SWE-bench's columns (version 5's and ours may be there too).

    Args:
        record: the columns.
        where: what to call the record in an error, such as ``rows.jsonl:3``.
        meta: added to the record's own.

    Raises:
        RowError: one line that names the record and what is wrong with it.
    """
    name = record.get("instance_id")
    if not isinstance(name, str) or not name.strip():
        raise RowError(f"{where}: the row has no instance_id")
    here = f"{where} ({name})"
    environment = _mapping(record, "environment", here)
    row = SweRow(
        instance_id=name,
        repo=_text(record, "repo", here),
        base_commit=_text(record, "base_commit", here),
        patch=_patch(record, "patch", here, needed=record.get("rules") != "r2e-gym"),
        test_patch=_patch(record, "test_patch", here, needed=False),
        problem_statement=_text(record, "problem_statement", here),
        fail_to_pass=_tests(record, "FAIL_TO_PASS", here),
        pass_to_pass=_tests(record, "PASS_TO_PASS", here),
        version=str(record.get("version") or ""),
        created_at=str(record.get("created_at") or ""),
        environment=environment,
        image=_optional(record, "image", here) or _optional(record, "image_name", here),
        eval_script=_optional(record, "eval_script", here),
        log_parser=_optional(record, "log_parser", here),
        rules=_optional(record, "rules", here) or "swebench",
        expected=_mapping(record, "expected", here),
        meta={**_mapping(record, "meta", here), **(meta or {})},
    )
    if not row.fail_to_pass and not row.expected:
        raise RowError(f"{here}: FAIL_TO_PASS is empty, so an empty patch would resolve it")
    both = set(row.fail_to_pass) & set(row.pass_to_pass)
    if both:
        raise RowError(f"{here}: {min(both)} is in FAIL_TO_PASS and in PASS_TO_PASS")
    if row.rules not in ("swebench", "swe-smith", "r2e-gym"):
        raise RowError(f"{here}: rules must be swebench, swe-smith or r2e-gym; got {row.rules!r}")
    return row


def _text(record: Mapping[str, Any], key: str, where: str) -> str:
    value = record.get(key)
    if value is None or value == "":
        raise RowError(f"{where}: the row has no {key}")
    if not isinstance(value, str):
        raise RowError(f"{where}: {key} must be text, got {type(value).__name__}")
    return value


def _optional(record: Mapping[str, Any], key: str, where: str) -> str:
    return _text(record, key, where) if record.get(key) not in (None, "") else ""


def _patch(record: Mapping[str, Any], key: str, where: str, needed: bool) -> str:
    text = _text(record, key, where) if needed else _optional(record, key, where)
    if text:
        try:
            check_patch(text)
        except PatchError as error:
            raise RowError(f"{where}: {key} is not a patch: {error}") from None
    return text


def _tests(record: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Node ids: a list, or a list written as JSON, which is how the hub has them."""
    value = record.get(key, [])
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except ValueError:
            raise RowError(f"{where}: {key} is neither a list nor a JSON list") from None
    if value is None:
        value = []
    if not isinstance(value, Sequence | type(None)) and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise RowError(f"{where}: {key} must be a list of test names")
    return tuple(dict.fromkeys(value))


def _mapping(record: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = record.get(key)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise RowError(f"{where}: {key} is neither an object nor JSON of one") from None
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise RowError(f"{where}: {key} must be an object, got {type(value).__name__}")
    return dict(value)
