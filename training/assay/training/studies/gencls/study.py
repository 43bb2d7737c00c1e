"""``assay-study gencls``: from a command line to a table with verdicts, and a heat map."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assay.training.display import Display
from assay.training.errors import UserError
from assay.training.studies.gencls.data import prepare, read_lines, write_lines, write_text
from assay.training.studies.gencls.flags import Plan, parse
from assay.training.studies.gencls.results import Cell, Results
from assay.training.studies.gencls.runs import RL, SFT, Arm, arms_of, carry_out, config_of, finished, model_of, start_of
from assay.training.studies.gencls.strategy import NAIVE, Strategy
from assay.training.studies.runner import study_command

NAME = "gencls"
SUMMARY = "how a text classifier is put to a model in training and at inference, crossed (GenCLS++)"


def main(argv: list[str]) -> int:
    """Run the study of a command line; the exit status."""
    if argv[:1] == ["uncertain"]:
        return _uncertain(argv[1:])
    plan = parse(argv)
    return study_command(plan.out, lambda: run(plan))


def run(plan: Plan, display: Display | None = None) -> str:
    """Carry out a study and write its results.

    Returns:
        The page, as ``table.md`` holds it.

    Raises:
        UserError, ValueError, ModelError: one line that says what to do.
    """
    names = [each.folder for each in plan.data]
    title = f"gencls · {', '.join(names)} · {len(plan.train)} x {len(plan.infer)} strategies, {len(plan.seeds)} seeds"
    cells: list[Cell] = []
    with display or Display(0, f"{title} -> {plan.out}") as shown:
        for wanted in plan.data:
            options = prepare(wanted, plan.out / "data" / wanted.folder)
            start = _start(plan, wanted.folder, options)
            if any(each.uncertainty != "off" for each in [*plan.train, *plan.infer]):
                _doubt(plan, wanted.folder, options, start, shown)
            cells += _crossed(plan, wanted.folder, options, start, shown)
    return write_results(plan, Results(cells))


def _start(plan: Plan, name: str, options: dict[str, Any]) -> str:
    if not plan.scratch:
        return plan.base.model.name
    from assay.training.studies.gencls.scratch import scratch_model

    plain = [Strategy(), Strategy(definitions=True), Strategy(numeric=True), Strategy(think=True)]
    return scratch_model(plan.out / "start" / name, {**plan.base.env_options, **options}, plain)


def _doubt(plan: Plan, name: str, options: dict[str, Any], start: str, shown: Display) -> None:
    """Mark the training rows that a naive model doubts, once for all runs."""
    told = plan.out / "data" / name / "doubts.json"
    asked = {"folds": plan.folds, "margin": plan.margin, "sft": asdict(plan.base.sft), "model": start}
    if told.exists():
        if json.loads(told.read_text(encoding="utf-8"))["asked"] != json.loads(json.dumps(asked)):
            raise UserError(f"{told} was cross-fitted otherwise: choose another --out")
        return
    rows = read_lines(Path(options["path"]))
    share = _mark(rows, plan, options, start, shown)
    write_lines(Path(options["path"]), rows)
    write_text(told, json.dumps({"asked": asked, "share": share}))
    shown.note(f"{name}: {100 * share:.1f} % of {len(rows)} training rows are uncertain")


def _mark(rows: list[dict[str, Any]], plan: Plan, options: dict[str, Any], start: str, shown: Display) -> float:
    """Give every row its doubt; the share of uncertain ones."""
    from assay.envs.tasks import content_id
    from assay.training.studies.gencls.crossfit import cross_fit, fit_steps

    base = plan.base
    config = replace(base, env_options={**base.env_options, **options, **NAIVE.options}, seed=0,
                     model=replace(base.model, name=start))  # fmt: skip
    steps = fit_steps(len(rows), plan.folds, base.sft.epochs, base.sft.batch_size)
    with shown.phase("cross-fitting", steps) as phase:
        doubts = {each.task_id: each for each in cross_fit(config, plan.folds, phase.advance)}
    for row in rows:
        found = doubts[content_id("text-classification", row["text"], row["label"])]
        row |= {"uncertain": found.uncertain(plan.margin), "predicted": found.predicted,
                "margin": round(found.margin, 6)}  # fmt: skip
    return float(sum(row["uncertain"] for row in rows) / len(rows))


def _crossed(plan: Plan, name: str, options: dict[str, Any], start: str, shown: Display) -> list[Cell]:
    """Every run on a data set, and everything measured of it."""
    from assay.training.studies.gencls.measure import measure

    arms = arms_of(plan, name)
    configs = {
        arm: config_of(arm, plan, options, start_of(arm, plan, start) if arm.stage == SFT else "") for arm in arms
    }
    cells: list[Cell] = []
    with shown.phase(f"{name}: runs", len(arms)) as phase:
        for number, arm in enumerate(arms, 1):
            config = configs[arm]
            if arm.stage == RL:
                config = config_of(arm, plan, options, start_of(arm, plan, start))
            if not finished(config):
                with shown.phase("steps", config.steps or None) as steps:
                    carry_out(config, steps.advance)
            ways = _ways(plan, arm)
            with shown.phase("asking", 2 * len(ways)) as asking:
                found = measure(config, model_of(arm, plan), ways, plan.base.eval.tasks, asking.advance)
            cells += [Cell(name, arm.strategy.name, arm.stage, way, split, arm.seed, numbers)
                      for key, numbers in found.items() for way, split in [key.split("|")]
                      if way in {each.name for each in ways}]  # fmt: skip
            own = found[f"{arm.strategy.name}|test"]
            shown.note(f"{name} {number}/{len(arms)} {arm.strategy.name}, {arm.stage}, seed {arm.seed}: "
                       f"{100 * own['accuracy']:.1f} % asked as trained")  # fmt: skip
            phase.advance()
    return cells


def _ways(plan: Plan, arm: Arm) -> list[Strategy]:
    """How a trained model is asked: as it was trained, then with every strategy of inference."""
    if arm.strategy.think:
        return [arm.strategy]
    return list(dict.fromkeys([arm.strategy, *plan.infer]))


def write_results(plan: Plan, results: Results) -> str:
    """Page, CSV, heat map and summary; returns the page."""
    from assay.training.studies.gencls.claims import judged
    from assay.training.studies.gencls.figures import heat_map
    from assay.training.studies.gencls.table import as_csv, page

    claims = judged(results)
    text = page(results, claims, _about(plan))
    write_text(plan.out / "table.md", text)
    write_text(plan.out / "table.csv", as_csv(results))
    heat_map(results, plan.out / "heatmap.png")
    summary = {"claims": [asdict(each) | {"gain": list(each.gain)} for each in claims], "data": results.data,
               "seeds": plan.seeds, "steps": plan.base.steps, "sft": asdict(plan.base.sft),
               "model": plan.base.model.name}  # fmt: skip
    write_text(plan.out / "summary.json", json.dumps(summary, indent=1))
    return f"{text}\ntables, heat map and summary.json: {plan.out}"


def _about(plan: Plan) -> str:
    base, sizes = plan.base, []
    for each in plan.data:
        folder = plan.out / "data" / each.folder
        counts = [len(read_lines(folder / f"{split}.jsonl")) for split in ("train", "dev", "test")]
        labels = len({row["label"] for row in read_lines(folder / "train.jsonl")})
        sizes.append(f"{each.folder}: {labels} labels, {counts[0]} training, {counts[1]} development and {counts[2]} "
                     "test texts")  # fmt: skip
    model = "two layers of width 64 from random weights" if plan.scratch else base.model.name
    many = len(plan.seeds) > 1
    over = f"{len(plan.seeds)} seeds, Student-t 95 % intervals over them" if many else "one seed, Wilson 95 % intervals"
    asked = f"the first {base.eval.tasks}" if base.eval.tasks else "all"
    return (f"{'; '.join(sizes)}. Model: {model}. SFT: {base.sft.epochs} epochs, lr {base.sft.lr:g}. RL: {base.steps} "
            f"steps of {base.rollout.groups} x {base.rollout.group_size} rollouts, lr {base.optim.lr:g}. {over}; "
            f"{asked} texts of each held-out split are asked. Gains are over naive SFT asked naively, seed by seed. "
            "Tokens are those of prompt and answer.")  # fmt: skip


def _uncertain(argv: Sequence[str]) -> int:
    """``assay-study gencls uncertain``: training rows with their doubts, and nothing else."""
    from assay.training.cli import check_writable, quiet_libraries

    words = list(argv)
    if "-h" not in words and "--help" not in words and "--out" not in " ".join(words):
        raise UserError("say where the rows go: --out doubts.jsonl")
    plan = parse([*words, "--no-rl", "--train", "naive", "--infer", "naive"], "gencls uncertain")
    if plan.out.suffix != ".jsonl":
        raise UserError(f"--out {plan.out} is to be a .jsonl file of rows")
    if len(plan.data) > 1:
        raise UserError("rows of one data set at a time: give one --dataset")
    check_writable(plan.out.parent)
    quiet_libraries()
    work = plan.out.with_suffix("")
    plan = replace(plan, out=work)
    with Display(0, f"gencls uncertain · {plan.data[0].name} -> {work}.jsonl") as shown:
        options = prepare(plan.data[0], work / "data" / plan.data[0].folder)
        rows = read_lines(Path(options["path"]))
        share = _mark(rows, plan, options, _start(plan, plan.data[0].folder, options), shown)
        write_lines(work.with_suffix(".jsonl"), rows)
        shown.note(f"{100 * share:.1f} % of {len(rows)} training rows are uncertain (wrong when held out, or a lead "
                   f"below {plan.margin:g}): {work}.jsonl")  # fmt: skip
    return 0
