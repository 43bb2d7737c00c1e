"""The command line of the study: a few flags of its own; all others are those of ``train-agent``, for every run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.training.config import TrainConfig
from assay.training.errors import UserError
from assay.training.studies.gencls.data import Wanted, check
from assay.training.studies.gencls.strategy import Strategy, read_strategy

HELP = """Cross how a text classifier is put to a model in training with how it is put at
inference (GenCLS++, arXiv:2504.19898): each training strategy is trained once a
seed, every inference strategy is measured on it, and the table says which of
the paper's three claims its numbers support.

  assay-study gencls                               two minutes on embedded data
  assay-study gencls --grid small --dataset docstrings data/banking77 \\
      --classes 12 --per-label 40 --seeds 3        the whole small grid
  assay-study gencls --dataset mail.csv --text body --label folder
  assay-study gencls uncertain --dataset mail.csv --out doubts.jsonl
                                                   only the cross-fitted doubts

A strategy is made of fixed-K random-K similar-K diverse-K per-class, definitions,
uncertain or exclude, numeric, think, and ppl, ppl-sum or ppl-cal, joined by +
(similar-3+definitions+ppl); naive is none of them. --train and --infer replace
those of the grid. A training strategy is also measured as it was trained.

It writes into --out: table.md (with the verdicts), table.csv, heatmap.png, and
summary.json. A study that was stopped goes on with the same command; what is
finished is not run again.

The model `scratch` is two layers and a tokenizer made from the training texts:
minutes on a CPU. With another, say so and give its learning rates:
  --model smollm2-135m --sft.lr 5e-5 --sft.epochs 4 --optim.lr 2e-5
Every other flag is one of train-agent: --steps, --sft.X, --optim.X, --rollout.X,
--eval.tasks (held-out texts of each split), --env.X, --recipe.X.
"""

GRIDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "mini": (("naive", "similar-3"), ("naive", "ppl", "similar-3"), ("naive",)),
    "small": (
        ("naive", "similar-3", "definitions", "numeric", "uncertain"),
        ("naive", "ppl", "similar-3", "similar-3+ppl"),
        ("naive", "similar-3"),
    ),
    "full": (
        ("naive", "fixed-3", "random-3", "similar-3", "diverse-3", "definitions", "uncertain", "exclude", "numeric",
         "similar-3+definitions"),
        ("naive", "ppl", "ppl-sum", "ppl-cal", "fixed-3", "random-3", "similar-3", "diverse-3", "definitions",
         "uncertain", "numeric", "similar-3+ppl", "similar-3+definitions"),
        ("naive", "similar-3", "similar-3+definitions"),
    ),
}  # fmt: skip
"""Training strategies, inference strategies, and the training strategies that go on with reinforcement learning."""

SCRATCH = "scratch"
_DEFAULTS = (("--eval.tasks", "200"), ("--keep", "1"), ("--threads", "1"), ("--rollout.max-tokens", "16"),
             ("--steps", "40"))  # fmt: skip
_OF_SCRATCH = (("--sft.lr", "3e-3"), ("--sft.epochs", "16"), ("--optim.lr", "1e-4"), ("--rollout.difficulty", "4"),
               ("--rollout.difficulty-tasks", "200"))  # fmt: skip
_INSTEAD = {
    "--recipe": "it is gencls; its constants are --recipe.X",
    "--env": "it is text_classification; its options are --env.X",
    "--seed": "--seeds N runs the seeds 0 to N-1",
    "--resume": "a study always goes on where it stopped; give the same --out",
    "--config": "write the flags out, or put the command into a script",
}
_STRATEGY = ("icl", "k", "definitions", "uncertainty", "numeric", "think-mode")


@dataclass(frozen=True)
class Plan:
    """A study.

    Attributes:
        data: the data sets.
        train, infer, rl: strategies of training, of inference, and those whose runs go on with rewards.
        think: whether thinking is compared with not thinking.
        think_tokens: longest answer of those that think.
        base: what all runs share.
        seeds: one run each.
        folds, margin: of cross-fitted doubts.
        out: where everything goes.
    """

    data: list[Wanted]
    train: list[Strategy]
    infer: list[Strategy]
    rl: list[Strategy]
    think: bool
    think_tokens: int
    base: TrainConfig
    seeds: list[int]
    folds: int
    margin: float
    out: Path

    @property
    def scratch(self) -> bool:
        """Whether the model is made from the data."""
        return self.base.model.name == SCRATCH


def parse(argv: Sequence[str], program: str = "gencls") -> Plan:
    """The study that a command line asks for, checked before anything is loaded.

    Raises:
        UserError: one line, for what cannot work.
        SystemExit: code 0, after ``--help``.
    """
    from assay.training.flags import parse_train, peek

    own, rest = _parser(program).parse_known_args(list(argv))
    for word in rest:
        name = word.partition("=")[0]
        if name in _INSTEAD:
            raise UserError(f"{name} is no flag of this study: {_INSTEAD[name]}")
        if name.removeprefix("--env.").removeprefix("no-") in _STRATEGY and name.startswith("--env."):
            raise UserError(
                f"{name} belongs to a strategy: say it in --train or --infer, such as similar-3+definitions"
            )
    defaults = [*_DEFAULTS, *(_OF_SCRATCH if own.model == SCRATCH else ())]
    words = [word for name, value in defaults if peek(rest, name) is None for word in (name, value)]
    base = parse_train(["--env", "text_classification", "--recipe", "gencls", "--model", own.model, *words, *rest])
    base = replace(base, log=replace(base.log, report=False, episodes=False))
    train, infer, rl = (_strategies(given, of) for given, of in zip((own.train, own.infer, own.rl), GRIDS[own.grid],
                                                                    strict=True))  # fmt: skip
    data = [Wanted(name, own.text, own.label, own.classes, own.per_label) for name in own.dataset]
    plan = Plan(data, train, infer, [] if own.no_rl else rl, not (own.no_think or own.no_rl), own.think_tokens, base,
                list(range(own.seeds)), own.folds, own.margin, Path(own.out))  # fmt: skip
    _check(plan)
    return plan


def _strategies(given: list[str] | None, of_grid: Sequence[str]) -> list[Strategy]:
    return list(dict.fromkeys(read_strategy(text) for text in (given or of_grid)))


def _check(plan: Plan) -> None:
    for name, value in {"--seeds": len(plan.seeds), "--steps": plan.base.steps, "--think-tokens": plan.think_tokens,
                        "--sft.epochs": plan.base.sft.epochs}.items():  # fmt: skip
        if value < 1:
            raise UserError(f"{name} must be at least 1, got {value}")
    if plan.folds < 2 or not 0 <= plan.margin <= 1:
        raise UserError(f"--folds must be at least 2 and --margin from 0 to 1; got {plan.folds} and {plan.margin}")
    odd = next((each.name for each in plan.train if each.decoding != "greedy" or each.think), None)
    if odd is not None:
        raise UserError(f"--train {odd}: decoding is a matter of inference (--infer), and thinking has runs of its own")
    odd = next((each.name for each in plan.infer if each.think), None)
    if odd is not None:
        raise UserError(f"--infer {odd}: thinking is compared by runs of its own")
    if Strategy() not in plan.train:
        raise UserError("--train needs naive: gains are measured against it")
    lost = next((each.name for each in plan.rl if each not in plan.train), None)
    if lost is not None:
        raise UserError(f"--rl {lost} is no training strategy of this study: {', '.join(s.name for s in plan.train)}")
    folders = [each.folder for each in plan.data]
    if len(set(folders)) < len(folders):
        raise UserError("two data sets have the same name: rename one of the files")
    for each in plan.data:
        check(each)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UserError(f"{message} (assay-study gencls --help lists the flags)")


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"assay-study {program}", description=HELP, allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    add = parser.add_argument
    add("--grid", choices=sorted(GRIDS), default="mini", help="which strategies (mini)")
    add("--dataset", nargs="+", default=["docstrings"], metavar="DATA",
        help="files, folders with train and test files, docstrings, synthetic (docstrings)")  # fmt: skip
    add("--text", default="text", help="column of texts (text)")
    add("--label", default="", help="column of labels (label, category, intent, class or topic)")
    add("--classes", type=int, default=0, metavar="N", help="labels kept of each data set, drawn once (all)")
    add("--per-label", type=int, default=0, metavar="N", help="training rows of each label (all)")
    add("--train", nargs="+", metavar="STRATEGY", help="training strategies, naive among them")
    add("--infer", nargs="+", metavar="STRATEGY", help="inference strategies")
    add("--rl", nargs="+", metavar="STRATEGY", help="training strategies whose runs go on with rewards")
    add("--no-rl", action="store_true", help="supervised runs only")
    add("--no-think", action="store_true", help="leave out the runs that think")
    add("--think-tokens", type=int, default=48, metavar="N", help="longest answer of those that think (48)")
    add("--seeds", type=int, default=3, metavar="N", help="runs of each, seeds 0 to N-1 (3)")
    add("--folds", type=int, default=5, metavar="N", help="of the cross-fitted doubts (5)")
    add("--margin", type=float, default=0.1, metavar="P", help="a lead below this is doubtful (0.1)")
    add("--model", default=SCRATCH, help="scratch, smollm2-135m, a folder or a hub id (scratch)")
    add("--out", default="runs/study-gencls", help="folder of the runs and the results (runs/study-gencls)")
    return parser
