"""Abilities that act: can a planner do every task through the action interface, and what do random actions reach?

    python benchmarks/audit_spatial_acting.py [--tasks 200] [--size 96] [--leaves robotic_arm]

Plays the expert and random legal actions on the same tasks of the test split, and one episode in ten of the expert a
second time, which must show the same pictures to the bit. Writes docs/results/spatial_acting.md.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.envs.spatial_tree import SpatialTreeEnv
from assay.envs.spatial_tree.baselines import random_answer
from assay.training.stats import wilson
from assay.verifiers.spatial.tree import LEAVES

ACTING = [leaf for leaf in LEAVES if leaf.level == "L4"]
AGAIN = 10


def main() -> None:
    args = arguments()
    rows = [audit(key, args.tasks, args.size) for key in args.leaves]
    page = "\n".join([
        "# Abilities that act, audited", "",
        f"`python benchmarks/audit_spatial_acting.py` made this page: {args.tasks} tasks each of the test split, every "
        f"kind and difficulty in turn, views of {args.size} pixels; in percent with Wilson's 95 % intervals. Turns are "
        "the planner's. *Again*: episodes of the planner that showed other pictures when they were played again.", "",
        "| ability | planner | random actions | random, mean score | turns | again | ms a turn |",
        "| --- | --- | --- | --- | --- | --- | --- |", *rows, "",
    ])  # fmt: skip
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "spatial_acting.md").write_text(page, encoding="utf-8")
    print(page)


def arguments() -> argparse.Namespace:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    keys = [leaf.key for leaf in ACTING]
    found.add_argument("--leaves", nargs="+", choices=keys, default=keys)
    found.add_argument("--tasks", type=int, default=200)
    found.add_argument("--size", type=int, default=96, help="longer side of a view, pixels")
    found.add_argument("--results", type=Path, default=Path("docs/results"))
    return found.parse_args()


def audit(key: str, count: int, size: int) -> str:
    """A row of the table."""
    env = SpatialTreeEnv(leaf=(key,), split="test", count=count, size=size)
    tasks = list(env.tasks)
    solved = lucky = other = turns = 0
    score, spent = 0.0, 0.0
    for place, task in enumerate(tasks):
        began = time.process_time()
        right, said, shown = episode(env, task.id, env.expert)
        spent += time.process_time() - began
        solved, turns = solved + right, turns + len(said)
        if place % AGAIN == 0:
            again = iter(said)
            other += episode(env, task.id, lambda again=again: next(again))[2] != shown  # type: ignore[misc]
        seeds = iter(range(1000))
        lucky += episode(env, task.id, lambda task=task, seeds=seeds: random_answer(task, (), next(seeds)))[0]  # type: ignore[misc]
        score += env.judge(task).parts["score"]
    name = next(leaf.name for leaf in ACTING if leaf.key == key)
    line = (
        f"| {name} | {percent(solved, count)} | {percent(lucky, count)} | {100 * score / count:.1f} | "
        f"{turns / count:.1f} | {other} of {-(-count // AGAIN)} | {1000 * spent / turns:.0f} |"
    )
    print(line, flush=True)
    return line


def episode(env: SpatialTreeEnv, task_id: str, say: Callable[[], Any]) -> tuple[bool, list[str], str]:
    """Whether it was solved, what was said, and a hash of all that was shown."""
    seen, info = env.reset(seed=1, options={"task_id": task_id})
    said: list[str] = []
    over = False
    while not over:
        said.append(str(say()))
        seen, _, terminated, truncated, info = env.step(said[-1])
        over = terminated or truncated
    return bool(info["score"].correct), said, digest(seen["images"])


def digest(images: Sequence[Any]) -> str:
    found = hashlib.sha256()
    for image in images:
        found.update(image.tobytes())
    return found.hexdigest()


def percent(hits: int, count: int) -> str:
    mean, low, high = wilson(hits, count)
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
