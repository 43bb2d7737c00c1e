"""``assay-mint resume``: the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.envs.resume_screening.files import replacing
from assay.envs.resume_screening.mint.build import Built, build, leaking, nameless, resume_files, tally
from assay.envs.resume_screening.mint.documents import read_documents
from assay.envs.resume_screening.mint.labels import check_classes, read_jobs, read_labels
from assay.envs.resume_screening.records import write_records
from assay.envs.resume_screening.tasks import FILE

REPORT = "summary.json"
ABOUT = """\
Make screening tasks out of your own postings, resumes and decisions.

  assay-mint resume --jobs jobs.jsonl --resumes folder --labels labels.csv --out mine

jobs.jsonl    one posting a line: {"id": "dev", "title": "Developer", "description": "...",
              "required_skills": ["python", "sql"], "min_years": 2, "min_degree": "bachelor"}; a title is enough
folder        resumes: .txt, .md, .pdf (text, no scans) and .docx, in subfolders too
labels.csv    columns resume (file name), job (id; not needed with one job), label (SELECTED or REJECTED; yes and no,
              accepted and rejected, 1 and 0 are read too); name, pronouns, age and address help redaction

Files that cannot be read are left out with a line each. Use the tasks with `--env resume_screening`, source "jsonl" and
path OUT. tasks.jsonl holds the resumes as they are, with the people in them: treat it as you treat those. Prompts are
redacted.

Needs 'assay[resume]' for PDF and DOCX."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status: 0 with tasks, 1 without, 2 for a wrong call."""
    options = _parser().parse_args(list(argv))
    try:
        return _run(options)
    except (ValueError, ImportError, OSError) as error:
        print(f"assay-mint resume: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-mint resume", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", required=True, metavar="FILE", help="postings, one JSON object a line")
    parser.add_argument("--resumes", required=True, metavar="DIR", help="folder of resumes")
    parser.add_argument("--labels", required=True, metavar="FILE", help="decisions: CSV, JSONL or Parquet")
    parser.add_argument("--out", required=True, metavar="DIR", help=f"folder for {FILE} and {REPORT}")
    for name, default in (("resume", "resume"), ("job", "job"), ("label", "label")):
        parser.add_argument(
            f"--{name}-column", default=default, metavar="COL", help=f"column of the labels (default: {default})"
        )
    return parser


def _run(options: argparse.Namespace) -> int:
    jobs, problems = read_jobs(Path(options.jobs).expanduser())
    table, folder = Path(options.labels).expanduser(), Path(options.resumes).expanduser()
    columns = {name: getattr(options, f"{name}_column") for name in ("resume", "job", "label")}
    rows, more = read_labels(table, columns)
    named = {row.resume for row in rows}
    files = {str(path.relative_to(folder)): path for path in resume_files(folder)}
    wanted = {name: path for name, path in files.items() if name in named}
    texts, refused = _read(wanted)
    built = build(rows, jobs, texts, refused, table.name)
    problems += [*more, *(f"{name}: {why}" for name, why in refused.items()), *built.problems]
    for line in problems:
        print(f"left out: {line}", file=sys.stderr)
    if not built.records:
        print(f"assay-mint resume: no row of {table.name} gave a task", file=sys.stderr)
        return 1
    check_classes([record.label for record in built.records], table.name)
    out = Path(options.out).expanduser()
    write_records(out / FILE, built.records)
    summary = _summary(built, problems, len(files) - len(wanted), len(jobs))
    with replacing(out / REPORT) as report:
        report.write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    _tell(summary, out)
    return 0


def _read(wanted: Mapping[str, Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Texts and refusals by file name, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading", total=len(wanted))
        texts, refused = read_documents(list(wanted.values()), lambda: progress.advance(bar))
    names = {path: name for name, path in wanted.items()}
    return {names[path]: text for path, text in texts.items()}, {names[path]: why for path, why in refused.items()}


def _summary(built: Built, problems: Sequence[str], unlabelled: int, jobs: int) -> dict[str, Any]:
    counts = tally(built.records)
    return {
        "tasks": len(built.records),
        "selected": counts["SELECTED"],
        "rejected": counts["REJECTED"],
        "jobs": jobs,
        "resumes": len({record.resume.text for record in built.records}),
        "resumes without a label": unlabelled,
        "no name recognised": nameless(built.records),
        "redaction misses something": len(leaking(built.records)),
        "left out": list(problems),
    }


def _tell(summary: Mapping[str, Any], out: Path) -> None:
    print(
        f"{summary['tasks']} tasks ({summary['selected']} SELECTED, {summary['rejected']} REJECTED) from "
        f"{summary['resumes']} resumes and {summary['jobs']} jobs -> {out / FILE}"
    )
    if summary["left out"]:
        print(f"{len(summary['left out'])} rows or files left out, listed above and in {out / REPORT}")
    if summary["resumes without a label"]:
        print(f"{summary['resumes without a label']} files of the folder are in no row")
    if summary["no name recognised"]:
        print(f"in {summary['no name recognised']} resumes no name was recognised: give a column name to redact them")
    if summary["redaction misses something"]:
        print(
            f"in {summary['redaction misses something']} resumes redaction misses something: evaluations will ask "
            "about these with the person swapped"
        )
