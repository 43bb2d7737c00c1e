"""Words for elements: nouns of roles, comparison of labels, and whether a description gives a label away."""

from __future__ import annotations

import re
from functools import lru_cache

NOUNS = {
    "drop-down list": "field",
    "text area": "field",
    "list item": "entry",
    "tree item": "entry",
    "option": "entry",
    "column header": "column heading",
    "row header": "row heading",
}
"""What a person calls a role, where it is not the role's own name."""

NAMED = {
    "button": "the {} button",
    "menu": "the {} menu",
    "menu item": "the menu item {}",
    "tab": "the {} tab",
    "checkbox": "the checkbox {}",
    "radio button": "the option {}",
    "cell": "the cell that reads {}",
    "list item": "the entry {}",
    "tree item": "the entry {}",
    "column header": "the column heading {}",
    "row header": "the row heading {}",
    "drop-down list": "the list that shows {}",
    "link": "the link {}",
    "field": "the field that reads {}",
    "option": "the entry {}",
    "switch": "the {} switch",
}
"""How an element is called by what is written on it."""

LABELLED = {
    "field": "the {} field",
    "text area": "the {} field",
    "drop-down list": "the {} drop-down list",
    "drop-down arrow": "the arrow that unfolds {}",
    "slider": "the {} slider",
    "slider handle": "the handle of the {} slider",
    "up arrow": "the up arrow of {}",
    "down arrow": "the down arrow of {}",
    "checkbox": "the checkbox of {}",
    "radio button": "the option {}",
    "expander": "the small arrow beside {}",
    "close button": "the close button of {}",
    "dial": "the {} dial",
    "button": "the {} button",
    "switch": "the {} switch",
}
"""How an element is called by what is written beside it."""

_IDLE = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "does", "for", "from", "get", "has", "have", "how",
        "in", "into", "is", "it", "its", "me", "more", "my", "no", "not", "of", "off", "on", "or", "out", "so",
        "that", "the", "there", "this", "to", "up", "use", "what", "when", "where", "which", "who", "will", "with",
        "you", "your",
    )
)  # fmt: skip
_PLACES = ("menu", "bar", "list", "table", "dialog", "places", "line", "row", "grid", "library", "controls", "tabs")


@lru_cache(maxsize=8192)
def norm(text: str) -> str:
    """A label as it is compared: case, spacing, outer marks and dots after it do not matter."""
    return re.sub(r"\s+", " ", text).strip(" .…:*★").casefold()


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text that carry meaning, small letters."""
    return tuple(word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _IDLE)


def kin(first: str, second: str) -> bool:
    """Whether two words are likely forms of one: save, saving, saved."""
    if first == second:
        return True
    shorter = min(len(first), len(second))
    stem = shorter - 1 if shorter >= 4 else len(first) + len(second)
    return first[:stem] == second[:stem] and stem < len(first) + len(second)


def leaks(description: str, label: str) -> bool:
    """Whether a description holds a word of the label, in any form."""
    return any(kin(a, b) for a in words_of(description) for b in words_of(label))


@lru_cache(maxsize=8192)
def without_digits(text: str) -> str:
    """The text with its digits taken out."""
    return re.sub(r"\d", "", text)


def lower_first(text: str) -> str:
    """The text with a small first letter, unless the word is an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def read_path(path: str) -> str:
    """Where an element stands, for a sentence: "in the tool bar", "under Address"."""
    last = path.casefold().split()[-1:]
    return f"in the {path}" if last and last[0] in _PLACES else f"under {path}"


def nth(number: int) -> str:
    """A number from 1 on as an ordinal."""
    first = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return first[number - 1] if number <= len(first) else f"{number}th"
