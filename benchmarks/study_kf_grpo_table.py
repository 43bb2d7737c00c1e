"""When does the bonus of kf-grpo change anything? A policy that is a table, in three worlds of questions about order.

    python benchmarks/study_kf_grpo_table.py [--seeds 5] [--steps 300]

Prints, for each world, advantage and pair of constants, ordered minus shuffled accuracy before, on the way and at the
end. Both accuracies are exact; seeds differ in what was sampled. About a minute of one core.
"""

from __future__ import annotations

import argparse
import statistics

from assay.training.analysis.order_table import OrderWorld, learn
from assay.training.recipes import get_recipe
from assay.training.stats import student_interval

WORLDS = {
    "order alone tells the answer": OrderWorld(),
    "the question tells it 8 times in 10": OrderWorld(telling=0.8),
    "the question tells it 9 times in 10, frames lie 2 in 10": OrderWorld(telling=0.9, noise=0.2),
}
BONUSES = ((0.0, 0.8), (0.3, 0.8), (0.3, 0.0), (0.3, 1.0), (1.0, 1.0))
START = (0.0, 0.0, -1.0)
"""Logits at the start: both answers alike, a badly laid out one rarer."""


def table(seeds: int, steps: int) -> None:
    """Print it as markdown, row by row."""
    print("| world | advantage | alpha | mu | gap: start, half way, end | 95 % interval | accuracy | groups paid |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for world, made in WORLDS.items():
        for advantage in ("grpo", "dr_grpo"):
            for alpha, mu in BONUSES:
                recipe = get_recipe("kf-grpo", {"kl_beta": 0, "advantage": advantage, "alpha": alpha, "mu": mu})
                parts, half = (recipe.objective(1), recipe.schedule()), max(1, steps // 2)
                found = [learn(made, *parts, steps=steps, every=half, seed=seed, start=START) for seed in range(seeds)]
                gaps = [statistics.fmean(each.gap[place] for each in found) for place in (0, 1, -1)]
                end = student_interval([each.gap[-1] for each in found]) if seeds > 1 else None
                spread = f"{end.low:.3f} to {end.high:.3f}" if end else ""
                accuracy = statistics.fmean(each.accuracy[-1] for each in found)
                paid = 100 * statistics.fmean(each.paid for each in found)
                print(
                    f"| {world} | {advantage} | {alpha:g} | {mu:g} | {', '.join(f'{gap:.3f}' for gap in gaps)} "
                    f"| {spread} | {accuracy:.3f} | {paid:.0f} % |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    table(args.seeds, args.steps)


if __name__ == "__main__":
    main()
