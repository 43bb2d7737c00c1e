"""Windows drawn by seed: an endless source of tasks with exact truth, which needs no file and no network.

Task ``i`` of a split depends on ``(seed, split, i)`` and the filters alone, in whatever order tasks are asked for.
Four tasks share a window unless ``per_window`` says otherwise. What a window shows decides its split, whatever it
looks like, so that no state is in two splits. Screenshots are rendered again when they are asked for, which is faster
than reading a PNG: a million tasks need no disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.envs.caching import made_once
from assay.envs.gui_grounding.drawn import DrawnTasks, check_drawn
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.qt.windows import KINDS as WINDOWS
from assay.envs.gui_grounding.qt.worker import need_qt, shared_worker
from assay.envs.gui_grounding.records import Record, record_id
from assay.envs.tasks import TaskSet

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT_PICTURES = 32


def tasks(options: Options, split: str) -> TaskSet:
    """``options.count`` tasks of a split, drawn when they are asked for.

    Raises:
        ImportError: one line; PySide6 is not installed.
        ValueError: one line; the options leave nothing to draw.
    """
    need_qt()
    check_drawn(options, split, WINDOWS)
    return QtTasks(options, split)


class QtTasks(DrawnTasks):
    """Tasks on windows."""

    def records(self, screen: int) -> list[Record]:
        """The records of a window."""
        options = self.options
        scene = _scene(
            options.seed,
            self.split,
            screen,
            options.apps or tuple(WINDOWS),
            options.kinds or INSTRUCTIONS,
            options.hard,
            options.test_share,
            options.dev_share,
            options.compact,
            options.per_window,
        )
        return [_record(scene, drawn, options.compact) for drawn in scene["tasks"]]


@made_once(maxsize=1024)
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


@made_once(maxsize=_KEPT_PICTURES)
def screenshot(rest: str) -> Picture:
    """The screenshot of a reference without its ``qt:``. Not to be changed.

    Raises:
        InfraError: if the worker died.
        ValueError: if that is no reference of this source.
    """
    from PIL import Image

    shape, blobs = shared_worker().call("assay.envs.gui_grounding.qt.scenes:render", **_scene_of(rest))
    return Image.frombytes("RGB", (shape[0], shape[1]), blobs[0])


def elements(rest: str) -> list[Element]:
    """Everything that stands on the screenshot of a reference without its ``qt:``, targets and others.

    Raises:
        InfraError: if the worker died.
        ValueError: if that is no reference of this source.
    """
    found, _ = shared_worker().call("assay.envs.gui_grounding.qt.scenes:elements_of", **_scene_of(rest))
    return [Element.from_dict(each) for each in found]


def _scene_of(rest: str) -> dict[str, Any]:
    kind, _, tail = rest.partition(":")
    seed, _, tail = tail.partition(":")
    level, _, size = tail.partition(":")
    if kind not in WINDOWS or not seed.isdecimal() or level not in ("hard", "plain") or size not in ("", "compact"):
        raise ValueError(f"qt:{rest} is no reference of the qt source")
    return {"kind": kind, "seed": int(seed), "hard": level == "hard", "compact": size == "compact"}
