"""The work of one minting command: units in threads, each written down when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from assay.envs.errors import InfraError
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.history import Commit, commits, sides_of, words_of
from assay.envs.swe_rl.mint.index import Release
from assay.envs.swe_rl.mint.inject import Injector, Mutant
from assay.envs.swe_rl.mint.ledger import DROPPED, FAILED, KEPT, Done, Ledger
from assay.envs.swe_rl.mint.metadata import read_metadata
from assay.envs.swe_rl.mint.record import columns
from assay.envs.swe_rl.mint.releases import Found, Side, Tools, mint_pair, pairs, side_of
from assay.envs.swe_rl.mint.source import tree_in
from assay.envs.swe_rl.mint.split import is_wide, pieces

TRIES = 4
"""Pairs, commits or mutants that are tried for each task that is wanted of a package."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of each package.

    Attributes:
        most: tasks of one package.
        since: earliest date of a release or commit; empty: any.
        split: whether wide releases are taken apart.
        split_runs: runs of the tests that one taking apart may cost.
        seed: of the choice of injected bugs.
    """

    most: int = 3
    since: str = ""
    split: bool = True
    split_runs: int = 120
    seed: int = 0


Thing = TypeVar("Thing")
Tick = Callable[[str, int], None]
"""Told of progress: a unit's name and how many tasks came of it."""


class Runner:
    """Mints from packages, a history, or by injection, and keeps the ledger.

    Args:
        ledger: where results go.
        tools: index, back-end, time limit.
        wish: how much of what.
        tick: called after each unit.
    """

    def __init__(self, ledger: Ledger, tools: Tools, wish: Wish, tick: Tick = lambda unit, tasks: None) -> None:
        self.ledger, self.tools, self.wish, self.tick = ledger, tools, wish, tick

    def each(self, names: Iterable[str], work: Callable[[str], None], jobs: int, over: Callable[[str], None]) -> None:
        """Do ``work`` for every name, ``jobs`` at a time; ``over`` is told when one is through.

        An interrupt ends it at once: the threads go with the process, and the sandboxes with them.
        """
        waiting: SimpleQueue[str] = SimpleQueue()
        for name in names:
            waiting.put(name)
        problems: list[BaseException] = []

        def serve() -> None:
            while not problems:
                try:
                    name = waiting.get_nowait()
                except Empty:
                    return
                try:
                    work(name)
                except BaseException as error:
                    problems.append(error)
                over(name)

        threads = [Thread(target=serve, name=f"mint-{number}", daemon=True) for number in range(jobs)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.05)
        if problems:
            raise problems[0]

    def package(self, name: str) -> None:
        """The newest releases of a package, pair by pair, until there are enough tasks."""
        if self._enough(name):
            return
        found = self._opened(f"read {name}", name, partial(self._pairs, name))
        for old, new in reversed((found or [])[-TRIES * self.wish.most :]):
            if self._enough(name):
                break
            self._unit(f"release {name} {old.version} -> {new.version}", name, partial(self._pair, old, new))

    def history(self, repository: Path) -> None:
        """The newest commits of a repository, until there are enough tasks."""
        name = repository.resolve().name.removesuffix(".git")
        listed = self._opened(f"read {name}", name, partial(commits, repository, self.wish.since))
        for commit in (listed or [])[: TRIES * self.wish.most]:
            if self._enough(name):
                break
            self._unit(f"commit {name} {commit.sha[:12]}", name, partial(self._commit, repository, commit, name))

    def inject(self, target: str) -> None:
        """Bugs in the newest release of a package, or in a folder's files."""
        side = self._opened(f"read {target}", target, partial(self._target, target))
        if side is None or self._enough(target):
            return
        unit = f"prepare {target} {side.version}"
        injector = self._opened(unit, target, lambda: Injector(side, self.tools, self.wish.seed))
        if injector is None:
            return
        with closing(injector):
            for mutant, callers in islice(injector.mutants(), TRIES * self.wish.most):
                if self._enough(target):
                    break
                site = mutant.site
                unit = f"bug {target} {side.version} {mutant.path}:{site.start} {site.kind}"
                self._unit(unit, target, partial(self._bug, injector, mutant, callers))

    def _enough(self, package: str) -> bool:
        return self.ledger.kept_of(package) >= self.wish.most

    def _opened(self, unit: str, package: str, make: Callable[[], Thing]) -> Thing | None:
        """What ``make`` gives, or None if it fails, which is written down."""
        if unit in self.ledger.done:
            return None
        started = time.monotonic()
        try:
            return make()
        except Exception as error:
            self._over(_failed(unit, package, error), started, [])
            return None

    def _unit(self, unit: str, package: str, work: Callable[[], list[Found]]) -> None:
        """Do one unit unless it was done before, and write down what came of it."""
        if unit in self.ledger.done:
            return
        started = time.monotonic()
        try:
            records = [columns(found.row, found.draft.change) for found in work()]
        except Exception as error:  # whatever one package holds must not end the run; it is written down
            self._over(_failed(unit, package, error), started, [])
            return
        ids = tuple(str(each["instance_id"]) for each in records)
        self._over(Done(unit, package, KEPT, "", ids), started, records)

    def _over(self, done: Done, started: float, records: list[dict[str, Any]]) -> None:
        self.ledger.add(replace(done, seconds=round(time.monotonic() - started, 2)), records)
        self.tick(done.unit, len(records))

    def _releases(self, name: str) -> list[Release]:
        assert self.tools.index is not None
        listed = self.tools.index.releases(name)
        first = next((i for i, each in enumerate(listed) if each.uploaded[:10] >= self.wish.since), len(listed))
        kept = listed[max(0, first - 1) :] if self.wish.since else listed
        if len(kept) < 2:
            raise MintError(f"fewer than two source releases{f' since {self.wish.since}' if self.wish.since else ''}")
        return kept[-(TRIES * self.wish.most + 1) :]

    def _pairs(self, name: str) -> list[tuple[Side, Side]]:
        """Pairs of successive releases that carry tests, the oldest first."""
        assert self.tools.index is not None
        listed = self._releases(name)
        sides: dict[str, Side] = {}
        problem = "its source releases carry no tests"
        for release in listed:
            try:
                sides[release.version] = side_of(release, self.tools.index)
            except MintError as error:
                problem = str(error)
        found = pairs(listed, sides)
        if not found:
            raise MintError(problem)
        return found

    def _pair(self, old: Side, new: Side) -> list[Found]:
        whole = mint_pair(old, new, self.tools)
        parts: list[Found] = []
        if self.wish.split and is_wide(whole):
            parts = pieces(whole, new, self.tools, self.wish.split_runs)
        return [*parts, whole]

    def _commit(self, repository: Path, commit: Commit, name: str) -> list[Found]:
        old, new = sides_of(repository, commit, name)
        return [mint_pair(old, new, self.tools, kind="commit", notes=words_of(commit.message))]

    def _bug(self, injector: Injector, mutant: Mutant, callers: list[str]) -> list[Found]:
        return [injector.attempt(mutant, callers)]

    def _target(self, target: str) -> Side:
        folder = Path(target).expanduser()
        if folder.is_dir():
            tree = tree_in(folder)
            about = read_metadata(tree, folder.resolve().name)
            return Side(tree, about, about.version, "", {"folder": str(folder.resolve())})
        assert self.tools.index is not None
        for release in reversed(self.tools.index.releases(target)[-3:]):
            side = side_of(release, self.tools.index)
            if pairs([release, release], {release.version: side}):
                return side
        raise MintError("its source releases carry no tests")


def _failed(unit: str, package: str, error: Exception) -> Done:
    if isinstance(error, MintError):
        return Done(unit, package, DROPPED, str(error)[:500])
    text = str(error) if isinstance(error, InfraError) else f"unexpected {type(error).__name__}: {error}"
    return Done(unit, package, FAILED, text[:500])
