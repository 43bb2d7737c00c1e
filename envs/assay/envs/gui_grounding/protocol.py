"""The pinned object of a benchmark and a model family: resizing, coordinates, prompt, parser, roll-up."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from assay.envs.gui_grounding.options import CoordName, Options

MIN_PIXELS = 3_136
MAX_PIXELS = 12_845_056
"""Area between which the processor of Qwen2.5-VL keeps an image."""
MOST_ASPECT = 200
Size = tuple[int, int]


@dataclass(frozen=True)
class Protocol:
    """How a benchmark is put to a model family. Training and evaluation use the same one, and results record it.

    Attributes:
        benchmark: the source of tasks, whose roll-up holds.
        family: the model family.
        factor: sides of the image shown are multiples of this; 0: it is not resized to a grid.
        min_pixels, max_pixels: area that the grid resize keeps to.
        max_image_tokens: images of more than this times factor squared pixels are first scaled down; 0: no limit.
        max_side: longest side of the image shown; 0: no limit.
        coord: what the coordinates of a response count.
        parser: points: a JSON list of objects with a point_2d; any: the first point in brackets, of a box its centre.
        think, multi_answer: what the prompt asks for and the parser insists on.
        system_prompt, prompt_template: replace the wording where they are not empty.
        rollup: name of the table.
    """

    benchmark: str
    family: str
    factor: int = 28
    min_pixels: int = MIN_PIXELS
    max_pixels: int = MAX_PIXELS
    max_image_tokens: int = 5600
    max_side: int = 0
    coord: CoordName = "abs_resized"
    parser: Literal["points", "any"] = "points"
    think: bool = True
    multi_answer: bool = True
    system_prompt: str = ""
    prompt_template: str = ""
    rollup: str = ""

    def shown(self, size: Size) -> Size:
        """Width and height of the image that the model is shown.

        Raises:
            ValueError: one line, for an image that is too long and thin.
        """
        width, height = size
        if self.max_side and max(size) > self.max_side:
            share = self.max_side / max(size)
            width, height = max(1, round(width * share)), max(1, round(height * share))
        if self.max_image_tokens and self.factor:
            width, height = cap((width, height), self.max_image_tokens * self.factor**2)
        if self.factor:
            width, height = smart_resize((width, height), self.factor, self.min_pixels, self.max_pixels)
        return width, height

    def scale(self, size: Size) -> tuple[float, float]:
        """What x and y of a response are multiplied by to be pixels of the original image."""
        unit: tuple[float, float] = {
            "abs_original": size, "rel1": (1.0, 1.0), "rel1000": (1000.0, 1000.0), "abs_resized": self.shown(size),
        }[self.coord]  # fmt: skip
        return size[0] / unit[0], size[1] / unit[1]

    def tokens(self, size: Size) -> int:
        """Image tokens of the image shown, one for each factor x factor square; 0 without a grid."""
        width, height = self.shown(size)
        return width * height // self.factor**2 if self.factor else 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data, for the record of a result."""
        return asdict(self)


def cap(size: Size, most: int) -> Size:
    """Width and height scaled alike so that the area is about ``most`` at most; halves are rounded to even."""
    width, height = size
    if width * height <= most:
        return size
    share = math.sqrt(most / (width * height))
    return max(1, round(width * share)), max(1, round(height * share))


def smart_resize(size: Size, factor: int = 28, least: int = MIN_PIXELS, most: int = MAX_PIXELS) -> Size:
    """Width and height as multiples of ``factor``, the area between ``least`` and ``most``, as Qwen's processors do it.

    Raises:
        ValueError: if one side is more than 200 times the other.
    """
    width, height = size
    if max(size) > MOST_ASPECT * min(size):
        raise ValueError(f"an image of {width} x {height} pixels is too long and thin: at most {MOST_ASPECT} to 1")
    w, h = max(factor, round(width / factor) * factor), max(factor, round(height / factor) * factor)
    if w * h > most:
        shrink = math.sqrt(width * height / most)
        w, h = (max(factor, math.floor(side / shrink / factor) * factor) for side in size)
    elif w * h < least:
        grow = math.sqrt(least / (width * height))
        w, h = (math.ceil(side * grow / factor) * factor for side in size)
    return w, h


def scaled_box(box: tuple[float, float, float, float], size: Size, shown: Size) -> tuple[float, float, float, float]:
    """A box of the original image in pixels of the image shown; the two sides scale each by itself."""
    sx, sy = shown[0] / size[0], shown[1] / size[1]
    return box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy


_GRID = Protocol("", "")
_FREE = Protocol("", "", factor=0, min_pixels=0, max_pixels=0, max_image_tokens=0)
FAMILIES: dict[str, Protocol] = {
    "infigui-g1": _GRID,
    "qwen2.5-vl": _GRID,
    "holo1.5": _GRID,
    "qwen3-vl": replace(_GRID, factor=32, min_pixels=65_536, max_pixels=16_777_216, coord="rel1000"),
    "qwen2-vl": replace(_GRID, coord="rel1000", parser="any"),
    "os-atlas": replace(_GRID, coord="rel1000", parser="any"),
    "uground": replace(_GRID, coord="rel1000", parser="any"),
    "seeclick": replace(_FREE, coord="rel1", parser="any"),
    "showui": replace(_GRID, coord="rel1", parser="any"),
    "smolvlm": replace(_FREE, coord="rel1000"),
}
"""Conventions by model family; the processor of a family with a grid must not resize again."""


def protocol_of(options: Options) -> Protocol:
    """The protocol of options: the family's, but for what they override.

    Raises:
        ValueError: one line, where the options contradict each other.
    """
    base = FAMILIES[options.family]
    if options.max_image_tokens > 0 and not base.factor:
        raise ValueError(f"family {options.family} has no image tokens of a fixed size: give max_side instead")
    return replace(
        base,
        benchmark=options.source,
        family=options.family,
        rollup=options.source,
        coord=base.coord if options.coord == "auto" else options.coord,
        max_image_tokens=base.max_image_tokens if options.max_image_tokens < 0 else options.max_image_tokens,
        max_side=base.max_side if options.max_side < 0 else options.max_side,
        think=options.think,
        multi_answer=options.multi_answer and base.parser == "points",
        system_prompt=options.system_prompt,
        prompt_template=options.prompt_template,
    )
