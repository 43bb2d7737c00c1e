"""Banking77: zero-shot, supervised warm-up on 5 examples an intent, then reinforcement learning; several seeds.

    python benchmarks/study_banking77.py --data DIR [--intents 10 77] [--seeds 0 1 2] [--threads 1] [--jobs 2]

DIR holds train.csv and test.csv with the columns text and category. Writes docs/results/banking77.md and its figures
from the run directories, which it keeps under --out; runs that are there already are not run again, and a killed one
resumes.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

from assay.training.logs import read_metrics
from assay.training.plots import learning_curve
from assay.training.stats import paired_difference, student_interval

TEN = (
    "card_arrival", "lost_or_stolen_card", "change_pin", "exchange_rate", "top_up_failed",
    "cancel_transfer", "verify_my_identity", "age_limit", "declined_card_payment", "Refund_not_showing_up",
)  # fmt: skip
TITLE = "Banking77, {} intents: RL after 5 examples an intent"
SETTINGS = {
    10: {"steps": 50, "every": 25, "epochs": 4, "tasks": 390},
    77: {"steps": 30, "every": 15, "epochs": 3, "tasks": 200},
}


def command(data: Path, intents: int, seed: int, out: Path, threads: int, extra: list[str]) -> list[str]:
    """The run of one seed, as a user would type it."""
    chosen = SETTINGS[intents]
    words = [
        "train-agent", "--env", "text_classification", "--env.source", "csv", "--env.overlap", "drop",
        "--env.path", str(data / "train.csv"), "--env.test-path", str(data / "test.csv"),
        "--env.text", "text", "--env.label", "category", "--env.no-shuffle-labels",
        *(["--env.labels", *TEN] if intents == len(TEN) else []),
        "--recipe", "dr-grpo", "--seed", str(seed), "--out", str(out), "--threads", str(threads),
        "--sft.per-label", "5", "--sft.epochs", str(chosen["epochs"]), "--sft.lr", "5e-5", "--sft.batch-size", "32",
        "--steps", str(chosen["steps"]), "--optim.lr", "2e-5", "--rollout.groups", "16", "--rollout.group-size", "8",
        "--rollout.max-tokens", "16", "--eval.tasks", str(chosen["tasks"]), "--eval.every", str(chosen["every"]),
        "--save-every", str(chosen["every"]), "--keep", "1", *extra,
    ]  # fmt: skip
    return [*words, "--resume"] if (out / "config.yaml").exists() else words


def finished(out: Path, steps: int) -> bool:
    """Whether a run directory holds its last evaluation."""
    return (out / "metrics.jsonl").exists() and any(line["step"] == steps for line in read_metrics(out, "eval"))


def run_all(args: argparse.Namespace) -> dict[int, list[Path]]:
    """Run what is missing, ``jobs`` at a time; returns the run directories."""
    dirs = {n: [args.out / f"intents{n}-s{seed}" for seed in args.seeds] for n in args.intents}
    waiting = [
        (command(args.data, n, seed, out, args.threads, args.extra), out)
        for n, outs in dirs.items()
        for seed, out in zip(args.seeds, outs, strict=True)
        if not finished(out, SETTINGS[n]["steps"])
    ]
    running: list[tuple[subprocess.Popen[bytes], Path]] = []
    args.out.mkdir(parents=True, exist_ok=True)
    while waiting or running:
        while waiting and len(running) < args.jobs:
            words, out = waiting.pop(0)
            print("starting", out, flush=True)
            log = (args.out / f"{out.name}.log").open("ab")
            running.append((subprocess.Popen([str(Path(sys.executable).parent / words[0]), *words[1:]], stdout=log,
                                             stderr=log), out))  # fmt: skip
        process, out = running.pop(0)
        if process.wait() != 0:
            sys.exit(f"{out} failed: see {args.out / (out.name + '.log')}")
        print("finished", out, flush=True)
    return dirs


def measured(out: Path) -> dict[str, float]:
    """Held-out accuracy of one seed at each stage."""
    untrained = next(line for line in read_metrics(out, "baseline") if line["name"] == "untrained")
    evals = read_metrics(out, "eval")
    return {"zero-shot": untrained["accuracy"], "SFT": evals[0]["accuracy"], "SFT + RL": evals[-1]["accuracy"]}


def majority(data: Path, intents: int) -> float:
    """Share of the commonest training label among the test rows."""
    keep = set(TEN) if intents == len(TEN) else None
    train, test = (
        [row["category"] for row in csv.DictReader((data / name).open(encoding="utf-8"))
         if keep is None or row["category"] in keep]
        for name in ("train.csv", "test.csv")
    )  # fmt: skip
    return Counter(test)[Counter(train).most_common(1)[0][0]] / len(test)


def table(args: argparse.Namespace, dirs: dict[int, list[Path]]) -> str:
    """The results as markdown."""
    lines = [
        "| intents | stage | held-out accuracy, mean of seeds | 95 % interval (Student t) | seeds |",
        "| --- | --- | --- | --- | --- |",
    ]
    notes = []
    for n, outs in dirs.items():
        rows = [measured(out) for out in outs]
        lines.append(f"| {n} | majority label | {100 * majority(args.data, n):.1f} % | | |")
        for stage in ("zero-shot", "SFT", "SFT + RL"):
            values = [row[stage] for row in rows]
            found = student_interval(values)
            each = ", ".join(f"{100 * value:.1f}" for value in values)
            lines.append(f"| {n} | {stage} | {100 * found.mean:.1f} % | {100 * found.low:.1f} to "
                         f"{100 * found.high:.1f} | {each} |")  # fmt: skip
        gain = paired_difference([row["SFT + RL"] for row in rows], [row["SFT"] for row in rows])
        notes.append(f"{n} intents: RL over SFT, paired by seed, {100 * gain.mean:+.1f} points "
                     f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}].")  # fmt: skip
    return "\n".join([*lines, "", *notes, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv and test.csv")
    parser.add_argument("--intents", type=int, nargs="+", default=[10, 77], choices=sorted(SETTINGS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1, help="CPU threads a run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--out", type=Path, default=Path("runs/banking77"), help="run directories")
    parser.add_argument("--results", type=Path, default=Path("docs/results"), help="where the table and figure go")
    parser.add_argument("extra", nargs="*", help="further flags of train-agent, after --")
    args = parser.parse_args()
    dirs = run_all(args)
    text = table(args, dirs)
    args.results.mkdir(parents=True, exist_ok=True)
    page = f"# Banking77\n\n{text}\n"
    for n, outs in dirs.items():
        picture = args.results / f"banking77-{n}.png"
        learning_curve(outs, picture, title=TITLE.format(n))
        page += f"![{n} intents: held-out accuracy while RL goes on]({picture.name})\n"
    (args.results / "banking77.md").write_text(page, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
