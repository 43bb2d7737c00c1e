"""The nodes that join rubrics: weighted sum, gate, first that parsed, and relative to the group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from assay.verifiers.rubric import Rubric, Truth, check_names, prefixed
from assay.verifiers.score import Score

Comparison = Literal["center", "zscore", "rank"]


@dataclass(frozen=True)
class WeightedSum(Rubric):
    """Reward = sum of weight x reward over the children; a negative weight is a penalty.

    Attributes:
        terms: ``(name, rubric, weight)``.
        verdict: the child whose ``correct`` and ``parsed`` this node reports; the first one by default.

    Raises:
        ValueError: on repeated names, a weight that is not finite, or a verdict that names no child.
    """

    terms: tuple[tuple[str, Rubric, float], ...]
    verdict: str = ""

    def __post_init__(self) -> None:
        check_names([name for name, _, _ in self.terms])
        if not all(math.isfinite(weight) for _, _, weight in self.terms):
            raise ValueError("weights must be finite")
        if self.verdict and self.verdict not in {name for name, _, _ in self.terms}:
            raise ValueError(f"verdict names no child: {self.verdict!r}")

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        columns = [rubric.group(responses, truth) for _, rubric, _ in self.terms]
        return [self._join(row) for row in zip(*columns, strict=True)]

    def _join(self, scores: Sequence[Score]) -> Score:
        names = [name for name, _, _ in self.terms]
        judge = scores[names.index(self.verdict) if self.verdict else 0]
        parts: dict[str, float] = {}
        for name, score in zip(names, scores, strict=True):
            parts.update(prefixed(name, score))
        reward = math.fsum(weight * score.reward for (_, _, weight), score in zip(self.terms, scores, strict=True))
        return Score(reward, parts, judge.correct, judge.parsed, judge.detail)

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return ((name, rubric) for name, rubric, _ in self.terms)

    def describe(self) -> str:
        """See :class:`Rubric`."""
        return "weighted sum of " + ", ".join(f"{weight:g} x {name}" for name, _, weight in self.terms)


@dataclass(frozen=True)
class Gate(Rubric):
    """The reward of ``then`` where ``when`` earns at least ``threshold``, else 0.

    Nothing is ever paid for the gate alone. ``then`` is scored for every response of the group, since it may compare
    them, and all parts are kept. A response that is held back is not correct.
    """

    when: Rubric
    then: Rubric
    threshold: float = 1.0

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        gates, scores = self.when.group(responses, truth), self.then.group(responses, truth)
        return [self._join(gate, score) for gate, score in zip(gates, scores, strict=True)]

    def _join(self, gate: Score, score: Score) -> Score:
        parts = {**prefixed("when", gate), **prefixed("then", score)}
        if gate.reward >= self.threshold:
            return Score(score.reward, parts, score.correct, score.parsed, score.detail)
        correct = None if score.correct is None else False
        return Score(0.0, parts, correct, gate.parsed and score.parsed, f"held back: {gate.detail}")

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return iter((("when", self.when), ("then", self.then)))

    def describe(self) -> str:
        """See :class:`Rubric`."""
        return f"gate: then, where when >= {self.threshold:g}"


@dataclass(frozen=True)
class FirstOf(Rubric):
    """The score of the first child that could parse the response; where none could, the last child's score.

    Attributes:
        options: ``(name, rubric)`` in the order of preference.
    """

    options: tuple[tuple[str, Rubric], ...]

    def __post_init__(self) -> None:
        check_names([name for name, _ in self.options])

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        columns = [rubric.group(responses, truth) for _, rubric in self.options]
        return [self._join(row) for row in zip(*columns, strict=True)]

    def _join(self, scores: Sequence[Score]) -> Score:
        chosen = next((index for index, score in enumerate(scores) if score.parsed), len(scores) - 1)
        parts: dict[str, float] = {}
        for (name, _), score in zip(self.options[: chosen + 1], scores, strict=False):
            parts.update(prefixed(name, score))
        best = scores[chosen]
        return Score(best.reward, parts, best.correct, best.parsed, best.detail)

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return iter(self.options)

    def describe(self) -> str:
        """See :class:`Rubric`."""
        return "first that parsed of " + ", ".join(name for name, _ in self.options)


@dataclass(frozen=True)
class GroupRelative(Rubric):
    """The child's reward compared with the other responses to the same task; ``correct`` stays the child's.

    Attributes:
        child: what is compared.
        how: ``center``: reward minus the group's mean. ``zscore``: that over the sample standard deviation; 0 where
            it is 0. ``rank``: the share of the others that score lower, a tie counting half; in [0, 1], 1/2 in a
            group of one.
    """

    child: Rubric
    how: Comparison = "center"

    def __post_init__(self) -> None:
        if self.how not in get_args(Comparison):
            raise ValueError(f"how must be one of {list(get_args(Comparison))}, got {self.how!r}")

    @property
    def needs_group(self) -> bool:
        """See :class:`Rubric`."""
        return True

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        scores = self.child.group(responses, truth)
        rewards = self._compare([score.reward for score in scores])
        return [
            Score(reward, prefixed("child", score), score.correct, score.parsed, score.detail)
            for reward, score in zip(rewards, scores, strict=True)
        ]

    def _compare(self, rewards: list[float]) -> list[float]:
        if self.how == "rank":
            others = len(rewards) - 1
            if others < 1:
                return [0.5] * len(rewards)
            return [(sum(o < r for o in rewards) + (sum(o == r for o in rewards) - 1) / 2) / others for r in rewards]
        if len(set(rewards)) < 2:
            return [0.0] * len(rewards)
        mean = math.fsum(rewards) / len(rewards)
        centred = [reward - mean for reward in rewards]
        if self.how == "center":
            return centred
        deviation = math.sqrt(math.fsum(value * value for value in centred) / (len(rewards) - 1))
        return [value / deviation for value in centred] if deviation else [0.0] * len(rewards)

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return iter((("child", self.child),))

    def describe(self) -> str:
        """See :class:`Rubric`."""
        return f"child relative to its group ({self.how})"
