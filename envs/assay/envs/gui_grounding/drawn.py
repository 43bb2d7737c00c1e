"""Tasks of an endless source, drawn a screen at a time when they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Any

from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.records import Record
from assay.envs.gui_grounding.tasks import task_of
from assay.envs.tasks import Task, TaskSet

_KEPT = 20_000


def check_drawn(options: Options, split: str, apps: Collection[str]) -> None:
    """Refuse options that leave a source of drawn screens nothing to draw.

    Args:
        options: what is asked for.
        split: which part of it.
        apps: every kind of screen that the source has.

    Raises:
        ValueError: one line.
    """
    source = options.source
    for name, given, known in (("apps", options.apps, apps), ("kinds", options.kinds, INSTRUCTIONS)):
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(f"source {source} has no {name} {', '.join(unknown)}; it has {', '.join(known)}")
    shares = {"test": options.test_share, "dev": options.dev_share}
    if shares.get(split, 1.0 - sum(shares.values())) <= 0:
        raise ValueError(f"the {split} split of {source} is empty: check test_share and dev_share")
    for name in ("count", "per_window"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")


class DrawnTasks(TaskSet):
    """``options.count`` tasks, ``options.per_window`` of them on a screen; the latest are kept.

    A task is found by its id at once if it was drawn before in this process; otherwise the set is drawn from its
    beginning up to it.
    """

    def __init__(self, options: Options, split: str) -> None:
        self.options, self.split = options, split
        self._length = min(options.count, options.limit) if options.limit else options.count
        self._kept: OrderedDict[int, Task] = OrderedDict()
        self._places: dict[str, int] = {}
        self._drawn_to = 0

    def records(self, screen: int) -> list[Record]:
        """The ``per_window`` records of a screen, numbered from 0; they depend on nothing but options and split."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Task]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        if place not in self._kept:
            self._draw(place // self.options.per_window)
        return self._kept[place]

    def get(self, task_id: str) -> Task:
        """The task of that id.

        Raises:
            KeyError: if there is none.
        """
        while task_id not in self._places and self._drawn_to < len(self):
            _ = self[self._drawn_to]
            self._drawn_to += self.options.per_window
        if task_id not in self._places:
            raise KeyError(f"no task {task_id!r} among the {len(self)} of this set")
        found: Task = self[self._places[task_id]]
        return found

    @property
    def ids(self) -> list[str]:
        """Task ids in order; draws every task."""
        return [task.id for task in self]

    def _draw(self, screen: int) -> None:
        for slot, record in enumerate(self.records(screen)):
            place = screen * self.options.per_window + slot
            if place < len(self):
                task = task_of(record, self.options, self.split)
                self._kept[place] = task
                self._places[task.id] = place
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
