"""The command line of the study: what is compared, on which images, and how long."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.training.errors import UserError

HELP = """Think or not? Few-shot image classification by a small vision-language model,
from one start, three ways: imitation of the labels (sft), rewards with thinking
first (think: recipe cls-rl), rewards for the bare label (none: recipe
no-thinking-cls-rl), as in arXiv:2503.16188.

  assay-study cls-rl                         digits, and Fashion-MNIST if present
  assay-study cls-rl --data digits --seeds 1 --steps 10        a first look

The start has about a million parameters. It is taught on a pool of images that
no run and no measurement sees again, in both layouts, and stops before it is
good: that is the zero-shot row. Then each way gets the same few images a class
(--shots), the same number of updates (--steps) and the same batches of images.
few-shot: all classes. base-to-new: the first half of the classes is trained on;
both halves are measured, and their harmonic mean H.

writes into --out: table.md, table.csv, curves.png, summary.json. A study that
was stopped goes on with the same command; what is finished is not run again.
Half an hour on one core.
"""
DATA = ("digits", "fashion-mnist")
PROTOCOLS = ("few-shot", "base-to-new")
ARMS = ("sft", "think", "none")


@dataclass(frozen=True)
class Plan:
    """A study.

    Attributes:
        data: sources of images.
        protocols: few-shot, base-to-new, or both.
        seeds: one run each; a seed also draws the images of each class.
        steps: optimiser steps of every run.
        groups: images a step, each answered ``GROUP`` times by the policies that learn from rewards.
        shots: training images of each class.
        every: steps between evaluations on the way.
        tasks: held-out images; of base-to-new, about half of them in each part.
        start_steps: supervised steps of the start, 32 images each.
        lr, sft_lr: learning rates of rewards and of imitation.
        out: where everything goes.
    """

    data: tuple[str, ...]
    protocols: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    groups: int
    shots: int
    every: int
    tasks: int
    start_steps: int
    lr: float
    sft_lr: float
    out: Path

    def options(self, data: str, protocol: str, arm: str, seed: int) -> dict[str, Any]:
        """The environment's options of a run."""
        return images(data) | {
            "protocol": protocol,
            "part": "both",
            "shots": self.shots,
            "seed": seed,
            "think_mode": "think" if arm == "think" else "none",
        }


GROUP = 4
"""Answers to each image, as in the paper."""
BATCH, RATE = 32, 2e-3
"""Images a supervised step of the start, and its learning rate."""


def images(data: str) -> dict[str, Any]:
    """How a source is shown and cut: the pool of the start is its dev split."""
    shares = {"dev_share": 0.4, "test_share": 0.3} if data == "digits" else {"dev_share": 0.1}
    return shares | {"source": data, "image_size": 32, "question": "Which?",
                     "prompt_template": "{question} [{labels}] {request}"}  # fmt: skip


def parse(argv: Sequence[str]) -> Plan:
    """The study of a command line.

    Raises:
        UserError: one line, for what cannot work.
        SystemExit: code 0, after ``--help``.
    """
    given = _parser().parse_args(list(argv))
    for name, least in (("seeds", 1), ("steps", 1), ("groups", 1), ("shots", 1), ("every", 1), ("tasks", 20),
                        ("start_steps", 1)):  # fmt: skip
        if getattr(given, name) < least:
            raise UserError(f"--{name.replace('_', '-')} must be at least {least}, got {getattr(given, name)}")
    if given.lr <= 0 or given.sft_lr <= 0:
        raise UserError("--lr and --sft-lr must be above 0")
    values = vars(given) | {"data": tuple(given.data or _present()), "protocols": tuple(given.protocols)}
    return Plan(**values | {"seeds": tuple(range(given.seeds)), "out": Path(given.out)})


def _present() -> tuple[str, ...]:
    """The data that are on this machine."""
    from assay.envs.image_classification.idx import FASHION_FOLDER

    return DATA if Path(FASHION_FOLDER).is_dir() else DATA[:1]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UserError(f"{message} (assay-study cls-rl --help lists the flags)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="assay-study cls-rl", description=HELP, allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    add = parser.add_argument
    add("--data", nargs="+", choices=DATA, default=[], help="sources; default: those that are on this machine")
    add("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), help="default: both")
    add("--seeds", type=int, default=3, help="runs of each way; default 3")
    add("--steps", type=int, default=40, help="updates of each run; default 40")
    add("--groups", type=int, default=16, help="images an update; default 16")
    add("--shots", type=int, default=4, help="training images of each class; default 4")
    add("--every", type=int, default=5, help="updates between evaluations; default 5")
    add("--tasks", type=int, default=200, help="held-out images; default 200")
    add("--start-steps", type=int, default=240, help="supervised updates of the start; default 240")
    add("--lr", type=float, default=3e-4, help="learning rate of rewards; default 3e-4")
    add("--sft-lr", type=float, default=3e-4, help="learning rate of imitation; default 3e-4")
    add("--out", default="runs/study-cls-rl", help="folder of the study; default runs/study-cls-rl")
    return parser
