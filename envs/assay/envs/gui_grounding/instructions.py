"""Instructions for an element, of three kinds, each checked to fit no other visible element.

literal: names what is written on or beside it ("Click Save"). functional: says what it is for, in words that share no
stem with its label ("I want to keep the work on disk"). spatial: says where it stands ("the second field under
Address", "the button right of Undo", "the cell in row 3 under Price").

An instruction is a text and a predicate over elements; it is kept only if exactly one visible element satisfies the
predicate, disabled and half-covered ones included.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.relations import neighbours, ordinal_place
from assay.envs.gui_grounding.wording import LABELLED, NAMED, NOUNS, alike_names, leaks, lower_first, norm, read_path

KINDS = ("literal", "functional", "spatial")
Fits = Callable[[Element], bool]
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
    """At most ``count`` instructions for different (kind, element) pairs, spread over kinds and roles.

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
        self._hard: dict[str, bool] = {}

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
            if text is not None:
                made.append(Instruction(text, kind, element, self.hard(element)))
        return made

    def fitting(self, fits: Fits) -> list[Element]:
        """The visible elements that satisfy a predicate."""
        return [each for each in self.elements if fits(each)]

    def only(self, element: Element, fits: Fits) -> bool:
        """Whether the predicate picks out this element alone."""
        return self.fitting(fits) == [element]

    def hard(self, element: Element) -> bool:
        """Whether look-alikes of the element are visible."""
        if element.key not in self._hard:
            self._hard[element.key] = any(_look_alike(element, other) for other in self.elements)
        return self._hard[element.key]

    def texts(self, element: Element, kind: str, rng: random.Random) -> Iterator[str]:
        """Unambiguous instructions of a kind for an element, in random order of form."""
        made = {"literal": self._literal, "functional": self._functional, "spatial": self._spatial}[kind](element)
        forms = [(thing, text) for thing, fits, text in made if self.only(element, fits)]
        rng.shuffle(forms)
        for thing, whole in forms:
            if whole:
                yield _sentence(whole.format(rng.choice(_WISHES)))
            else:
                text = f"{rng.choice(_VERBS.get(element.role, _CLICKS))} {thing}"
                yield text + rng.choice(("", "", "."))

    def _literal(self, element: Element) -> Iterator[tuple[str, Fits, str]]:
        for text in (element.name, element.label):
            said = norm(text)
            if not said or len(text) > _LONGEST:
                continue
            templates = NAMED if text == element.name else LABELLED
            thing = templates.get(element.role, "").format(text)
            noun = NOUNS.get(element.role, element.role)
            if text == element.name and element.role in _PLAIN:
                yield text, _says(said), ""
            if thing:
                yield thing, lambda e, s=said, n=noun: _says(s)(e) and NOUNS.get(e.role, e.role) == n, ""
            if thing and element.path and norm(element.path) != said:
                place, path = read_path(element.path), element.path
                yield (
                    f"{thing} {place}",
                    lambda e, s=said, n=noun, p=path: _says(s)(e) and NOUNS.get(e.role, e.role) == n and e.path == p,
                    "",
                )

    def _functional(self, element: Element) -> Iterator[tuple[str, Fits, str]]:
        about = lower_first(element.about.strip().rstrip("."))
        if not about or leaks(about, f"{element.name} {element.label} {element.row}"):
            return

        def same(other: Element) -> bool:
            if element.meaning and other.meaning == element.meaning:
                return True
            return norm(other.about) == norm(element.about)

        yield "", same, "{} " + about.replace("{", "").replace("}", "")
        if element.path and not leaks(element.path, f"{element.name} {element.label}"):
            place = read_path(element.path)
            yield "", lambda e: same(e) and e.path == element.path, "{} " + about + " " + place

    def _spatial(self, element: Element) -> Iterator[tuple[str, Fits, str]]:
        noun = NOUNS.get(element.role, element.role)
        if element.row and element.column and element.role in ("cell", "tree item"):
            row, column = element.row, element.column
            cells = ("cell", "tree item")
            place = f"in row {row}" if row.isdigit() else f"in the row of {row}"
            yield (
                f"the entry {place} under {column}",
                lambda e: e.role in cells and norm(e.row) == norm(row) and norm(e.column) == norm(column),
                "",
            )
        place = ordinal_place(element, self.elements)
        if place:
            yield place, lambda e: e == element, ""
        if element.path and element.name and len(self.fitting(_says(norm(element.name)))) > 1:
            yield (
                f"the {element.name} {noun} {read_path(element.path)}",
                lambda e: e.path == element.path and _says(norm(element.name))(e),
                "",
            )
        for words, anchor in neighbours(element, self.elements):
            described = self._describe(anchor)
            if described:
                yield f"the {noun} {words} {described}", lambda e: e == element, ""

    def _describe(self, anchor: Element) -> str:
        """An unambiguous name of an element that another is placed by; "" where there is none."""
        for text, templates in ((anchor.name, NAMED), (anchor.label, LABELLED)):
            template = templates.get(anchor.role, "")
            if text and template and len(text) <= _LONGEST:
                said, noun = norm(text), NOUNS.get(anchor.role, anchor.role)
                if self.only(anchor, lambda e, s=said, n=noun: _says(s)(e) and NOUNS.get(e.role, e.role) == n):  # type: ignore[misc]
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
_PLAIN = ("button", "menu item", "menu", "tab", "checkbox", "radio button", "list item", "tree item")


def _sentence(text: str) -> str:
    text = text.strip()
    ending = "?" if text.startswith("Where") else ""
    return text[:1].upper() + text[1:] + ending


def _says(said: str) -> Fits:
    return lambda element: norm(element.name) == said or norm(element.label) == said


def _look_alike(element: Element, other: Element) -> bool:
    if other is element or other.role != element.role:
        return False
    if element.look and element.look == other.look and element.path == other.path:
        return True
    return bool(element.name and other.name and alike_names(element.name, other.name))
