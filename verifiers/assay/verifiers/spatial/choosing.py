"""Reading the option that a response chooses: strictly, and as the benchmark's program does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from assay.verifiers.parse.fold import fold
from assay.verifiers.spatial.reading import letters_for
from assay.verifiers.video.letters import strict_letter

_SPARE = 100
_LETTER = "([A-Z])"
_BEFORE = (
    "The correct option is ", "The answer is ", "The correct answer is ", "Option {} is correct",
    "The right choice is ", "Thus, the answer is ", "Therefore, the correct option is ", "The answer should be ",
    "Hence, the correct answer is ", "The correct choice is ", "Accordingly, the answer is ",
    "Consequently, the correct option is {}The correct option is ", "Answer: ", "Answer ", "Choice ", "Select ",
    "{} is correct", "{} is the answer", "{} is the correct option", "Correct: ", "Right: ",
    "<|begin_of_box|>{}<|end_of_box|>",
)  # fmt: skip
"""The program's phrases in its order; two of them are one because a comma is missing between them."""


def _compiled(phrase: str) -> re.Pattern[str]:
    shown = phrase if "{}" in phrase and not phrase.endswith(" ") else phrase + "{}"
    return re.compile(_LETTER.join(re.escape(part) for part in shown.split("{}")))


_PATTERNS = tuple(_compiled(phrase) for phrase in _BEFORE)


def chosen(text: str, choices: Sequence[str]) -> str | None:
    """The one letter that a text gives, or whose option it repeats word for word; None where it is not one."""
    letters = letters_for(choices)
    if len(text) > _SPARE + 4 * max(map(len, choices)):  # too long to be an option
        return strict_letter(text, letters)
    said = fold(text).rstrip(".")
    plain = [_plain(choice, letter) for choice, letter in zip(choices, letters, strict=True)]
    for letter, option in zip(letters, plain, strict=True):
        if said in (fold(f"{letter}. {option}").rstrip("."), fold(f"({letter}) {option}").rstrip(".")):
            return letter
    found = strict_letter(text, letters)
    if found is not None:
        return found
    same = [letter for letter, option in zip(letters, plain, strict=True) if fold(option).rstrip(".") == said]
    return same[0] if len(same) == 1 else None


def _plain(choice: str, letter: str) -> str:
    """An option's text without the letter that the benchmark's records put in front of it."""
    return re.sub(rf"^\s*(?:{letter}\.|{letter}\)|\({letter}\))\s+", "", choice)


def official_choice(response: str, choices: Sequence[str]) -> tuple[str, bool]:
    """The letter that the benchmark's program reads, and whether it had to guess.

    Phrases first, then ``(X)``, ``X`` and a space, ``X.``, then the options' texts, of several the last. Where the
    program draws a letter at random, the letter here depends on the response alone (its SHA-256), so that scoring is
    pure; over many responses it is as good as uniform.
    """
    letters = letters_for(choices)
    for pattern in _PATTERNS:
        match = pattern.search(response)
        if match and match.group(1) in letters:
            return match.group(1), False
    if (at := response.rfind("Answer:")) >= 0:
        named = [letter for letter in letters if letter in response[at + len("Answer:") :]]
        if len(named) == 1:
            return named[0], False
    text = response
    for mark in ",.!?;:'":
        text = text.strip(mark)
    return _scanned(f" {text} ", choices, letters) or (_guess(response, letters), True)


def _scanned(text: str, choices: Sequence[str], letters: Sequence[str]) -> tuple[str, bool] | None:
    places: list[tuple[int, str]] = []
    for form, last in (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} ")):
        places = [(text.rfind(last.format(x)), x) for x in letters if form.format(x) in text]
        if places:
            break
    if not places and len(text.split()) > 5:
        lower = text.lower()
        said = [(choice.lower(), letter) for choice, letter in zip(choices, letters, strict=True)]
        places = [(lower.rfind(choice), letter) for choice, letter in said if choice in lower]
    return (max(places, key=lambda each: each[0])[1], False) if places else None


def _guess(response: str, letters: Sequence[str]) -> str:
    digest = hashlib.sha256(response.encode("utf-8", "surrogatepass")).digest()
    return letters[int.from_bytes(digest, "big") % len(letters)]
