"""The rule read out of a procedural prompt: the text alone decides, given the table of spellings."""

from __future__ import annotations

import re
from typing import NamedTuple

from assay.envs.resume_screening.facts import rule
from assay.envs.resume_screening.forms import DEGREE_WORDS, HELD_OUT, TRAINING, WORDS
from assay.verifiers.resume.skills import found_in

_REQUIRED = re.compile(r"^(?:Required skills: |Job: [^.\n]*\. Needs )(?P<skills>[^;\n]*)", re.M)
_NEEDS = re.compile(r"^Job: [^.\n]*\. Needs [^;\n]*(?:; (?P<years>\d+) years?)?; (?P<degree>[a-z ]+)\.$", re.M)
_YEARS = re.compile(r"^Minimum experience: (\d+)", re.M)
_DEGREE = re.compile(r"^Minimum degree: (\w+)", re.M)
_RESUME = re.compile(r"^Resume:(?P<text>.*?)\n(?:Select |\nSelect |Decide |\nDecide )", re.M | re.S)
_SPAN = re.compile(rf"\b(\d+|{'|'.join(WORDS)}) years?\b", re.I)


def _wishes() -> list[re.Pattern[str]]:
    frames = [frame for form in (*TRAINING, *HELD_OUT) for frame in (form.wish, form.brief_wish.strip())]
    return [re.compile(re.escape(frame).replace(re.escape("{skills}"), r"[^\n]*?") + r"(?=\s|$)") for frame in frames]


_WISHES = _wishes()
_LEVELS = [
    (level, re.compile(rf"\b{re.escape(word)}(?!\w)")) for level, words in DEGREE_WORDS.items() for word in words
]


class Reading(NamedTuple):
    """What a prompt says: demands, and the resume."""

    required: tuple[str, ...]
    min_years: float
    min_degree: str
    resume: str


def read_prompt(text: str) -> Reading:
    """The demands and the resume in the text of a prompt of either length.

    Raises:
        ValueError: if it has another form.
    """
    required, resume, needs = _REQUIRED.search(text), _RESUME.search(text), _NEEDS.search(text)
    if required is None or resume is None:
        raise ValueError("this is not a prompt with a posting and a resume")
    skills = tuple(each.strip() for each in required["skills"].split(", "))
    if needs is not None:
        degree = "none" if needs["degree"] == "no degree" else needs["degree"]
        return Reading(skills, float(needs["years"] or 0), degree, resume["text"].strip())
    years, degree_found = _YEARS.search(text), _DEGREE.search(text)
    return Reading(
        skills, float(years[1]) if years else 0.0, degree_found[1] if degree_found else "none", resume["text"].strip()
    )


def decide(text: str) -> str:
    """The right decision, from the text of a prompt alone.

    What is only wished for is passed over, spellings are folded, years add up.

    Raises:
        ValueError: if it is no procedural prompt.
    """
    read = read_prompt(text)
    resume = read.resume
    for wish in _WISHES:
        resume = wish.sub(" ", resume)
    shown = found_in(resume, read.required)
    years = sum(_number(word) for word in _SPAN.findall(resume))
    degree = next((level for level, word in _LEVELS if word.search(resume)), "none")
    return rule(len(shown) / len(read.required), years, read.min_years, degree, read.min_degree)


def _number(word: str) -> int:
    return int(word) if word.isdigit() else WORDS.index(word.lower())
