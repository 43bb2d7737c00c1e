"""Does a critic learn better by classification? PPO with hl-gauss and with mse, at equal steps, several seeds.

    python benchmarks/study_critic.py --model PATH --env NAME [--steps 60] [--seeds 0 1 2] [-- FLAGS OF train-agent]

Compared is the explained variance of the returns, measured on each batch before anything learns from it and averaged
over the second half of the run. With a trace of 1 the returns are Monte Carlo and do not depend on the critic. Runs
that are there already are not run again, and a killed one resumes. Prints a table and writes it under --out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from assay.training.logs import read_metrics
from assay.training.stats import paired_difference, student_interval

METRICS = ("explained_variance", "value_loss", "value/clip_frac", "reward")


def command(args: argparse.Namespace, head: str, seed: int, out: Path) -> list[str]:
    """The run of one head and seed, as a user would type it."""
    words = [
        "train-agent", "--model", args.model, "--env", args.env, "--recipe", "ppo", "--recipe.value-head", head,
        "--recipe.lam", str(args.lam), "--recipe.value-lr", str(args.value_lr), "--seed", str(seed),
        "--steps", str(args.steps), "--threads", str(args.threads), "--out", str(out), "--keep", "1", *args.extra,
    ]  # fmt: skip
    return [*words, "--resume"] if (out / "config.yaml").exists() else words


def finished(out: Path, steps: int) -> bool:
    """Whether a run directory holds its last step."""
    return (out / "metrics.jsonl").exists() and any(line["step"] >= steps for line in read_metrics(out, "train"))


def measured(out: Path) -> dict[str, float]:
    """Means over the second half of a run of what was measured there."""
    lines = read_metrics(out, "train")
    late = [line for line in lines if line["step"] > lines[-1]["step"] / 2]
    found = {name: [line[name] for line in late if line.get(name) is not None] for name in METRICS}
    if not found["explained_variance"]:
        sys.exit(f"{out}: all returns of a batch are alike in the second half, so nothing is there to explain: take "
                 "an easier environment or a warmed-up model")  # fmt: skip
    return {name: sum(values) / len(values) for name, values in found.items() if values}


def table(heads: list[str], rows: dict[str, list[dict[str, float]]]) -> str:
    """The results as markdown."""
    lines = [
        "| head | explained variance, mean of seeds | 95 % interval (Student t) | seeds | targets clipped | reward |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for head in heads:
        values = [row["explained_variance"] for row in rows[head]]
        each = ", ".join(f"{value:.3f}" for value in values)
        clipped = max(row["value/clip_frac"] for row in rows[head])
        reward = sum(row["reward"] for row in rows[head]) / len(values)
        spread = "" if len(values) < 2 else "{0.low:.3f} to {0.high:.3f}".format(student_interval(values))
        lines.append(
            f"| {head} | {sum(values) / len(values):.3f} | {spread} | {each} | {100 * clipped:.1f} % | {reward:.3f} |"
        )
    if len(heads) == 2 and len(rows[heads[0]]) > 1:
        first, second = ([row["explained_variance"] for row in rows[head]] for head in heads)
        gain = paired_difference(first, second)
        lines += ["", f"{heads[0]} over {heads[1]}, paired by seed: {gain.mean:+.3f} [{gain.low:+.3f}, "
                      f"{gain.high:+.3f}]."]  # fmt: skip
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the policy: a folder or a name that train-agent takes")
    parser.add_argument("--env", required=True, help="environment, best one in which some tasks are harder than others")
    parser.add_argument("--heads", nargs="+", default=["hl-gauss", "mse"], help="value heads")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--lam", type=float, default=1.0, help="trace of the advantages and of the returns")
    parser.add_argument("--value-lr", type=float, default=1e-4, help="learning rate of the critic, the same for all")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads a run")
    parser.add_argument("--out", type=Path, default=Path("runs/critic"), help="run directories and the table")
    parser.add_argument("extra", nargs="*", help="further flags of train-agent, after --")
    args = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = {head: [] for head in args.heads}
    for seed in args.seeds:
        for head in args.heads:
            out = args.out / f"{head}-s{seed}"
            if not finished(out, args.steps):
                words = command(args, head, seed, out)
                print(" ".join(words), flush=True)
                subprocess.run([str(Path(sys.executable).parent / words[0]), *words[1:]], check=True)
            rows[head].append(measured(out))
    text = table(args.heads, rows)
    (args.out / "critic.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
