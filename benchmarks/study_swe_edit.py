"""Software repair by one edit: untrained, after imitating gold edits, after reinforcement learning; several seeds.

    python benchmarks/study_swe_edit.py --rows minted/rows.jsonl [...] [--seeds 0 1 2] [--jobs 1] [--threads 1]

The tasks are the bundled fixtures and the rows given (from ``assay-mint swe --inject`` or any file in SWE-bench shape)
whose changed functions are small; only those are shown. Whole repositories are held out. Reward is the similarity of
the change to the reference (SWE-RL, arXiv 2502.18449); no test is run. Writes docs/results/swe_edit.md and its figure
from the run directories, which it keeps under --out; runs that are there already are not run again, and a killed one
resumes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.envs.registry import env_class
from assay.envs.tasks import Task
from assay.training.logs import read_metrics
from assay.training.stats import Interval, paired_difference, student_interval, wilson
from assay.training.stored import read_episodes
from assay.verifiers.score import Score
from assay.verifiers.swe.edits import Edit
from assay.verifiers.swe.render import render_response

TEMPLATE = """\
{issue}

{files}

Mend it. Answer in this form, the old lines copied exactly:
<think>
why
</think>
<solution>
```
### path
<<<<<<< SEARCH
old lines
=======
new lines
>>>>>>> REPLACE
```
</solution>"""
MEASURES = {"format": "valid format", "similarity": "similarity", "correct": "equal to the reference"}
COLOURS = {"format": "#2457d6", "similarity": "#1a7f4b", "correct": "#d1661b"}


def prepare(args: argparse.Namespace) -> Path:
    """Write the rows of the study, each with its split; the same rows give the same file."""
    from assay.envs.swe_rl import fixtures

    given = [json.loads(line) for path in args.rows for line in path.read_text(encoding="utf-8").splitlines()]
    own = [{**row, "environment": {**row.get("environment", {}), "files": {"fixture": row["instance_id"]}}}
           for row in fixtures.rows()]  # fmt: skip
    rows = own + given
    held = _held_out({repository(row) for row in rows}, args.held_out)
    kept = [{**row, "split": "test" if repository(row) in held else "train"} for row in rows
            if len(row["problem_statement"]) <= args.issue_chars]  # fmt: skip
    random.Random(0).shuffle(kept)
    args.out.mkdir(parents=True, exist_ok=True)
    target: Path = args.out / "rows.jsonl"
    target.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return target


def repository(row: Mapping[str, Any]) -> str:
    """What is held out together: a fixture and the mutations of its tree are one repository."""
    return str(row["repo"]).rsplit("/", 1)[-1].lower().replace("_", "-")


def _held_out(names: set[str], share: float) -> set[str]:
    """A share of the repositories, those with the smallest hashes."""
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"held out:{name}".encode()).hexdigest())
    return set(ranked[: max(1, round(share * len(ranked)))])


def command(rows: Path, seed: int, out: Path, args: argparse.Namespace) -> list[str]:
    """The run of one seed, as a user would type it."""
    template = args.out / "prompt.txt"
    template.write_text(TEMPLATE, encoding="utf-8")
    words = [
        "train-agent", "--env", "swe_rl", "--env.source", "jsonl", "--env.path", str(rows),
        "--env.max-context-chars", str(args.chars), "--env.show", "functions", "--env.prompt-template", str(template),
        "--recipe", "dr-grpo", "--seed", str(seed), "--out", str(out), "--threads", str(args.threads),
        "--model.lora-rank", str(args.lora), "--model.lora-alpha", str(2 * args.lora),
        "--sft.epochs", str(args.epochs), "--sft.examples", str(args.examples), "--sft.lr", str(args.sft_lr),
        "--sft.batch-size", "4", "--steps", str(args.steps), "--optim.lr", str(args.lr),
        "--rollout.groups", str(args.groups), "--rollout.group-size", str(args.group_size),
        "--rollout.max-tokens", str(args.max_tokens), "--rollout.temperature", str(args.temperature),
        "--eval.tasks", str(args.tasks),
        "--eval.every", str(args.every), "--save-every", str(args.every), "--keep", "1",
    ]  # fmt: skip
    return [*words, "--resume"] if (out / "config.yaml").exists() else words


def run_all(rows: Path, args: argparse.Namespace) -> list[Path]:
    """Run what is missing, ``jobs`` at a time; returns the run directories."""
    dirs = [args.out / f"s{seed}" for seed in args.seeds]
    waiting = [(command(rows, seed, out, args), out) for seed, out in zip(args.seeds, dirs, strict=True)
               if not finished(out, args.steps)]  # fmt: skip
    running: list[tuple[subprocess.Popen[bytes], Path]] = []
    while waiting or running:
        while waiting and len(running) < args.jobs:
            words, out = waiting.pop(0)
            print("starting", out, flush=True)
            log = (args.out / f"{out.name}.log").open("ab")
            program = str(Path(sys.executable).parent / words[0])
            running.append((subprocess.Popen([program, *words[1:]], stdout=log, stderr=log), out))
        process, out = running.pop(0)
        if process.wait() != 0:
            sys.exit(f"{out} failed: see {args.out / (out.name + '.log')}")
        print("finished", out, flush=True)
    return dirs


def finished(out: Path, steps: int) -> bool:
    """Whether a run directory holds its last evaluation."""
    return (out / "metrics.jsonl").exists() and any(line["step"] == steps for line in read_metrics(out, "eval"))


def scores_of(out: Path) -> dict[str, list[Score]]:
    """The held-out scores of one seed at each stage, by the name of its stored episodes."""
    files = sorted((out / "episodes").glob("eval-*.jsonl"), key=lambda path: path.stem.replace("untrained", "!"))
    found = {}
    for path in files:
        scores = [episode.score for episode in read_episodes([path])]
        found[path.stem.removeprefix("eval-")] = [score for score in scores if score is not None]
    return found


def measure(scores: Sequence[Score]) -> dict[str, float]:
    """Means over tasks: share of valid format, similarity (0 for an invalid one), share equal to the reference."""
    n = len(scores)
    return {
        "format": sum(score.parsed for score in scores) / n,
        "similarity": sum(score.parts.get("similarity", 0.0) for score in scores) / n,
        "correct": sum(bool(score.correct) for score in scores) / n,
    }


def trivial_answers() -> dict[str, Callable[[Task], str]]:
    """What needs no model: nothing; a comment on the first line of the first file; a comment on a line of it by chance;
    the same at the end of its middle line."""

    def at(pick: Callable[[Sequence[str], Task], str]) -> Callable[[Task], str]:
        def answer(task: Task) -> str:
            path, text = next(iter(task.truth["context"].items()))
            line = pick([one for one in text.split("\n") if one.strip()], task)
            return render_response([Edit(path, line, f"{line}  # fixed")], "A guess.")

        return answer

    return {
        "empty answer": lambda task: "",
        "comment on the first line": at(lambda lines, task: lines[0]),
        "comment on a line by chance": at(lambda lines, task: random.Random(task.id).choice(lines)),
    }


def baselines(rows: Path, args: argparse.Namespace) -> tuple[dict[str, list[Score]], list[Task], list[Task]]:
    """Scores of the trivial answers, the held-out tasks and the training tasks."""
    from assay.training.curriculum import held_out

    env = env_class("swe_rl")
    options = {"source": "jsonl", "path": str(rows), "max_context_chars": args.chars, "show": "functions"}
    train, test = (env(**options, split=split).tasks for split in ("train", "test"))
    chosen = held_out(test, args.tasks)
    found = {name: [env.score([answer(task)], task.truth) for task in chosen]
             for name, answer in trivial_answers().items()}  # fmt: skip
    return found, list(chosen), list(train)


def percent(found: Interval) -> str:
    return f"{100 * found.mean:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def table(stages: Mapping[str, Sequence[Mapping[str, float]]], trivial: Mapping[str, Sequence[Score]]) -> str:
    """The results as markdown: means of seeds with Student-t intervals; trivial answers with Wilson's."""
    names = list(MEASURES)
    lines = [f"| | {' | '.join(MEASURES.values())} |", "| --- |" + " --- |" * len(names)]
    for name, scores in trivial.items():
        measured = measure(scores)
        cells = [percent(wilson(measured[key] * len(scores), len(scores))) if key != "similarity"
                 else f"{measured[key]:.3f}" for key in names]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for stage, seeds in stages.items():
        cells = []
        for key in names:
            found = student_interval([seed[key] for seed in seeds])
            each = ", ".join(f"{seed[key]:.3f}" for seed in seeds)
            text = f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]" if key == "similarity" else percent(found)
            cells.append(f"{text} ({each})")
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def gains(stages: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """RL against SFT, paired by seed."""
    sft, trained = stages["SFT"], stages["SFT + RL"]
    lines = []
    for key, name in MEASURES.items():
        gain = paired_difference([seed[key] for seed in trained], [seed[key] for seed in sft])
        lines.append(f"- {name}: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
    return "\n".join(lines)


def picture(dirs: Sequence[Path], curves: Sequence[Mapping[str, list[Score]]], target: Path, steps: int) -> None:
    """Held-out measures at each stage and training reward over steps; thin lines are seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.0), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    for key, name in MEASURES.items():
        lines = [[(_place(stage, steps), measure(scores)[key]) for stage, scores in curve.items()] for curve in curves]
        for line in lines:
            left.plot(*zip(*line, strict=True), color=COLOURS[key], linewidth=0.7, alpha=0.4)
        means = [(points[0][0], sum(value for _, value in points) / len(points)) for points in zip(*lines, strict=True)]
        left.plot(*zip(*means, strict=True), color=COLOURS[key], linewidth=2, marker="o", label=name)
    left.set(ylim=(-0.02, 1.02), xlabel="step of RL (left of 0: before imitation)", title="held-out repositories")
    left.legend(frameon=False, loc="center right")
    for out in dirs:
        points = [(line["step"], line["reward"]) for line in read_metrics(out, "train")]
        right.plot(*zip(*points, strict=True), linewidth=1.2, label=out.name)
    right.set(xlabel="step of RL", title="mean reward of training samples")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)


def _place(stage: str, steps: int) -> float:
    return -steps / 6 if stage == "untrained" else float(int(stage))


def about(tasks: Sequence[Task], train: Sequence[Task], args: argparse.Namespace) -> str:
    """What the figures were measured on."""

    def repos(found: Sequence[Task]) -> int:
        return len({repository({"repo": task.meta.get("repo", "")}) for task in found})

    levels = Counter(str(task.meta.get("level", "")) for task in train)
    kinds = ", ".join(f"{count} {level or 'other'}" for level, count in sorted(levels.items()))
    return (
        f"{len(train)} training tasks ({kinds}) of {repos(train)} repositories, {len(tasks)} held-out tasks of "
        f"{repos(tasks)} other repositories; the functions shown (the reference tells "
        f"which) have at most {args.chars} characters. SmolLM2-135M-Instruct, "
        f"LoRA rank {args.lora}; imitation of {args.examples} gold edits, {args.epochs} pass(es), learning rate "
        f"{args.sft_lr:g}; then {args.steps} steps of Dr.GRPO on similarity, {args.groups} tasks x {args.group_size} "
        f"samples at temperature {args.temperature:g}, learning rate {args.lr:g}. Greedy decoding for evaluation. "
        f"Seeds {', '.join(map(str, args.seeds))}; "
        "intervals are 95 %: Student t over seeds, Wilson over tasks for answers that need no model."
    )


def report(dirs: Sequence[Path], rows: Path, args: argparse.Namespace) -> str:
    """Write the page and its figure; returns the page."""
    trivial, tasks, train = baselines(rows, args)
    curves = [scores_of(out) for out in dirs]
    names = {"untrained": "untrained", "SFT": "000000", "SFT + RL": f"{args.steps:06d}"}
    stages = {stage: [measure(curve[name]) for curve in curves] for stage, name in names.items()}
    target = args.results / "swe_edit.png"
    picture(dirs, curves, target, args.steps)
    page = "\n\n".join([
        "# Software repair by one edit", about(tasks, train, args), table(stages, trivial),
        "RL over SFT, paired by seed:", gains(stages), f"![Held-out measures and training reward]({target.name})", "",
    ])  # fmt: skip
    (args.results / "swe_edit.md").write_text(page, encoding="utf-8")
    return page


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--rows", type=Path, nargs="*", default=[], help="files of rows, besides the fixtures")
    found.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    found.add_argument("--held-out", type=float, default=0.3, help="share of the repositories")
    found.add_argument("--chars", type=int, default=500, help="characters of the functions shown, at most")
    found.add_argument("--issue-chars", type=int, default=450, help="characters of the issue, at most")
    found.add_argument("--tasks", type=int, default=24, help="held-out tasks measured")
    found.add_argument("--lora", type=int, default=16, help="rank of the adapters; 0 trains all weights")
    found.add_argument("--epochs", type=int, default=1)
    found.add_argument("--examples", type=int, default=64, help="gold edits imitated")
    found.add_argument("--sft-lr", type=float, default=1e-3)
    found.add_argument("--steps", type=int, default=8)
    found.add_argument("--every", type=int, default=4)
    found.add_argument("--lr", type=float, default=2e-4)
    found.add_argument("--groups", type=int, default=3)
    found.add_argument("--group-size", type=int, default=8)
    found.add_argument("--max-tokens", type=int, default=128)
    found.add_argument("--temperature", type=float, default=0.7, help="of training samples")
    found.add_argument("--threads", type=int, default=1, help="CPU threads a run")
    found.add_argument("--jobs", type=int, default=1, help="runs at a time")
    found.add_argument("--out", type=Path, default=Path("runs/swe_edit"), help="run directories")
    found.add_argument("--results", type=Path, default=Path("docs/results"), help="where the page and figure go")
    return found


def main() -> None:
    args = parser().parse_args()
    rows = prepare(args)
    print(report(run_all(rows, args), rows, args))


if __name__ == "__main__":
    main()
