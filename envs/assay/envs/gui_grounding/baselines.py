"""What can be had without a model: a place at random, the middle of the screen, the text that the instruction names."""

from __future__ import annotations

import math
import random
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.envs.gui_grounding.oracle import point_answer
from assay.envs.results import Baseline

if TYPE_CHECKING:
    from assay.envs.tasks import Task

_IDLE = frozenset(
    re.findall(
        r"\w+",
        "a an and at button by choose click from go icon in into it its item link menu named of on open or page please "
        "press says select tab tap that the this to which with",
    )
)
"""Words of an instruction that say what to do, not what is written there."""
_ROLES = frozenset(
    re.findall(
        r"\w+",
        "arrow bar box cell check checkbox column cursor down drop entry field heading into label list put row shows "
        "slider text tool up",
    )
)
"""Words that say what kind of thing it is; they count where nothing else is left."""
_QUOTED = re.compile(r"[\"'‘’“”«»]([^\"'‘’“”«»]{1,80})[\"'‘’“”«»]")


class Read(NamedTuple):
    """A line of text that was read on a screenshot: what it says, and its box in pixels."""

    text: str
    box: tuple[float, float, float, float]


def at_random(task: Task, images: Sequence[Any], seed: int) -> str:
    """A point drawn uniformly from the screen."""
    drawn = random.Random(seed)
    return _pointing(task, drawn.random(), drawn.random())


def centre(task: Task, images: Sequence[Any], seed: int) -> str:
    """The middle of the screen."""
    return _pointing(task, 0.5, 0.5)


def by_text(task: Task, images: Sequence[Any], seed: int) -> str:
    """The text on the screen that is most like what the instruction names; the middle if none is like it."""
    if not images:
        return centre(task, images, seed)
    image = images[-1]
    point = best_match(str(task.meta.get("instruction", "")), read_text(image))
    if point is None:
        return centre(task, images, seed)
    return _pointing(task, point[0] / image.width, point[1] / image.height)


def _pointing(task: Task, x: float, y: float) -> str:
    """The response that names a place given as shares of width and height."""
    (width, height), (sx, sy) = task.meta["size"], task.truth.get("scale", (1.0, 1.0))
    digits = 4 if max(width / sx, height / sy) <= 1 else 0
    px, py = round(x * width / sx, digits), round(y * height / sy, digits)
    return point_answer(task.truth, [(px, py)])


def best_match(instruction: str, lines: Sequence[Read]) -> tuple[float, float] | None:
    """Where the words of a line are that say most of what an instruction names, and little else; None: nowhere.

    Quoted words count alone where there are any. Of a long line only the stretch counts that fits best, and where on
    the line it is, is told from its characters.
    """
    quoted = _QUOTED.findall(instruction)
    said = [word for word in _words(instruction) if word not in _IDLE]
    wanted = _words(" ".join(quoted)) or [word for word in said if word not in _ROLES] or said
    if not wanted:
        return None
    best, where = 0.3, None
    for line in lines:
        spans = [(m.start(), m.end(), m.group().casefold()) for m in re.finditer(r"\w+", line.text)]
        for first in range(len(spans)):
            for last in range(first, min(first + len(wanted), len(spans))):
                found = [span[2] for span in spans[first : last + 1]]
                value = _alike(wanted, found) - 0.01 * (len(spans) - len(found))
                if value > best + 1e-9:
                    best, where = value, _middle(line, spans[first][0], spans[last][1])
    return where


def _alike(wanted: Sequence[str], found: Sequence[str]) -> float:
    """F-measure of the words, misread letters forgiven, times how alike the order is.

    Precision weighs twice as much as recall: an instruction also says where the thing stands.
    """
    hits = sum(max((_near(word, other) for other in wanted), default=0.0) for word in found)
    if not hits:
        return 0.0
    both = 1.25 * hits / (0.25 * len(wanted) + len(found))
    return both * (0.5 + 0.5 * SequenceMatcher(None, " ".join(wanted), " ".join(found)).ratio())


@cache
def _near(a: str, b: str) -> float:
    if a == b:
        return 1.0
    ratio = SequenceMatcher(None, a, b).ratio() if min(len(a), len(b)) > 3 else 0.0
    return ratio if ratio >= 0.75 else 0.0


def _middle(line: Read, first: int, last: int) -> tuple[float, float]:
    x1, y1, x2, y2 = line.box
    share = (first + last) / 2 / max(len(line.text), 1)
    return x1 + share * (x2 - x1), (y1 + y2) / 2


def _words(text: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"\w+", text)]


_READING = threading.Lock()
_READ: OrderedDict[bytes, list[Read]] = OrderedDict()
_KEPT = 256


@cache
def _reader() -> Any:
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        raise ImportError("the ocr baseline needs rapidocr-onnxruntime: pip install 'assay[ocr]'") from None
    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)  # a line of text gains nothing from more


def read_text(image: Any) -> list[Read]:
    """The lines of text on a PIL image, with their boxes. Reading takes a second or more, so the latest are kept.

    Raises:
        ImportError: if rapidocr is not installed.
    """
    shown = image.convert("RGB")
    key = sha256(repr(shown.size).encode() + shown.tobytes()).digest()
    with _READING:
        if key not in _READ:
            _READ[key] = _lines(shown)
            if len(_READ) > _KEPT:
                _READ.popitem(last=False)
        return _READ[key]


def _lines(image: Any) -> list[Read]:
    import numpy as np

    found, _ = _reader()(np.asarray(image)[:, :, ::-1], use_cls=False)
    lines = []
    for corners, text, _ in found or ():
        xs, ys = [float(x) for x, _ in corners], [float(y) for _, y in corners]
        if text.strip() and all(math.isfinite(value) for value in (*xs, *ys)):
            lines.append(Read(text, (min(xs), min(ys), max(xs), max(ys))))
    return lines


def _check() -> None:
    _reader()


BASELINES = {
    "random": Baseline(at_random),
    "centre": Baseline(centre),
    "ocr": Baseline(by_text, sees=True, check=_check),
}
"""Answers by name, for ``eval-agent --model NAME``."""
