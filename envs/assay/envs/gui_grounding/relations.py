"""Where elements stand to one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from assay.envs.gui_grounding.elements import Box, Element
from assay.envs.gui_grounding.wording import NOUNS, nth, read_path

_NEAR = 120.0
_MOST_COUNTED = 10
_COUNTED = frozenset(
    (
        "button",
        "menu",
        "menu item",
        "tab",
        "checkbox",
        "radio button",
        "field",
        "entry",
        "slider",
        "column heading",
        "link",
    )
)


def ordinal_place(element: Element, elements: Sequence[Element]) -> str:
    """ "the second field under Address", or "" where its group cannot be counted without doubt."""
    noun = NOUNS.get(element.role, element.role)
    if not element.path or noun not in _COUNTED:
        return ""
    group = [e for e in elements if e.path == element.path and NOUNS.get(e.role, e.role) == noun]
    if not 2 <= len(group) <= _MOST_COUNTED or element.column:
        return ""
    if _line(group, 0):
        group.sort(key=lambda e: e.box[0])
        side = "from the left "
    elif _line(group, 1):
        group.sort(key=lambda e: e.box[1])
        side = "from the top "
    else:
        return ""
    place = group.index(element)
    if not all(each.target for each in group):  # a clipped or disabled one makes counting doubtful
        return ""
    if place == len(group) - 1 and place > 1:
        return f"the last {noun} {read_path(element.path)}"
    side = "" if read_path(element.path).startswith("under") and side == "from the top " else side
    return f"the {nth(place + 1)} {noun} {side}{read_path(element.path)}"


def neighbours(element: Element, elements: Sequence[Element]) -> Iterator[tuple[str, Element]]:
    """Elements that this one stands directly beside, as ("right of", anchor); nothing lies between or as near."""
    for words, axis, sign in (("to the right of", 0, 1), ("to the left of", 0, -1), ("below", 1, 1), ("above", 1, -1)):
        anchor = _nearest(element, elements, axis, -sign)
        if anchor is not None and _nearest(anchor, elements, axis, sign) is element:
            yield f"directly {words}", anchor


def _nearest(element: Element, elements: Sequence[Element], axis: int, sign: int) -> Element | None:
    """The one element that follows along an axis, or None where none is near or two are about as near."""
    found = []
    for other in elements:
        if other is element or _overlap(element.box, other.box, 1 - axis) < 0.2:
            continue
        gap = _gap(element.box, other.box, axis, sign)
        if gap > -2:
            found.append((gap, other))
        elif _overlap(element.box, other.box, axis) > 0:
            inner = _overlap(element.box, other.box, axis) >= 0.99
            if not inner:
                return None  # they overlap: "beside" has no clear meaning
    if not found:
        return None
    found.sort(key=lambda pair: pair[0])
    gap, nearest = found[0]
    side = nearest.box[axis + 2] - nearest.box[axis] + 1
    rivals = [other for near, other in found[1:] if near < gap + 0.8 * side]
    clear = gap <= _NEAR and not rivals and _overlap(element.box, nearest.box, 1 - axis) >= 0.6
    return nearest if clear else None


def _gap(here: Box, there: Box, axis: int, sign: int) -> float:
    """Pixels between two boxes when going from ``here`` in a direction; very negative if ``there`` is not ahead."""
    return there[axis] - here[axis + 2] if sign > 0 else here[axis] - there[axis + 2]


def _overlap(first: Box, second: Box, axis: int) -> float:
    """Common length of two boxes along an axis, as a share of the shorter."""
    common = min(first[axis + 2], second[axis + 2]) - max(first[axis], second[axis]) + 1
    return max(0.0, common / min(first[axis + 2] - first[axis] + 1, second[axis + 2] - second[axis] + 1))


def _line(group: Sequence[Element], axis: int) -> bool:
    """Whether the elements stand in one row (axis 0) or column (axis 1), none overlapping the next."""
    ordered = sorted(group, key=lambda e: e.box[axis])
    in_line = all(_overlap(a.box, b.box, 1 - axis) > 0.5 for a in ordered for b in ordered)
    return in_line and all(_overlap(a.box, b.box, axis) == 0 for a, b in pairwise(ordered))
