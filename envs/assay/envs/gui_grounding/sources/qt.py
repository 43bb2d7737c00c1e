"""Windows drawn by seed: an endless source of tasks with exact truth, which needs no file and no network.

Task ``i`` of a split depends on ``(seed, split, i)`` and the filters alone, in whatever order tasks are asked for.
Four tasks share a window unless ``per_window`` says otherwise. What a window shows decides its split, whatever it
looks like, so that no state is in two splits. Screenshots are rendered again when they are asked for, which is faster
than reading a PNG: a million tasks need no disk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.qt.windows import KINDS as WINDOWS
from assay.envs.gui_grounding.qt.worker import need_qt, shared_worker
from assay.envs.gui_grounding.records import Record, record_id
from assay.envs.gui_grounding.tasks import task_of
from assay.envs.tasks import Task, TaskSet

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT_TASKS = 20_000
_KEPT_PICTURES = 32


def tasks(options: Options, split: str) -> TaskSet:
    """``options.count`` tasks of a split, drawn when they are asked for.

    Raises:
        ImportError: one line; PySide6 is not installed.
        ValueError: one line; the options leave nothing to draw.
    """
    need_qt()
    for name, given, known in (("apps", options.apps, WINDOWS), ("kinds", options.kinds, INSTRUCTIONS)):
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(f"source qt has no {name} {', '.join(unknown)}; it has {', '.join(known)}")
    shares = {"test": options.test_share, "dev": options.dev_share}
    if shares.get(split, 1.0 - sum(shares.values())) <= 0:
        raise ValueError(f"the {split} split of qt is empty: check test_share and dev_share")
    for name in ("count", "per_window"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")
    return QtTasks(options, split)


class QtTasks(TaskSet):
    """Tasks that are drawn when they are asked for; the latest are kept.

    A task is found by its id at once if it was drawn before in this process; otherwise the set is drawn from its
    beginning up to it.
    """

    def __init__(self, options: Options, split: str) -> None:
        self.options, self.split = options, split
        self._length = min(options.count, options.limit) if options.limit else options.count
        self._kept: OrderedDict[int, Task] = OrderedDict()
        self._places: dict[str, int] = {}
        self._drawn_to = 0

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

    def _draw(self, window: int) -> None:
        options = self.options
        scene = _scene(
            options.seed,
            self.split,
            window,
            options.apps or tuple(WINDOWS),
            options.kinds or INSTRUCTIONS,
            options.hard,
            options.test_share,
            options.dev_share,
            options.compact,
            options.per_window,
        )
        for slot, drawn in enumerate(scene["tasks"]):
            place = window * options.per_window + slot
            if place < len(self):
                task = task_of(_record(scene, drawn, options.compact), options, self.split)
                self._kept[place] = task
                self._places[task.id] = place
        while len(self._kept) > _KEPT_TASKS:
            self._kept.popitem(last=False)


@lru_cache(maxsize=1024)
def _scene(
    seed: int,
    split: str,
    number: int,
    apps: tuple[str, ...],
    kinds: tuple[str, ...],
    hard: str,
    test_share: float,
    dev_share: float,
    compact: bool,
    per_window: int,
) -> dict[str, Any]:
    found, _ = shared_worker().call(
        "assay.envs.gui_grounding.qt.draws:draw_scene",
        seed=seed,
        split=split,
        number=number,
        count=per_window,
        apps=list(apps),
        kinds=list(kinds),
        hard=hard,
        test_share=test_share,
        dev_share=dev_share,
        compact=compact,
    )
    return dict(found)


def _record(scene: dict[str, Any], drawn: dict[str, Any], compact: bool) -> Record:
    x1, y1, x2, y2 = drawn["box"]
    box = (x1, y1, x2, y2)
    reference = (
        f"qt:{scene['kind']}:{scene['seed']}:{'hard' if scene['hard'] else 'plain'}{':compact' if compact else ''}"
    )
    return Record(
        image=reference,
        size=(scene["size"][0], scene["size"][1]),
        instruction=drawn["instruction"],
        box=box,
        role=drawn["role"],
        kind=drawn["kind"],
        hard=drawn["hard"],
        source={"type": "qt", "app": scene["kind"]},
        truth_from="widget geometry",
        id=record_id(f"{reference} {scene['layout']}", drawn["instruction"], box),
    )


@lru_cache(maxsize=_KEPT_PICTURES)
def screenshot(rest: str) -> Picture:
    """The screenshot of a reference without its ``qt:``. Not to be changed.

    Raises:
        InfraError: if the worker died.
        ValueError: if that is no reference of this source.
    """
    from PIL import Image

    kind, _, tail = rest.partition(":")
    seed, _, tail = tail.partition(":")
    level, _, size = tail.partition(":")
    if kind not in WINDOWS or not seed.isdecimal() or level not in ("hard", "plain") or size not in ("", "compact"):
        raise ValueError(f"qt:{rest} is no reference of the qt source")
    shape, blobs = shared_worker().call(
        "assay.envs.gui_grounding.qt.scenes:render",
        kind=kind,
        seed=int(seed),
        hard=level == "hard",
        compact=size == "compact",
    )
    return Image.frombytes("RGB", (shape[0], shape[1]), blobs[0])
