"""The verifier under audit with its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.verifiers.parse.fold import fold, quote
from assay.verifiers.registry import Verifier
from assay.verifiers.score import Score

SLACK = 1e-9


@dataclass(frozen=True)
class Item:
    """One task: its truth, and a response that should earn full reward, where one is known."""

    truth: Mapping[str, Any]
    gold: str | None


@dataclass(frozen=True)
class Subject:
    """What is audited, and how much right and wrong responses may earn."""

    verifier: Verifier
    items: tuple[Item, ...]
    options: Mapping[str, Any]
    full: float
    floor: float

    def score(self, response: str, item: Item) -> Score:
        """The verdict; a task's own options go first."""
        return self.verifier(response, item.truth, **{**item.truth.get("options", {}), **self.options})

    def try_score(self, response: str, item: Item) -> Score | str:
        """The verdict, or what was raised."""
        try:
            verdict: object = self.score(response, item)
            return verdict if isinstance(verdict, Score) else f"returned {str(verdict)[:60]}, which is no Score"
        except Exception as error:
            return f"raised {type(error).__name__}: {str(error)[:80]} on {quote(response)}"

    def reward(self, response: str, item: Item) -> float:
        """The reward, nothing where it raised."""
        verdict = self.try_score(response, item)
        return self.floor if isinstance(verdict, str) else verdict.reward

    def earns(self, response: str, item: Item) -> str | None:
        """Why a wrong response is paid, or None where it is not."""
        verdict = self.try_score(response, item)
        if isinstance(verdict, str):
            return verdict
        if verdict.correct is True or verdict.reward > self.floor + SLACK:
            paid = f"{verdict.reward:g} (correct: {verdict.correct})"
            return f"{quote(response)} earns {paid} where {quote(item.gold or '')} is right"
        return None

    def same_answer(self, response: str, item: Item) -> bool:
        """Whether the text is the gold response but for case and spaces."""
        return item.gold is not None and fold(response) == fold(item.gold)

    def quotes_gold(self, response: str, item: Item) -> bool:
        """Whether a response that knows nothing of the task is part of the gold one by chance, as "False" may be."""
        return bool(response.strip()) and fold(response) in fold(item.gold or "")

    def attacks(self, item: Item) -> list[str]:
        """The verifier's own attack set for one task."""
        if self.verifier.attacks is None:
            return []
        return list(self.verifier.attacks(item.truth, **{**item.truth.get("options", {}), **self.options}))
