"""Reading the letter of a multiple-choice answer: the strict reading, and those of the benchmarks' program.

:func:`priority_letter` and :func:`first_letter` read as EvolvingLMMs-Lab/lmms-eval does (its shared extraction at the
revision that ranks formats, and that of its VideoMME task), quirks included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.verifiers.parse.choices import choice

_LABEL = re.compile(r"(?:\*\*)?[(\[]?([A-Z])(?:[)\].:]|\*\*){1,3}(?=\s)")
_STATEMENT = re.compile(r"\b(?:answer|option|choice)\b", re.IGNORECASE)
_OTHER = re.compile(r"(?<![^\W_])([A-Z])(?![^\W_])")
_LONGEST_LABELLED = 400


def strict_letter(text: str, letters: Sequence[str]) -> str | None:
    """The one letter that ``text`` gives as its answer, or None.

    Read are a lone letter in any wrapping (``B``, ``(B)``, ``**B**``), a statement ("The answer is (B)."), and a
    letter before its option's text ("B. The red car"). Where another of the letters stands alone in the text, there is
    no single answer; an "A" before a small letter is an article. Long reasoning goes in front of ``</think>``.
    """
    text = text.strip()
    found = choice(text, "".join(letters))
    if found is None and len(text) <= _LONGEST_LABELLED and not _STATEMENT.search(text):
        label = _LABEL.match(text)
        found = label.group(1) if label and label.group(1) in letters else None
    if found is None:
        return None
    return None if any(other != found for other in _standing(text, letters)) else found


def _standing(text: str, letters: Sequence[str]) -> set[str]:
    """The letters that stand alone in a text."""
    known, found = set(letters), set()
    for match in _OTHER.finditer(text):
        article = match.group() in "AI" and re.match(r" [a-z]", text[match.end() : match.end() + 2])
        if match.group() in known and not (article and _word_after(text, match.end() + 1) not in ("or", "and", "nor")):
            found.add(match.group())
    return found


def _word_after(text: str, at: int) -> str:
    return re.split(r"\W", text[at : at + 4], maxsplit=1)[0]


_STATED = ("answer is", "correct answer is", "best answer is", "correct option is", "best option is", "choice is",
           "correct choice is")  # fmt: skip
_PHRASES = (
    *_STATED, *(f"the {phrase}" for phrase in _STATED), "my answer is", "my choice is", "i choose", "i select",
    "i pick", "옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは",
)  # fmt: skip
_START, _END, _PHRASE, _FALLBACK = 10, 9, 7, 0
_FORMS = ((6, "({})"), (5, "{}."), (4, "{}:"), (3, "{})"), (2, "{} "))


def priority_letter(response: str, letters: Sequence[str]) -> str:
    """The letter of the best-ranked format, the last occurrence of it; "" where no letter occurs at all.

    Formats from best to worst: a bare letter at the start, at the end, after an answer phrase, ``(X)``, ``X.``,
    ``X:``, ``X)``, ``X`` and a space, and any occurrence. The quirks: after an answer phrase the *first* occurrence of
    each letter anywhere behind it counts, inside words too, and the furthest one of these wins.
    """
    text = response.strip()
    for mark in ",.!?;:'\"":
        text = text.strip(mark)
    text = f" {text} "
    inner = text.strip()
    found: list[tuple[int, int, str]] = []
    for letter in letters:
        found += [
            (rank, text.rfind(form.format(letter)), letter) for rank, form in _FORMS if form.format(letter) in text
        ]
        if inner.startswith(letter) and not inner[1:2].isalpha():
            found.append((_START, 0, letter))
        if inner.endswith(letter) and not inner[-2:-1].isalpha():
            found.append((_END, len(text) - 1, letter))
    found += _after_phrases(text, letters)
    if not found:
        found = [(_FALLBACK, text.rfind(letter), letter) for letter in letters if letter in text]
    return max(found, key=lambda each: each[:2])[2] if found else ""


def _after_phrases(text: str, letters: Sequence[str]) -> list[tuple[int, int, str]]:
    lower = text.lower()
    ends = {lower.find(phrase) + len(phrase) for phrase in _PHRASES if phrase in lower}
    places = [(text.find(letter, end), letter) for end in ends for letter in letters]
    return [(_PHRASE, place, letter) for place, letter in places if place >= 0]


_PREFIXES = (
    "The best answer is", "The correct answer is", "The answer is", "The answer",
    "The best option isThe correct option is", "Best answer:Best option:",
)  # fmt: skip


def first_letter(response: str, letters: Sequence[str]) -> str:
    """The first of the letters anywhere once the answer phrases are taken out, so that "A car" is A; "" where none is.

    Two of the phrases are glued to each other, as they are in the program.
    """
    text = response.strip()
    for prefix in _PREFIXES:
        text = text.replace(prefix, "")
    known = set(letters)
    return next((character for character in text if character in known), "")
