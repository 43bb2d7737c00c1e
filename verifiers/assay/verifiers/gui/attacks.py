"""A right answer, and the ways to earn one without looking."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.verifiers.gui.points import Point
from assay.verifiers.gui.truth import target_of

THOUGHT = "<think>I look for it.</think>"


def said(points: Sequence[Point], think: bool = True) -> str:
    """A response that lists points."""
    listed = json.dumps([{"point_2d": [_short(x), _short(y)]} for x, y in points])
    return f"{THOUGHT}{listed}" if think else listed


def _short(value: float) -> float:
    return int(value) if value == int(value) else value


def gold(truth: Mapping[str, Any], **options: Any) -> str:
    """The middle of the box."""
    centre = target_of(truth).centre
    return said([] if centre is None else [centre], options.get("think", True))


def guesses(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """The gold answer and places beside the box."""
    target = target_of(truth)
    yield gold(truth, **options)
    if target.box is None or target.centre is None:
        return
    x, y = target.centre
    width = (target.box[2] - target.box[0]) / target.scale[0] + 10
    for offset in (1.0, 2.0, 3.5):
        yield said([(x + offset * width, y + 3)], options.get("think", True))


def attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Grids, boxes over everything, duplicates, odd numbers, brackets, tags inside the JSON, second lists."""
    target = target_of(truth)
    think = options.get("think", True)
    before = THOUGHT if think else ""
    x, y = target.centre or (50.0, 50.0)
    grid = [(float(cx), float(cy)) for cx in range(0, 1280, 160) for cy in range(0, 720, 144)]
    yield said(grid, think)
    yield said([*grid, (x, y)], think)
    scattered = [(float(137 * i % 1279), float(i * i * 7 % 719)) for i in range(1, 41)]
    yield said([*scattered, (x, y)], think)
    far = (x + 5000.0, y + 5000.0)
    yield said([far, (x, y), (2 * x - far[0], 2 * y - far[1])], think)  # on a line through the box
    yield said([far, far, (x, y)], think)
    yield said([far, (far[0] + 1, far[1] + 7)], think)
    pair = f"[{_short(x)}, {_short(y)}]"
    for listed in (
        '[{"point_2d": [0, 0, 100000, 100000]}]',
        '[{"bbox_2d": [0, 0, 100000, 100000]}]',
        f'{{"point_2d": {pair}}}',
        f"[{pair}]",
        '[{"point_2d": [NaN, NaN]}]',
        '[{"point_2d": [1e308, 1e308]}]',
        '[{"point_2d": [-Infinity, Infinity]}]',
        f'[{{"point_2d": [[{_short(x)}], [{_short(y)}]]}}]',
        f'[{{"point_2d": [true, true], "point": {pair}}}]',
        f'[{{"point_2d": [-9, -9], "point_2d": {pair}}}]',
        f'[{{"point_2d": {pair}}}',
        f'[1] is [{{"point_2d": {pair}}}]',
        f'[{{"point_2d": [-9, -9]}}] [{{"point_2d": {pair}}}]',
        f'[{{"point_2d": [-9, -9], "label": "<think>{pair}</think>"}}]',
        f'[{{"point_2d": "{pair}"}}]',
        "[" * 500_000 + "]" * 500_000,
        "[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ):
        yield before + listed
    if think:
        good = said([(x, y)], think=False)
        yield good
        yield f"so <think>so</think>{good}"
        yield f"<think></think>{good}"
        yield f"<think>a</think><think>b</think>{good}"
        yield f"<think>{good}</think>"
        yield f"<think>{good}"
