"""The forms of procedural resumes: eight that training uses, four that only held-out data use.

A form holds no spelling of any skill, and says nothing that one class of resumes says more often than another.
"""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """How one resume is worded.

    Attributes:
        order: its sections in the order in which they stand.
        headings: of profile, experience and education.
        wish: an objective that names skills; it is no evidence.
        plain: an objective that names none.
        posts: a first and a later post; ``{years}`` and ``{skills}`` are filled in.
        project: a piece of work with ``{skills}``.
        education: with ``{degree}``.
        bio: a sentence with ``{name}``, ``{subject}`` and ``{possessive}``.
        brief: the short form: ``{objective}``, ``{years}``, ``{skills}`` and ``{degree}`` in one line.
        brief_wish: its objective.
        words: whether numbers are written as words.
    """

    order: tuple[str, str, str]
    headings: tuple[str, str, str]
    wish: str
    plain: str
    posts: tuple[str, str]
    project: str
    education: str
    bio: str
    brief: str
    brief_wish: str
    words: bool


_PEE = ("profile", "experience", "education")
_PDE = ("profile", "education", "experience")
_EEP = ("experience", "education", "profile")

TRAINING: tuple[Form, ...] = (
    Form(
        _PEE, ("OBJECTIVE", "EXPERIENCE", "EDUCATION"),
        "I want a position where I can work with {skills}.", "I want a position where I can grow.",
        ("{years} at Northgate Ltd. There I used {skills} every day.", "{years} at Hale & Co, mostly on {skills}."),
        "As a side job I delivered a piece of work built on {skills}.", "{degree}, Rivertown.",
        "Colleagues know {name} as a calm person who keeps {possessive} word.",
        "{objective}{years} in the field. Used {skills}. {degree}.", "Wants to work with {skills}. ", False,
    ),
    Form(
        _PDE, ("Goal", "Work history", "Schooling"),
        "Looking for a team that does {skills}.", "Looking for a team that values care.",
        ("Held a post at Birch Group for {years}; tasks: {skills}.", "Then {years} at Ostler plc with {skills}."),
        "Also led an effort that needed {skills}.", "Finished: {degree}.",
        "{name} took over a team at short notice, and {subject} handed it on in good order.",
        "{objective}Held posts for {years}, tasks: {skills}. Finished: {degree}.", "Looking for {skills}. ", True,
    ),
    Form(
        _PEE, ("Career aim", "Career so far", "Training and degrees"),
        "My aim is a role centred on {skills}.", "My aim is a role with room to learn.",
        ("Fenwick Partners, {years}. Responsible for {skills}.", "Dunmore House, {years}. In charge of {skills}."),
        "A volunteer assignment called for {skills}.", "Highest level reached: {degree}.",
        "A former manager says that {subject} met every date. {name} can name two referees.",
        "{objective}{years} of practice, responsible for {skills}. Highest level: {degree}.", "Aims at {skills}. ",
        False,
    ),
    Form(
        _EEP, ("About me", "Positions", "Academic record"),
        "Would love to get into {skills}.", "Would love to join a friendly office.",
        ("For {years} I handled {skills} at Kestrel.", "After that, {years} at Marlow Bros handling {skills}."),
        "Outside that I put {skills} to use for a local club.", "I hold: {degree}.",
        "{name} runs long distances in {possessive} spare time.",
        "I handled {skills}, {years} in all. I hold: {degree}. {objective}", "Would love to try {skills}. ", True,
    ),
    Form(
        _PDE, ("Summary", "Employment", "Qualifications"),
        "Keen to find an opening in {skills}.", "Keen to find an opening close to home.",
        ("Employed {years} by Ashby Works, practising {skills}.", "Employed {years} by Tern Ltd, practising {skills}."),
        "One assignment of note relied on {skills}.", "Qualification: {degree}.",
        "Since moving house, {name} has been open to new work, and {subject} can start at once.",
        "{objective}Employed {years}, practising {skills}. Qualification: {degree}.", "Keen on {skills}. ", False,
    ),
    Form(
        _PEE, ("Statement", "Jobs", "Studies"),
        "The ideal employer for me needs {skills}.", "The ideal employer for me is fair.",
        ("At Copperfield: {years}, daily work in {skills}.", "At Larkhill: {years}, daily work in {skills}."),
        "A short contract added {skills}.", "Studies ended with: {degree}.",
        "{name} speaks two languages and teaches one of them in {possessive} free evenings.",
        "{objective}Daily work in {skills} over {years}. Studies: {degree}.", "Ideal: {skills}. ", True,
    ),
    Form(
        _EEP, ("Wishes", "Where I worked", "What I studied"),
        "I hope to be given {skills} to do.", "I hope to be given honest feedback.",
        ("Quayside Trust kept me for {years}; I did {skills}.", "Rowan Ltd kept me for {years}; I did {skills}."),
        "For a charity I did {skills}.", "On paper: {degree}.",
        "{name} lives near the office. Neighbours praise {possessive} patience.",
        "I did {skills} for {years}. On paper: {degree}. {objective}", "Hopes for {skills}. ", False,
    ),
    Form(
        _PDE, ("Next step", "Track record", "Degrees"),
        "For my next step I picture myself doing {skills}.", "For my next step I picture a larger firm.",
        ("Track record at Selby: {years} with {skills}.", "Track record at Pinfold: {years} with {skills}."),
        "A prize went to work of mine with {skills}.", "Degree level: {degree}.",
        "{name} was born abroad, and {subject} came here as a student.",
        "{objective}Track record: {years} with {skills}. Degree level: {degree}.", "Pictures doing {skills}. ", True,
    ),
)  # fmt: skip

HELD_OUT: tuple[Form, ...] = (
    Form(
        _PEE, ("What I seek", "What I did", "What I learned"),
        "I seek a place that would let me do {skills}.", "I seek a place that keeps its promises.",
        ("{years} with Thornbury & Sons. Duties covered {skills}.", "{years} with Vane Ltd. Duties covered {skills}."),
        "Freelance orders covered {skills}.", "Learned: {degree}.",
        "Friends describe {name} as thorough, and {subject} agrees.",
        "{objective}Duties over {years} covered {skills}. Learned: {degree}.", "Seeks {skills}. ", False,
    ),
    Form(
        _PDE, ("Purpose", "Professional life", "Academic life"),
        "Ready for a move towards {skills}.", "Ready for a move to the coast.",
        ("Spent {years} at Wickham on {skills}.", "Spent {years} at Hexley on {skills}."),
        "A paid pilot was made with {skills}.", "Academic title: {degree}.",
        "{name} gives talks, and {possessive} slides are short.",
        "{objective}Spent {years} on {skills}. Academic title: {degree}.", "Ready to move to {skills}. ", True,
    ),
    Form(
        _EEP, ("Ambition", "Appointments", "Diplomas"),
        "An ambition of mine is to be trusted with {skills}.", "An ambition of mine is to mentor others.",
        ("Appointed at Calder for {years}, doing {skills}.", "Appointed at Brook End for {years}, doing {skills}."),
        "A client order was done with {skills}.", "Diploma: {degree}.",
        "When asked, {name} stays late; {possessive} family does not mind.",
        "Appointed {years} in all, doing {skills}. Diploma: {degree}. {objective}", "Ambition: {skills}. ", False,
    ),
    Form(
        _PDE, ("Motivation", "Past roles", "Background"),
        "It would be a joy to be asked about {skills}.", "It would be a joy to work in daylight.",
        ("Past role at Ludgate, {years}: {skills}.", "Past role at Farrow, {years}: {skills}."),
        "Pro bono work: {skills}.", "Background: {degree}.",
        "Everyone at the last firm liked {name}, and {possessive} farewell was well attended.",
        "{objective}Past roles, {years}: {skills}. Background: {degree}.", "Motivated by {skills}. ", True,
    ),
)  # fmt: skip

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

DEGREE_WORDS: dict[str, tuple[str, ...]] = {
    "none": ("High school certificate", "Secondary school", "School leaving exam"),
    "bachelor": ("BSc", "Bachelor of Arts", "Bachelor's degree"),
    "master": ("MSc", "Master of Arts", "Master's degree"),
    "doctorate": ("PhD", "Doctorate", "Doctoral degree"),
}


def years_in(number: int, words: bool) -> str:
    """``3 years`` or ``three years``; ``number`` from 0 to 12."""
    unit = "year" if number == 1 else "years"
    return f"{WORDS[number] if words else number} {unit}"


def listing(items: list[str]) -> str:
    """``a``, ``a and b`` or ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
