"""The command line of a study: a few flags of its own; all others are those of ``train-agent``, for every run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.training.config import TrainConfig
from assay.training.errors import UserError
from assay.training.studies.recipes.arms import Arm, check_arms, read_arms

HELP = """Compare recipes on one environment, from one start, with equal samples and
equal updates, several seeds each; then measure every policy on held-out tasks.

  assay-study recipes --env countdown --env.terse --model tiny --warm-up 600 \\
      --recipes grpo dapo nsr psr --seeds 3 --steps 60 --rollouts 16x8

writes into --out: table.md, table.csv, summary.json, curves.png (accuracy and
entropy while training goes on) and pass_k.png. A study that was stopped goes on
with the same command; what is finished is not run again.

A recipe may carry constants, and settings of its run by their dotted names:

  --recipes grpo grpo:clip_high=0.28 wide@dr-grpo:rollout.groups=4,rollout.group_size=32

(LABEL@ gives an entry a name of its own.)

Every other flag is one of train-agent and holds for all runs: --env.X, --lr,
--optim.X, --rollout.X, --eval.tasks, --sft.lr, --scaffold (train-agent --help).
"""

PASS_K = (1, 4, 16, 64, 256)
_DEFAULTS = (
    ("--eval.tasks", "100"),
    ("--eval.temperature", "1.0"),
    ("--eval.samples", "4"),
    ("--eval.every", "10"),
    ("--keep", "1"),
    ("--threads", "1"),
    ("--sft.epochs", "0"),
)
"""What a study sets otherwise than train-agent, where it is not told: sampled, not greedy, verdicts."""


@dataclass(frozen=True)
class Plan:
    """A study.

    Attributes:
        arms: what is compared; the first one is what differences are taken to.
        configs: the configuration of each arm, without seed and folder.
        seeds: one run each.
        warm_up: supervised steps that every run starts from; 0: none.
        samples: answers to each held-out task of the final measurement.
        ks: the k of pass@k, at most ``samples``.
        jobs: runs at a time.
        out: where everything goes.
    """

    arms: list[Arm]
    configs: list[TrainConfig]
    seeds: list[int]
    warm_up: int
    samples: int
    ks: tuple[int, ...]
    jobs: int
    out: Path

    @property
    def base(self) -> TrainConfig:
        """What all runs share."""
        return self.configs[0]


def parse(argv: Sequence[str]) -> Plan:
    """The study that a command line asks for, checked before anything is loaded.

    Raises:
        UserError: one line, for what cannot work.
        SystemExit: code 0, after ``--help``.
    """
    from assay.training.flags import parse_train

    own, rest = _parser().parse_known_args(list(argv))
    for word in ("--recipe", "--seed", "--resume", "--config"):
        if any(each == word or each.startswith((f"{word}=", f"{word}.")) for each in rest):
            raise UserError(f"{word} is no flag of a study: {_INSTEAD[word]}")
    arms = read_arms(own.recipes or [])
    out = Path(own.out or f"runs/study-{_of(rest, '--env') or 'text_classification'}")
    words = [word for name, value in _DEFAULTS if _of(rest, name) is None for word in (name, value)]
    if own.rollouts:
        groups, size = _rollouts(own.rollouts)
        words += ["--rollout.groups", groups, "--rollout.group-size", size]
    base = parse_train([*words, "--log.no-report", "--log.no-episodes", *rest])
    _check(own, base)
    samples = own.samples or max(own.pass_k or (64,))
    ks = tuple(own.pass_k or [k for k in PASS_K if k <= samples])
    if max(ks) > samples:
        raise UserError(f"--pass-k {max(ks)} needs --samples {max(ks)} or more")
    seeds = list(range(own.seeds))
    return Plan(arms, check_arms(arms, base), seeds, own.warm_up, samples, ks, own.jobs, out)


_INSTEAD = {
    "--recipe": "name several with --recipes; constants go behind a colon, grpo:clip_high=0.28",
    "--seed": "--seeds N runs the seeds 0 to N-1",
    "--resume": "a study always goes on where it stopped; give the same --out",
    "--config": "write the flags out, or put the command into a script",
}


def _check(own: argparse.Namespace, base: TrainConfig) -> None:
    least = {"--seeds": own.seeds, "--jobs": own.jobs, "--samples": own.samples or 1, "--steps": base.steps,
             "--pass-k": min(own.pass_k or (1,))}  # fmt: skip
    for name, value in least.items():
        if value < 1:
            raise UserError(f"{name} must be at least 1, got {value}")
    if own.warm_up < 0:
        raise UserError(f"--warm-up must not be negative, got {own.warm_up}")
    if base.sft.epochs > 0:
        raise UserError("every run starts from one warm-up: say --warm-up STEPS instead of --sft.epochs")


def _rollouts(text: str) -> tuple[str, str]:
    groups, times, size = text.partition("x")
    if not (times and groups.isdecimal() and size.isdecimal()):
        raise UserError(f"--rollouts is TASKSxEACH, such as 16x8; got {text!r}")
    return groups, size


def _of(words: Sequence[str], name: str) -> str | None:
    from assay.training.flags import peek

    return peek(words, name)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UserError(f"{message} (assay-study recipes --help lists the flags)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="assay-study recipes", description=HELP, allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    add = parser.add_argument
    add(
        "--recipes",
        nargs="+",
        metavar="[LABEL@]RECIPE[:NAME=VALUE,...]",
        help="what to compare; the first is the yardstick",
    )
    add("--seeds", type=int, default=5, metavar="N", help="runs of each, seeds 0 to N-1 (5)")
    add(
        "--warm-up",
        type=int,
        default=0,
        metavar="N",
        help="supervised steps on the environment's gold answers, done once, where all runs start (0); see --sft.*",
    )
    add("--rollouts", metavar="TASKSxEACH", help="tasks a step and rollouts of each (16x8)")
    add("--samples", type=int, default=0, metavar="N", help="answers to each held-out task at the end (64)")
    add("--pass-k", type=int, nargs="+", metavar="K", help="the k of pass@k (1 4 16 64 256, as far as --samples goes)")
    add("--jobs", type=int, default=1, metavar="N", help="runs at a time, a process each (1)")
    add("--out", help="folder of the runs and the results (runs/study-ENV)")
    return parser
