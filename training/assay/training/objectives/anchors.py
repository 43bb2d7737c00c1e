"""When a frozen policy is replaced by the current one.

Rules decide and never copy: the trainer asks after each step and each evaluation, and replaces what they name. They are
immutable and their state is plain numbers, so that a resumed run decides alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Refresh:
    """Frozen policies that become a copy of the current one.

    Attributes:
        names: which.
        clear_moments: whether the optimiser forgets its moments too (the learning rate goes on as it was).
        reason: why, for the log.
    """

    names: frozenset[str]
    clear_moments: bool = False
    reason: str = ""


class Anchors(Protocol):
    """The default never refreshes: every frozen policy stays what it was at the start."""

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """Asked after step ``step`` (from 1), with what it measured."""
        return self, None

    def after_evaluation(self, step: int, accuracy: float) -> tuple[Self, Refresh | None]:
        """Asked after each evaluation on held-out tasks."""
        return self, None

    def state(self) -> dict[str, Any]:
        """What has changed since the start, as JSON."""
        return {}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """The rule with the state of :meth:`state`."""
        return self


@dataclass(frozen=True)
class Frozen(Anchors):
    """Never refreshes."""
