"""Within what a constant lies: written in its type, checked when a recipe is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints


@dataclass(frozen=True)
class Range:
    """An interval of numbers.

    Attributes:
        low: its lower end.
        high: its upper end; None: there is none.
        open: whether ``low`` itself is outside.
    """

    low: float
    high: float | None = None
    open: bool = False

    def __contains__(self, value: float) -> bool:
        inside = value > self.low if self.open else value >= self.low
        return inside and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.high is not None:
            return f"must be between {self.low:g} and {self.high:g}"
        if self.open:
            return f"must be above {self.low:g}"
        return "must not be negative" if self.low == 0 else f"must be at least {self.low:g}"


Share = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(0, open=True)]
NonNegative = Annotated[float, Range(0)]
Count = Annotated[int, Range(1)]
Steps = Annotated[int, Range(0)]


def ranges(cls: type) -> dict[str, Range]:
    """The ranges of a class's fields that have one; a field declared again without keeps that of the base."""
    found: dict[str, Range] = {}
    for base in reversed(cls.__mro__):
        own = vars(base).get("__annotations__", {})
        hints = get_type_hints(base, include_extras=True) if own else {}
        found |= {name: each for name in own if (each := _range_of(hints[name])) is not None}
    return found


def _range_of(kind: Any) -> Range | None:
    for part in (*getattr(kind, "__metadata__", ()), *get_args(kind)):
        inner = part if isinstance(part, Range) else _range_of(part)
        if inner is not None:
            return inner
    return None
