"""``assay-study recipes``: from a command line to a table, two figures and a summary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.training.display import Display, duration
from assay.training.studies.recipes.flags import Plan, parse
from assay.training.studies.recipes.runs import FINAL, Job, jobs_of, read_final, run_all, stored, write_final
from assay.training.studies.runner import study_command

NAME = "recipes"
SUMMARY = "recipes on one environment: equal samples, equal updates, several seeds"


def main(argv: list[str]) -> int:
    """Run the study of a command line; the exit status."""
    plan = parse(argv)
    return study_command(plan.out, lambda: run(plan))


def run(plan: Plan, display: Display | None = None) -> str:
    """Carry out a study and write its results.

    Returns:
        The table, as ``table.md`` holds it.

    Raises:
        UserError, ValueError, ModelError: one line that says what to do.
    """
    from assay.training.studies.recipes.warm import start_of

    count = len(plan.arms) * len(plan.seeds)
    title = f"{plan.base.env} · {len(plan.arms)} recipes x {len(plan.seeds)} seeds -> {plan.out}"
    with display or Display(0, title) as shown:
        for job in jobs_of(plan, _start_name(plan)):
            stored(job)  # a folder of another study is refused before any work is done
        with shown.phase("warm-up", plan.warm_up or None) as phase:
            start = start_of(plan.base, plan.warm_up, plan.out / "start", lambda step, steps: phase.advance())
        trivial, begun = _baselines(plan), _start(plan, start, shown)
        if not max((value for key, value in begun.items() if key.startswith("pass@")), default=0.0):
            shown.note(
                "the policy at the start is right on no held-out task, so rewards may teach nothing: imitate longer "
                "(--warm-up), or take an easier task or a better model",
                style="yellow",
            )
        jobs = jobs_of(plan, start)
        missing = [job for job in jobs if stored(job) is None]
        if len(missing) < count:
            shown.note(f"{count - len(missing)} of {count} runs are finished already")
        with shown.phase("runs", len(missing) * plan.base.steps) as phase:
            done: dict[str, int] = {}

            def tick(job: Job, what: str, at: int) -> None:
                if what == "steps":
                    phase.advance(at - done.get(job.config.out, 0))
                    done[job.config.out] = at

            for number, job in enumerate(run_all(missing, plan.jobs, tick), 1):
                tick(job, "steps", plan.base.steps)
                shown.note(_finished(job, number, len(missing)))
    return write_results(plan, jobs, begun, trivial)


def _start_name(plan: Plan) -> str:
    return str(plan.out / "start") if plan.warm_up else plan.base.model.name


def _finished(job: Job, number: int, total: int) -> str:
    found = stored(job) or {}
    return (f"{number}/{total} {job.label} seed {job.config.seed}: pass@1 {100 * found.get('pass@1', 0.0):.1f} %, "
            f"entropy {found.get('entropy') or 0.0:.3f}, {duration(found.get('seconds') or 0.0)}")  # fmt: skip


def _start(plan: Plan, start: str, shown: Display) -> dict[str, Any]:
    """The measurement of the policy that all runs start from; made once."""
    from assay.training.studies.recipes.measure import measure_policy

    folder = plan.out / "measured-start"
    asked = {"samples": plan.samples, "ks": list(plan.ks), "tasks": plan.base.eval.tasks, "start": start}
    found = read_final(folder, asked)
    if found is None:
        total = plan.samples * plan.base.eval.tasks if plan.base.eval.tasks else None
        with shown.phase("measuring", total) as phase:
            found = {"asked": asked} | measure_policy(plan.base, start, None, plan.samples, plan.ks, phase.advance)
        write_final(folder, found)
    return found


def _baselines(plan: Plan) -> dict[str, float]:
    """The accuracy of answers that need no model."""
    from assay.envs.registry import env_class
    from assay.training.curriculum import held_out
    from assay.training.evaluate import trivial_baselines

    config = plan.base
    env, options = env_class(config.env), config.test_options
    tasks = held_out(env(**options).tasks, config.eval.tasks)
    found = trivial_baselines(env, env(**config.env_options).tasks, tasks, **options)
    return {name: each.accuracy for name, each in found.items()}


def write_results(plan: Plan, jobs: Sequence[Job], begun: Mapping[str, Any], trivial: Mapping[str, float]) -> str:
    """Table, figures and summary of finished runs; returns the table."""
    from assay.training.studies.recipes import figures
    from assay.training.studies.recipes.table import (
        START,
        arm_row,
        as_csv,
        differences,
        differences_markdown,
        markdown,
        metrics_of,
        single_row,
    )

    finals = {job.config.out: json.loads((job.dir / FINAL).read_text(encoding="utf-8")) for job in jobs}
    by_arm = {arm.label: [job for job in jobs if job.label == arm.label] for arm in plan.arms}
    metrics = metrics_of(plan.ks, calibrated="ece" in begun)
    arms = [arm_row(label, [finals[job.config.out] for job in of], metrics) for label, of in by_arm.items()]
    base = [single_row(name, {"pass@1": value}, metrics) for name, value in trivial.items()]
    rows = [*base, single_row(START, begun, metrics), *arms]
    apart = differences(arms, arms[0], metrics)
    table = "\n".join([markdown(rows, metrics), differences_markdown(apart, arms[0].name, metrics), _legend(plan)])
    out = plan.out
    _write(out / "table.md", table)
    _write(out / "table.csv", as_csv(rows, metrics))
    title = f"{plan.base.env}, {len(plan.seeds)} seeds" if len(plan.seeds) > 1 else plan.base.env
    figures.curves({label: [job.dir for job in of] for label, of in by_arm.items()}, out / "curves.png", trivial, title)
    figures.pass_curves([row for row in rows if row not in base], plan.ks, out / "pass_k.png", title)
    summary = {
        "env": plan.base.env, "env_options": plan.base.env_options, "seeds": plan.seeds, "steps": plan.base.steps,
        "rollouts": [plan.base.rollout.groups, plan.base.rollout.group_size], "samples": plan.samples,
        "ks": list(plan.ks), "trivial": dict(trivial),
        START: {name: begun.get(name) for name in metrics},
        "arms": {row.name: {name: [None if v != v else v for v in row.values[name]] for name in metrics}
                 for row in arms},
    }  # fmt: skip
    _write(out / "summary.json", json.dumps(summary, indent=1, default=list))
    return f"{table}\ntables, figures and summary.json: {out}"


def _legend(plan: Plan) -> str:
    rollout, seeds = plan.base.rollout, len(plan.seeds)
    how = "Student-t 95 % intervals over them" if seeds > 1 else "bootstrap 95 % intervals over tasks"
    return (
        f"{plan.base.steps} steps of {rollout.groups} tasks x {rollout.group_size} rollouts, {seeds} "
        f"seed{'s' if seeds > 1 else ''}, {how}; {plan.samples} answers to each held-out task at temperature 1. "
        "The start and the baselines were measured once (bootstrap over tasks). `rollouts` is what a recipe really "
        "sampled: one that samples again, or less, is counted, not cut.\n"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
