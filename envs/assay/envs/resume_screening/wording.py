"""Facts put into words: the posting, the resume with its sections, and the record of both."""

from __future__ import annotations

import random
from itertools import pairwise

from assay.envs.resume_screening.facts import Facts, hidden_spellings
from assay.envs.resume_screening.forms import DEGREE_WORDS, HELD_OUT, TRAINING, Form, listing, years_in
from assay.envs.resume_screening.people import draw_person
from assay.envs.resume_screening.records import DEGREES, Gold, Job, Person, Record, Resume
from assay.envs.resume_screening.roles import ROLES
from assay.envs.tasks import content_id
from assay.verifiers.resume.aliases import ALIASES

FORMS = (*TRAINING, *HELD_OUT)
LITERAL = 0.85
"""How often a resume that is not hidden spells a matched skill as the posting does."""
_SUBJECT = {"she/her": "she", "he/him": "he", "they/them": "they"}
_POSSESSIVE = {"she/her": "her", "he/him": "his", "they/them": "their"}


def worded(facts: Facts, short: bool, rng: random.Random) -> Record:
    """The record of an application; ``rng`` draws spellings, the person and how the years are divided."""
    form, person = FORMS[facts.form], draw_person(rng)
    shown = _spelled(facts, rng)
    degree = rng.choice(DEGREE_WORDS[facts.degree])
    wished = [_literal(facts, name) or rng.choice((name, *ALIASES[name])) for name in facts.wished]
    if short:
        text, sections = _brief(facts, form, shown, wished, degree), {}
    else:
        sections = _sections(facts, form, shown, wished, degree, person, rng)
        text = "\n\n".join(f"{_heading(form, name)}\n{sections[name]}" for name in form.order)
    job = _job(facts)
    return Record(
        id=content_id("resume-screening", job.title, job.required_skills, job.min_years, job.min_degree, text),
        job=job,
        resume=Resume(text, tuple(shown), float(facts.years), facts.degree, (), sections, person),
        label=facts.label,
        gold=_gold(facts),
        template=f"form-{facts.form}",
        meta={"role": facts.job.role, "hidden": facts.hidden, "stuffed": facts.stuffed},
    )


def _job(facts: Facts) -> Job:
    job = facts.job
    return Job(job.title, ROLES[job.role].about, job.spelled, job.nice, float(job.min_years), job.min_degree)


def _gold(facts: Facts) -> Gold:
    spelled, job = facts.job.spelled, facts.job
    return Gold(
        matched=tuple(spelled[i] for i in facts.matched),
        missing=tuple(spelled[i] for i in range(len(spelled)) if i not in facts.matched),
        years_ok=facts.years >= job.min_years,
        degree_ok=DEGREES.index(facts.degree) >= DEGREES.index(job.min_degree),
    )


def _literal(facts: Facts, name: str) -> str | None:
    """The posting's spelling of a skill; None where it does not ask for it."""
    return dict(zip(facts.job.skills, facts.job.spelled, strict=True)).get(name)


def _spelled(facts: Facts, rng: random.Random) -> list[str]:
    """The skills shown, each in a spelling: not in the posting's where the resume is hidden, else mostly in it."""
    words = []
    for name in facts.shown:
        literal = _literal(facts, name)
        if literal is None:
            words.append(rng.choice((name, *ALIASES[name])))
        elif not facts.hidden and rng.random() < LITERAL:
            words.append(literal)
        else:
            words.append(rng.choice(hidden_spellings(name)[literal]))
    return words


def _brief(facts: Facts, form: Form, shown: list[str], wished: list[str], degree: str) -> str:
    objective = form.brief_wish.format(skills=listing(wished)) if wished else ""
    line = form.brief.format(
        objective=objective, years=years_in(facts.years, form.words), skills=listing(shown), degree=degree
    )
    return line[0].upper() + line[1:].rstrip()


def _sections(
    facts: Facts, form: Form, shown: list[str], wished: list[str], degree: str, person: Person, rng: random.Random
) -> dict[str, str]:
    """The three sections; the years are divided between two posts and add up."""
    objective = form.wish.format(skills=listing(wished)) if wished else form.plain
    bio = form.bio.format(name=person.name, subject=_SUBJECT[person.pronouns], possessive=_POSSESSIVE[person.pronouns])
    first = rng.randint(1, facts.years - 1) if facts.years > 1 else 0
    spans = [first, facts.years - first] if first else [facts.years]
    parts = _dealt(shown, len(spans) + 1)
    lines = [
        post.format(years=years_in(span, form.words), skills=listing(part))
        for post, span, part in zip(form.posts, spans, parts, strict=False)
    ]
    lines = [line[0].upper() + line[1:] for line in lines]
    lines.append(form.project.format(skills=listing(parts[-1])))
    return {
        "profile": f"{objective} {bio}",
        "experience": "\n".join(lines),
        "education": form.education.format(degree=degree),
    }


def _dealt(items: list[str], parts: int) -> list[list[str]]:
    """Items in ``parts`` runs as even as they divide; there are more items than parts."""
    cuts = [round(i * len(items) / parts) for i in range(parts + 1)]
    return [items[a:b] for a, b in pairwise(cuts)]


def _heading(form: Form, section: str) -> str:
    return form.headings[("profile", "experience", "education").index(section)]
