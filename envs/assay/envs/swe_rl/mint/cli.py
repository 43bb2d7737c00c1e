"""``assay-mint swe``: the command line."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.envs.swe_rl.mint.errors import MintError

if TYPE_CHECKING:
    from assay.envs.swe_rl.mint.ledger import Ledger
    from assay.envs.swe_rl.mint.runner import Runner

ABOUT = """\
Make repair tasks out of real software, each with tests that fail before its solution and pass after.

  assay-mint swe itsdangerous parse         what was done between the releases of these packages
  assay-mint swe --list names.txt           the same, one name a line (# begins a comment)
  assay-mint swe --git ~/src/project        commits of a local repository that touch source and tests
  assay-mint swe --inject toolz             bugs put into the newest release of a package, or into a folder

Packages come from the index that pip is set up for. Their code is built and run in sandboxes only; `assay-sandbox
doctor` says whether this machine can. A task is kept if its solution passes three runs in fresh sandboxes and the
unchanged source none. Run the same command again to go on where a killed one stopped. Use the tasks with
`--env swe_rl`, source "minted" and path TASKS."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status: 0 with tasks, 1 without, 2 for a wrong call, 130 when interrupted."""
    options = _parser().parse_args(list(argv))
    try:
        work, names = _work(options)
    except ValueError as error:
        print(f"assay-mint swe: {error}", file=sys.stderr)
        return 2
    try:
        import packaging  # noqa: F401 - said here in one line instead of a traceback later
    except ModuleNotFoundError:
        print("assay-mint swe: needs packaging: pip install 'assay[swe]'", file=sys.stderr)
        return 2
    try:
        return _run(options, work, names, f"assay-mint swe {' '.join(argv)}")
    except (ValueError, MintError, OSError) as error:
        print(f"assay-mint swe: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-mint swe", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="names on the package index")
    parser.add_argument("--list", metavar="FILE", help="a file of package names, one a line")
    parser.add_argument("--git", metavar="DIR", help="a local git repository whose commits become tasks")
    parser.add_argument("--inject", metavar="TARGET", help="a package or folder to put bugs into")
    parser.add_argument(
        "--out", metavar="TASKS", default="tasks.jsonl", help="JSONL file to add to (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="packages at a time (default: %(default)s)")
    parser.add_argument(
        "--per-package", type=int, metavar="N", default=3, help="tasks of each package (default: %(default)s)"
    )
    parser.add_argument("--since", metavar="DATE", default="", help="only releases or commits since YYYY-MM-DD")
    parser.add_argument("--no-split", action="store_true", help="keep wide releases whole")
    parser.add_argument(
        "--split-runs", type=int, default=120, metavar="N", help="test runs for one split (default: %(default)s)"
    )
    parser.add_argument(
        "--suite-seconds",
        type=float,
        default=120.0,
        metavar="S",
        help="longest run of a test suite (default: %(default)g)",
    )
    parser.add_argument("--seed", type=int, default=0, help="which bugs are injected first (default: %(default)s)")
    parser.add_argument(
        "--backend", default="auto", help="sandbox: auto, native, docker, bubblewrap (default: %(default)s)"
    )
    return parser


def _work(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Which kind of work, and on what.

    Raises:
        ValueError: one line for the user.
    """
    names = list(options.packages)
    if options.list:
        try:
            lines = Path(options.list).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read {options.list}: {getattr(error, 'strerror', error)}") from None
        names += [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    kinds = [bool(names), bool(options.git), bool(options.inject)]
    if sum(kinds) != 1:
        raise ValueError("give package names (or --list), or --git, or --inject: one of the three; see --help")
    if options.since and not re.fullmatch(r"\d{4}-\d\d-\d\d", options.since):
        raise ValueError(f"--since is a date such as 2024-01-31, got {options.since!r}")
    for name, value in (("--jobs", options.jobs), ("--per-package", options.per_package)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if options.suite_seconds <= 0 or options.split_runs < 0:
        raise ValueError("--suite-seconds must be above 0 and --split-runs at least 0")
    odd = [name for name in names if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name)]
    if odd:
        raise ValueError(f"not a package name: {odd[0]!r}")
    if options.git and not Path(options.git).expanduser().is_dir():
        raise ValueError(f"there is no folder {options.git}")
    if options.git:
        return "git", [options.git]
    return ("inject", [options.inject]) if options.inject else ("packages", list(dict.fromkeys(names)))


def _run(options: argparse.Namespace, kind: str, names: list[str], command: str) -> int:
    from assay.envs.swe_rl.mint.index import Index
    from assay.envs.swe_rl.mint.ledger import Ledger, report_text
    from assay.envs.swe_rl.mint.releases import Tools
    from assay.envs.swe_rl.mint.runner import Runner, Wish

    _check_backend(options.backend)
    out = Path(options.out).expanduser()
    ledger = Ledger(out)
    wish = Wish(options.per_package, options.since, not options.no_split, options.split_runs, options.seed)
    runner = Runner(ledger, Tools(Index(), options.backend, options.suite_seconds), wish)
    works: dict[str, Callable[[str], None]] = {
        "packages": runner.package,
        "git": lambda name: runner.history(Path(name).expanduser()),
        "inject": runner.inject,
    }
    started = time.monotonic()
    interrupted = False
    try:
        _with_progress(runner, ledger, names, works[kind], options)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        page = out.with_name(out.name + ".report.md")
        page.write_text(report_text(ledger.done.values(), time.monotonic() - started, command), encoding="utf-8")
        ledger.close()
    tasks = sum(len(each.tasks) for each in ledger.done.values())
    if interrupted:
        print(f"interrupted with {tasks} tasks in {out}; run the same command again to go on", file=sys.stderr)
        return 130
    print(f"{tasks} task{'s' * (tasks != 1)} in {out}; what was dropped and why: {page}")
    return 0 if tasks else 1


def _check_backend(name: str) -> None:
    """One line at once if no sandbox works, rather than one for each package."""
    from assay.sandbox import SandboxError, SandboxSpec
    from assay.sandbox.choose import backend_class, choose_backend

    try:
        if name == "auto":
            choose_backend(SandboxSpec())
        else:
            found = backend_class(name).probe()
            if not found.ok:
                raise ValueError(f"backend {name}: {found.reason}; {found.fix}")
    except SandboxError as error:
        raise ValueError(str(error)) from None


def _with_progress(
    runner: Runner, ledger: Ledger, names: list[str], work: Callable[[str], None], options: argparse.Namespace
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        total = options.per_package if len(names) == 1 else len(names)
        line = bar.add_task("minting", total=total)

        def tick(unit: str, tasks: int) -> None:
            done = sum(len(each.tasks) for each in list(ledger.done.values()))
            bar.update(line, description=f"{done} tasks; {unit[:60]}", advance=tasks if len(names) == 1 else 0)
            if not console.is_terminal:
                done_unit = ledger.done[unit]
                console.print(f"{done_unit.outcome}: {unit} {done_unit.reason}"[:200], highlight=False, soft_wrap=True)

        runner.tick = tick
        runner.each(names, work, options.jobs, lambda name: bar.advance(line) if len(names) > 1 else None)
