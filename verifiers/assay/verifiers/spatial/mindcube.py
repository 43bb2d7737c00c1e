"""Maps and answers as the benchmark's program (its copy of MindCube's evaluation) reads them, in linear time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from assay.verifiers.spatial.maps import Likeness, Spot, likeness
from assay.verifiers.spatial.reading import braced

_SYNONYMS: Mapping[str, str] = {
    "top": "up", "bottom": "down", "north": "up", "south": "down", "east": "right", "west": "left", "front": "inner",
    "back": "outer", "into": "inner", "out": "outer", "inside": "inner", "outside": "outer", "forward": "inner",
    "backward": "outer",
}  # fmt: skip
FACINGS = frozenset({*_SYNONYMS, "up", "down", "left", "right", "inner", "outer"})

_DOTTED = re.compile(r"([A-E])\.")
_SECTION = (re.compile(r"[Mm]y answer is ([A-E])"), re.compile(r"[Tt]he answer is ([A-E])"), re.compile(r"\b([A-E])\b"))
_ANYWHERE = (
    re.compile(r"(?:^|\n)(?:Answer: )?([A-E])(?:$|\s)"), re.compile(r'[*"]([A-E])[*"]'),
    re.compile(r"\bAnswer:?\s*([A-E])\b"), re.compile(r"[Mm]y answer is ([A-E])"), re.compile(r"answer is ([A-E])"),
)  # fmt: skip
_ALONE = _SECTION[2]
_PAIR = re.compile(r'"([^"]+)":\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}')


def answer_letter(text: str) -> str | None:
    """A to E: the last one before a period, else in the first ``<Answer>``, else by phrases, else on the last line."""
    if dotted := _DOTTED.findall(text):
        return str(dotted[-1])
    _, opened, section = text.partition("<Answer>")
    found = _last(_SECTION, re.split("<", section.removesuffix("\n"), maxsplit=1)[0]) if opened else None
    found = found or _last(_ANYWHERE, text)
    if found is None:
        for line in reversed(text.split("\n")):
            if match := _ALONE.search(line):
                return match.group(1)
    return found


def _last(patterns: tuple[re.Pattern[str], ...], text: str) -> str | None:
    for pattern in patterns:
        if found := pattern.findall(text):
            return str(found[-1])
    return None


def loose_map(text: str) -> Any:
    """The object from the first to the last brace, mended where it is not JSON; None where that does not help."""
    said = braced(text)
    if said is None:
        return None
    try:
        return json.loads(said)
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError):
        return None
    try:
        return json.loads(_mended(re.sub(r"[\n\r\t]", " ", re.sub(r"//.*", "", said))))
    except (ValueError, RecursionError):
        pass
    found = {}
    for name, inside in _PAIR.findall(said):
        try:
            found[name] = json.loads(_mended(f"{{{inside}}}"))
        except (ValueError, RecursionError):
            continue
    return found or None


def _mended(text: str) -> str:
    text = re.sub(r"(?<!\w)(\w+)(?=\s*:)", r'"\1"', text)  # keys without quotes
    return re.sub(r",\s*]", "]", re.sub(r",\s*}", "}", text))


def official_likeness(text: str, truth: Any) -> Likeness | None:
    """How alike the program finds the map in ``text``; None where it fails, so that the answer is worth nothing too.

    ``truth`` is a decoded map: ``{name: {"position", "facing"}}``, or ``{"objects": [...], "views": [...]}``.
    """
    said = loose_map(text)
    if not said or not isinstance(said, dict):
        return Likeness()
    try:
        if not isinstance(said.get("objects"), list):
            said = {name: value[0] if isinstance(value, list) else value for name, value in said.items()}
        if not _valid(said) or not _valid(truth):
            return Likeness()
        mine, right = spots_of(said), spots_of(truth)
        if "views" not in said and "objects" in truth:
            named = {each["name"] for each in truth["objects"] if "name" in each}
            right = {name: spot for name, spot in right.items() if name in named}
        return likeness(mine, right, parity=True) if mine and right else Likeness()
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return None


def _valid(data: dict[str, Any]) -> bool:
    views = data.get("views", [])
    if not isinstance(data.get("objects"), list):
        # A list, not a generator: the program looks at every thing, and fails with any number that is too large.
        fine = [_thing(value) for value in data.values()]
    elif isinstance(views, list):
        fine = [_thing(each) and "name" in each for each in [*data["objects"], *views]]
    else:
        fine = [False]
    return all(fine)


def _thing(value: Any) -> bool:
    if not isinstance(value, dict) or "position" not in value:
        return False
    place, facing = value["position"], value.get("facing")
    if not isinstance(place, list) or len(place) < 2:
        return False
    try:
        float(place[0]), float(place[1])
    except (ValueError, TypeError):
        return False
    if isinstance(facing, list):
        facing = facing[0] if facing else None
        if facing is None:
            return not value["facing"]
    return facing is None or (isinstance(facing, str) and facing.lower().strip() in FACINGS)


def spots_of(data: Mapping[str, Any]) -> dict[str, Spot]:
    """The things of a decoded map, whichever of its two forms it has; a place that is no pair of numbers is 0, 0."""
    if "objects" in data:
        things = [*data["objects"], *data.get("views", [])]
        return {each["name"]: _spot(each) for each in things if "name" in each}
    return {name: _spot(each) for name, each in data.items() if isinstance(each, dict)}


def _spot(thing: Mapping[str, Any]) -> Spot:
    place, facing = thing.get("position"), thing.get("facing")
    if isinstance(facing, list):
        facing = facing[0] if facing else None
    facing = facing.lower().strip() if isinstance(facing, str) else None
    x = y = 0.0
    if isinstance(place, list) and len(place) >= 2:
        try:
            x, y = float(place[0]), float(place[1])
        except (ValueError, TypeError):
            x = y = 0.0
    return Spot(x, y, _SYNONYMS.get(facing, facing) if facing else None)
