"""A minted task in SWE-bench's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.envs.swe_rl.mint.changes import Change, python_lines
from assay.envs.swe_rl.mint.metadata import Metadata
from assay.envs.swe_rl.mint.names import code_of_tests, expectations, interface, texts
from assay.envs.swe_rl.mint.source import tree_id
from assay.envs.swe_rl.mint.statement import from_notes
from assay.envs.swe_rl.mint.workshop import Setting
from assay.envs.swe_rl.rows import SweRow

ANY = "::*"
"""Ends the placeholder of a test module in a draft, whose tests are not known yet."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that may become a task.

    Attributes:
        name: the last part of its instance id.
        about: the project, as its earlier side states it.
        change: the trees.
        files: where the base tree comes from (``environment["files"]``).
        setting: how the tests run.
        notes: the maintainers' words.
        level: of ``meta``.
        kind: how it was found: release, commit, split or mutation.
        created: when the later side was published.
        extra: more of ``meta``.
    """

    name: str
    about: Metadata
    change: Change
    files: Mapping[str, Any]
    setting: Setting
    notes: str
    level: str
    kind: str
    created: str = ""
    extra: Mapping[str, Any] | None = None

    def row(self) -> SweRow:
        """The task before anything is known of its tests: every test module is to be run."""
        repo = f"{self.about.name}/{self.about.name}"
        tree = tree_id(self.change.base)
        return SweRow(
            instance_id=f"{self.about.name}__{self.about.name}-{self.name}",
            repo=repo,
            base_commit=str(self.files.get("commit") or tree),
            patch=self.change.patch,
            test_patch=self.change.test_patch,
            problem_statement="draft",
            fail_to_pass=tuple(f"{path}{ANY}" for path in self.change.tests),
            pass_to_pass=(),
            version=self.about.version,
            created_at=self.created,
            environment={**self.setting.environment(), "files": {**self.files, "tree": tree}},
            meta={"level": self.level, "kind": self.kind, "licence": self.about.licence, **(self.extra or {})},
        )


def finished(
    draft: Draft,
    row: SweRow,
    failing: Sequence[str],
    passing: Sequence[str],
    facts: Mapping[str, Any],
    statement: str = "",
) -> SweRow:
    """The task with its tests and its statement.

    Args:
        draft: what it was made of.
        row: the draft's row.
        failing: FAIL_TO_PASS.
        passing: PASS_TO_PASS.
        facts: more of ``meta``.
        statement: the text; default: from the notes, with an interface section where one is needed.
    """
    change = draft.change
    code = code_of_tests(change.mid, failing)
    told = f"{draft.notes}\n{statement}"
    tests = set(change.tests)
    base = {path: entry for path, entry in change.base.items() if path not in tests}
    needed = [] if statement else interface(base, change.after, code, told, change.sources)
    messages = [] if statement else texts(base, change.after, code, told, change.sources)
    seen = [] if draft.notes.strip() else expectations(change.mid, failing)
    text = statement or from_notes(draft.about.name, draft.notes, failing, needed, messages, seen)
    lines = python_lines(change.mid, change.after, change.sources)
    uncollectable = int(facts.get("f2p_uncollectable", 0))
    meta = {
        **row.meta,
        **facts,
        "gold_files": len(change.sources),
        "gold_lines": lines,
        "notes": bool(draft.notes.strip()),
        "interface": len(needed),
        "clean": lines <= 200 and not uncollectable and bool(draft.notes.strip()) and not needed,
    }
    return replace(
        row,
        fail_to_pass=tuple(failing),
        pass_to_pass=tuple(passing),
        problem_statement=text,
        meta=meta,
    )


def columns(row: SweRow, change: Change | None = None) -> dict[str, Any]:
    """The row as a JSON-serialisable record: SWE-bench's columns first, then ours.

    With ``change`` it can be an edit task too: ``code_context`` (the files that the solution changes, before) and
    ``oracle_new_content`` (after); files that are not text are left out.
    """
    data = row.to_dict()
    data["FAIL_TO_PASS"], data["PASS_TO_PASS"] = json.dumps(data["FAIL_TO_PASS"]), json.dumps(data["PASS_TO_PASS"])
    data |= {"hints_text": "", "environment_setup_commit": row.base_commit}
    if change is not None:
        pairs = {"code_context": change.mid, "oracle_new_content": change.after}
        for key, tree in pairs.items():
            data[key] = {
                path: tree[path].data.decode("utf-8", "replace")
                for path in change.sources
                if path in tree and path.endswith((".py", ".pyi"))
            }
    return data
