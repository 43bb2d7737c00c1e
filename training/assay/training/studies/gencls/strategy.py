"""The strategy record of GenCLS++ (arXiv:2504.19898): five switches, and whether the model thinks before it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from assay.training.errors import UserError, close_match

ICL = ("fixed", "random", "similar", "diverse", "per-class")
RULES = ("ppl", "ppl-sum", "ppl-cal")
_WORDS = (*ICL, "definitions", "uncertain", "exclude", "numeric", *RULES, "think", "naive")


@dataclass(frozen=True)
class Strategy:
    """How a text is put to the model, and how its answer is read off.

    Attributes:
        icl: which demonstrations stand before it; ``k`` of them.
        definitions: a line explains each label.
        uncertainty: ``label``: doubtful training rows carry a suffix; ``exclude``: they are dropped.
        numeric: a number stands for each label.
        decoding: what the model writes, or the label it finds likeliest.
        think: it is asked to think first.
    """

    icl: str = "none"
    k: int = 3
    definitions: bool = False
    uncertainty: str = "off"
    numeric: bool = False
    decoding: str = "greedy"
    think: bool = False

    @property
    def name(self) -> str:
        """Its parts joined by ``+``; ``naive`` where there is none."""
        shown = {"none": "", "per-class-1": "per-class"}.get(self.icl, f"{self.icl}-{self.k}")
        doubt = {"off": "", "label": "uncertain", "exclude": "exclude"}[self.uncertainty]
        parts = [shown, "definitions" if self.definitions else "", doubt, "numeric" if self.numeric else "",
                 "think" if self.think else "", "" if self.decoding == "greedy" else self.decoding]  # fmt: skip
        return "+".join(filter(None, parts)) or "naive"

    @property
    def options(self) -> dict[str, Any]:
        """Options of ``text_classification``; all of them, so that inference can undo what training had."""
        return {"icl": self.icl, "k": self.k, "definitions": self.definitions, "uncertainty": self.uncertainty,
                "numeric": self.numeric, "think_mode": "think" if self.think else "none"}  # fmt: skip

    @property
    def written(self) -> Strategy:
        """The same, read off what the model writes."""
        return replace(self, decoding="greedy")


NAIVE = Strategy()


def read_strategy(text: str) -> Strategy:
    """``similar-3+definitions+ppl`` and the like, in any order: the inverse of :attr:`Strategy.name`.

    Raises:
        UserError: one line, for a part that is not known or is said twice.
    """
    found: dict[str, Any] = {}
    for part in text.split("+"):
        word, _, digits = part.rpartition("-") if re.fullmatch(r"[a-z-]+-\d+", part) else (part, "", "")
        new = _part(word, int(digits) if digits else None)
        if new is None:
            raise UserError(f"a strategy is made of {', '.join(_WORDS)}, joined by +; got {part!r}"
                            f"{close_match(word, _WORDS)}")  # fmt: skip
        if set(new) & set(found):
            raise UserError(f"the strategy {text!r} says {'/'.join(set(new) & set(found))} twice")
        found |= new
    return Strategy(**found)


def _part(word: str, count: int | None) -> dict[str, Any] | None:
    if word in ICL and (count is None or count > 0) and not (word == "per-class" and count not in (None, 1)):
        shown: dict[str, Any] = {"icl": "per-class-1" if word == "per-class" else word}
        return shown if count is None or word == "per-class" else shown | {"k": count}
    if count is not None:
        return None
    switches: dict[str, dict[str, Any]] = {
        "naive": {}, "definitions": {"definitions": True}, "numeric": {"numeric": True}, "think": {"think": True},
        "uncertain": {"uncertainty": "label"}, "exclude": {"uncertainty": "exclude"},
    }  # fmt: skip
    return {"decoding": word} if word in RULES else switches.get(word)
