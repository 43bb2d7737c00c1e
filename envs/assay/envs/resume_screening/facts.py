"""The facts of a procedural application, drawn so that no single one of them tells the label."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from assay.envs.resume_screening.records import DEGREES, Label
from assay.envs.resume_screening.roles import ROLES
from assay.envs.tasks import content_id, split_of
from assay.verifiers.resume.aliases import ALIASES
from assay.verifiers.resume.keywords import ENOUGH
from assay.verifiers.resume.skills import occurs

TRIES = 8
"""Candidates for each application, of which the one that keeps the classes most alike is taken."""
LONGEST = 12
JOBS_PER_ROLE = 60
_NAMES = tuple(ALIASES)


@cache
def hidden_spellings(name: str) -> dict[str, tuple[str, ...]]:
    """What a posting may call a skill, and the spellings of it in which that does not stand to the letter."""
    known = (name, *ALIASES[name])
    found = {each: tuple(other for other in known if not occurs(each, other)) for each in known}
    return {each: others for each, others in found.items() if others}


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A job: skills by name, and the spelling that its posting uses of each."""

    role: str
    title: str
    skills: tuple[str, ...]
    spelled: tuple[str, ...]
    nice: tuple[str, ...]
    min_years: int
    min_degree: str

    @property
    def key(self) -> str:
        """A hash of what makes it another job."""
        return content_id(self.role, sorted(self.skills), self.min_years, self.min_degree)


@dataclass(frozen=True, slots=True)
class Facts:
    """An application.

    Attributes:
        job: what is asked for.
        label: the rule's verdict.
        matched: indices of the job's skills that the resume shows.
        shown: every skill that the resume shows, by name, in the order of the text.
        wished: skills (names) that its objective mentions; the job's own where ``stuffed``.
        hidden: whether no matched skill is spelled as in the posting.
        stuffed: whether the objective repeats the posting.
        years, degree: of the applicant.
        form: number of the resume's form.
    """

    job: JobFacts
    label: Label
    matched: tuple[int, ...]
    shown: tuple[str, ...]
    wished: tuple[str, ...]
    hidden: bool
    stuffed: bool
    years: int
    degree: str
    form: int


def rule(coverage: float, years: float, min_years: float, degree: str, min_degree: str) -> Label:
    """SELECTED if at least 60 % of the skills are shown, and years and degree suffice."""
    enough = years >= min_years and DEGREES.index(degree) >= DEGREES.index(min_degree)
    return "SELECTED" if coverage >= ENOUGH - 1e-9 and enough else "REJECTED"


@cache
def jobs_of(split: str, seed: int, short: bool) -> tuple[JobFacts, ...]:
    """The jobs of a split: of every role, none in two splits, whatever the seeds of the two."""
    rng = random.Random(f"resume-jobs:{seed}:{short}")
    jobs: dict[str, JobFacts] = {}
    for role in ROLES:
        for _ in range(JOBS_PER_ROLE):
            job = _draw_job(role, short, rng)
            if split_of(job.key, 0.25, 0.15) == split:
                jobs.setdefault(job.key, job)
    return tuple(jobs.values())


def _draw_job(role: str, short: bool, rng: random.Random) -> JobFacts:
    pool = list(ROLES[role].skills)
    rng.shuffle(pool)
    count = 5 if short else rng.randint(5, 9)
    skills = tuple(pool[:count])
    return JobFacts(
        role=role,
        title=rng.choice(ROLES[role].titles),
        skills=skills,
        spelled=tuple(rng.choice(list(hidden_spellings(name))) for name in skills),
        nice=() if short else tuple(pool[count : count + 2]),
        min_years=rng.randint(1, 8),
        min_degree=rng.choices(DEGREES, (3, 4, 2, 1))[0],
    )


def draw_facts(split: str, count: int, seed: int, short: bool, forms: Sequence[int]) -> list[Facts]:
    """``count`` applications, half of them SELECTED (one more where ``count`` is odd).

    Of several candidates for each place, the one is taken after which the two classes are most alike in every single
    fact: minimisation (Pocock and Simon 1975), as trials balance their arms. So what tells the label is how the
    resume fits the job, and not that some job, form, skill, number of years or degree is more often selected.
    """
    rng = random.Random(f"resume-facts:{split}:{seed}:{short}")
    jobs = jobs_of(split, seed, short)
    labels: list[Label] = ["SELECTED" if i % 2 == 0 else "REJECTED" for i in range(count)]
    rng.shuffle(labels)
    lead: Counter[Hashable] = Counter()  # how often a fact was SELECTED more than REJECTED
    found = []
    for label in labels:
        sign = 1 if label == "SELECTED" else -1
        hidden = rng.random() < 0.3
        kind = _objective(label, hidden, rng)
        drawn = [_draw(label, hidden, kind, rng.choice(jobs), rng.choice(forms), rng) for _ in range(TRIES)]
        best = min(drawn, key=lambda facts: sum(sign * lead[trait] for trait in traits(facts)))
        for trait in traits(best):
            lead[trait] += sign
        found.append(best)
    return found


def traits(facts: Facts) -> Iterator[Hashable]:
    """The single facts in which the classes should be alike; weightier ones several times."""
    yield from (("years", facts.years), ("degree", facts.degree)) * 3
    yield from (("min", facts.job.min_years), ("min", facts.job.min_degree)) * 2
    yield "job", facts.job.key
    yield "form", facts.form
    yield "wish", len(facts.wished)
    yield "shown", len(facts.shown)
    for name in facts.shown:
        yield "skill", name
    for name in facts.wished:
        yield "wished", name


def _draw(label: Label, hidden: bool, kind: str, job: JobFacts, form: int, rng: random.Random) -> Facts:
    count = len(job.skills)
    while True:
        years, degree = rng.randint(1, LONGEST), rng.choice(DEGREES)
        matched = math.floor(rng.random() * (count + 1))
        if rule(matched / count, years, job.min_years, degree, job.min_degree) == label:
            break
    indices = tuple(sorted(rng.sample(range(count), matched)))
    others = _others(job, rng)
    shown = [job.skills[i] for i in indices] + others[: count + 1 - matched]
    rng.shuffle(shown)
    size = math.ceil(ENOUGH * count)
    wished = {"job": rng.sample(job.skills, size), "other": others[-size:], "plain": []}[kind]
    return Facts(job, label, indices, tuple(shown), tuple(wished), hidden, kind == "job", years, degree, form)


def _objective(label: Label, hidden: bool, rng: random.Random) -> str:
    """What an objective names: 30 % of either class the job's own skills, 30 % other skills, 40 % none.

    Of the SELECTED only those name the job's skills that show some in the posting's spelling anyhow, so that 30 % of
    them hold no literal keyword at all.
    """
    if label == "SELECTED" and hidden:
        return rng.choice(("other", "plain"))
    spread = (0.3, 0.15, 0.25) if label == "SELECTED" else (0.3, 0.3, 0.4)
    return rng.choices(("job", "other", "plain"), spread)[0]


def _others(job: JobFacts, rng: random.Random) -> list[str]:
    """Skills that the job does not ask for: a few of its role, then any; twice as many as it asks for, and more."""
    own = [name for name in ROLES[job.role].skills if name not in job.skills]
    found = rng.sample(own, min(3, len(own)))
    taken, wanted = {*job.skills, *found}, 2 * len(job.skills) + 2 - len(found)
    return found + [name for name in rng.sample(_NAMES, 2 * wanted + 10) if name not in taken][:wanted]
