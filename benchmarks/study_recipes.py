"""What the papers behind the recipes say, tried on a small language model that learns here, several seeds each.

    python benchmarks/study_recipes.py [--claims nsr rlcr ...] [--seeds 3] [--jobs 1]

A model of 1.2 million weights learns countdown from demonstrations, once; `assay-study recipes` then trains it with the
recipes that the claims compare, and each claim is judged by intervals of differences paired by seed: it holds, it does
not, or these runs cannot tell. Writes docs/results/recipes.md with its tables and figures. Runs are kept under --out,
are not run again when finished, and go on when stopped. All of it takes hours; nine claims took half an hour of two
busy cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from study_claims import CLAIMS, ENTRIES, Claim, difference, entry, overall

from assay.training.cli import evaluate
from assay.training.studies.cli import main as study
from assay.training.studies.recipes.table import cell

STEPS, LR = 60, "2e-4"
TASK = ["--env", "countdown", "--env.levels", "3", "--env.highest", "9", "--env.instances", "4000", "--model", "tiny",
        "--warm-up", "1000", "--sft.lr", "3e-3", "--sft.batch-size", "32"]  # fmt: skip
RUN = ["--steps", str(STEPS), "--rollouts", "16x8", "--optim.minibatches", "4", "--lr", LR, "--eval.tasks", "80",
       "--eval.every", "15"]  # fmt: skip
SHORT = ["--env.terse", "--rollout.max-tokens", "16"]
SETTINGS = {
    "plain": [*SHORT, "--pass-k", "1", "4", "16", "64", "256"],
    "confidence": ["--env.levels", "1", "--env.limit", "20", "--env.highest", "40", "--warm-up", "250",
                   "--scaffold", "confidence-ac", "--rollout.max-tokens", "32", "--optim.token-budget", "8192",
                   "--pass-k", "1", "4", "16"],
    "logged": [*SHORT, "--pass-k", "1", "4", "16", "64"],
}  # fmt: skip
YARDSTICK = {"plain": "grpo", "confidence": "dr-grpo", "logged": "nll"}
HEADINGS = {
    "plain": "Answers alone",
    "confidence": "Answers with a stated confidence: two numbers up to 20, `--scaffold confidence-ac`",
    "logged": "From logs: 8 answers of the starting policy to each of 400 training tasks",
}
PAGE = """# What the papers say, tried on a small language model

`python benchmarks/study_recipes.py --seeds {seeds} --lr {lr}`

A model of 1.2 million weights learns countdown (four numbers up to 9, a target up to 9, each number at most once, any
of many right answers) from demonstrations of an exact solver; every run starts from that model and takes {steps} steps
of 16 tasks x 8 rollouts, cut into 4 optimiser steps, learning rate {lr}. Each claim became differences in one metric,
paired by seed, with Student-t 95 % intervals over {seeds} seeds. It *holds* if every interval lies on the side that
the paper says, *does not* if one lies wholly on the other, and is *undecided* otherwise. Few seeds make wide intervals:
undecided is the rule unless an effect is large. Constants that are not the recipe's defaults stand at the end; they
were set once, for the size of the model and of the runs, and not tuned by claim. A small model on one task neither
refutes nor confirms what was said of large ones on many.

{verdicts}
{plainly}
{tables}
## Constants that are not defaults

{constants}
"""


def run_setting(name: str, claims: list[Claim], args: argparse.Namespace) -> Path:
    """The study of all arms that the claims of a setting need; returns its folder."""
    arms = [YARDSTICK[name], *(arm for claim in claims for arm in claim.arms)]
    out = args.out / name
    words = [*TASK, *RUN, *SETTINGS[name]]
    if name == "logged":
        words += ["--data", str(logs(args))]
        words[words.index("--model") + 1] = str(args.out / "plain" / "start")
        words[words.index("--warm-up") + 1] = "0"
    words[words.index("--steps") + 1] = str(args.steps)
    words[words.index("--lr") + 1] = args.lr
    command = ["recipes", *words, "--recipes", *map(entry, dict.fromkeys(arms)), "--seeds", str(args.seeds), "--jobs",
               str(args.jobs), "--out", str(out)]  # fmt: skip
    print("assay-study", *command, flush=True)
    if not args.page_only and study(command):
        sys.exit(f"the study of {name} failed")
    return out


def logs(args: argparse.Namespace) -> Path:
    """Answers of the starting policy to training tasks, stored once; the start is that of the plain setting."""
    folder, start = args.out / "logs", args.out / "plain" / "start"
    if not start.exists() and not args.page_only:
        sys.exit("the logs come from the start of the plain setting: run one of its claims first")
    if not (folder / "metrics.jsonl").exists() and not args.page_only:
        task = [*TASK[: TASK.index("--model")], "--env.terse", "--model", str(start), "--split", "train"]
        evaluate([*task, "--tasks", "400", "--samples", "8", "--temperature", "1", "--max-tokens", "16", "--threads",
                  "1", "--out", str(folder)])  # fmt: skip
    return folder


def verdict_rows(claims: list[Claim], folders: dict[str, Path]) -> list[tuple[Claim, str, list[str]]]:
    """Each claim with its verdict and what was measured."""
    rows = []
    for claim in claims:
        summary = json.loads((folders[claim.setting] / "summary.json").read_text(encoding="utf-8"))
        verdicts, words = [], []
        for check in claim.checks:
            found = difference(check, summary)
            verdicts.append(check.judged(found))
            shown = cell("entropy" if check.metric == "entropy drift" else check.metric, found, signed=True)
            wanted = check.sign + (f" than {-100 * check.margin:.0f} points" if check.margin else "")
            words.append(f"{check.metric}, `{check.left}` minus `{check.right}`: {shown} "
                         f"(said: {wanted}; {verdicts[-1]})")  # fmt: skip
        rows.append((claim, overall(verdicts), words))
    return rows


def page(rows: list[tuple[Claim, str, list[str]]], folders: dict[str, Path], args: argparse.Namespace) -> str:
    """The page of results."""
    lines = ["| claim | paper | what it says | here | differences |", "| --- | --- | --- | --- | --- |"]
    for claim, verdict, words in rows:
        paper = f"[{claim.paper}](https://arxiv.org/abs/{claim.paper})"
        lines.append(f"| {claim.key} | {paper} | {claim.says} | **{verdict}** | {'; '.join(words)} |")
    counts = {verdict: [c.key for c, v, _ in rows if v == verdict] for verdict in ("holds", "does not", "undecided")}
    plainly = "\n".join(
        f"- {heading}: {', '.join(counts[verdict]) or 'none'}."
        for verdict, heading in (("holds", "Reproduced"), ("does not", "**Did not reproduce**"),
                                 ("undecided", "Cannot be told from these runs"))
    )  # fmt: skip
    left = [claim.key for claim in CLAIMS if claim not in [row[0] for row in rows]]
    plainly += f"\n- Not tried in these runs (`--claims`): {', '.join(left)}.\n" if left else "\n"
    tables = []
    for name, folder in folders.items():
        for picture in ("curves.png", "pass_k.png"):
            shutil.copyfile(folder / picture, args.results / f"{args.page}-{name}-{picture}")
        tables.append(
            f"## {HEADINGS[name]}\n\n{(folder / 'table.md').read_text(encoding='utf-8')}\n"
            f"![accuracy and entropy]({args.page}-{name}-curves.png)\n![pass@k]({args.page}-{name}-pass_k.png)\n"
        )
    shown = {arm for claim, _, _ in rows for arm in claim.arms}
    constants = [f"- {arm}: `{told}`" for arm, told in ENTRIES.items() if arm in shown]
    return PAGE.format(seeds=args.seeds, steps=args.steps, lr=args.lr, verdicts="\n".join(lines), plainly=plainly,
                       tables="\n".join(tables), constants="\n".join(constants))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [claim.key for claim in CLAIMS]
    parser.add_argument("--claims", nargs="+", choices=known, default=known, metavar="CLAIM", help=" ".join(known))
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe (3)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (1)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of a run ({STEPS})")
    parser.add_argument("--lr", default=LR, help=f"learning rate ({LR})")
    parser.add_argument("--page", default="recipes", help="name of the page and its figures (recipes)")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"), help="where the runs are kept")
    parser.add_argument("--results", type=Path, default=Path("docs/results"), help="where the page goes")
    parser.add_argument("--page-only", action="store_true", help="write the page from runs that are finished")
    args = parser.parse_args()
    if args.seeds < 2:
        parser.error("differences paired by seed need at least 2 of them")
    chosen = [claim for claim in CLAIMS if claim.key in args.claims]
    folders = {
        name: run_setting(name, [claim for claim in chosen if claim.setting == name], args)
        for name in dict.fromkeys(claim.setting for claim in chosen)
    }
    args.results.mkdir(parents=True, exist_ok=True)
    text = page(verdict_rows(chosen, folders), folders, args)
    (args.results / f"{args.page}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
