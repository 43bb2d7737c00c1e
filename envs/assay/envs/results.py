"""Tables of results that an environment makes itself, such as those in which a benchmark is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from assay.envs.tasks import Task

Unit = Literal["text", "share", "number", "count"]
"""How a column is printed: as it is, as a percentage, with two decimals, or as a whole number."""


class Column(NamedTuple):
    """A column's heading and unit."""

    name: str
    unit: Unit = "share"


class ResultTable(NamedTuple):
    """A table of results; None where there is nothing to count."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | float | None, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        return {
            "title": self.title,
            "columns": [each.name for each in self.columns],
            "rows": [list(r) for r in self.rows],
        }


def cell(value: str | float | None, unit: Unit) -> str:
    """A cell as it is printed."""
    if value is None or value != value:
        return "-"
    if isinstance(value, str) or unit == "text":
        return str(value)
    return {"share": f"{100 * value:.1f}", "number": f"{value:.2f}"}.get(unit, f"{value:.0f}")


Answer = Callable[["Task", Sequence[Any], int], str]
"""(task, images as shown, seed) -> response."""


@dataclass(frozen=True)
class Baseline:
    """A way to answer without a model: ``eval-agent --model NAME``.

    Attributes:
        answer: says the response to a task.
        sees: whether it looks at the images; one that does not is measured beside every model.
        check: raises ImportError, one line, where something is not installed.
    """

    answer: Answer
    sees: bool = False
    check: Callable[[], None] = field(default=lambda: None)


Baselines = Mapping[str, Baseline]
