"""A resume's sections, told by its headings."""

from __future__ import annotations

import re

_HEADINGS = {
    "profile": "profile|summary|objective|about me|about|personal statement|career objective|professional summary",
    "experience": "experience|work experience|professional experience|employment|employment history|work history",
    "education": "education|academic background|qualifications|education and training|degrees",
    "skills": "skills|technical skills|core skills|competencies|technologies|skills and tools",
    "projects": "projects|selected projects|publications|portfolio",
    "other": "languages|certifications|certificates|awards|interests|hobbies|references|volunteering",
}
_LINE = {name: re.compile(rf"[#*\s]*(?:{words})\s*[:*]*\s*", re.I) for name, words in _HEADINGS.items()}
_LONGEST = 40


def sections_of(text: str) -> dict[str, str]:
    """The sections by name, in the order of their first heading; what precedes the first one is ``head``.

    Empty where fewer than two headings are recognised. Sections of one name are joined.
    """
    found: dict[str, list[str]] = {"head": []}
    current = "head"
    for line in text.splitlines():
        name = _heading(line)
        if name is not None:
            current = name
            found.setdefault(name, [])
        else:
            found[current].append(line)
    sections = {name: "\n".join(lines).strip() for name, lines in found.items()}
    kept = {name: body for name, body in sections.items() if body}
    return kept if len(kept.keys() - {"head"}) > 1 else {}


def _heading(line: str) -> str | None:
    if not line.strip() or len(line) > _LONGEST:
        return None
    return next((name for name, pattern in _LINE.items() if pattern.fullmatch(line)), None)
