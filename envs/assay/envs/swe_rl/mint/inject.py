"""Repair tasks without end: a bug put into a package whose tests pass, kept if the tests notice."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assay.envs.swe_rl.mint.bench import Bench
from assay.envs.swe_rl.mint.changes import Change
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.layout import base_files, is_source, paths_of_tests, runnable
from assay.envs.swe_rl.mint.mutators import Site, sites
from assay.envs.swe_rl.mint.names import expectations
from assay.envs.swe_rl.mint.record import Draft
from assay.envs.swe_rl.mint.releases import Found, Side, Tools, complete, settled
from assay.envs.swe_rl.mint.statement import from_failures
from assay.envs.swe_rl.mint.trial import BAD, GOLD_RUNS, Statuses, Trial
from assay.envs.swe_rl.mint.workshop import set_up
from assay.envs.swe_rl.pyenvs.cache import key_of
from assay.sandbox.patch import Entry

MOST = 10
SHARE = 1 / 3
QUICK = 5.0
"""A mutant may take this many times as long as the clean suite, and never less than 10 s: it may loop."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file."""

    path: str
    site: Site


class Injector:
    """A package made ready for injection: its clean run, what each test calls, and a warm bench; close it after use.

    Args:
        side: the package as it is, tests included.
        tools: what it needs.
        seed: which mutants are tried first.

    Raises:
        MintError: if its tests do not pass as they are.
    """

    def __init__(self, side: Side, tools: Tools, seed: int = 0) -> None:
        self.side, self.tools = side, tools
        self.tree = base_files(side.tree)
        tests = runnable(self.tree)
        if not tests:
            raise MintError("no tests in the source")
        setting = set_up(side.tree, side.about, side.about, side.tree, side.uploaded, tools.backend)
        clean = Change(self.tree, self.tree, self.tree, (), tuple(tests))
        draft = Draft(side.version, side.about, clean, side.files, setting, "", "mutation", "mutation", side.uploaded)
        self.draft, self.trial, self.clean = settled(draft, side, side, tools)
        self.passing = self.clean.good()
        for _ in range(GOLD_RUNS - 2):  # every mutant's gold patch leads back here
            self.passing &= self.trial.run(self.draft.row(), "").good()
        if len(self.passing) < 3:
            raise MintError(f"only {len(self.passing)} tests pass")
        self.random = random.Random(key_of(side.about.name, side.version, seed))
        self.bench = Bench(self.draft.row(), tools.backend, tools.limit)
        self.tried = 0

    def close(self) -> None:
        """Give the sandbox back."""
        self.bench.close()

    def mutants(self) -> Iterator[tuple[Mutant, list[str]]]:
        """Mutants of functions that tests call, with those tests: kinds and files take turns, in a seeded order."""
        watched = self.bench.run(self.draft.change.tests, {}, limit=self.tools.limit * 2, calls=True)
        callers: dict[tuple[str, int], list[str]] = {}
        if not watched.problem:
            for name, places in self.bench.calls().items():
                for place in places if name in self.passing else ():
                    callers.setdefault(place, []).append(name)
        groups: dict[tuple[str, str], list[tuple[Mutant, list[str]]]] = {}
        tests = paths_of_tests(self.tree)
        for path in sorted(self.tree):
            if path.endswith(".py") and is_source(path, tests):
                try:
                    listed = sites(self.tree[path].data)
                except ValueError:
                    continue
                for site in listed:
                    known = callers.get((path, site.first))
                    if known or not callers:
                        group = groups.setdefault((site.kind, path), [])
                        group.append((Mutant(path, site), known or sorted(self.passing)))
        for group in groups.values():
            self.random.shuffle(group)
        while groups:
            turn = sorted(groups)
            self.random.shuffle(turn)
            for key in turn:
                yield groups[key].pop()
                if not groups[key]:
                    del groups[key]

    def attempt(self, mutant: Mutant, callers: list[str]) -> Found:
        """A task of one mutant.

        Raises:
            MintError: why it is none.
        """
        self.tried += 1
        entry = self.tree[mutant.path]
        changed = Entry(entry.mode, mutant.site.applied(entry.data))
        try:
            ast.parse(changed.data)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise MintError("not Python any more") from None
        limit = min(self.tools.limit, max(10.0, self.clean.seconds * QUICK))
        modules = tuple(sorted({name.split("::")[0] for name in callers}))
        broken = self.bench.run(modules, {mutant.path: changed}, limit=limit)
        red = sorted(name for name in self.passing if broken.tests.get(name) in BAD)
        _check(broken, red, len(self.passing))
        draft = self._draft(mutant, changed, modules)
        trial = Trial(draft.row(), self.tools.backend, self.tools.limit)
        text = from_failures(self.side.about.name, red, expectations(self.tree, red))
        clean = replace(self.clean, tests={name: self.clean.tests[name] for name in self.passing})
        found = complete(draft, trial, clean, statement=text, before=broken, golds=1)
        _check(None, list(found.row.fail_to_pass), len(self.passing))
        self.trial.runs += trial.runs
        return found

    def _draft(self, mutant: Mutant, changed: Entry, modules: tuple[str, ...]) -> Draft:
        broken = {**self.tree, mutant.path: changed}
        change = Change(broken, broken, self.tree, (mutant.path,), modules)
        site = mutant.site
        name = f"{self.side.version}.bug-{key_of(mutant.path, site.kind, site.start, site.text.decode())[:8]}"
        files = {**self.side.files, "undo": ["patch"]}
        extra = {**(self.draft.extra or {}), "mutation": site.kind}
        return replace(self.draft, name=name, change=change, files=files, extra=extra)


def _check(run: Statuses | None, red: list[str], suite: int) -> None:
    if run is not None:
        if "did not end" in run.problem:
            raise MintError("the tests do not end")
        if run.broken:
            raise MintError("test modules cannot be imported any more")
    if not red:
        raise MintError("no test notices")
    if len(red) > max(MOST, int(suite * SHARE)):
        raise MintError(f"{len(red)} of {suite} tests fail")
