"""Guidelines of a study of tricks as data, and which of them a run follows.

Liu et al. 2025, Part I: Tricks or Traps? A Deep Dive into RL for LLM Reasoning (arXiv:2508.08221): some 160 runs that
change one thing each, on base and aligned models of 4 and 8 billion parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.training.recipes.registry import get_recipe
from assay.training.recipes.slots import SlotRecipe

if TYPE_CHECKING:
    from assay.training.config import TrainConfig

State = Literal["follows", "differs", "does not apply", "unknown"]
HOMOGENEOUS = 0.7
"""Share of groups that agree with themselves from which rewards count as nearly homogeneous."""


@dataclass(frozen=True)
class Facts:
    """What the guidelines look at.

    Attributes:
        recipe: resolved.
        kind: ``base``, ``instruct`` or ``""`` (not known).
        billions: parameters; 0 is not known.
        limit: longest response, in tokens.
        dead: measured share of groups whose rewards are all equal; None before anything ran.
    """

    recipe: SlotRecipe | None
    name: str
    kind: str
    billions: float
    limit: int
    dead: float | None = None

    def __str__(self) -> str:
        size = f"{self.billions:g} billion parameters" if self.billions else "size not known (--size)"
        dead = "" if self.dead is None else f", {100 * self.dead:.0f} % of groups agree with themselves"
        kind = f"{self.kind} model" if self.kind else "base or instruct not known (--kind)"
        return f"recipe {self.name}, {kind}, {size}, responses of at most {self.limit} tokens{dead}"


@dataclass(frozen=True)
class Finding:
    """One rule, and how a run stands to it."""

    rule: str
    state: State
    words: str


@dataclass(frozen=True)
class Rule:
    """A guideline: when it applies (None: cannot be told), what follows it, and what it says."""

    id: str
    applies: Callable[[Facts], bool | None]
    follows: Callable[[SlotRecipe], bool]
    words: str


def _base(facts: Facts) -> bool | None:
    return facts.kind == "base" if facts.kind else None


def _aligned(facts: Facts) -> bool | None:
    return facts.kind == "instruct" if facts.kind else None


def _small_aligned(facts: Facts) -> bool | None:
    return _aligned(facts) and (facts.billions < 6 if facts.billions else None)


def _homogeneous(facts: Facts) -> bool | None:
    return None if facts.dead is None else facts.dead >= HOMOGENEOUS


RULES = (
    Rule("T1", _homogeneous, lambda r: r.advantage != "grpo",
         "rewards are nearly homogeneous: do not divide by the deviation of the group; --recipe.advantage dr_grpo"),
    Rule("T2", lambda f: True, lambda r: r.advantage == "lite",
         "mean of the group and deviation of the batch beat both of the group and both of the batch; "
         "--recipe.advantage lite"),
    Rule("T3", _base, lambda r: r.clip_high <= 0.2,
         "base model: raising the upper clip does almost nothing; --recipe.clip-high 0.2 will do"),
    Rule("T4", _aligned, lambda r: r.clip_high >= 0.28,
         "aligned model: at 0.2 the clip hits the words that join thoughts, at 0.28 it spares them; "
         "--recipe.clip-high 0.28"),
    Rule("T5", _small_aligned, lambda r: r.clip_high >= 0.32,
         "small aligned model (4 billion): accuracy rises with the upper clip up to 0.32 (8 billion: to 0.28); "
         "--recipe.clip-high 0.32"),
    Rule("T6", _base, lambda r: r.aggregation == "token-mean",
         "base model: average over tokens; --recipe.aggregation token-mean"),
    Rule("T6", _aligned, lambda r: r.aggregation in ("seq-mean-token-mean", "seq-mean-token-sum"),
         "aligned model: averaging over sequences is faster and better; --recipe.aggregation seq-mean-token-mean"),
    Rule("T7", lambda f: f.limit <= 8192, lambda r: r.drop_truncated,
         "responses of up to 8 thousand tokens: leave truncated ones out; --recipe.drop-truncated true (at 20 thousand "
         "the gain fades)"),
    Rule("L", _base, lambda r: r.advantage == "lite" and r.aggregation == "token-mean",
         "base model without a critic: T2 and T6 alone beat GRPO and DAPO; --recipe lite-ppo"),
)  # fmt: skip


def advice(facts: Facts) -> list[Finding]:
    """Every guideline, and whether the run follows it; one of a recipe that has no such slots is not applicable."""
    found = []
    for rule in RULES:
        applies = rule.applies(facts) if facts.recipe is not None else False
        state: State = "does not apply"
        if applies is None:
            state = "unknown"
        elif applies and facts.recipe is not None:
            state = "follows" if rule.follows(facts.recipe) else "differs"
        found.append(Finding(rule.id, state, rule.words))
    return found


def facts_of(words: Sequence[str]) -> Facts:
    """The facts of a run directory, or of a command line of ``train-agent``.

    Raises:
        UserError, ValueError: one line, for a directory that holds no run, or a flag that does not exist.
    """
    from assay.training.configfile import read_config
    from assay.training.flags import parse_train
    from assay.training.stored import load_run

    if len(words) == 1 and Path(words[0]).is_dir():
        series = [value for value in load_run(words[0]).series("dead_groups")[1] if value is not None]
        facts = _of_config(read_config(Path(words[0])))
        return replace(facts, dead=sum(series) / len(series)) if series else facts
    return _of_config(parse_train(list(words)))


def _of_config(config: TrainConfig) -> Facts:
    from assay.training.preflight import suited

    recipe = get_recipe(config.recipe, config.recipe_options)
    name = config.model.name.lower()
    size = re.search(r"(\d+(?:\.\d+)?)\s*([bm])(?![a-z0-9])", name)
    billions = float(size[1]) * (1.0 if size[2] == "b" else 1e-3) if size else 0.0
    tuned = re.search(r"instruct|chat|(?<![a-z])it(?![a-z])|smollm2-135m$", name)
    kind = "instruct" if tuned else "base" if "base" in name else ""
    return Facts(recipe if isinstance(recipe, SlotRecipe) else None, config.recipe, kind, billions,
                 suited(config).rollout.max_tokens)  # fmt: skip
