"""Records out of postings, resumes and decisions, and what was left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.envs.resume_screening.counterfactual import who_wrote
from assay.envs.resume_screening.mint.labels import Row
from assay.envs.resume_screening.mint.sections import sections_of
from assay.envs.resume_screening.options import Options
from assay.envs.resume_screening.records import Gold, Job, Record, Resume
from assay.envs.resume_screening.tasks import counterparts, task_of
from assay.envs.tasks import content_id
from assay.verifiers.resume.skills import found_in


@dataclass
class Built:
    """Records, and a line about each row that gave none."""

    records: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def build(rows: Sequence[Row], jobs: Mapping[str, Job], texts: Mapping[str, str], refused: Mapping[str, str],
          table: str) -> Built:  # fmt: skip
    """A record for every row whose job and resume are there; a pair with two decisions gives none.

    Args:
        rows: decisions.
        jobs: postings by id.
        texts: resumes by file name.
        refused: names of files that could not be read; those are told already.
        table: name of the table, for the lines.
    """
    built = Built()
    decided: dict[tuple[str, str], set[str]] = defaultdict(set)
    pairs: dict[tuple[str, str], Row] = {}
    for row in rows:
        name = row.job or (next(iter(jobs)) if len(jobs) == 1 else "")
        if name not in jobs:
            what = f"no job is called {name[:60]!r}" if name else "no job is named, and there are several"
            built.problems.append(f"{table}, row {row.number}: {what}")
        elif row.resume in refused:
            continue
        elif row.resume not in texts:
            built.problems.append(f"{table}, row {row.number}: no resume is called {row.resume[:60]!r}")
        else:
            decided[name, row.resume].add(row.label)
            pairs.setdefault((name, row.resume), row)
    for (name, resume), row in pairs.items():
        if len(decided[name, resume]) > 1:
            built.problems.append(f"{table}, row {row.number}: {resume} is both SELECTED and REJECTED for {name}")
        else:
            built.records.append(record_of(jobs[name], texts[resume], row))
    return built


def record_of(job: Job, text: str, row: Row) -> Record:
    """The record of one decision. Which required skills the resume shows is told by their known spellings."""
    resume = Resume(text=text, sections=sections_of(text), person=row.person)
    resume = Resume(text=text, sections=resume.sections, person=who_wrote(resume))
    gold = None
    if job.required_skills:
        matched = found_in(text, job.required_skills)
        missing = [skill for skill in job.required_skills if skill not in matched]
        gold = Gold(tuple(matched), tuple(missing), None, None)
    return Record(content_id(job.title, job.description, text), job, resume, row.label, gold)


def leaking(records: Sequence[Record]) -> list[Record]:
    """Records in whose redacted text something still changes when the person is swapped."""
    options = Options(source="jsonl")
    return [r for r in records if any(other.id != r.id for other in counterparts(task_of(r, options)).values())]


def nameless(records: Sequence[Record]) -> int:
    """In how many resumes no name was recognised, so that redaction may miss one."""
    return sum(not record.resume.person.name for record in records)


def tally(records: Sequence[Record]) -> Counter[str]:
    """Records of each class."""
    return Counter(record.label for record in records)


def resume_files(folder: Path) -> list[Path]:
    """The regular files below a folder, hidden ones and links left out, sorted.

    Raises:
        ValueError: one line, if it is no folder.
    """
    if not folder.is_dir():
        raise ValueError(f"no such folder: {folder}")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
