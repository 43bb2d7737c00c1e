"""What a minting run has done, on disk: tasks, and a line for every unit of work, so that a killed run goes on."""

from __future__ import annotations

import fcntl
import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

KEPT, DROPPED, FAILED = "kept", "dropped", "failed"


@dataclass(frozen=True, slots=True)
class Done:
    """A unit of work that is over.

    Attributes:
        unit: its name, such as ``release toolz 1.0.0 -> 1.1.0``.
        package: whose it is.
        outcome: ``kept``, ``dropped`` (it is no task) or ``failed`` (something around it; tried again next time).
        reason: why it was not kept, one line.
        tasks: instance ids that came of it.
        seconds: how long it took.
    """

    unit: str
    package: str
    outcome: str
    reason: str = ""
    tasks: tuple[str, ...] = field(default=())
    seconds: float = 0.0


class Ledger:
    """The output file and its state file; one process at a time, any number of its threads.

    Args:
        out: the JSONL file of tasks; the state is kept beside it in ``<out>.state``.

    Raises:
        ValueError: another process is writing to it, or it cannot be written or read.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.state = out.with_name(out.name + ".state")
        self._lock = threading.Lock()
        self.done: dict[str, Done] = {}
        self.ids: set[str] = set()
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            self._held = self.state.open("a", encoding="utf-8")
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another assay-mint is writing to {out}: wait for it or give another --out") from None
        except OSError as error:
            raise ValueError(f"cannot write {out}: {error.strerror}") from None
        for record in _lines(out):
            self.ids.add(str(record.get("instance_id")))
        for record in _lines(self.state):
            try:
                each = Done(**{**record, "tasks": tuple(record.get("tasks", ()))})
            except TypeError:
                raise ValueError(f"{self.state} is not a state file of assay-mint: remove it to begin anew") from None
            if each.outcome != FAILED:
                self.done[each.unit] = each
        for file in (out, self.state):  # a killed run may have left half a line
            _end_line(file)

    def add(self, done: Done, records: Sequence[Mapping[str, Any]] = ()) -> None:
        """Write the tasks of a unit, then that it is done; in this order, so that a kill loses no task."""
        with self._lock:
            fresh = [record for record in records if record["instance_id"] not in self.ids]
            if fresh:
                with self.out.open("a", encoding="utf-8") as out:
                    for record in fresh:
                        _write(out, record)
                        self.ids.add(str(record["instance_id"]))
            self.done[done.unit] = done
            _write(self._held, asdict(done))

    def kept_of(self, package: str) -> int:
        """How many tasks a package has given so far."""
        return sum(len(each.tasks) for each in list(self.done.values()) if each.package == package)

    def close(self) -> None:
        """Let go of the files."""
        self._held.close()


def report_text(done: Iterable[Done], seconds: float, command: str) -> str:
    """A Markdown page: totals, a row for each package, and every reason for what was dropped."""
    units = list(done)
    tasks = sum(len(each.tasks) for each in units)
    spent = sum(each.seconds for each in units)
    packages = sorted({each.package for each in units})
    giving = sum(any(each.tasks for each in units if each.package == name) for name in packages)
    outcomes = Counter(each.outcome for each in units)
    lines = [
        "# Minted tasks",
        "",
        f"`{command}`",
        "",
        f"{tasks} task{'s' * (tasks != 1)} from {giving} of {len(packages)} packages; {outcomes[KEPT]} of {len(units)}"
        f" changes kept, {outcomes[DROPPED]} dropped, {outcomes[FAILED]} failed (tried again next time).",
        f"{spent:.0f} s of work in all units, {spent / tasks:.1f} s a task;" if tasks else f"{spent:.0f} s of work;",
        f"the last run took {seconds:.0f} s.",
        "",
        "| package | tried | tasks | seconds |",
        "| --- | --- | --- | --- |",
    ]
    for name in packages:
        own = [each for each in units if each.package == name]
        made = sum(len(each.tasks) for each in own)
        lines.append(f"| {name} | {len(own)} | {made} | {sum(each.seconds for each in own):.0f} |")
    kept = [each for each in units if each.tasks]
    if kept:
        lines += ["", "## Kept", ""]
        lines += [f"- {each.unit}: {', '.join(each.tasks)} ({each.seconds:.0f} s)" for each in kept]
    rest = [each for each in units if not each.tasks]
    if rest:
        lines += ["", "## Not kept", ""]
        lines += [f"- {each.unit}: {_one_line(each.reason)} ({each.seconds:.0f} s)" for each in rest]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _write(out: IO[str], record: Mapping[str, Any]) -> None:
    out.write(json.dumps(record, ensure_ascii=True) + "\n")
    out.flush()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # the half line of a killed run
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def _end_line(path: Path) -> None:
    if path.is_file() and path.stat().st_size:
        with path.open("rb+") as file:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
