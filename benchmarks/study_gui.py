"""Does a small vision-language model learn to point on held-out windows, and does exploration pay?

    python benchmarks/study_gui.py [--seeds 3] [--jobs 2]

A tiny-vlm is built on the spot and imitates oracle answers on windows of the Qt source (once a seed, see
study_gui_warm.py). From that start, naive RLVR (one point, +1 or -1) and AEPO (lists of points, the adaptive
exploration reward) train on further windows; both are measured, greedily, on windows of the test split. Writes
docs/results/gui.md and gui.png from the run directories, which are kept under --out; what is finished is not run again.
Meant for half an hour of two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.envs.episode import Episode
from assay.training.logs import read_metrics
from assay.training.stats import Interval, student_interval, wilson
from assay.training.stored import read_episodes

WINDOWS = {
    "source": "qt",
    "apps": ("files", "mail"),
    "kinds": ("literal", "functional", "spatial"),
    "compact": True,
    "hard": "none",
    "family": "smolvlm",
    "think": False,
    "system_prompt": "none",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "single": {**WINDOWS, "prompt_template": "one: {instruction}", "multi_answer": False, "aer": "naive"},
    "listed": {**WINDOWS, "prompt_template": "some: {instruction}"},
}
SIZE = {"side": 256, "vision_layers": 2, "hidden": 128, "layers": 3}
KINDS = ("literal", "functional", "spatial")
PER_WINDOW = 12
GROUPS = 2 * PER_WINDOW
CHANCE = ("random", "centre")
START = "start"
BEFORE, AFTER, BLANK = "greedy-start", "greedy", "blank"


@dataclass(frozen=True)
class Arm:
    """What is trained from the start: how it is asked and paid, and the name it goes by."""

    name: str
    asked: str
    said: str


ARMS = (
    Arm("naive", "single", "naive RLVR: one point, +1 or -1"),
    Arm("aepo", "listed", "AEPO: lists, paid by efficiency"),
)


@dataclass(frozen=True)
class Held:
    """Verdicts on the held-out tasks, by task: first point right, any point right, points listed, kind."""

    first: list[bool]
    any: list[bool]
    points: list[float]
    kinds: list[str]

    def of(self, kind: str) -> Held:
        """Those of one kind of instruction."""
        keep = [i for i, each in enumerate(self.kinds) if each == kind]
        return Held(*([values[i] for i in keep] for values in (self.first, self.any, self.points, self.kinds)))


def train_start(seed: int, args: argparse.Namespace) -> None:
    """The start of a seed, in this process."""
    from study_gui_warm import Warm, warm_start

    full = Warm()
    steps = {name: round(args.share * getattr(full, name)) for name in ("windows", "words", "reading", "pointing")}
    plan = replace(full, tasks=PER_WINDOW, **steps)
    asked = {kind: {**options, "per_window": PER_WINDOW} for kind, options in OPTIONS.items()}
    warm_start(args.out / f"s{seed}" / START, asked, SIZE, plan, seed, lambda line: print(line, flush=True))


def train_arm(seed: int, arm: Arm, args: argparse.Namespace) -> None:
    """An arm of a seed, in this process; one that was stopped goes on, one that is finished is left alone."""
    from assay.training import config as c
    from assay.training.cli import evaluate
    from assay.training.display import Display
    from assay.training.trainer import train

    out = args.out / f"s{seed}" / arm.name
    if finished(out):
        return
    began, start = time.process_time(), str(args.out / f"s{seed}" / START)
    drawn = {"seed": 1000 + seed, "count": GROUPS * args.steps, "per_window": PER_WINDOW}
    options = {**OPTIONS[arm.asked], **drawn}
    train(
        c.TrainConfig(
            env="gui_grounding",
            env_options=options,
            recipe="aepo",
            out=str(out),
            steps=args.steps,
            seed=seed,
            resume=(out / "checkpoints").exists(),
            threads=1,
            model=c.ModelConfig(name=start, device="cpu"),
            rollout=c.RolloutConfig(
                groups=GROUPS, group_size=16, neighbours=PER_WINDOW, max_tokens=40, concurrency=16 * GROUPS
            ),
            optim=c.OptimConfig(lr=args.lr, token_budget=8192, schedule="linear"),
            sft=c.SFTConfig(epochs=0),
            eval=c.EvalConfig(every=0, tasks=args.tasks, temperature=1.0),
            monitor=c.MonitorConfig(action="off"),
            log=c.LogConfig(report=False),
        ),
        Display(args.steps, quiet=True),
    )
    common = ["--tasks", str(args.tasks), "--max-tokens", "40", "--threads", "1"]
    for name, words in (
        (BEFORE, ["--model", start, "--env", "gui_grounding", *as_flags(options)]),
        (AFTER, ["--model", str(out)]),
        (BLANK, ["--model", str(out), "--view", BLANK]),
    ):
        if evaluate([*words, *common, "--out", str(out / name)]):
            raise RuntimeError(f"{out} could not be measured: {name}")
    spent = time.process_time() - began
    (out / "seconds.json").write_text(json.dumps(spent), encoding="utf-8")
    print(f"seed {seed}: {arm.name} took {spent:.0f} s of processor", flush=True)


def as_flags(options: Mapping[str, Any]) -> list[str]:
    """Options of the environment as a command line has them."""
    words: list[str] = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--env.{flag}" if value else f"--env.no-{flag}")
        else:
            words += [f"--env.{flag}", *([str(each) for each in value] if isinstance(value, tuple) else [str(value)])]
    return words


def finished(out: Path) -> bool:
    """Whether a run has been measured after its last step, in every way."""
    return (out / "seconds.json").exists()


def held(path: Path) -> Held:
    """The verdicts of a stored evaluation."""
    episodes = [each for each in read_episodes([path]) if each.score is not None]
    return Held(
        [bool(each.score.correct) for each in episodes if each.score],
        [_part(each, "has_correct") > 0 for each in episodes],
        [_part(each, "num_pred") for each in episodes],
        [str(each.meta["kind"]) for each in episodes],
    )


def _part(episode: Episode, name: str) -> float:
    return float(episode.score.parts.get(name, 0.0)) if episode.score is not None else 0.0


def pooled(values: Sequence[Sequence[bool]]) -> Interval:
    """Wilson's 95 % interval over the tasks of all seeds."""
    flat = [value for each in values for value in each]
    return wilson(float(sum(flat)), len(flat))


def measured(args: argparse.Namespace, greedy: bool) -> dict[str, list[Held]]:
    """By row of a table, one entry a seed: the start asked in both ways, the arms, and the arms without a look."""
    found: dict[str, list[Held]] = {}
    for arm in ARMS:
        runs = [args.out / f"s{seed}" / arm.name for seed in range(args.seeds)]
        before, after = "eval-untrained", f"eval-{args.steps:06d}"
        found[f"SFT only, asked as {arm.name}"] = [
            asked_again(run / BEFORE) if greedy else held(run / "episodes" / f"{before}.jsonl") for run in runs
        ]
        found[arm.said] = [
            asked_again(run / AFTER) if greedy else held(run / "episodes" / f"{after}.jsonl") for run in runs
        ]
        if greedy:
            found[f"{arm.name}, the screenshot blank"] = [asked_again(run / BLANK) for run in runs]
    return found


def asked_again(folder: Path) -> Held:
    """The verdicts of a folder of ``eval-agent``."""
    return held(next((folder / "episodes").glob("*.jsonl")))


def looking_away(path: Path, usual: Mapping[str, Sequence[float]]) -> float:
    """The share of held-out tasks that are where the demonstrations had the same instruction: no look is needed."""
    from study_gui_warm import plainly

    right = []
    for each in read_episodes([path]):
        place = usual.get(plainly(each.meta["instruction"]))
        x1, y1, x2, y2 = each.truth["box"]
        across, down = each.truth["scale"]
        right.append(place is not None and x1 <= place[0] * across <= x2 and y1 <= place[1] * down <= y2)
    return _mean(right)


def percent(found: Interval) -> str:
    """As a cell of a table."""
    return f"{100 * found.mean:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def table(found: Mapping[str, Sequence[Held]], chance: Mapping[str, float]) -> str:
    """The numbers, one row a policy."""
    lines = ["| policy | top-1 | any of N | mean N | " + " | ".join(KINDS) + " |", "| --- " * (4 + len(KINDS)) + "|"]
    for name, accuracy in chance.items():
        lines.append(f"| {name} | {100 * accuracy:.1f} |" + " |" * (2 + len(KINDS)))
    for name, seeds in found.items():
        points = [value for each in seeds for value in each.points]
        cells = [percent(pooled([each.first for each in seeds])), percent(pooled([each.any for each in seeds])),
                 f"{sum(points) / len(points):.2f}"]  # fmt: skip
        cells += [percent(pooled([each.of(kind).first for each in seeds])) for kind in KINDS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def gains(found: Mapping[str, Sequence[Held]]) -> str:
    """What training added, paired by seed, and whether the pooled intervals are apart."""
    lines = []
    for arm in ARMS:
        before, after = found[f"SFT only, asked as {arm.name}"], found[arm.said]
        low, high = (pooled([each.first for each in seeds]) for seeds in (before, after))
        steps = [_mean(b.first) - _mean(a.first) for a, b in zip(before, after, strict=True)]
        gain = student_interval(steps) if len(steps) > 1 else Interval(steps[0], float("nan"), float("nan"))
        apart = "are apart" if high.low > low.high else "overlap"
        lines.append(f"- {arm.said}: top-1 {percent(gain)} points over its start (Student-t over seeds); the intervals "
                     f"above {apart}.")  # fmt: skip
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def chance_of(args: argparse.Namespace) -> dict[str, float]:
    """What answers that look at nothing get, as the runs logged it."""
    lines = read_metrics(args.out / "s0" / ARMS[0].name, "baseline")
    return {line["name"]: line["accuracy"] for line in lines if line["name"] in CHANCE}


def figure(args: argparse.Namespace, out: Path) -> None:
    """Training: how often the first point is right, and any; how many points are listed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = (("accuracy", "first point right"), ("part/has_correct", "any point right"), ("part/num_pred", "points"))
    drawing, panels = plt.subplots(1, len(shown), figsize=(12, 3.4), constrained_layout=True)
    for axes, (name, title) in zip(panels, shown, strict=True):
        for arm, colour in zip(ARMS, ("#4c72b0", "#c44e52"), strict=True):
            for seed in range(args.seeds):
                lines = read_metrics(args.out / f"s{seed}" / arm.name, "train")
                values = [float(line.get(name, "nan")) for line in lines]
                smooth = [
                    sum(values[max(0, i - 7) : i + 1]) / len(values[max(0, i - 7) : i + 1]) for i in range(len(values))
                ]
                axes.plot(
                    range(1, len(smooth) + 1), smooth, color=colour, alpha=0.8, label=arm.name if seed == 0 else None
                )
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    panels[0].legend(frameon=False)
    drawing.savefig(out, dpi=150)


PAGE = """# GUI grounding: a small model learns to point

`python benchmarks/study_gui.py --seeds {seeds}`. A `tiny-vlm` (Idefics3 classes, {weights:.1f} million weights, images
at {side} x {side} pixels) is built on the spot. It is warmed up on {answers} oracle answers on {windows} mail and file
windows of the Qt source (`--env.compact`, no look-alikes): {words} steps on words alone, {reading} on reading what
stands where, {pointing} on pointing with the screenshot. From there, {steps} steps of 24 tasks (two other windows) x 16
rollouts with the recipe `aepo`, learning rate {lr:g}. Measured on {tasks} held-out tasks, on windows whose state is in
no training split. Per cent with 95 % intervals (Wilson, tasks of the {seeds} seeds pooled); *top-1* is the first point,
*any of N* any listed point.

## As the policy acts: sampled at temperature 1

{sampled}

{sampled_gains}

## Greedily

{greedy}

{greedy_gains}

{minutes:.0f} minutes of processor for the warm starts, drawing included, {later:.0f} for the arms and their
measurements.

![training](gui.png)

Whatever the model says, tasks come from windows that Qt drew; the truth is widget geometry. Both arms start from the
same weights of their seed and are asked in words of their own ("one: ..." and "some: ..."), which the warm start
taught them. Menus and tool bars stand in much the same places in windows of a kind, so that words alone go far: the
rows with a blank screenshot, and the lookup of where the demonstrations had the same instruction, say how far; what is
above them is sight.
"""


def write_page(args: argparse.Namespace) -> str:
    """docs/results/gui.md and its figure, from the run directories."""
    sampled, greedy = measured(args, False), measured(args, True)
    warm = [json.loads((args.out / f"s{s}" / START / "warm.json").read_text()) for s in range(args.seeds)]
    runs = [args.out / f"s{seed}" / arm.name for seed in range(args.seeds) for arm in ARMS]
    later = sum(json.loads((run / "seconds.json").read_text()) for run in runs)
    args.results.mkdir(parents=True, exist_ok=True)
    figure(args, args.results / "gui.png")
    chance = chance_of(args)
    untrained = args.out / "s0" / ARMS[0].name / "episodes" / "eval-untrained.jsonl"
    chance["words alone: where the demonstrations had it"] = looking_away(untrained, warm[0]["usual"])
    text = PAGE.format(
        seeds=args.seeds, weights=_weights(args.out / "s0" / START) / 1e6, side=SIZE["side"],
        answers=warm[0]["tasks"], steps=args.steps, lr=args.lr,
        **{name: warm[0]["plan"][name] for name in ("windows", "words", "reading", "pointing")},
        tasks=len(greedy[ARMS[0].said][0].first), sampled=table(sampled, {}), sampled_gains=gains(sampled),
        greedy=table(greedy, chance), greedy_gains=gains(greedy),
        minutes=sum(each["cpu_seconds"] for each in warm) / 60, later=later / 60,
    )  # fmt: skip
    (args.results / "gui.md").write_text(text, encoding="utf-8")
    return text


def _weights(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        return sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="starts, and runs of each arm (3)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds at a time, one core each (2)")
    parser.add_argument("--share", type=float, default=1.0, help="windows and steps of the starts, as a share (1)")
    parser.add_argument("--steps", type=int, default=80, help="steps of an arm (80)")
    parser.add_argument("--lr", type=float, default=8e-4, help="learning rate of the arms (8e-4)")
    parser.add_argument("--tasks", type=int, default=300, help="held-out tasks (300)")
    parser.add_argument("--out", type=Path, default=Path("runs/gui"), help="where the runs are kept")
    parser.add_argument("--results", type=Path, default=Path("docs/results"), help="where the page goes")
    parser.add_argument("--page-only", action="store_true", help="write the page from runs that are finished")
    parser.add_argument("--only", metavar="SEED:PART", help="run the start or one arm of a seed here, and no more")
    args = parser.parse_args()
    if args.only:
        seed, _, part = args.only.partition(":")
        arm = next((each for each in ARMS if each.name == part), None)
        if not seed.isdecimal() or (arm is None and part != START):
            parser.error(f"--only takes SEED:PART with a part of {START}, {', '.join(each.name for each in ARMS)}")
        train_start(int(seed), args) if arm is None else train_arm(int(seed), arm, args)
        return
    if not args.page_only:
        run_all(args)
    print(write_page(args))


def run_all(args: argparse.Namespace) -> None:
    """Starts and arms in processes of their own, ``--jobs`` at a time; an arm follows the start of its seed."""
    waiting = [(seed, part) for part in (START, *(arm.name for arm in ARMS)) for seed in range(args.seeds)]
    running: dict[tuple[int, str], subprocess.Popen[bytes]] = {}
    done: set[tuple[int, str]] = set()
    names = ("share", "steps", "lr", "tasks", "out")
    told = [word for name in names for word in (f"--{name}", str(getattr(args, name)))]
    while waiting or running:
        ready = [job for job in waiting if job[1] == START or (job[0], START) in done]
        for job in ready[: args.jobs - len(running)]:
            waiting.remove(job)
            command = [sys.executable, __file__, "--only", f"{job[0]}:{job[1]}", *told]
            running[job] = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
        time.sleep(0.5)
        for job in [job for job, process in running.items() if process.poll() is not None]:
            if running.pop(job).returncode:
                for other in running.values():
                    other.terminate()
                sys.exit(f"{job[1]} of seed {job[0]} failed: see above; what is finished is kept")
            done.add(job)


if __name__ == "__main__":
    main()
