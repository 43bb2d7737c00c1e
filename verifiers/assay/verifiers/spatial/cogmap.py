"""``spatial.cogmap``: a map of what was seen, and the answer that it leads to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.parse.fold import fold
from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.choosing import chosen
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.maps import Likeness, Spot, likeness
from assay.verifiers.spatial.mindcube import FACINGS, answer_letter, official_likeness, spots_of
from assay.verifiers.spatial.reading import (
    OPTIONS,
    choices_of,
    laid,
    letters_for,
    number_in,
    one_object,
    text_of,
    verdict,
)
from assay.verifiers.video import attacks

SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"answer": "B", "choices": ["left", "right", "in front", "behind"],
     "map": {"red chair": {"position": [2, 3], "facing": "up"}, "table": {"position": [5, 3], "facing": None},
             "lamp": {"position": [4, 8], "facing": "left"}}},
    {"answer": "C", "choices": ["the sofa", "the desk", "the bin"],
     "map": {"sofa": {"position": [1, 1]}, "desk": {"position": [9, 2]}, "bin": {"position": [3, 6]},
             "plant": {"position": [7.5, 7]}}},
)  # fmt: skip
RIGHT = 0.5
MOST_THINGS = 64


def _wanted(truth: Mapping[str, Any]) -> tuple[str, list[str], dict[str, Any], dict[str, Spot]]:
    answer, choices = choices_of(truth)
    data = truth.get("map")
    wanted = 'the truth\'s map is {"chair": {"position": [x, y], "facing": "up" or null}, ...}'
    if not isinstance(data, Mapping) or not data:
        raise ValueError(wanted)
    things = _named(data)
    if things is None:
        raise ValueError(f"{wanted}, or objects and views with a name each")
    if not 1 <= len(things) <= MOST_THINGS:
        raise ValueError(f"the truth's map holds 1 to {MOST_THINGS} things")
    spots = {fold(name): spot for name, thing in things if (spot := _spot(thing)) is not None}
    if len(spots) != len(things):
        raise ValueError(wanted)
    return answer, choices, dict(data), spots


def _named(data: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """Name and thing of a map, as one object or as lists ``objects`` and ``views``; None where one has no name."""
    if not isinstance(data.get("objects"), list):
        return list(data.items())
    listed = [*data["objects"], *(data["views"] if isinstance(data.get("views"), list) else [])]
    if not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in listed):
        return None
    return [(each["name"], each) for each in listed]


def _spot(thing: Any) -> Spot | None:
    """A thing of a decoded map, strictly: a place of two numbers, and a facing that there is or none."""
    if not isinstance(thing, Mapping) or not isinstance(thing.get("position"), list | tuple):
        return None
    place = [number_in(value) for value in thing["position"]]
    facing = thing.get("facing")
    if len(place) != 2 or place[0] is None or place[1] is None:
        return None
    if facing is not None and not (isinstance(facing, str) and facing.lower().strip() in FACINGS):
        return None
    known = spots_of({"it": {"position": [0, 0], "facing": facing}})["it"].facing
    return Spot(place[0], place[1], known)


def _read_map(text: str, truth: Mapping[str, Spot]) -> tuple[Likeness, str, str]:
    """How alike the one map of a text is, the text without it, and what is wrong with it."""
    data, problem = one_object(text)
    if data is None:
        return Likeness(), text, problem
    start, end = text.find("{"), text.rfind("}")
    rest = f"{text[:start]} {text[end + 1 :]}".strip().removeprefix("```json").strip("`\n ")
    things = _named(data) or []
    said = {fold(name): _spot(thing) for name, thing in things}
    if not 0 < len(said) == len(things) <= 4 * MOST_THINGS or None in said.values():
        return Likeness(), rest, "a thing of the map has no position [x, y], or two have one name"
    return likeness({name: spot for name, spot in said.items() if spot}, truth), rest, ""


def _answer(truth: Mapping[str, Any], letter: str, **change: Any) -> str:
    things = {**_wanted(truth)[2], **change}
    return f"{json.dumps(things)}\nAnswer: {letter}"


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    return laid(_answer(truth, _wanted(truth)[0]), options)


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    for letter in letters_for(_wanted(truth)[1]):
        yield laid(_answer(truth, letter), options)


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    right, choices, data, spots = _wanted(truth)
    wrong = next(letter for letter in letters_for(choices) if letter != right)
    for text in attacks.letters(right, letters_for(choices)):
        yield laid(text, options)
    gold = json.dumps(data)
    flat = {name: {"position": [0, 0], "facing": "up"} for name in spots}
    listed = [gold + gold, f"{gold} or {json.dumps(flat)}", gold[:-1], gold.replace('"position"', '"place"')]
    listed += [json.dumps(flat), "{}", json.dumps(dict.fromkeys(spots)), json.dumps({key: [1, 2] for key in spots})]
    for place in ("[NaN, NaN]", "[Infinity, 0]", "[1e999, 3]", '["1", "2"]', "[true, false]", "[1]", "null"):
        listed.append("{" + ", ".join(f'"{name}": {{"position": {place}}}' for name in spots) + "}")
    name = next(iter(data))
    listed.append(f'{{"{name}": {{"position": [1, 1]}}, {gold[1:]}')
    for text in listed:
        yield laid(f"{text}\nAnswer: {wrong}", options)
        yield laid(f"{text}\nAnswer: {right} or {wrong}", options)
    yield from attacks.tags(right, wrong)


@verifier(
    "spatial.cogmap",
    options=OPTIONS,
    gold=_gold,
    attacks=_attacks,
    candidates=_candidates,
    samples=SAMPLES,
    partial=True,
)
def cogmap(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """0.2 for the right option, 0.6 times how alike the map is, 0.2 if all its relations are right.

    Of each ordered pair of things the map says right, left, down or up (the larger of dx and dy; y runs downwards), of
    each thing its facing; see :func:`assay.verifiers.spatial.maps.likeness` for the six rotations among which the best
    counts. Things that the map lacks are missed; others than the truth's are passed over. Without facings in the truth,
    directions are all that counts. A text without exactly one map can still earn the first 0.2. ``correct`` where the
    option is right and the map is at least half alike.

    ``parity`` is the program: from the first to the last brace, mended if need be; pairs of which a thing is missing
    are left out of the count; a fault of the program (a place that is an empty list) is worth nothing at all.

    Parts: ``score``; ``answer``, ``overall``, ``directional``, ``facing``, ``isomorphic``, each in [0, 1]; ``format``.

    Args:
        response: the map as one JSON object ``{"chair": {"position": [x, y], "facing": "up"}, ...}`` and the letter
            outside of it, such as ``Answer: B``.
        truth: ``answer`` and ``choices`` as in ``spatial.mcq``, and ``"map": {"chair": {"position": [2, 3], "facing":
            "up" or null}, ...}`` of 1 to 64 things; facings are up, down, left, right, inner and outer. The benchmark's
            ``{"objects": [...], "views": [...]}`` will do too.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    right, choices, data, spots = _wanted(truth)
    text, problem = text_of(response, layout, parity)
    alike: Likeness | None = Likeness()
    letter = None
    if text is not None and parity:
        letter, alike = answer_letter(text), official_likeness(text, data)
    elif text is not None:
        alike, rest, problem = _read_map(text, spots)
        letter = chosen(rest, choices)
    answered = float(letter == right and alike is not None)
    found = alike or Likeness()
    score = 0.2 * answered + 0.6 * found.overall + 0.2 * found.isomorphic
    detail = problem or f"read {letter}, the answer is {right}; the map is {found.overall:.2f} alike"
    return verdict(
        response, min(score, 1.0), format_weight, bool(answered) and found.overall >= RIGHT,
        letter is not None or found.overall > 0, detail, answer=answered, overall=found.overall,
        directional=found.directional, facing=found.facing, isomorphic=float(found.isomorphic),
    )  # fmt: skip
