"""Tasks from what maintainers really did between two versions of a project."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.envs.swe_rl.mint.changelog import release_notes
from assay.envs.swe_rl.mint.changes import change_between
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.index import Index, Release
from assay.envs.swe_rl.mint.metadata import Metadata, read_metadata
from assay.envs.swe_rl.mint.record import Draft, finished
from assay.envs.swe_rl.mint.trial import BAD, GOLD_RUNS, GOOD, Statuses, Trial, validated
from assay.envs.swe_rl.mint.workshop import Setting, dated, set_up
from assay.envs.swe_rl.rows import SweRow
from assay.sandbox.patch import Entry

FEW = 10
"""So many tests may turn in any case."""
LONG_SECONDS = 30.0
"""A suite that takes longer is cut down."""
ENOUGH = 0.5
"""Share of the suite that must pass on the later side before its tests are believed."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: its files, what they say of themselves, and where they come from.

    Attributes:
        tree: every file.
        about: the metadata.
        version: of the release, or a commit.
        uploaded: when it was published.
        files: as in a record's ``environment["files"]``.
    """

    tree: Mapping[str, Entry]
    about: Metadata
    version: str
    uploaded: str
    files: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What minting needs of its surroundings.

    Attributes:
        index: the package index; None where there is none.
        backend: of the sandboxes.
        limit: seconds for one run of a test suite.
    """

    index: Index | None
    backend: str = "auto"
    limit: float = 180.0


@dataclass(frozen=True, slots=True)
class Found:
    """A validated task and what it was made of.

    Attributes:
        row: the task.
        draft: the change.
        after: one run with the gold patch.
        unseen: FAIL_TO_PASS whose module could not be imported before.
    """

    row: SweRow
    draft: Draft
    after: Statuses
    unseen: frozenset[str] = frozenset()


def side_of(release: Release, index: Index) -> Side:
    """A release, downloaded and unpacked.

    Raises:
        MintError: if that fails.
    """
    from assay.envs.swe_rl.mint.archives import read_archive

    path, release = index.fetch(release)
    tree = read_archive(path)
    about = read_metadata(tree, release.name, release.version)
    sdist = {"name": release.name, "version": release.version, "file": release.file, "sha256": release.sha256}
    if release.python and not about.python:
        about = replace(about, python=release.python)
    return Side(tree, about, release.version, release.uploaded, {"sdist": sdist})


def mint_pair(old: Side, new: Side, tools: Tools, *, kind: str = "release", notes: str | None = None) -> Found:
    """The task that lies between two sides.

    Raises:
        MintError: why there is none.
        InfraError: if something around it failed.
    """
    change = change_between(old.tree, new.tree, (old.version, new.version))
    told = release_notes(new.tree, new.version) if notes is None else notes
    setting = set_up(old.tree, old.about, new.about, new.tree, new.uploaded, tools.backend)
    level = "whole-release" if kind == "release" else "split-release"
    draft = Draft(new.version, old.about, change, old.files, setting, told, level, kind, new.uploaded)
    draft, trial, after = settled(draft, old, new, tools)
    return complete(draft, trial, after)


def settled(draft: Draft, old: Side, new: Side, tools: Tools) -> tuple[Draft, Trial, Statuses]:
    """The draft in a setting where the later side's tests work, after up to two repairs of the setting.

    Missing well-known modules are added; then packages are held at what existed when the release came out.
    """
    trial = Trial(draft.row(), tools.backend, tools.limit)
    draft, after = _within_time(draft, trial)
    if _share(after) >= ENOUGH:
        return draft, trial, after
    bounds: list[str] = []
    if new.uploaded and tools.index is not None:
        bounds = dated(draft.setting.env, new.uploaded, tools.index)
    if bounds:
        setting = set_up(old.tree, old.about, new.about, new.tree, new.uploaded, tools.backend, bounds)
        second = replace(draft, setting=setting)
        again = trial.run(second.row(), second.change.patch)
        if _share(again) > _share(after):
            draft, after = second, again
    if _share(after) < ENOUGH:
        raise MintError(_why_not(after, draft.setting))
    return draft, trial, after


def complete(
    draft: Draft,
    trial: Trial,
    after: Statuses,
    *,
    statement: str = "",
    before: Statuses | None = None,
    golds: int = GOLD_RUNS - 1,
    most: float = 1.0,
) -> Found:
    """Measure which tests turn, validate, and write the record.

    Args:
        draft: the change.
        trial: to run it.
        after: the statuses with the gold patch.
        statement: as in :func:`finished`.
        before: the statuses without it, where they are known.
        golds: runs with the gold patch that are still wanting.
        most: share of the suite that may turn; a small change that turns more is degenerate.

    Raises:
        MintError: if no test turns, too many do, or the validation fails.
    """
    row = draft.row()
    before = before or trial.run(row, "")
    if before.problem and not before.tests and not before.broken:
        raise MintError(f"the tests do not run on the old source: {before.problem}"[:300])
    ok = after.good()
    unseen = {name for name in ok if name not in before.tests and name.split("::")[0] in before.broken}
    failing = sorted({name for name in ok if before.tests.get(name) in BAD} | unseen)
    passing = sorted(name for name in ok if before.tests.get(name) in GOOD)
    if not failing:
        raise MintError(f"no test that fails before passes after ({len(passing)} pass on both)")
    if len(failing) > max(FEW, most * len(ok)) and most < 1:
        raise MintError(f"{len(failing)} of {len(ok)} tests turn: the change holds up the whole suite")
    facts = {
        "f2p": len(failing),
        "f2p_uncollectable": len(unseen),
        "p2p": len(passing),
        "suite_seconds": round(after.seconds, 2),
    }
    row = finished(draft, row, failing, passing, facts, statement)
    row, flaky = validated(trial, row, golds)
    if flaky:
        row = replace(row, meta={**row.meta, "flaky": len(flaky), "f2p": len(row.fail_to_pass)})
    meta = {**row.meta, "runs": trial.runs, "test_seconds": round(trial.seconds, 1)}
    return Found(replace(row, meta=meta), draft, after, frozenset(unseen))


def pairs(releases: Sequence[Release], sides: Mapping[str, Side]) -> list[tuple[Side, Side]]:
    """Successive releases among those that could be unpacked and carry tests."""
    from assay.envs.swe_rl.mint.layout import base_files, runnable

    kept = [sides[each.version] for each in releases if each.version in sides]
    kept = [each for each in kept if runnable(base_files(each.tree))]
    return list(itertools.pairwise(kept))


def _within_time(draft: Draft, trial: Trial) -> tuple[Draft, Statuses]:
    """The later side's statuses; a long suite is cut down to the modules that the change touches, as SWE-bench does."""
    after = trial.run(draft.row(), draft.change.patch)
    late = "did not end" in after.problem
    change = draft.change
    touched = tuple(path for path in change.tests if change.base.get(path) != change.mid.get(path))
    if not late and (after.seconds < LONG_SECONDS or not touched or touched == change.tests):
        return draft, after
    if not touched or touched == change.tests:
        raise MintError(f"the test suite takes over {trial.limit:.0f} s")
    smaller = replace(change, tests=touched)
    draft = replace(draft, change=smaller, extra={**(draft.extra or {}), "tests_cut": True})
    if late:
        after = trial.run(draft.row(), smaller.patch)
        if "did not end" in after.problem:
            raise MintError(f"the changed test modules alone take over {trial.limit:.0f} s")
        return draft, after
    tests = {name: status for name, status in after.tests.items() if name.split("::")[0] in touched}
    broken = {path: reason for path, reason in after.broken.items() if path in touched}
    return draft, replace(after, tests=tests, broken=broken)


def _share(run: Statuses) -> float:
    """The share of the tests that pass, or of the modules that can be imported, whichever is less."""
    good = len(run.good())
    bad = sum(status in BAD for status in run.tests.values())
    modules = len({name.split("::")[0] for name in run.tests})
    return min(good / (good + bad), modules / (modules + len(run.broken))) if good else 0.0


def _why_not(run: Statuses, setting: Setting) -> str:
    if run.problem and not run.tests:
        return f"its tests do not run here: {run.problem}"[:300]
    if run.broken:
        path, reason = next(iter(run.broken.items()))
        if setting.native:
            return f"needs a compiled extension: {path}: {reason}"[:300]
        return f"test modules cannot be imported: {path}: {reason}"[:300]
    failed = [name for name, status in run.tests.items() if status in BAD]
    return f"{len(failed)} of {len(run.tests)} tests fail on the new source too, such as {failed[0] if failed else '?'}"
