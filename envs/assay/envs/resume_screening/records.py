"""One application: a job, a resume, a person, the right decision, and the facts behind it where they are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from assay.envs.tasks import content_id

Label = Literal["SELECTED", "REJECTED"]
DEGREES = ("none", "bachelor", "master", "doctorate")
"""From least to most."""


@dataclass(frozen=True, slots=True)
class Job:
    """A posting; ``min_years`` in years, ``min_degree`` one of ``DEGREES``."""

    title: str
    description: str = ""
    required_skills: tuple[str, ...] = ()
    nice_skills: tuple[str, ...] = ()
    min_years: float = 0.0
    min_degree: str = "none"


@dataclass(frozen=True, slots=True)
class Person:
    """What must not matter, apart from the resume's text; empty where it is not known. ``age`` in years, 0 unknown."""

    name: str = ""
    pronouns: str = ""
    age: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """A resume.

    Attributes:
        text: all of it.
        skills, years, degree, projects: what it shows, where that is known; never in a prompt.
        sections: its parts by name, in order; empty where it is not divided.
        person: who wrote it.
    """

    text: str
    skills: tuple[str, ...] = ()
    years: float | None = None
    degree: str | None = None
    projects: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    person: Person = Person()


@dataclass(frozen=True, slots=True)
class Gold:
    """Facts that only the verifier sees: which required skills the resume shows, and what suffices (None: unknown)."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    years_ok: bool | None
    degree_ok: bool | None


@dataclass(frozen=True, slots=True)
class Record:
    """One application; ``template`` names the form of a procedural resume, ``meta`` is free."""

    id: str
    job: Job
    resume: Resume
    label: Label
    gold: Gold | None = None
    template: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        data = asdict(self)
        return {key: value for key, value in data.items() if value not in ("", None, {})}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """The inverse of :meth:`to_dict`; ``id`` may be absent.

        Raises:
            ValueError: naming what is missing or has a wrong type.
        """
        job, resume = _mapping(data, "job"), _mapping(data, "resume")
        label = str(data.get("label", "")).strip().upper()
        if label not in ("SELECTED", "REJECTED"):
            raise ValueError(f"label must be SELECTED or REJECTED, got {data.get('label')!r}")
        if not isinstance(resume.get("text"), str) or not resume["text"].strip():
            raise ValueError("resume.text is empty")
        gold = _mapping(data, "gold") if data.get("gold") is not None else None
        return cls(
            id=str(data.get("id") or content_id("resume-screening", job, resume["text"])),
            job=_job(job),
            resume=_resume(resume),
            label=label,  # type: ignore[arg-type]
            gold=_gold(gold) if gold is not None else None,
            template=str(data.get("template", "")),
            meta=_mapping(data, "meta") if data.get("meta") else {},
        )


def _job(data: Mapping[str, Any]) -> Job:
    title, description = str(data.get("title") or ""), str(data.get("description") or "")
    if not title and not description:
        raise ValueError("job needs a title or a description")
    degree = str(data.get("min_degree") or "none").strip().lower()
    if degree not in DEGREES:
        raise ValueError(f"job.min_degree must be one of {', '.join(DEGREES)}; got {degree!r}")
    return Job(
        title,
        description,
        _texts(data, "required_skills"),
        _texts(data, "nice_skills"),
        _number(data, "min_years") or 0.0,
        degree,
    )


def _resume(data: Mapping[str, Any]) -> Resume:
    person = _mapping(data, "person") if data.get("person") else {}
    sections = _mapping(data, "sections") if data.get("sections") else {}
    return Resume(
        text=data["text"],
        skills=_texts(data, "skills"),
        years=_number(data, "years"),
        degree=str(data["degree"]) if data.get("degree") else None,
        projects=_texts(data, "projects"),
        sections={str(name): str(text) for name, text in sections.items()},
        person=Person(
            str(person.get("name") or ""),
            str(person.get("pronouns") or ""),
            int(_number(person, "age") or 0),
            str(person.get("address") or ""),
        ),
    )


def _gold(data: Mapping[str, Any]) -> Gold:
    checks = [data.get(name) for name in ("years_ok", "degree_ok")]
    if not all(check is None or isinstance(check, bool) for check in checks):
        raise ValueError("gold needs years_ok and degree_ok: true, false, or null where that is not known")
    return Gold(_texts(data, "matched"), _texts(data, "missing"), checks[0], checks[1])


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be an object, got {type(value).__name__}")
    return value


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{key} must be a list of texts, got {value!r:.60}")
    return tuple(each.strip() for each in value if each.strip())


def _number(data: Mapping[str, Any], key: str) -> float | None:
    value = data.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1000:
        raise ValueError(f"{key} must be a number from 0 to 999, got {value!r:.60}")
    return float(value)


def write_records(path: str | Path, records: Iterable[Record]) -> int:
    """Write one :meth:`Record.to_dict` a line, by way of a temporary file; returns how many."""
    from assay.envs.resume_screening.files import replacing

    count = 0
    with replacing(Path(path)) as out:
        for record in records:
            out.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_records(path: str | Path) -> list[Record]:
    """Read records, one a line.

    Raises:
        ValueError: naming the line that is no record; or if the file cannot be read.
    """
    records = []
    try:
        with Path(path).open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        records.append(Record.from_dict(json.loads(line)))
                    except (ValueError, TypeError, AttributeError) as error:
                        raise ValueError(f"{path}, line {number}: {error}") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    return records
