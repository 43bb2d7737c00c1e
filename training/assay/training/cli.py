"""The commands ``train-agent``, ``eval-agent`` and ``assay-episodes``: thin doors to functions that do the work."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.training.errors import UserError, check_python, explain

if TYPE_CHECKING:
    from assay.training.config import TrainConfig
    from assay.training.stored import Line, RunRecord
    from assay.training.trainer import RunResult

OK, USER_ERROR, STOPPED, INTERRUPTED = 0, 2, 3, 130
"""Exit codes: success, something the user can put right, stopped by a monitor, Ctrl-C."""


def train(argv: Sequence[str] | None = None) -> int:
    """``train-agent``: train a model, or list what there is to train with."""
    return guarded(_train, argv)


def evaluate(argv: Sequence[str] | None = None) -> int:
    """``eval-agent``: measure a model, a server or a scripted policy."""
    from assay.training.cli_evaluate import run

    return guarded(run, argv)


def episodes(argv: Sequence[str] | None = None) -> int:
    """``assay-episodes``: show, replay or score stored episodes again."""
    from assay.training.cli_episodes import run

    return guarded(run, argv)


def guarded(command: Callable[[list[str]], int], argv: Sequence[str] | None = None) -> int:
    """Run a command; errors that a user can cause become one line on standard error and exit code 2.

    ``--debug`` among the arguments lets every exception through with its traceback.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for library in ("TRANSFORMERS", "HF_HUB", "DATASETS"):  # what went wrong is said once, by us
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    if argv is None:
        warnings.formatwarning = _one_line
    try:
        check_python()
        return command(words)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    except KeyboardInterrupt as stop:
        print(f"\nstopped by Ctrl-C{stop.args[0] if stop.args else ''}", file=sys.stderr)
        if argv is None:  # as a program: a thread still inside torch would abort the interpreter's own way out
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as head, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        line = None if debug else _line_for(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        return USER_ERROR


def _one_line(message: Warning | str, category: type[Warning], *where: object, **more: object) -> str:
    """A warning as a user reads it: what it says, not which line of whose code said it."""
    return f"note: {' '.join(str(message).split())}\n"


def _line_for(error: Exception) -> str | None:
    """The message of an error that is written for users, or what :func:`explain` makes of another."""
    written = type(error).__name__ in ("ModelError", "CollectError", "CheckpointError", "ServerError")
    if written or (isinstance(error, ValueError) and _ours(error)):
        line = " ".join(str(error).split())
        return f"{line}: name yours with --text and --label" if "has no column" in line else line
    return explain(error)


def _ours(error: BaseException) -> bool:
    """Whether our own code raised it on purpose: its innermost frame is in this package family."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__", "")).startswith("assay.")


def _train(argv: list[str]) -> int:
    if argv[:1] == ["envs"]:
        list_envs()
        return OK
    if argv[:1] in (["recipes"], ["advise"]):
        from assay.training import cli_recipes

        (cli_recipes.recipes if argv[0] == "recipes" else cli_recipes.advise)(argv[1:])
        return OK
    if argv[:1] == ["report"]:
        return _report(argv[1:])
    from assay.training.flags import parse_train

    config = parse_train(argv)
    check_writable(run_directory(config))
    from assay.training.preflight import method, suited

    method(suited(config))  # what cannot work is said before the libraries of models are even imported
    from assay.training.trainer import train as run

    quiet_libraries()
    try:
        result = run(config)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_resume(config)) from None
    return summarise(config, result)


def quiet_libraries() -> None:
    """Loading takes under a second and needs no bar of its own beside ours; downloads keep theirs."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _how_to_resume(config: TrainConfig) -> str:
    run_dir = run_directory(config)
    if not (run_dir / "checkpoints").is_dir():
        return ""
    return f": checkpoints are kept; continue with: train-agent --resume --out {run_dir}"


def run_directory(config: TrainConfig) -> Path:
    """Where a run goes."""
    return Path(config.out or f"runs/{config.env}-{config.recipe}-s{config.seed}")


def check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written, before anything is loaded; makes nothing itself.

    Raises:
        UserError: naming what is in the way.
    """
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise UserError(f"cannot write {folder}: {nearest} is a file; choose another --out")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"cannot write {folder}: {nearest} is read-only; choose a folder of your own with --out DIR")


def summarise(config: TrainConfig, result: RunResult) -> int:
    """Print what a run achieved; return its exit code."""
    from assay.training.stored import load_run

    record = load_run(result.run_dir)
    console = Console()
    console.print()
    console.print(result_table(record))
    if record.before is not None and record.after is not None:
        console.print(verdict(record.before, record.after))
    halted = bool(result.stopped) and config.monitor.action == "stop" and bool(record.alerts)
    return STOPPED if halted else OK


def result_table(record: RunRecord) -> Table:
    """Accuracy before and after with intervals, and the trivial baselines."""
    rows = [(str(line.get("name")), line) for line in record.baselines]
    rows += [("untrained", record.before)] if record.before else []
    rows += [("after warm-up", record.warmed)] if record.warmed and record.warmed is not record.after else []
    rows += [(f"trained ({record.after['step']} steps)", record.after)] if record.after else []
    return accuracy_table(rows)


def accuracy_table(rows: Sequence[tuple[str, Line]]) -> Table:
    """Accuracies with their intervals; the last row stands out."""
    table = Table("", "held-out accuracy", "95 % interval", "tasks")
    for name, line in rows:
        table.add_row(Text(name), *_accuracy(line), style="bold" if line is rows[-1][1] else "")
    return table


def _accuracy(line: Line) -> tuple[str, str, str]:
    value, low, high = (line.get(name) for name in ("accuracy", "low", "high"))
    interval = "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"
    return "unknown" if value is None else f"{100 * value:.1f} %", interval, str(line.get("n", ""))


def verdict(before: Line, after: Line) -> Text:
    """One sentence: by how much, and whether the intervals are apart."""
    if before.get("accuracy") is None or after.get("accuracy") is None:
        return Text("")
    gain = 100 * (after["accuracy"] - before["accuracy"])
    apart = (after.get("low") or 0) > (before.get("high") or 1) or (after.get("high") or 1) < (before.get("low") or 0)
    words = f"{gain:+.1f} points over the untrained model, intervals {'apart' if apart else 'overlap'}"
    return Text(words, style="bold green" if gain > 0 and apart else "yellow")


def _report(argv: list[str]) -> int:
    from assay.training.report import write_report

    if not argv or argv[0].startswith("-"):
        raise UserError("say which run: train-agent report RUN_DIRECTORY")
    for run_dir in argv:
        print(write_report(run_dir))
    return OK


def list_envs() -> None:
    """Print the environments."""
    from assay.envs.registry import env_class, env_id, env_names

    table = Table("--env", "gymnasium id", "what it is", box=None, pad_edge=False)
    for name in env_names():
        about = (env_class(name).__doc__ or "").strip().split("\n", 1)[0]
        table.add_row(Text(name, style="bold"), env_id(name), Text(about))
    Console().print(table)
    print("\noptions of one: train-agent --env NAME --help")
