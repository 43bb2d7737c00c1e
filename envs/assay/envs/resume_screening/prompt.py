"""An application as chat messages."""

from __future__ import annotations

from collections.abc import Mapping

from assay.envs.resume_screening.options import Options
from assay.envs.resume_screening.records import Job, Person, Record
from assay.envs.resume_screening.redact import redact
from assay.envs.tasks import Message

SYSTEM = "You screen job applications."
JSON_FORM = (
    'Reply with one JSON object: {"decision": "SELECTED" or "REJECTED", "score": 0 to 100, "matched_skills": [...], '
    '"missing_skills": [...], "reason": "..."}'
)
SHORT_FORM = "Reply in JSON: decision (SELECTED or REJECTED), score, matched_skills, missing_skills, reason."
WORD_FORM = "Reply with one word: SELECTED or REJECTED."
THINK = "Think first, between <think> and </think>."
RULE = (
    "Select the applicant if the resume shows at least 60 % of the required skills, and years and degree suffice. A "
    "skill counts under any of its names, but not if it is only wished for. Years in several posts add up."
)
SHORT_RULE = "Select if 3 of 5 skills are shown (any name; wishes do not count) and years and degree suffice."
OWN_RULE = "Decide whether the resume shows what the job asks for. A skill counts under any of its names."
_CUT = "\n[...]\n"


def posting(job: Job, short: bool) -> str:
    """The job as text; demands that it does not make are left out."""
    degree = "" if job.min_degree == "none" else job.min_degree
    years = f"{job.min_years:g} {'year' if job.min_years == 1 else 'years'}" if job.min_years else ""
    if short:
        demands = "; ".join(filter(None, (", ".join(job.required_skills), years, degree or "no degree")))
        return f"Job: {job.title}. Needs {demands}."
    lines = [
        f"Job: {job.title}",
        job.description,
        f"Required skills: {', '.join(job.required_skills)}" if job.required_skills else "",
        f"Nice to have: {', '.join(job.nice_skills)}" if job.nice_skills else "",
        f"Minimum experience: {years}" if years else "",
        f"Minimum degree: {degree}" if degree else "",
    ]
    return "\n".join(filter(None, lines))


def particulars(person: Person) -> str:
    """The person on one line, where the prompt is not redacted."""
    pronouns = f" ({person.pronouns})" if person.pronouns else ""
    return ", ".join(
        filter(None, (f"{person.name}{pronouns}".strip(), f"age {person.age}" if person.age else "", person.address))
    )


def shown_sections(record: Record, options: Options) -> dict[str, str]:
    """The resume as the policy may see it, redacted and shortened as the options say: by section where it is hidden at
    first, else as one part."""
    resume = record.resume
    sections = (resume.sections if options.max_turns > 1 else None) or {"resume": resume.text}
    return {name: _shown(text, resume.person, options) for name, text in sections.items()}


def _shown(text: str, person: Person, options: Options) -> str:
    text = redact(text, person) if options.redact else text
    limit = options.max_chars
    if not limit or len(text) <= limit:
        return text
    head = int(0.7 * limit)
    return text[:head] + _CUT + text[len(text) - (limit - head) :]


def request(options: Options, ruled: bool) -> str:
    """The rule and the form of the answer; ``ruled`` where the label follows the 60 % rule."""
    short = options.length == "short"
    rule = (SHORT_RULE if short else RULE) if ruled else OWN_RULE
    form = WORD_FORM if options.answer == "decision" else SHORT_FORM if short else JSON_FORM
    return " ".join(filter(None, (rule, THINK if options.think else "", form)))


def render(record: Record, sections: Mapping[str, str], options: Options, ruled: bool) -> list[Message]:
    """The messages that open the episode; ``sections`` as :func:`shown_sections` gives them."""
    short = options.length == "short"
    if options.max_turns > 1:
        names = ", ".join(sections)
        resume = (
            f"Resume: hidden; its sections are {names}. In each reply either ask for one of them, "
            f'{{"section": "..."}}, or decide. You may ask {_times(options.max_turns - 1)}.'
        )
        if not options.redact and particulars(record.resume.person):
            resume = f"Applicant: {particulars(record.resume.person)}\n{resume}"
    else:
        header = "" if options.redact else particulars(record.resume.person)
        resume = "\n".join(filter(None, ("Resume:" if not short else "", header, *sections.values())))
        resume = f"Resume: {resume}" if short else resume
    between = "\n" if short else "\n\n"
    body = between.join((posting(record.job, short), resume, request(options, ruled)))
    system: list[Message] = [] if short else [{"role": "system", "content": SYSTEM}]
    return [*system, {"role": "user", "content": body}]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}[count]
