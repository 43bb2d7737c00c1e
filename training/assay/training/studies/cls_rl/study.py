"""``assay-study cls-rl``: from a command line to a table, a figure and a summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.training.display import Display, duration
from assay.training.studies.cls_rl.flags import Plan, parse
from assay.training.studies.cls_rl.runs import Job, carry_out, jobs_of, stored
from assay.training.studies.runner import study_command

NAME = "cls-rl"
SUMMARY = "few-shot images: imitation, rewards with thinking, rewards without"


def main(argv: list[str]) -> int:
    """Run the study of a command line; the exit status."""
    plan = parse(argv)
    return study_command(plan.out, lambda: run(plan))


def run(plan: Plan, display: Display | None = None) -> str:
    """Carry out a study and write its results; returns the tables as ``table.md`` holds them.

    Raises:
        UserError, ValueError: one line that says what to do.
    """
    import torch

    from assay.training.studies.cls_rl.results import write_results
    from assay.training.studies.cls_rl.start import start_of

    torch.set_num_threads(1)
    title = f"{', '.join(plan.data)} · {', '.join(plan.protocols)} · {len(plan.seeds)} seeds -> {plan.out}"
    with display or Display(0, title) as shown:
        starts = {}
        for data in plan.data:
            with shown.phase(f"start on {data}", plan.start_steps) as phase:
                starts[data] = start_of(plan, data, phase.advance)
        jobs = jobs_of(plan, starts)
        missing = [job for job in jobs if stored(job) is None]
        with shown.phase("runs", len(missing) * plan.steps) as phase:
            for number, job in enumerate(missing, 1):
                found = carry_out(job, phase.advance)
                shown.note(f"{number}/{len(missing)} {_told(found)}")
        begun = _begun(plan, jobs)
    finals = [each for each in map(stored, jobs) if each is not None]
    return write_results(plan, finals, begun)


def _told(found: dict[str, Any]) -> str:
    parts = ", ".join(f"{part} {100 * values['strict']:.1f} %" for part, values in found["parts"].items())
    seconds = duration(found["seconds"])
    return f"{found['data']} {found['protocol']} {found['arm']} seed {found['seed']}: {parts} in {seconds}"


def _begun(plan: Plan, jobs: list[Job]) -> list[dict[str, Any]]:
    """The start in each layout, and the majority label, on each protocol; measured once and kept."""
    from assay.training.studies.cls_rl.measure import majority, measure_model

    path = plan.out / "begun.json"
    first = [job for job in jobs if job.seed == plan.seeds[0]]
    asked = [[job.data, job.protocol, job.arm, job.asked] for job in first]
    kept = _kept(path, asked)
    if kept is not None:
        return kept
    rows = []
    for job in first:
        name = {"sft": "majority", "think": "zero-shot, thinking", "none": "zero-shot"}[job.arm]
        found = {"parts": majority(job)} if job.arm == "sft" else measure_model(job, job.start)
        rows.append({"data": job.data, "protocol": job.protocol, "arm": name, **found})
    half = path.with_suffix(".half")
    half.write_text(json.dumps({"asked": asked, "rows": rows}), encoding="utf-8")
    half.replace(path)
    return rows


def _kept(path: Path, asked: list[Any]) -> list[dict[str, Any]] | None:
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["rows"] if found["asked"] == json.loads(json.dumps(asked)) else None
