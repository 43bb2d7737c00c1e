"""What a person sees while a run goes on: a live bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

_BLOCKS = "▁▂▃▄▅▆▇█"


class Phase(Protocol):
    """Progress within something that takes time."""

    def advance(self, amount: int = 1) -> None:
        """``amount`` more units are done."""


def duration(seconds: float) -> str:
    """``"9 s"``, ``"3 min 05 s"``, ``"2 h 04 min"``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def sparkline(values: list[float], width: int = 24) -> str:
    """The last ``width`` values as blocks, scaled between their least and greatest."""
    tail = [value for value in values if value == value][-width:]
    if not tail:
        return ""
    low, high = min(tail), max(tail)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((value - low) * scale)] for value in tail)


def step_line(metrics: Mapping[str, Any]) -> str:
    """Reward, accuracy and speed of a step, whichever are there."""
    words = [f"{name} {metrics[name]:.3f}" for name in ("reward", "accuracy") if _number(metrics.get(name))]
    if _number(metrics.get("tokens_per_s")):
        words.append(f"{metrics['tokens_per_s']:.0f} tokens/s")
    return "  ".join(words)


def evaluation_line(metrics: Mapping[str, Any]) -> str:
    """One evaluation: ``"test accuracy 71.5 % [64.9, 77.3] of 200, parsed 99.0 %"``."""
    words = [
        f"{metrics.get('name') or metrics.get('split') or 'held-out'} accuracy {_percent(metrics.get('accuracy'))}"
    ]
    if _number(metrics.get("low")) and _number(metrics.get("high")):
        words[0] += f" [{100 * metrics['low']:.1f}, {100 * metrics['high']:.1f}]"
    if metrics.get("n"):
        words[0] += f" of {metrics['n']}"
    if _number(metrics.get("parsed")):
        words.append(f"parsed {_percent(metrics['parsed'])}")
    words += [f"{name} {_percent(value)}" for name, value in metrics.items() if name.startswith("pass@")]
    words += [f"ECE {metrics['ece']:.3f}"] if _number(metrics.get("ece")) else []
    return ", ".join(words)


class Display:
    """A context manager that shows a run.

    On a terminal: one live bar with reward, accuracy, tokens/s, a sparkline of the reward and the time left, a second
    bar for the phase in progress, and evaluations and notes printed above them. Elsewhere: one plain line a step, at
    most one every ``every`` seconds, and every evaluation and note.

    Args:
        total_steps: optimisation steps of the run; 0 where there are none (an evaluation).
        title: what is being done.
        console: where to write; standard output.
        every: seconds between plain step lines, and before a phase is worth one.
        quiet: show nothing at all.
    """

    def __init__(
        self,
        total_steps: int,
        title: str = "",
        *,
        console: Console | None = None,
        every: float = 2.0,
        quiet: bool = False,
    ) -> None:
        self.total = total_steps
        self.title = title
        self.console = console or Console(file=sys.stdout, quiet=quiet, soft_wrap=True)
        self.every = every
        self._live = self.console.is_terminal and not quiet
        self._progress: Progress | None = None
        self._main: TaskID | None = None
        self._rewards: list[float] = []
        self._first: tuple[int, float] | None = None
        self._printed = float("-inf")

    def __enter__(self) -> Display:
        if self.title:
            self.console.print(Text(self.title, style="bold"))
        if self._live:
            columns = (TextColumn("{task.description:>9}"), BarColumn(20), TextColumn("{task.fields[line]}"))
            self._progress = Progress(*columns, console=self.console, transient=True, refresh_per_second=8)
            self._progress.start()
            if self.total:
                self._main = self._progress.add_task("step", total=self.total, line=f"0/{self.total}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        """Show something that takes time; call ``advance()`` on what is yielded.

        Args:
            name: what is being done, one or two words.
            total: units it will take; None where nobody knows.
        """
        if self._progress is not None:
            task = self._progress.add_task(name, total=total, line="" if total is None else f"0/{total}")
            try:
                yield _LivePhase(self._progress, task, total)
            finally:
                self._progress.remove_task(task)
        else:
            yield _PlainPhase(self, name, total)

    def expect(self, total_steps: int) -> None:
        """Show the run as one of so many steps from now on."""
        self.total = total_steps
        if self._progress is not None and self._main is not None:
            self._progress.update(self._main, total=total_steps)

    def step(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Show that ``step`` steps are done.

        Args:
            step: optimisation steps done, the first being 1.
            metrics: values by name; ``reward``, ``accuracy`` and ``tokens_per_s`` are shown where present.
        """
        now = time.monotonic()
        left = self._time_left(step, now)
        if _number(metrics.get("reward")):
            self._rewards.append(float(metrics["reward"]))
        if self._progress is not None and self._main is not None:
            spark = sparkline(self._rewards, min(24, self.console.width - 86)) if self.console.width > 92 else ""
            words = [f"{step}/{self.total}", step_line(metrics), spark, left]
            self._progress.update(self._main, completed=step, line="  ".join(word for word in words if word))
        elif now - self._printed >= self.every or step >= self.total:
            self._printed = now
            self._print("  ".join(word for word in (f"step {step}/{self.total}", step_line(metrics), left) if word))

    def evaluation(self, metrics: Mapping[str, Any]) -> None:
        """Show one evaluation or baseline (the values of an ``eval`` or ``baseline`` line)."""
        step = metrics.get("step")
        prefix = f"step {step}: " if step is not None else ""
        self._print(prefix + evaluation_line(metrics), style="green")

    def note(self, text: str, style: str = "") -> None:
        """Print one line."""
        self._print(text, style=style)

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True, highlight=False)

    def _time_left(self, step: int, now: float) -> str:
        if self._first is None:
            self._first = (step, now)
            return ""
        done = step - self._first[0]
        remaining = self.total - step
        if done <= 0 or remaining <= 0:
            return ""
        return f"{duration((now - self._first[1]) / done * remaining)} left"


class _LivePhase:
    def __init__(self, progress: Progress, task: TaskID, total: int | None) -> None:
        self._progress, self._task, self._total, self._done = progress, task, total, 0

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        line = str(self._done) if self._total is None else f"{self._done}/{self._total}"
        self._progress.update(self._task, advance=amount, line=line)


class _PlainPhase:
    """Says nothing until the phase has lasted a while, then one line every five of those whiles."""

    def __init__(self, display: Display, name: str, total: int | None) -> None:
        self._display, self._name, self._total, self._done = display, name, total, 0
        self._next = time.monotonic() + display.every

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        now = time.monotonic()
        if now >= self._next and self._done != self._total:
            self._next = now + 5 * self._display.every
            of = "" if self._total is None else f"/{self._total}"
            self._display.note(f"{self._name} {self._done}{of}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value


def _percent(value: Any) -> str:
    return f"{100 * value:.1f} %" if _number(value) else "unknown"
