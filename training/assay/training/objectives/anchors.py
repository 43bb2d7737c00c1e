"""When a frozen policy is replaced by the current one.

Rules decide and never copy: the trainer asks after each step and each evaluation, and replaces what they name. They are
immutable and their state is plain numbers, so that a resumed run decides alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Refresh:
    """Frozen policies that become a copy of the current one.

    Attributes:
        names: which.
        clear_moments: whether the optimiser forgets its moments too (the learning rate goes on as it was).
        reason: why, for the log; empty: it is routine and not logged.
        lagging: those of them that become the policy as it was before the step just made; only after a step, and only
            if the rule ``looks_back``.
    """

    names: frozenset[str]
    clear_moments: bool = False
    reason: str = ""
    lagging: frozenset[str] = frozenset()

    def __or__(self, other: Refresh) -> Refresh:
        """Both; a policy that one takes as it is and the other as it was becomes the current one."""
        current = (self.names - self.lagging) | (other.names - other.lagging)
        return Refresh(
            self.names | other.names,
            self.clear_moments or other.clear_moments,
            "; ".join(reason for reason in (self.reason, other.reason) if reason),
            (self.lagging | other.lagging) - current,
        )


class Anchors(Protocol):
    """The default never refreshes: every frozen policy stays what it was at the start."""

    @property
    def looks_back(self) -> bool:
        """Whether a refresh may ask for the policy before the step, which costs a copy of the weights each step."""
        return False

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


@dataclass(frozen=True)
class Every(Anchors):
    """Refreshes one policy every so many steps.

    Attributes:
        name: which.
        steps: how often.
        lagging: whether it becomes the policy before the step: with ``steps`` 1 the policy at the start of the step
            before the one under way, where otherwise it is the one at the start of the step under way.

    Raises:
        ValueError: if ``steps`` is below 1.
    """

    name: str
    steps: int = 1
    lagging: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"a policy is refreshed every 1 or more steps, not {self.steps}")

    @property
    def looks_back(self) -> bool:
        """If it lags."""
        return self.lagging

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """At every multiple of ``steps``."""
        if step % self.steps:
            return self, None
        names = frozenset({self.name})
        reason = f"every {self.steps} steps" if self.steps > 1 else ""
        return self, Refresh(names, reason=reason, lagging=names if self.lagging else frozenset())


@dataclass(frozen=True)
class AtStep(Anchors):
    """Refreshes once, after a step (from 1)."""

    step: int
    names: frozenset[str] = frozenset({"ref"})
    clear_moments: bool = False

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """At that step."""
        return self, Refresh(self.names, self.clear_moments, f"step {step}") if step == self.step else None


@dataclass(frozen=True)
class OnStall(Anchors):
    """Refreshes when progress stalls, the divergence grows too large, or enough steps have passed.

    With s the scores of all evaluations so far and w the window, progress has stalled if max(s of the last w) <=
    max(s before them) + ``min_delta``. ProRL (arXiv:2505.24864), section 4.2, resets "when the validation stalls or
    degrades"; the rule itself is ours.

    Attributes:
        names: what is refreshed.
        on_stall: whether a stall refreshes.
        window: evaluations that must bring progress.
        min_delta: progress below this is none, in units of the score.
        kl_max: mean divergence of a step, nats a token, above which to refresh; None sets no limit.
        period: steps since the last refresh (or the start) after which to refresh; None: never for that.
        cooldown: steps after a refresh before the next.
        clear_moments: whether the optimiser forgets its moments.
        recent: scores of the last ``window`` evaluations.
        best: the best score before them.
        last: step of the last refresh.
        count: refreshes so far.

    Raises:
        ValueError: for a window or period below 1, or a negative cooldown.
    """

    names: frozenset[str] = frozenset({"ref"})
    on_stall: bool = True
    window: int = 3
    min_delta: float = 0.002
    kl_max: float | None = None
    period: int | None = None
    cooldown: int = 100
    clear_moments: bool = True
    recent: tuple[float, ...] = ()
    best: float | None = None
    last: int | None = None
    count: int = 0

    def __post_init__(self) -> None:
        if self.window < 1 or (self.period is not None and self.period < 1) or self.cooldown < 0:
            raise ValueError(
                f"a reset needs a window and a period of at least 1 and a cooldown of at least 0, got {self.window}, "
                f"{self.period} and {self.cooldown}"
            )

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """By divergence or by the clock."""
        kl = metrics.get("kl", math.nan)
        if self.kl_max is not None and kl > self.kl_max:
            return self._refreshed(step, f"KL {kl:.3g} above {self.kl_max:g}")
        if self.period is not None and step - (self.last or 0) >= self.period:
            return self._refreshed(step, f"{step - (self.last or 0)} steps since the last")
        return self, None

    def after_evaluation(self, step: int, accuracy: float) -> tuple[Self, Refresh | None]:
        """By the scores; an evaluation without a score is passed over."""
        if math.isnan(accuracy):
            return self, None
        recent, best = (*self.recent, accuracy), self.best
        if len(recent) > self.window:
            best = recent[0] if best is None else max(best, recent[0])
            recent = recent[1:]
        grown = replace(self, recent=recent, best=best)
        if not self.on_stall or best is None or max(recent) > best + self.min_delta:
            return grown, None
        return grown._refreshed(
            step, f"no progress in {self.window} evaluations: best {max(recent):.3g}, before them {best:.3g}"
        )

    def _refreshed(self, step: int, reason: str) -> tuple[Self, Refresh | None]:
        if self.last is not None and step - self.last < self.cooldown:
            return self, None
        return replace(self, last=step, count=self.count + 1), Refresh(self.names, self.clear_moments, reason)

    def state(self) -> dict[str, Any]:
        """Scores, the last refresh, and how many there were."""
        return {"recent": list(self.recent), "best": self.best, "last": self.last, "count": self.count}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """With them."""
        return replace(
            self, recent=tuple(state["recent"]), best=state["best"], last=state["last"], count=state["count"]
        )


@dataclass(frozen=True)
class Together(Anchors):
    """Several rules at once; what any of them refreshes is refreshed."""

    rules: tuple[Anchors, ...]

    @property
    def looks_back(self) -> bool:
        """If any does."""
        return any(rule.looks_back for rule in self.rules)

    def after_step(self, step: int, metrics: Mapping[str, float]) -> tuple[Self, Refresh | None]:
        """All of them."""
        return self._asked(lambda rule: rule.after_step(step, metrics))

    def after_evaluation(self, step: int, accuracy: float) -> tuple[Self, Refresh | None]:
        """All of them."""
        return self._asked(lambda rule: rule.after_evaluation(step, accuracy))

    def _asked(self, ask: Callable[[Anchors], tuple[Anchors, Refresh | None]]) -> tuple[Self, Refresh | None]:
        rules, total = [], None
        for rule in self.rules:
            successor, found = ask(rule)
            rules.append(successor)
            if found is not None:
                total = found if total is None else total | found
        return replace(self, rules=tuple(rules)), total

    def state(self) -> dict[str, Any]:
        """By position."""
        return {str(i): rule.state() for i, rule in enumerate(self.rules)}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """With them."""
        return replace(self, rules=tuple(rule.restored(state[str(i)]) for i, rule in enumerate(self.rules)))
