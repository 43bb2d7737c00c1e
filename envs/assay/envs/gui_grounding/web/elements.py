"""From a harvested view to elements: pixels of the screenshot, roles, what can be read, where it stands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from assay.envs.gui_grounding.elements import Box, Element
from assay.envs.gui_grounding.web.verbs import verb_named

ROLES = {
    "link": "link", "button": "button", "checkbox": "checkbox", "radio": "radio button", "switch": "switch",
    "tab": "tab", "menuitem": "menu item", "menuitemcheckbox": "menu item", "menuitemradio": "menu item",
    "option": "option", "treeitem": "tree item", "textbox": "field", "searchbox": "field", "combobox": "drop-down list",
    "spinbutton": "field", "slider": "slider", "DisclosureTriangle": "button", "MenuListPopup": "drop-down list",
    "Date": "field", "DateTime": "field", "InputTime": "field", "ColorWell": "button", "PopUpButton": "button",
    "listbox": "list",
}  # fmt: skip
"""What a role of the accessibility tree is called in an instruction."""
_FIELDS = ("field", "drop-down list", "slider")
_LONG = 60


@dataclass(frozen=True, slots=True)
class Note:
    """What the maker of a page knows about one of its elements, by the id in its HTML.

    Attributes:
        about: what it does, in words that avoid its label.
        meaning: a key that elements share if they do the same.
        look: a key that look-alikes share.
        place: where it stands, if the page's structure does not tell.
        row: what its row is about, where rows are not those of a table.
    """

    about: str = ""
    meaning: str = ""
    look: str = ""
    place: str = ""
    row: str = ""


def elements_of(view: Mapping[str, Any], scale: float, notes: Mapping[str, Note] | None = None) -> list[Element]:
    """The elements of a view, in the order of the page; boxes as painted, to whole pixels of the screenshot.

    Args:
        view: what the worker's harvest returned.
        scale: device pixels for one CSS pixel.
        notes: of the page's maker; without them, purposes are known only of elements with well-known names.
    """
    size = pixels_of(view, scale)
    found = []
    for raw in view["elements"]:
        if raw["off"]:
            continue
        element = _element(raw, scale, size, view.get("title", ""), (notes or {}).get(raw["id"]))
        found.append(element)
    return _with_flow(_unique_looks(found))


def pixels_of(view: Mapping[str, Any], scale: float) -> tuple[int, int]:
    """Width and height of the view's screenshot."""
    return round(view["view"][0] * scale), round(view["view"][1] * scale)


def painted(box: Sequence[float], scale: float, size: tuple[int, int]) -> Box:
    """A box of CSS pixels as the browser paints it: edges on whole pixels, the last ones included."""
    x1, y1, x2, y2 = (math.floor(edge * scale + 0.5) for edge in box)
    return (
        float(min(max(x1, 0), size[0] - 1)), float(min(max(y1, 0), size[1] - 1)),
        float(min(max(x2 - 1, x1, 0), size[0] - 1)), float(min(max(y2 - 1, y1, 0), size[1] - 1)),
    )  # fmt: skip


def _element(raw: Mapping[str, Any], scale: float, size: tuple[int, int], window: str, note: Note | None) -> Element:
    role = ROLES.get(raw["role"], "button" if raw["tag"] == "summary" else "option")
    box = painted(raw["box"], scale, size)
    name, label, hint = _readable(raw, role)
    about, meaning = "", ""
    if note is not None:
        about, meaning = note.about, note.meaning
    else:
        verb = verb_named(hint or name)
        if verb is not None and role not in _FIELDS:
            meaning, about = verb[0], verb[1].abouts[0]
        elif hint and not label:
            label = hint  # an icon is called by what its maker named it
    wide = box[2] - box[0] >= 3 and box[3] - box[1] >= 3
    return Element(
        box=box, role=role, name=name, about=about, path=(note.place if note else "") or raw["place"], window=window,
        label=label, meaning=meaning, key="/".join(map(str, raw["path"])), target=not raw["why"] and wide,
        look=note.look if note else "", row=(note.row if note else "") or raw["row"], column=raw["column"],
    )  # fmt: skip


def _readable(raw: Mapping[str, Any], role: str) -> tuple[str, str, str]:
    """What is written on an element, what is written beside it, and its accessible name where that cannot be read."""
    text, label, computed = (" ".join(str(raw[key]).split()) for key in ("text", "label", "name"))
    if len(text) > _LONG:
        text = computed if 0 < len(computed) <= _LONG and computed in text else ""
    if not any(char.isalnum() for char in text):
        text = "" if computed else text
    if role in _FIELDS:
        return text, label, "" if label or _same(computed, text) else computed
    if label and not text:
        return "", label, ""
    return text, "", "" if _same(computed, text) else computed


def _same(one: str, other: str) -> bool:
    return "".join(one.lower().split()) == "".join(other.lower().split())


def _unique_looks(found: list[Element]) -> list[Element]:
    """A look that only one element has says nothing."""
    counts = Counter(each.look for each in found if each.look)
    return [each if counts[each.look] > 1 else replace(each, look="") for each in found]


def _with_flow(found: list[Element]) -> list[Element]:
    """How the elements of a path are laid out, from their boxes."""
    groups: dict[str, list[Element]] = {}
    for each in found:
        groups.setdefault(each.path, []).append(each)
    flows = {path: flow_of([each.box for each in group]) for path, group in groups.items() if path}
    return [replace(each, flow=flows.get(each.path, "")) for each in found]


def flow_of(boxes: Sequence[Box]) -> str:
    """ "row" if all boxes share a horizontal line, "column" if they share a vertical one, else ""."""
    if len(boxes) < 2:
        return ""
    if max(box[1] for box in boxes) < min(box[3] for box in boxes) and _apart(boxes, 0):
        return "row"
    if max(box[0] for box in boxes) < min(box[2] for box in boxes) and _apart(boxes, 1):
        return "column"
    return ""


def _apart(boxes: Sequence[Box], axis: int) -> bool:
    ordered = sorted(boxes, key=lambda box: box[axis])
    return all(one[axis + 2] <= other[axis] + 1 for one, other in pairwise(ordered))
