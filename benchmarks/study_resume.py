"""Resume screening on SmolLM2-135M: untrained, after imitation, gently polished, and ruined by harsh penalties.

    python benchmarks/study_resume.py [--threads 1] [--arms gentle aggressive guarded] [--test 400]
    python benchmarks/study_resume.py --report          draw the page again from the run directories

Applications of the procedural source in their short form, decisions of one word. The arms begin with the same warm-up
and differ as the recipes ``gentle-polish`` and ``aggressive`` do, but for the settings that a CPU needs, which are
flags here and stand in the page. Weights are chosen on the dev split; the table is measured on the test split. Writes
docs/results/resume.md and resume.png from the run directories, which it keeps under --out: what is finished is not run
again, and a killed run resumes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit_resume import bag_of_words, prompt_of

from assay.envs.resume_screening import Options
from assay.envs.resume_screening.tasks import build_tasks
from assay.training.checkpoint import latest
from assay.training.curriculum import held_out
from assay.training.logs import read_metrics
from assay.training.stats import Interval, wilson
from assay.training.stored import read_episodes
from assay.verifiers.score import Score

YES, NO = "SELECTED", "REJECTED"
ENV = ["--env", "resume_screening", "--env.length", "short", "--env.answer", "decision"]
ARMS = {
    "gentle": "gentle-polish",
    "aggressive": "aggressive",
    "guarded": "aggressive, with the guard",
    "divided": "aggressive, divided by the deviation",
}
COLOURS = {"gentle": "#1a7f4b", "aggressive": "#b3261e", "guarded": "#2457d6", "divided": "#8a6d00"}
SMOOTH = 5
"""Steps that a point of the training curves is the mean of."""


def warm_command(args: argparse.Namespace) -> list[str]:
    """Imitation of gold decisions, the best pass by macro F1 on the dev split."""
    return [
        "train-agent", *ENV, "--recipe", "gentle-polish", "--model.name", args.model, "--steps", "0",
        "--sft.epochs", str(args.epochs), "--sft.examples", str(args.examples), "--sft.lr", str(args.sft_lr),
        *common(args, args.out / "sft"),
    ]  # fmt: skip


def arm_command(arm: str, args: argparse.Namespace) -> list[str]:
    """Reinforcement learning from the warm-up; what is not said here is the recipe's own."""
    recipe = "gentle-polish" if arm == "gentle" else "aggressive"
    start = latest(args.out / "sft" / "checkpoints")
    words = [
        "train-agent", *ENV, "--recipe", recipe, "--model.name", str(start), "--sft.epochs", "0",
        "--steps", str(args.steps), "--rollout.groups", str(args.groups), "--eval.every", str(args.every),
        "--recipe.guard-f1-fall", str(args.f1_fall),
        "--optim.lr", str(args.gentle_lr if arm == "gentle" else args.aggressive_lr),
        *common(args, args.out / arm),
    ]  # fmt: skip
    if arm == "guarded":
        words.append("--recipe.guard")
    if arm == "divided":
        words += ["--recipe.advantage", "grpo"]
    return words


def common(args: argparse.Namespace, out: Path) -> list[str]:
    """What every run is told."""
    return ["--seed", str(args.seed), "--threads", str(args.threads), "--eval.split", "dev", "--eval.tasks",
            str(args.dev), "--save-every", str(args.every), "--keep", "1", "--out", str(out)]  # fmt: skip


def test_command(name: str, args: argparse.Namespace) -> list[str]:
    """The held-out cases that the table is measured on."""
    model = args.model if name == "untrained" else str(latest(args.out / name / "checkpoints"))
    return ["eval-agent", *ENV, "--model", model, "--split", "test", "--tasks", str(args.test), "--threads",
            str(args.threads), "--out", str(test_dir(name, args))]  # fmt: skip


def test_dir(name: str, args: argparse.Namespace) -> Path:
    """Where those are stored."""
    return Path(args.out) / f"test-{name}"


def ended(out: Path) -> bool:
    """Whether a training run has written its last checkpoint and report."""
    return (out / "report.html").exists()


def run_missing(args: argparse.Namespace) -> None:
    """Everything that is not there yet, one after the other."""
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("sft", *args.arms):
        out = args.out / name
        if not ended(out):
            words = warm_command(args) if name == "sft" else arm_command(name, args)
            run([*words, "--resume"] if (out / "config.yaml").exists() else words, args.out / f"{name}.log")
    for name in ("untrained", "sft", *args.arms):
        if not read_metrics(test_dir(name, args), "eval"):
            run(test_command(name, args), args.out / f"test-{name}.log")


def run(words: Sequence[str], log: Path) -> None:
    """Run one of our programs; its output goes to a file."""
    print("running", " ".join(words), flush=True)
    with log.open("ab") as said:
        done = subprocess.run([str(Path(sys.executable).parent / words[0]), *words[1:]], stdout=said, stderr=said)
    if done.returncode:
        sys.exit(f"it failed: see {log}")


def measured(metrics: Mapping[str, Any]) -> list[str]:
    """Accuracy, and precision, recall, F1 and rate of SELECTED, with Wilson's intervals, out of an evaluation."""
    own = metrics["classes"][YES]
    f1 = "-" if own["f1"] is None else f"{own['f1']:.3f}"
    accuracy = [metrics["accuracy"], metrics["low"], metrics["high"]]
    parsed = [metrics["parsed"], metrics["parsed_low"], metrics["parsed_high"]]
    rates = [percent(own[name]) for name in ("precision", "recall")]
    return [percent(accuracy), *rates, f1, percent(own["rate"]), percent(parsed)]


def percent(interval: Sequence[float] | None) -> str:
    """A share with its interval; one that is not defined is said to be so."""
    if interval is None:
        return "undefined"
    return f"{100 * interval[0]:.1f} [{100 * interval[1]:.1f}, {100 * interval[2]:.1f}]"


def table(args: argparse.Namespace) -> str:
    """Baselines and models on the same test cases, as markdown."""
    lines = [
        "| | accuracy | precision | recall | F1 | accept rate | readable |",
        "| --- |" + " --- |" * 6,
    ]
    for metrics in read_metrics(test_dir("sft", args), "baseline"):
        lines.append(row(str(metrics["name"]), measured(metrics)))
    lines.append(row(f"bag of words, {args.words:,} rows", [percent(words_baseline(args)), *["-"] * 5]))
    names = {
        "untrained": "zero-shot",
        "sft": f"imitation of {args.examples} rows",
        **{arm: ARMS[arm] for arm in args.arms},
    }
    for name, shown in names.items():
        lines.append(row(shown, measured(read_metrics(test_dir(name, args), "eval")[-1])))
    return "\n".join(lines)


def row(name: str, cells: Sequence[str]) -> str:
    """A line of the table."""
    return f"| {name} | {' | '.join(cells)} |"


def words_baseline(args: argparse.Namespace) -> Interval:
    """Logistic regression on word counts of the prompts, on the same cases."""
    from sklearn.feature_extraction.text import CountVectorizer

    train = list(build_tasks(Options(split="train", count=args.words, length="short", answer="decision")))
    test = list(held_out(build_tasks(Options(split="test", length="short", answer="decision")), args.test))
    return wilson(bag_of_words(train, test, prompt_of, CountVectorizer), len(test))


def curves(out: Path) -> list[dict[str, float]]:
    """Of each training step: mean reward, and recall and accept rate over its rollouts.

    The label is told by the parts of the score: a decision is right if and only if it is the label.
    """
    found = []
    for line in read_metrics(out, "train"):
        path = out / "episodes" / f"train-{line['step']:06d}.jsonl"
        scores = [episode.score for episode in read_episodes([path]) if episode.score is not None]
        said = [decision(score) for score in scores if score.parsed]
        qualified = [accepted for accepted, right in said if accepted == right]
        found.append({
            "step": line["step"],
            "reward": line["reward"],
            "recall": sum(qualified) / len(qualified) if qualified else float("nan"),
            "accept": sum(accepted for accepted, _ in said) / len(scores),
        })  # fmt: skip
    return found


def decision(score: Score) -> tuple[bool, bool]:
    """Whether it accepts, and whether it is right."""
    return bool(score.parts["accept"]), bool(score.correct)


def smooth(values: Sequence[float], width: int = SMOOTH) -> list[float]:
    """Means over the last ``width`` values, those that are not numbers left out."""
    found = []
    for end in range(1, len(values) + 1):
        own = [value for value in values[max(0, end - width) : end] if value == value]
        found.append(sum(own) / len(own) if own else float("nan"))
    return found


def picture(args: argparse.Namespace, target: Path) -> None:
    """Each arm: reward and recall of training rollouts over the steps, and recall on the dev split."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(args.arms), 4.6), dpi=160, layout="constrained")
    axes = figure.subplots(2, len(args.arms), sharex=True, sharey="row", squeeze=False)
    for place, arm in enumerate(args.arms):
        steps = curves(args.out / arm)
        x, colour = [each["step"] for each in steps], COLOURS[arm]
        top, bottom = axes[0][place], axes[1][place]
        top.plot(x, [each["reward"] for each in steps], color=colour, alpha=0.25, linewidth=0.8)
        top.plot(x, smooth([each["reward"] for each in steps]), color=colour, linewidth=2)
        top.set(title=ARMS[arm], ylabel="mean reward" if not place else None)
        bottom.plot(x, smooth([each["recall"] for each in steps]), color=colour, linewidth=2, label="recall, sampled")
        bottom.plot(x, smooth([each["accept"] for each in steps]), color=colour, linewidth=1, linestyle=":",
                    label="accept rate, sampled")  # fmt: skip
        evals = [line for line in read_metrics(args.out / arm, "eval") if "restored" not in line]
        recall = [line["classes"][YES]["recall"][0] for line in evals]
        bottom.plot([line["step"] for line in evals], recall, "o", color="#222222", markersize=4, label="recall, dev")
        for line in read_metrics(args.out / arm, "alert"):
            if line["name"] == "guard":
                bottom.axvline(line["step"], color="#222222", linewidth=0.8)
                bottom.text(line["step"], 0.97, f" guard: back to step {line['restored']}", fontsize=7, va="top")
        bottom.set(ylim=(-0.03, 1.03), xlabel="step", ylabel="share" if not place else None)
        bottom.legend(frameon=False, fontsize=7, loc="best")
        for each in (top, bottom):
            each.spines[["top", "right"]].set_visible(False)
            each.grid(alpha=0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)


def about(args: argparse.Namespace) -> str:
    """What the figures were measured on."""
    passes = "pass" if args.epochs == 1 else "passes"
    return (
        f"`python benchmarks/study_resume.py` made this page. SmolLM2-135M-Instruct, procedural applications in their "
        f"short form, decisions of one word, seed {args.seed}. Imitation of {args.examples} gold decisions, "
        f"{args.epochs} {passes} at learning rate {args.sft_lr:g}, the best pass by macro F1 on {args.dev} dev cases. "
        f"Then {args.steps} steps of {args.groups} applications x 8 decisions from the same weights: `gentle-polish` "
        f"at learning rate {args.gentle_lr:g} (cosine, KL 0.1, clip 0.1), `aggressive` at {args.aggressive_lr:g} "
        "(constant, no KL, clip 0.2); both rates are for this model and this few steps, all else is the recipes' own. "
        f"The guard allows a fall of F1 of {args.f1_fall:g} on the dev cases, which are few. Measured greedily on "
        f"{args.test} test cases, whose jobs and resume forms occur in no training row; in percent, with Wilson's 95 % "
        f"intervals. Precision, recall, F1 and accept rate are of {YES}; of both classes: in the reports of the runs "
        "`test-*`. Names, pronouns, ages and addresses are blacked out (`--env.redact`), so that swapping them changes "
        "nothing that a model sees and no decision flips."
    )


def training_table(args: argparse.Namespace) -> str:
    """First and last five steps of each arm."""
    lines = ["| | reward, first | last | recall, first | last | accept rate, first | last | steps |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for arm in args.arms:
        steps = curves(args.out / arm)
        cells = []
        for name in ("reward", "recall", "accept"):
            values = [each[name] for each in steps]
            cells += [f"{smooth(values[:SMOOTH])[-1]:.2f}", f"{smooth(values)[-1]:.2f}"]
        lines.append(row(ARMS[arm], [*cells, str(len(steps))]))
    return "\n".join(lines)


def report(args: argparse.Namespace) -> str:
    """Write the page and its figure; returns the page."""
    picture(args, args.results / "resume.png")
    page = "\n\n".join([
        "# Resume screening", about(args), table(args),
        f"Sampled decisions in training, means of the first and the last {SMOOTH} steps. The reward is each arm's own, "
        "so that only its change can be compared:", training_table(args),
        "![Reward and recall over the steps](resume.png)", "",
    ])  # fmt: skip
    (args.results / "resume.md").write_text(page, encoding="utf-8")
    return page


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--model", default="smollm2-135m")
    found.add_argument("--arms", nargs="+", choices=list(ARMS), default=["gentle", "aggressive", "guarded"])
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--examples", type=int, default=480, help="gold decisions imitated")
    found.add_argument("--epochs", type=int, default=2, help="passes over them")
    found.add_argument("--sft-lr", type=float, default=1e-4)
    found.add_argument("--steps", type=int, default=40)
    found.add_argument("--groups", type=int, default=4, help="applications a step")
    found.add_argument("--every", type=int, default=8, help="steps between evaluations on the dev split")
    found.add_argument("--gentle-lr", type=float, default=2e-6)
    found.add_argument("--aggressive-lr", type=float, default=2e-5)
    found.add_argument("--f1-fall", type=float, default=0.1, help="of the guard")
    found.add_argument("--dev", type=int, default=64, help="cases that weights are chosen on")
    found.add_argument("--test", type=int, default=400, help="cases of the table")
    found.add_argument("--words", type=int, default=3000, help="rows of the bag of words")
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--report", action="store_true", help="run nothing")
    found.add_argument("--out", type=Path, default=Path("runs/resume"), help="run directories")
    found.add_argument("--results", type=Path, default=Path("docs/results"), help="where the page and figure go")
    return found


def main() -> None:
    """Run what is missing, then write the page."""
    args = parser().parse_args()
    if not args.report:
        run_missing(args)
    print(report(args))


if __name__ == "__main__":
    main()
