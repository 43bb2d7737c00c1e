"""``eval-agent --vote`` and ``--analyses``: several samples, or several analyses of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from assay.agents.decoding.votes import SELECTORS
from assay.agents.scaffolds import CONFIDENCE
from assay.envs.registry import env_class
from assay.training.cli_policies import Acting, is_scripted
from assay.training.errors import UserError, close_match

if TYPE_CHECKING:
    from assay.agents.policy import Request
    from assay.agents.scaffolds.chat import Scaffold
    from assay.training.cli_evaluate import EvalFlags
    from assay.training.stats import Interval


def check(flags: EvalFlags) -> None:
    """Refuse what cannot work, before anything is loaded.

    Raises:
        UserError: one line.
    """
    for name in flags.vote:
        if name not in SELECTORS:
            there = f"there are: {', '.join(SELECTORS)}"
            raise UserError(f"no way to vote is called {name!r}{close_match(name, SELECTORS)}; {there}")
    asked = flags.scaffold in CONFIDENCE and "c" in CONFIDENCE[flags.scaffold][0]
    needs = [name for name in flags.vote if name != "majority"] + (["--analyses"] if flags.analyses else [])
    if needs and not asked:
        raise UserError(f"{needs[0]} needs stated confidences: add --scaffold confidence")
    if flags.vote and flags.samples < 2:
        raise UserError("a vote needs --samples 2 or more")
    if not flags.analyses:
        return
    if flags.analyses < 2 or "abc" not in CONFIDENCE[flags.scaffold][0]:
        raise UserError("--analyses takes 2 or more, with --scaffold confidence, confidence-long or confidence-abc")
    if flags.temperature == 0 or (flags.temperature < 0 and flags.samples == 1):
        raise UserError("several analyses at temperature 0 are all the same: add --temperature 0.7 or so")
    if is_scripted(flags.model, env_class(flags.env)) or flags.model.startswith("openai:"):
        raise UserError(f"--analyses goes on from sampled tokens, which {flags.model} has none of: take a local model")


def in_layout(acting: Acting, flags: EvalFlags, scaffold: Scaffold) -> Acting:
    """A policy that keeps to a scaffold's layout: scripted answers laid out, and analyses sampled again if asked."""
    if is_scripted(flags.model, env_class(flags.env)):
        from assay.agents.engines.scripted import InLayout

        return acting._replace(policy=InLayout(acting.policy, scaffold.demonstration))
    if not flags.analyses or acting.chat is None:
        return acting
    from assay.agents.decoding.analyses import AnalysisEnsemble

    chat = acting.chat

    def encode(request: Request) -> tuple[int, ...]:
        return request.ids or chat.open(request.messages)

    def decode(ids: Sequence[int]) -> str:
        return str(chat.tokenizer.decode(ids, skip_special_tokens=True))

    pattern = CONFIDENCE[flags.scaffold][0]
    return acting._replace(
        policy=AnalysisEnsemble(acting.policy, decode, encode, analyses=flags.analyses, pattern=pattern)
    )


def votes_table(found: Mapping[str, Interval], samples: int) -> Table:
    """Accuracy by way of choosing."""
    table = Table(f"one of {samples} samples", "accuracy", "95 % interval")
    for name, each in found.items():
        table.add_row(Text(name), f"{100 * each.mean:.1f} %", f"{100 * each.low:.1f} to {100 * each.high:.1f}")
    return table
