"""What minting costs: a warm run of a test suite beside a cold one, and seconds for each injected-bug task.

    python benchmarks/bench_minting.py                       bundled repositories, offline but for pytest itself
    python benchmarks/bench_minting.py ./project --tries 30

A cold run is a fresh sandbox and a new Python, as in grading; a warm one is a fork of a Python that has pytest loaded,
in a sandbox that stays. ``yield`` is the share of tried changes that became validated tasks. Every task has passed the
grader: its patch resolves it, the empty patch does not.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from assay.envs.swe_rl import fixtures
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.inject import Injector
from assay.envs.swe_rl.mint.metadata import read_metadata
from assay.envs.swe_rl.mint.releases import Side, Tools
from assay.envs.swe_rl.mint.source import tree_in
from assay.envs.swe_rl.mint.trial import Trial

BUNDLED = ("ledgerlite", "tinycache", "inifile")


def side(folder: Path) -> Side:
    tree = tree_in(folder)
    about = read_metadata(tree, folder.name)
    return Side(tree, about, about.version, "", {"folder": str(folder)})


def bundled(name: str, top: Path) -> Path:
    """A copy of a bundled repository, under its own name."""
    origin = Path(fixtures.__file__).parent / name / "repo"
    target = top / name
    for path in sorted(origin.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(origin)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return target


def measure(folder: Path, tries: int, backend: str) -> str:
    started = time.perf_counter()
    with closing(Injector(side(folder), Tools(None, backend, 60.0))) as injector:
        ready = time.perf_counter() - started
        row, tests = injector.draft.row(), injector.draft.change.tests
        cold = statistics.median(Trial(row, backend, 60.0).run(row, "").seconds for _ in range(3))
        injector.bench.run(tests, {})
        warm = statistics.median(timed(partial(injector.bench.run, tests, {})) for _ in range(5))
        kept = tried = 0
        started = time.perf_counter()
        for mutant, callers in itertools.islice(injector.mutants(), tries):
            tried += 1
            try:
                injector.attempt(mutant, callers)
                kept += 1
            except MintError:
                continue
        spent = time.perf_counter() - started
    each = f"{spent / kept:6.2f}" if kept else "     -"
    return (
        f"| {folder.name:<14} | {len(injector.passing):5} | {ready:6.2f} | {cold:6.2f} | {warm:6.3f} "
        f"| {cold / warm:5.1f} "
        f"| {tried:5} | {kept / max(1, tried):5.0%} | {spent / max(1, tried):6.2f} | {each} |"
    )


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="source trees with tests (default: three bundled ones)")
    parser.add_argument("--tries", type=int, default=12, help="changes tried in each (default: %(default)s)")
    parser.add_argument("--backend", default="auto")
    options = parser.parse_args()
    print("| source         | tests | ready s | cold s | warm s | ratio | tried | yield | s a try | s a task |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as top:
        for folder in options.folders or [bundled(name, Path(top)) for name in BUNDLED]:
            print(measure(folder.resolve(), options.tries, options.backend), flush=True)


if __name__ == "__main__":
    main()
