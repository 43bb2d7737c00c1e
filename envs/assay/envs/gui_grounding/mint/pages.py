"""Tasks on a page of the user's: seen at several scales and scroll positions, each element once a scale."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.elements import Box, Element
from assay.envs.gui_grounding.instructions import Instruction, write_instructions
from assay.envs.gui_grounding.records import Record
from assay.envs.gui_grounding.web.elements import elements_of, pixels_of
from assay.envs.gui_grounding.web.worker import BrowserWorker
from assay.envs.tasks import content_id

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FLAT = "nothing to see there"
_MARGIN = 2
SPARE = 60.0
"""Seconds that a page may take besides loading, at one scale."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of each input.

    Attributes:
        limit: tasks at most.
        scales: device pixels for one CSS pixel.
        size: width and height of the viewport, CSS pixels.
        positions: scroll positions at most.
        kinds: kinds of instruction.
        seed: decides which elements, and the wording.
        seconds: that loading may take.
    """

    limit: int
    scales: tuple[float, ...]
    size: tuple[int, int]
    positions: int
    kinds: tuple[str, ...]
    seed: int
    seconds: float


@dataclass
class Minted:
    """What came of one input.

    Attributes:
        items: records with their screenshots.
        elements: how many different elements were seen.
        dropped: elements that are no target, and targets without an instruction, by reason.
        screens: how many screenshots were taken.
    """

    items: list[tuple[Record, Picture]] = field(default_factory=list)
    elements: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    screens: int = 0


def mint_page(worker: BrowserWorker, address: str, online: bool, wish: Wish) -> Minted:
    """The tasks of a URL or an HTML file.

    Args:
        worker: with the browsers.
        address: the URL, or a path.
        online: it is a URL, and the page may load what it wants over http and https.
        wish: how many, and how.

    Raises:
        ValueError: one line; the page cannot be had, or nothing on it can be clicked and told apart.
        InfraError: the browser died, or the page took it too long.
    """
    made = Minted()
    seen: dict[str, str] = {}
    share = -(-wish.limit // len(wish.scales))
    for scale in wish.scales:
        views, blobs = worker.call(
            "assay.envs.gui_grounding.web.render:visited_page", patience=wish.seconds + SPARE,
            address=address, online=online, width=wish.size[0], height=wish.size[1], scale=scale,
            positions=wish.positions, seconds=wish.seconds,
        )  # fmt: skip
        made.screens += len(views)
        made.items += _of_scale(views, blobs, address, online, scale, replace(wish, limit=share), seen)
    made.items = made.items[: wish.limit]
    made.elements = len(seen)
    made.dropped = Counter(why for why in seen.values() if why)
    if not any(why in ("", "no instruction fits it alone", "not asked for") for why in seen.values()):
        found = f"; it has {len(seen)} elements, {_most(made.dropped)}" if seen else ""
        raise ValueError(f"{address}: no element of the page can be clicked{found}")
    if not made.items:
        raise ValueError(f"{address}: none of {len(seen)} elements can be told apart from the others in words")
    return made


def _of_scale(
    views: Sequence[dict[str, Any]], blobs: Sequence[bytes], address: str, online: bool, scale: float, wish: Wish,
    seen: dict[str, str],
) -> list[tuple[Record, Picture]]:  # fmt: skip
    """Tasks of one scale, spread over the scroll positions; notes in ``seen`` why elements gave none."""
    from PIL import Image

    items: list[tuple[Record, Picture]] = []
    used: set[str] = set()
    for number, (view, blob) in enumerate(zip(views, blobs, strict=True)):
        with Image.open(io.BytesIO(blob)) as file:
            picture = file.convert("RGB")
        elements = _not_flat(elements_of(view, scale), view, picture)
        rest = -(-(wish.limit - len(items)) // (len(views) - number))
        rng = seeded("web-mint", wish.seed, address, scale, number)
        wanted = [replace(each, target=each.target and each.key not in used) for each in elements]
        for each in _told(wanted, elements, rng, rest, wish.kinds):
            used.add(each.element.key)
            items.append((_record(each, view, address, online, scale, number), picture))
        _note(view, elements, used, seen, full=len(items) >= wish.limit)
    return items


def _told(
    wanted: list[Element], elements: list[Element], rng: Any, count: int, kinds: Sequence[str]
) -> list[Instruction]:
    """Instructions for targets not used yet; counting words ("the second button") rest on all that is visible."""
    if count < 1 or not any(each.target for each in wanted):
        return []
    fresh = {each.key for each in wanted if each.target}
    made = write_instructions(elements, rng, 4 * count, kinds)
    return [each for each in made if each.element.key in fresh][:count]


def _not_flat(elements: list[Element], view: dict[str, Any], picture: Picture) -> list[Element]:
    """Elements whose place on the picture is one colour are no targets: there is nothing to see."""
    raws = {"/".join(map(str, raw["path"])): raw for raw in view["elements"]}
    found = []
    for each in elements:
        flat = each.target and is_flat(picture, each.box)
        if flat:
            raws[each.key]["why"] = FLAT
        found.append(replace(each, target=False) if flat else each)
    return found


def is_flat(picture: Picture, box: Box) -> bool:
    """Whether a box and a margin around it show one colour only."""
    x1, y1, x2, y2 = (int(edge) for edge in box)
    area = (
        max(0, x1 - _MARGIN),
        max(0, y1 - _MARGIN),
        min(picture.width, x2 + 1 + _MARGIN),
        min(picture.height, y2 + 1 + _MARGIN),
    )
    return len(picture.crop(area).getcolors(maxcolors=2) or (1, 2)) == 1


def _note(view: dict[str, Any], elements: list[Element], used: set[str], seen: dict[str, str], full: bool) -> None:
    targets = {each.key for each in elements if each.target}
    for raw in view["elements"]:
        key = "/".join(map(str, raw["path"]))
        if key in used:
            seen[key] = ""
        elif key in targets:
            seen[key] = seen.get(key, "x") and ("not asked for" if full else "no instruction fits it alone")
        elif not raw["off"]:
            seen.setdefault(key, raw["why"] or "out of sight")
        else:
            seen.setdefault(key, "out of sight")


def _record(made: Instruction, view: dict[str, Any], address: str, online: bool, scale: float, number: int) -> Record:
    place = urlsplit(address).hostname if online else address.replace("\\", "/").rpartition("/")[2]
    source = {
        "type": "web", "app": place or address, "url" if online else "file": address if online else place,
        "title": view["title"], "scale": scale, "scroll": view["scroll"],
        # Other pictures of the same part of the page belong to the same split.
        "screen": content_id("screen", address, number),
    }  # fmt: skip
    return Record(
        image="", size=pixels_of(view, scale), instruction=made.text, box=made.element.box, role=made.element.role,
        kind=made.kind, hard=made.hard, source=source, truth_from="DOM and accessibility tree",
    )  # fmt: skip


def _most(dropped: Counter[str]) -> str:
    return ", ".join(f"{count} {why}" for why, count in dropped.most_common(4))
