"""Instructions for an element, of three kinds, each checked to fit no other visible element.

literal: names what is written on or beside it ("Click Save"). functional: says what it is for, in words that share no
stem with its label ("I want to keep the work on disk"). spatial: says where it stands ("the second field under
Address", "the button right of Undo", "the cell in row 3 under Price").

An instruction is kept only if its words fit exactly one visible element, disabled and half-covered ones included.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.relations import neighbours, ordinal_place
from assay.envs.gui_grounding.wording import (
    LABELLED,
    NAMED,
    NOUNS,
    leaks,
    lower_first,
    norm,
    read_path,
    without_digits,
    words_of,
)

KINDS = ("literal", "functional", "spatial")
Form: TypeAlias = tuple[str, list[Element], str]
"""Words for the element, or else a wish that it fulfils last; between them, all that the words fit."""
_LONGEST = 48
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Instruction:
    """What to point at.

    Attributes:
        text: the instruction.
        kind: literal, functional or spatial.
        element: the target.
        hard: look-alikes of the target are visible.
    """

    text: str
    kind: str
    element: Element
    hard: bool


def write_instructions(
    elements: Sequence[Element],
    rng: random.Random,
    count: int,
    kinds: Sequence[str] = KINDS,
    hard: str = "mixed",
) -> list[Instruction]:
    """At most ``count`` different instructions, one for each kind and element, spread over kinds and roles.

    Args:
        elements: everything visible on one screenshot.
        rng: decides which, and their wording.
        count: how many at most.
        kinds: kinds wanted.
        hard: "only" targets with look-alikes, "none", or "mixed".
    """
    return Crowd(elements).write(rng, count, kinds, hard)


class Crowd:
    """All visible elements of a screenshot, against which instructions are checked."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.elements = list(elements)
        self._said: dict[str, list[Element]] = defaultdict(list)
        self._traits: Counter[tuple[str, ...]] = Counter()
        for each in self.elements:
            for text in {norm(each.name), norm(each.label)} - {""}:
                self._said[text].append(each)
            self._traits.update(set(_traits(each)))

    def write(self, rng: random.Random, count: int, kinds: Sequence[str], hard: str) -> list[Instruction]:
        """See :func:`write_instructions`."""
        roles: dict[str, list[Element]] = defaultdict(list)
        for each in self.elements:
            if each.target and (hard == "mixed" or self.hard(each) == (hard == "only")):
                roles[each.role].append(each)
        made: list[Instruction] = []
        turn = rng.randrange(len(kinds))
        used: set[tuple[str, str]] = set()
        names = sorted(roles)
        for attempt in range(_TRIES * count if names else 0):
            if len(made) == count:
                break
            kind = kinds[(turn + len(made) + attempt // 8) % len(kinds)]
            element = rng.choice(roles[rng.choice(names)])
            text = None if (kind, element.key) in used else next(self.texts(element, kind, rng), None)
            used.add((kind, element.key))
            if text is not None and all(text != each.text for each in made):
                made.append(Instruction(text, kind, element, self.hard(element)))
        return made

    def saying(self, text: str) -> list[Element]:
        """The visible elements on or beside which a text stands."""
        return self._said.get(norm(text), [])

    def hard(self, element: Element) -> bool:
        """Whether look-alikes of the element are visible."""
        return any(self._traits[trait] > 1 for trait in _traits(element))

    def texts(self, element: Element, kind: str, rng: random.Random) -> Iterator[str]:
        """Unambiguous instructions of a kind for an element, in random order of form."""
        made = {"literal": self._literal, "functional": self._functional, "spatial": self._spatial}[kind](element)
        forms = [(thing, wish) for thing, fitting, wish in made if fitting == [element]]
        rng.shuffle(forms)
        for thing, wish in forms:
            if wish:
                yield _sentence(f"{rng.choice(_WISHES)} {wish}")
            else:
                yield f"{rng.choice(_VERBS.get(element.role, _CLICKS))} {thing}" + rng.choice(("", "", "."))

    def _literal(self, element: Element) -> Iterator[Form]:
        noun = _noun(element)
        for text in (element.name, element.label):
            if not norm(text) or len(text) > _LONGEST:
                continue
            saying = self.saying(text)
            if text == element.name and element.role in _PLAIN:
                yield text, saying, ""
            thing = (NAMED if text == element.name else LABELLED).get(element.role, "").format(text)
            if thing:
                same = [each for each in saying if _noun(each) == noun]
                yield thing, same, ""
                if element.path and norm(element.path) != norm(text):
                    yield f"{thing} {read_path(element.path)}", [e for e in same if e.path == element.path], ""

    def _functional(self, element: Element) -> Iterator[Form]:
        about = lower_first(element.about.strip().rstrip("."))
        label = f"{element.name} {element.label} {element.row}"
        if not about or leaks(about, label):
            return
        same = [
            each
            for each in self.elements
            if (element.meaning and each.meaning == element.meaning) or norm(each.about) == norm(element.about)
        ]
        yield "", same, about
        if element.path and not leaks(element.path, label):
            yield "", [each for each in same if each.path == element.path], f"{about}, {read_path(element.path)}"

    def _spatial(self, element: Element) -> Iterator[Form]:
        noun = _noun(element)
        if element.row and element.column and element.role in _GRID:
            place = f"in row {element.row}" if element.row.isdigit() else f"in the row of {element.row}"
            here = (norm(element.row), norm(element.column))
            same = [e for e in self.elements if e.role in _GRID and (norm(e.row), norm(e.column)) == here]
            yield f"the entry {place} under {element.column}", same, ""
        place = ordinal_place(element, self.elements)
        if place:
            yield place, [element], ""
        if element.path and element.name and len(self.saying(element.name)) > 1:
            same = [each for each in self.saying(element.name) if each.path == element.path]
            yield f"the {element.name} {noun} {read_path(element.path)}", same, ""
        for words, anchor in neighbours(element, self.elements):
            described = self._describe(anchor)
            if described:
                yield f"the {noun} {words} {described}", [element], ""

    def _describe(self, anchor: Element) -> str:
        """An unambiguous name of an element that another is placed by; "" where there is none."""
        for text, templates in ((anchor.name, NAMED), (anchor.label, LABELLED)):
            template = templates.get(anchor.role, "")
            if text and template and len(text) <= _LONGEST:
                same = [each for each in self.saying(text) if _noun(each) == _noun(anchor)]
                if same == [anchor]:
                    return template.format(text)
        return ""


_CLICKS = ("Click", "Click on", "Select")
_WISHES = ("I want to", "I would like to", "Where do I click to", "Help me to", "Click what you need to", "")
_VERBS = {
    "button": ("Click", "Click on", "Press"),
    "menu": ("Open", "Click", "Click on"),
    "tab": ("Go to", "Switch to", "Click"),
    "field": ("Click into", "Click", "Put the cursor into"),
    "text area": ("Click into", "Put the cursor into"),
    "slider handle": ("Grab", "Take hold of"),
    "scroll handle": ("Grab", "Take hold of"),
    "drop-down list": ("Open", "Click"),
    "checkbox": ("Click", "Toggle"),
    "radio button": ("Choose", "Select"),
}
_GRID = ("cell", "tree item")
_PLAIN = ("button", "menu item", "menu", "tab", "checkbox", "radio button", "list item", "tree item")


def _sentence(text: str) -> str:
    text = text.strip()
    ending = "?" if text.startswith("Where") else ""
    return text[:1].upper() + text[1:] + ending


def _noun(element: Element) -> str:
    return NOUNS.get(element.role, element.role)


def _traits(element: Element) -> list[tuple[str, ...]]:
    """What makes an element look like others: two that share one are look-alikes."""
    traits: list[tuple[str, ...]] = []
    if element.look:
        traits.append((element.role, "icon", element.look, element.path))
    if element.name:
        traits += [(element.role, "word", word) for word in words_of(element.name)]
        traits.append((element.role, "shape", without_digits(element.name)))
    return traits
