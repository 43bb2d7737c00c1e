"""What a person sees: progress, one line per response, and the table at the end."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

from assay.verifiers.score import Score

_QUIET_SECONDS = 2.0


class Progress:
    """A line on a terminal's stderr, once the work has taken over two seconds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._begun = self._last = time.monotonic()
        self._shown = False
        self._size = 0
        self._live = sys.stderr.isatty()
        if self._live and file.seekable():
            here = file.tell()
            self._size = file.seek(0, 2)
            file.seek(here)

    def step(self, done: int) -> None:
        """Say how many are done, five times a second."""
        if not self._live:
            return
        now = time.monotonic()
        if now - self._begun < _QUIET_SECONDS or now - self._last < 0.2:
            return
        self._last, self._shown = now, True
        share = f"{100 * self._file.tell() // self._size:3d} %, " if self._size else ""
        print(f"\r{share}{done:,} scored, {done / (now - self._begun):,.0f}/s ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Wipe the line, so that other output starts at the left."""
        if self._shown:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
            self._shown = False


class Summary:
    """Running totals; memory does not grow with the number of scores."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.n = self.bad = self.parsed = self.judged = self.right = 0
        self.reward = 0.0
        self.parts: dict[str, tuple[float, int]] = {}

    def add(self, score: Score) -> None:
        """Count one score."""
        self.n += 1
        self.reward += score.reward
        self.parsed += score.parsed
        self.judged += score.correct is not None
        self.right += score.correct is True
        for part, value in score.parts.items():
            total, count = self.parts.get(part, (0.0, 0))
            self.parts[part] = (total + value, count + 1)

    @property
    def mean(self) -> float:
        """Mean reward; 0 without scores."""
        return self.reward / self.n if self.n else 0.0

    def table(self) -> str:
        """The totals as a table."""
        lines = [("verifier", self.name), ("responses", f"{self.n:,}")]
        if self.bad:
            lines.append(("not scored", f"{self.bad:,}"))
        if self.n:
            lines.append(("mean reward", f"{self.mean:.4f}"))
            accuracy = (
                f"{self.right / self.judged:.2%} ({self.right:,} of {self.judged:,})" if self.judged else "no verdicts"
            )
            lines += [("accuracy", accuracy), ("parsed", f"{self.parsed / self.n:.2%}")]
            lines += [(f"  {part}", f"{total / count:.4f}") for part, (total, count) in sorted(self.parts.items())]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def explain(identity: Any, score: Score) -> str:
    """One line: verdict, reward, id, reason."""
    verdict = {True: "right", False: "wrong", None: "-"}[score.correct]
    if not score.parsed:
        verdict = "unread"
    return f"{verdict:<6} {score.reward:7.3f}  {str(identity)[:40]}  {score.detail}"
