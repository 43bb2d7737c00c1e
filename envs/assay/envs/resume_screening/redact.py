"""Names, pronouns, ages, addresses and contacts taken out of a resume's text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.envs.resume_screening.records import Person

_CONTACTS = (
    re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"),
    re.compile(r"\b(?:https?://|www\.)[^\s<>()\[\]]{1,300}", re.I),
    re.compile(r"\b(?:linkedin|github|gitlab|twitter|facebook|instagram|xing|x)\.com/[^\s<>()\[\]]{1,200}", re.I),
    re.compile(r"(?<![\w@.])@[A-Za-z]\w{2,40}"),
    re.compile(r"(?<![\w.])\+?\(?\d[\d ().\-/]{7,20}\d(?!\w)"),
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DATE = r"[^\n;,|]{1,40}"
_AGES = (
    re.compile(rf"\b(?:date of birth|birth ?date|birthday|d\.?o\.?b\.?|born)\b\s*(?:on|in|:)?\s*{_DATE}", re.I),
    re.compile(r"\bage(?:d)?\s*[:=]?\s*(?:1[4-9]|[2-9]\d)\b(?!\s*[-–+])", re.I),
    re.compile(r"\b(?:1[4-9]|[2-9]\d)[\s-]*(?:years?|yrs?)[\s-]*(?:of age|old)\b", re.I),
)
_ADDRESS = re.compile(
    r"\b\d{1,5}[a-z]?,?(?: [A-Z][\w'.-]{1,30}){1,4}"
    r"(?: (?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Boulevard|Blvd|Way|Terrace|Close|"
    r"Crescent|Gardens|Place|Pl|Row|Hill|Causeway|Projects))\b\.?"
    r"(?:, ?[A-Z][\w' .-]{1,40}){0,3}"
)
_LABELLED = re.compile(
    r"^[ \t]*(?:[-*•][ \t]*)?(?:(?:full |first |last )?name|(?:home )?address|age|gender|sex|pronouns?|nationality|"
    r"marital status|religion|date of birth|dob|e-?mail|phone|mobile|telephone)[ \t]*:[^\n]*$\n?",
    re.I | re.M,
)
NEUTRAL: dict[str, str] = {
    "she/her": "", "he/him": "", "they/them": "",
    "she": "they", "he": "they", "her": "their", "hers": "theirs", "his": "their", "him": "them",
    "herself": "themselves", "himself": "themselves",
    "woman": "person", "man": "person", "women": "people", "men": "people", "female": "", "male": "",
    "mother": "parent", "father": "parent", "wife": "partner", "husband": "partner", "daughter": "child",
    "son": "child", "sister": "sibling", "brother": "sibling", "girl": "child", "boy": "child",
    "chairwoman": "chair", "chairman": "chair", "saleswoman": "salesperson", "salesman": "salesperson",
    "waitress": "server", "waiter": "server", "businesswoman": "businessperson", "businessman": "businessperson",
    "maternity": "parental", "paternity": "parental", "sorority": "society", "fraternity": "society",
}  # fmt: skip
"""Gendered words and what stands in their place; case as in the text."""
_GENDERED = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, NEUTRAL), key=len, reverse=True))})\b\.?", re.I)
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx)\.?\s+(?:\[name\]|[A-Z][\w'’-]{1,30})")
_BLANKS = re.compile(r"[ \t]{2,}")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SECTION = re.compile(
    r"(?i)\b(?:resume|résumé|curriculum|vitae|cv|profile|summary|objective|experience|education|skills|engineer|"
    r"developer|manager|nurse|analyst|designer|consultant|assistant|director|officer|contact|about|projects|work|"
    r"employment|history|references|career|personal|statement|school|university|college)\b"
)
MOST_HEADER = 6
NOBODY = Person()


def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a name that identify somebody: of two letters or more, longest first."""
    words = {word for word in _NAME_WORD.findall(name) if len(word) > 1}
    words |= {part for word in words for part in re.split(r"['’-]", word) if len(part) > 2}
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def redact(text: str, person: Person = NOBODY) -> str:
    """``text`` without what must not matter.

    Removed: labelled lines (``Name: ...``, ``Address: ...``), e-mail addresses, links, handles and phone numbers, the
    person's name and each word of it (as a whole word that begins with a capital, or in capitals), their address and
    anything that looks like one, ages and dates of birth. Pronouns and gendered words become neutral ones.
    """
    text = _LABELLED.sub("", text)
    for pattern in _CONTACTS:
        text = pattern.sub(_unless_span, text)
    if person.address:
        text = re.sub(re.escape(person.address), "[address]", text, flags=re.I)
    text = _ADDRESS.sub("[address]", text)
    for pattern in _AGES:
        text = pattern.sub("[age]", text)
    text = _without_name(text, person.name)
    text = _TITLED.sub("[name]", text)
    text = _GENDERED.sub(_neutral, text)
    return _BLANKS.sub(" ", text).strip()


def _unless_span(match: re.Match[str]) -> str:
    """A contact blanked; a span such as 2015 - 2019 or 03/2015 - 06/2019 looks like a phone number and stays."""
    found = match.group()
    dated = found[0].isdigit() and _YEAR.search(found) is not None
    return found if dated and "@" not in found else "[contact]"


def _without_name(text: str, name: str) -> str:
    words = name_tokens(name)
    if not words:
        return text
    spelled = "|".join(f"{re.escape(w)}|{re.escape(w.capitalize())}|{re.escape(w.upper())}" for w in words)
    token = rf"\b(?:{spelled})\b"
    return re.sub(rf"{token}(?:[ \t]+(?:[A-Z]\.[ \t]+)?{token})*", "[name]", text)


def _neutral(match: re.Match[str]) -> str:
    found = match.group()
    stop = "." if found.endswith(".") and found[:-1].lower() not in ("mr", "mrs", "ms") else ""
    plain = NEUTRAL[found.rstrip(".").lower()]
    return (plain.capitalize() if found[0].isupper() else plain) + stop


def infer_person(text: str) -> Person:
    """Who a resume seems to be of, from its first lines; empty fields where nothing is recognised.

    The name is a line ``Name: ...``, or else the first of the first six lines that is two to four capitalised words and
    no heading. Address, pronouns and age come from labelled lines or from what looks like one.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return Person(
        name=_labelled(text, r"(?:full )?name") or next(_likely_names(lines[:MOST_HEADER]), ""),
        pronouns=_pronouns(text),
        age=_age(text),
        address=_labelled(text, r"(?:home )?address") or _first(_ADDRESS, text),
    )


def _labelled(text: str, label: str) -> str:
    found = re.search(rf"^[ \t]*{label}[ \t]*:[ \t]*(\S[^\n]{{0,120}})$", text, re.I | re.M)
    return found.group(1).strip() if found else ""


def _likely_names(lines: list[str]) -> Iterator[str]:
    for line in lines:
        line = re.split(r"[|,;•·]| [-–—] ", line)[0].strip()
        words = line.split()
        capital = all(word[0].isupper() and _NAME_WORD.fullmatch(word.rstrip(".")) for word in words)
        if 2 <= len(words) <= 4 and capital and len(line) <= 50 and not _SECTION.search(line):
            yield line


def _pronouns(text: str) -> str:
    found = re.search(r"\b(she/her|he/him|they/them)\b", text, re.I)
    if found:
        return found.group(1).lower()
    she, he = (len(re.findall(rf"\b(?:{words})\b", text, re.I)) for words in ("she|hers?", "he|his|him"))
    return "" if she == he else "she/her" if she > he else "he/him"


def _age(text: str) -> int:
    for pattern in _AGES[1:]:
        found = pattern.search(text)
        if found:
            return int(re.search(r"\d+", found.group()).group())  # type: ignore[union-attr]  # the pattern has digits
    return 0


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group() if found else ""
