"""Does a small vision-language model learn spatial abilities, on scenes that it has never seen?

    python benchmarks/study_spatial.py [--seeds 3] [--jobs 2] [--leaves allo relative_direction route]
    python benchmarks/study_spatial.py --report          write the page again from the run directories

For each ability and seed a model of about a million random weights imitates the answers to rendered questions
(`--sft.examples`), then learns from the verifier alone (recipe dr-grpo), with `train-agent` as anybody would. Measured
greedily on the test split, whose scenes are drawn from other seeds: untrained, after imitation, along the steps, and
at the end once more with grey pictures (`--view blank`). Writes docs/results/spatial.md and spatial.png from the runs,
which are kept under --out; what is finished is not run again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.envs.spatial_tree import SpatialTreeEnv
from assay.training import checkpoint
from assay.training.logs import read_metrics
from assay.training.stats import student_interval
from assay.verifiers.spatial.tree import BY_KEY


@dataclass(frozen=True)
class Lesson:
    """What is learned of an ability: the kind of question, how hard, and how many are imitated how often."""

    leaf: str
    template: str
    difficulty: tuple[int, ...]
    examples: int
    epochs: int
    side: int = 48
    colour: str = "#2457d6"


LESSONS = (
    Lesson("allo", "moving_direction", (1, 2), 800, 3, 48, "#2457d6"),
    Lesson("relative_direction", "from_above", (1, 2), 800, 3, 48, "#1a7f4b"),
    Lesson("route", "exit_reached", (1, 2), 1600, 3, 48, "#b3261e"),
)
SIZE = 96
PATCH = 8
BLANK = "blank"


def main() -> None:
    args = arguments()
    jobs = [(lesson, seed) for seed in range(args.seeds) for lesson in LESSONS if lesson.leaf in args.leaves]
    if not args.report:
        for lesson, seed in jobs:  # here and not in the threads, which would import the library of models at once
            begin(lesson, seed, start_of(lesson, seed, args))
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda job: learn(*job, args), jobs))
    print(report(args))


def arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    keys = [lesson.leaf for lesson in LESSONS]
    found.add_argument("--leaves", nargs="+", choices=keys, default=keys)
    found.add_argument("--seeds", type=int, default=3)
    found.add_argument("--steps", type=int, default=60, help="of learning from rewards")
    found.add_argument("--every", type=int, default=10, help="steps between evaluations")
    found.add_argument("--lr", type=float, default=1e-4, help="of learning from rewards")
    found.add_argument("--sft-lr", type=float, default=1e-3)
    found.add_argument("--tasks", type=int, default=300, help="held-out questions")
    found.add_argument("--jobs", type=int, default=2, help="runs at a time, one core each")
    found.add_argument("--report", action="store_true", help="run nothing")
    found.add_argument("--out", type=Path, default=Path("runs/spatial"))
    found.add_argument("--results", type=Path, default=Path("docs/results"))
    return found.parse_args()


def run_of(lesson: Lesson, seed: int, args: argparse.Namespace) -> Path:
    return Path(args.out) / f"{lesson.leaf}-s{seed}"


def start_of(lesson: Lesson, seed: int, args: argparse.Namespace) -> Path:
    return Path(args.out) / f"{lesson.leaf}-s{seed}-start"


def learn(lesson: Lesson, seed: int, args: argparse.Namespace) -> None:
    """One run, and its measurement without pictures."""
    out = run_of(lesson, seed, args)
    if not (out / "report.html").exists():
        words = [
            "train-agent", "--model.name", str(start_of(lesson, seed, args)), *asked(lesson), "--env.seed", str(seed),
            "--env.count", str(lesson.examples), "--recipe", "dr-grpo", "--sft.examples", str(lesson.examples),
            "--sft.epochs", str(lesson.epochs), "--sft.lr", str(args.sft_lr), "--steps", str(args.steps),
            "--optim.lr", str(args.lr),
            "--eval.every", str(args.every), "--eval.tasks", str(args.tasks), "--eval.env.count", str(args.tasks),
            "--rollout.max-tokens", "4", "--seed", str(seed), "--threads", "1", "--keep", "1", "--out", str(out),
        ]  # fmt: skip
        call([*words, "--resume"] if (out / "config.yaml").exists() else words, out)
    blank = out.with_name(f"{out.name}-blank")
    if not read_metrics(blank, "eval"):
        call(["eval-agent", "--model", str(out), *asked(lesson), "--env.seed", str(seed), "--env.count",
              str(args.tasks), "--view", BLANK, "--tasks", str(args.tasks), "--threads", "1", "--out", str(blank)],
             blank)  # fmt: skip


def asked(lesson: Lesson) -> list[str]:
    """The environment's flags."""
    return ["--env", "spatial_tree", "--env.no-shuffle", "--env.leaf", lesson.leaf, "--env.template", lesson.template,
            "--env.difficulty", *map(str, lesson.difficulty), "--env.size", str(SIZE)]  # fmt: skip


def begin(lesson: Lesson, seed: int, folder: Path) -> None:
    """Random weights, and a tokenizer in which the words of the questions are single tokens, if not there yet."""
    if folder.exists():
        return
    from assay.agents.tiny_vlm import tiny_vlm
    from assay.training.studies.cls_rl.model import word_tokenizer

    env = SpatialTreeEnv(leaf=(lesson.leaf,), template=(lesson.template,), difficulty=lesson.difficulty, count=100,
                         size=SIZE, seed=seed)  # fmt: skip
    told = [part["text"] for task in env.tasks for part in task.prompt[0]["content"] if part["type"] == "text"]
    told += [env.gold(task) or "" for task in env.tasks]
    model, processor = tiny_vlm(side=lesson.side, patch=PATCH, vision_hidden=96, vision_layers=2, hidden=128, layers=3,
                                seed=seed, tokenizer=word_tokenizer(told))  # fmt: skip
    checkpoint.write_model(folder, model, processor)


def call(words: Sequence[str], out: Path) -> None:
    """Run one of our programs; its output goes to a file beside ``out``."""
    print("running", " ".join(words), flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    log = out.with_name(f"{out.name}.log")
    with log.open("ab") as said:
        command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
        done = subprocess.run(command, stdout=said, stderr=said, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        sys.exit(f"it failed: see {log}")


def curve(lesson: Lesson, seed: int, args: argparse.Namespace) -> list[tuple[int, float]]:
    """Held-out accuracy by step, from the end of imitation on."""
    lines = read_metrics(run_of(lesson, seed, args), "eval")
    return [(int(line["step"]), float(line["accuracy"])) for line in lines]


def baseline(lesson: Lesson, seed: int, name: str, args: argparse.Namespace) -> float:
    found = [line for line in read_metrics(run_of(lesson, seed, args), "baseline") if line["name"] == name]
    return float(found[-1]["accuracy"])


def report(args: argparse.Namespace) -> str:
    """Write the page and its figure; returns the page."""
    lessons = [lesson for lesson in LESSONS if lesson.leaf in args.leaves]
    seeds = range(args.seeds)
    lines = [
        "| ability | kind of question, difficulties | random | untrained | after imitation | after rewards | gain over "
        "untrained | pictures grey |", "| --- |" + " --- |" * 7,
    ]  # fmt: skip
    for lesson in lessons:
        curves = [curve(lesson, seed, args) for seed in seeds]
        before = [baseline(lesson, seed, "untrained", args) for seed in seeds]
        after = [each[-1][1] for each in curves]
        grey = [read_metrics(run_of(lesson, s, args).with_name(f"{lesson.leaf}-s{s}-blank"), "eval")[-1]["accuracy"]
                for s in seeds]  # fmt: skip
        cells = [
            percent([baseline(lesson, seed, "random", args) for seed in seeds]), percent(before),
            percent([each[0][1] for each in curves]), percent(after),
            percent([b - a for a, b in zip(before, after, strict=True)], "+"), percent(grey),
        ]  # fmt: skip
        asked_of = f"{lesson.template}, {' and '.join(map(str, lesson.difficulty))}"
        lines.append(f"| {BY_KEY[lesson.leaf].name} ({BY_KEY[lesson.leaf].level}) | {asked_of} | {' | '.join(cells)} |")
    picture(lessons, args)
    page = "\n".join([
        "# Learning to see directions and ways", "",
        f"`python benchmarks/study_spatial.py` made this page. {about(lessons, args)}", "", *lines, "",
        "![Held-out accuracy over the steps](spatial.png)", "",
    ])  # fmt: skip
    (args.results / "spatial.md").write_text(page, encoding="utf-8")
    return page


def about(lessons: Sequence[Lesson], args: argparse.Namespace) -> str:
    """What was done."""
    sides = " or ".join(sorted({str(lesson.side) for lesson in lessons}))
    counts = ", ".join(f"{lesson.examples:,} x {lesson.epochs} ({BY_KEY[lesson.leaf].name})" for lesson in lessons)
    return (
        f"One model an ability and seed, built on the spot (Idefics3 classes, random weights, pictures at {sides} "
        f"pixels). Imitation of right answers, questions x passes: {counts}, learning rate {args.sft_lr:g}; "
        f"then {args.steps} steps of dr-grpo at {args.lr:g} on the same questions, paid by `spatial.mcq` alone. "
        f"Options stand in one order (`--env.no-shuffle`). "
        f"Greedy answers to {args.tasks} questions of the test split, scenes from other seeds; in percent, "
        f"means over {args.seeds} seeds with Student-t 95 % intervals."
    )


def percent(values: Sequence[float], sign: str = "") -> str:
    """Mean and interval over seeds."""
    found = student_interval(values)
    return f"{100 * found.mean:{sign}.1f} [{100 * found.low:{sign}.1f}, {100 * found.high:{sign}.1f}]"


def picture(lessons: Sequence[Lesson], args: argparse.Namespace) -> None:
    """Accuracy over the steps, a line a seed; what random answers score as a dotted line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(lessons), 3.4), dpi=150, layout="constrained")
    panels: Any = figure.subplots(1, len(lessons), sharey=True, squeeze=False)[0]
    for axes, lesson in zip(panels, lessons, strict=True):
        for seed in range(args.seeds):
            steps = curve(lesson, seed, args)
            axes.plot(*zip(*steps, strict=True), color=lesson.colour, linewidth=1.6, alpha=0.8)
            before = baseline(lesson, seed, "untrained", args)
            axes.plot([-args.every], [before], "o", color="#666666", markersize=4)
            axes.axhline(baseline(lesson, seed, "random", args), color="#999999", linewidth=0.7, linestyle=":")
        axes.set(title=f"{BY_KEY[lesson.leaf].name} ({BY_KEY[lesson.leaf].level})", xlabel="step", ylim=(-0.03, 1.03))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("right on held-out scenes")
    args.results.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.results / "spatial.png")


if __name__ == "__main__":
    main()
