"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """One promise: how many responses tried it, and the ones that broke it, one line each."""

    name: str
    promise: str
    tried: int
    failures: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the promise was tried and kept; one that nothing could try is not kept."""
        return not self.failures and self.tried > 0


@dataclass(frozen=True)
class Report:
    """The checks of one audit."""

    verifier: str
    checks: tuple[Check, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return all(check.ok for check in self.checks)

    @property
    def attack_rate(self) -> float:
        """The share of the attack set that earned anything, in [0, 1]; 1 where nothing was tried."""
        attacks = next((check for check in self.checks if check.name == "attacks"), None)
        return len(attacks.failures) / attacks.tried if attacks and attacks.tried else 1.0

    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [check.name for check in self.checks if not check.ok]

    def table(self, shown: int = 3) -> str:
        """The report for a terminal, with the first few failures of each check."""
        lines = [f"audit of {self.verifier}" + (f" with {self.options}" if self.options else "")]
        for check in self.checks:
            lines.append(
                f"  {'ok  ' if check.ok else 'FAIL'}  {check.name:<12} {check.tried:>5} tried   {check.promise}"
            )
            failures = check.failures or (() if check.ok else ("nothing to try it with",))
            lines += [f"          - {failure}" for failure in failures[:shown]]
            if len(failures) > shown:
                lines.append(f"          - and {len(failures) - shown} more")
        failed = len(self.failed())
        lines.append(f"  {'every promise kept' if self.ok else f'{failed} of {len(self.checks)} promises broken'}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()
