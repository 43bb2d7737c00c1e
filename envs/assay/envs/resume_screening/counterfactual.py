"""The same application by somebody else: name, pronouns, age and address swapped, one by one or together."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace

from assay.envs.resume_screening.people import another
from assay.envs.resume_screening.records import Person, Record, Resume
from assay.envs.resume_screening.redact import name_tokens

KINDS = ("name", "pronouns", "age", "address", "all")

_SETS = {
    "she/her": ("she", "her", "her", "herself", "hers", "ms", "woman"),
    "he/him": ("he", "him", "his", "himself", "his", "mr", "man"),
    "they/them": ("they", "them", "their", "themselves", "theirs", "mx", "person"),
}
_NEXT_TO_NOUN = re.compile(r"\b(her)(?=\s+[a-z])", re.I)


def swapped(record: Record, kind: str) -> Record:
    """``record`` with one trait of its person changed, in the fields and wherever it shows in the text.

    Who stands in is decided by the record's id. A trait that is not known leaves the text as it is.
    """
    old = record.resume.person
    new = another(old, random.Random(f"another:{record.id}"))
    traits = KINDS[:-1] if kind == "all" else (kind,)
    person = replace(old, **{trait: getattr(new, trait) for trait in traits})
    resume = record.resume
    return replace(
        record,
        resume=replace(
            resume,
            text=_changed(resume.text, old, person, traits),
            sections={name: _changed(text, old, person, traits) for name, text in resume.sections.items()},
            person=person,
        ),
    )


def _changed(text: str, old: Person, new: Person, traits: tuple[str, ...]) -> str:
    if "name" in traits:
        text = _renamed(text, old.name, new.name)
    if "pronouns" in traits and old.pronouns in _SETS:
        text = _readdressed(text, old.pronouns, new.pronouns)
    if "age" in traits and old.age:
        text = re.sub(rf"(?i)(\baged?\s*[:=]?\s*){old.age}\b", rf"\g<1>{new.age}", text)
        text = re.sub(rf"(?i)\b{old.age}([\s-]*(?:years?|yrs?)[\s-]*(?:of age|old)\b)", rf"{new.age}\g<1>", text)
    if "address" in traits and old.address:
        text = re.sub(re.escape(old.address), new.address.replace("\\", ""), text, flags=re.I)
    return text


def _renamed(text: str, old: str, new: str) -> str:
    """Names replaced word by word; long ones inside other words too, as in a file name or a handle."""
    before, after = old.split(), new.split()
    if not before:
        return text
    pairs: dict[str, str] = {}
    for number, word in enumerate(before):
        stand_in = after[0] if number == 0 else after[-1]
        for token in name_tokens(word):
            pairs[token.casefold()] = stand_in
    spelled = [
        re.escape(token) if len(token) > 4 else rf"(?<![^\W_]){re.escape(token)}(?![^\W_])"
        for token in sorted(pairs, key=len, reverse=True)
    ]
    pattern = re.compile("|".join(spelled), re.I) if spelled else None
    if pattern is None:
        return text

    def put(match: re.Match[str]) -> str:
        found, stand_in = match.group(), pairs[match.group().casefold()]
        return stand_in.upper() if found.isupper() else stand_in if found[0].isupper() else stand_in.lower()

    return pattern.sub(lambda m: put(m) if m.group().casefold() in pairs else m.group(), text)


def _readdressed(text: str, old: str, new: str) -> str:
    words: Mapping[str, str] = dict(reversed(list(zip(_SETS[old], _SETS[new], strict=True))))
    if old == "she/her":  # "her" is both "him" and "his"
        text = _NEXT_TO_NOUN.sub(lambda m: _cased(m.group(), _SETS[new][2]), text)
    text = re.sub(re.escape(old), new, text, flags=re.I)
    spelled = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    pattern = re.compile(rf"(?<![/\w])(?:{spelled})(?![/\w])", re.I)
    return pattern.sub(lambda m: _cased(m.group(), words[m.group().lower()]), text)


def _cased(found: str, word: str) -> str:
    return word.capitalize() if found[0].isupper() else word


def who_wrote(resume: Resume) -> Person:
    """The person of a resume: its fields, completed by what its text seems to say."""
    from assay.envs.resume_screening.redact import infer_person

    known, guessed = resume.person, infer_person(resume.text)
    return Person(
        known.name or guessed.name,
        known.pronouns or guessed.pronouns,
        known.age or guessed.age,
        known.address or guessed.address,
    )
