"""Classification by perplexity: the label that the model finds likeliest as a whole, instead of the text it samples.

The decision rule of generative classification: for a label of tokens t_1..t_m after a prompt x,
PPL(label | x) = exp(-(1/m) sum_j log p(t_j | x, t_<j)), and the least wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from assay.agents.policy import Completion, Request

Rule = Literal["ppl", "ppl-sum", "ppl-cal"]
ANSWERS, FREE = "answers", "free"
"""Where a request's context holds the answers to choose from, and the opening messages without content."""
_REMEMBERED = 1024


@runtime_checkable
class ScoresLabels(Protocol):
    """A policy that can say how likely given answers are."""

    contexts: Any

    def label_logprobs(self, ids: Sequence[int], labels: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of each label after the context ``ids``, at temperature 1."""
        ...


def perplexity(logprobs: Sequence[float]) -> float:
    """exp of the negative mean log-probability, in [1, inf).

    Raises:
        ValueError: if there are none.
    """
    if not logprobs:
        raise ValueError("a label needs at least one token")
    return _exp(-math.fsum(logprobs) / len(logprobs))


def decide(
    logprobs: Sequence[Sequence[float]], rule: Rule = "ppl", base: Sequence[Sequence[float]] | None = None
) -> int:
    """The index of the label to predict; ties go to the lower one.

    Args:
        logprobs: of each label's tokens.
        rule: ``ppl``: least perplexity. ``ppl-sum``: greatest total log-probability, no division by length.
            ``ppl-cal``: least perplexity divided by the label's perplexity after a prompt without content.
        base: the labels' token log-probabilities after that prompt, for ``ppl-cal``.

    Raises:
        ValueError: for an unknown rule, no labels, or ``ppl-cal`` without one base a label.
    """
    if not logprobs:
        raise ValueError("there are no labels to choose from")
    if rule == "ppl":
        costs = [perplexity(label) for label in logprobs]
    elif rule == "ppl-sum":
        costs = [-math.fsum(label) for label in logprobs]
    elif rule == "ppl-cal":
        if base is None or len(base) != len(logprobs):
            raise ValueError("ppl-cal needs the log-probabilities of every label after a prompt without content")
        costs = [_mean_cost(label) - _mean_cost(free) for label, free in zip(logprobs, base, strict=True)]
    else:
        raise ValueError(f"no rule {rule!r}: use ppl, ppl-sum or ppl-cal")
    return min(range(len(costs)), key=costs.__getitem__)


def _mean_cost(logprobs: Sequence[float]) -> float:
    """log of the perplexity: a quotient of two becomes a difference, which cannot overflow."""
    if not logprobs:
        raise ValueError("a label needs at least one token")
    return -math.fsum(logprobs) / len(logprobs)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700.0 else math.inf


def shares(logprobs: Sequence[Sequence[float]]) -> list[float]:
    """The probability of each label among the given ones: a softmax over their total log-probabilities."""
    totals = [math.fsum(label) for label in logprobs]
    top = max(totals)
    weights = [math.exp(total - top) for total in totals]
    return [weight / math.fsum(weights) for weight in weights]


def label_logprobs(policy: Any, ids: Sequence[int], labels: Sequence[Sequence[int]]) -> list[list[float]]:
    """Log-probabilities of each label's tokens after a prompt that is encoded once where the model allows it.

    Args:
        policy: scores labels itself (:class:`ScoresLabels`), or holds a transformers ``model`` that does.
        ids: the prompt.
        labels: token ids of each label, end token included where it is to count.
    """
    if isinstance(policy, ScoresLabels):
        return policy.label_logprobs(ids, labels)
    from assay.agents.engines.modes import sampling_mode
    from assay.agents.engines.scoring import score_rows, score_tails

    with sampling_mode(policy.model):
        if getattr(policy, "shares", False):
            return score_tails(policy.model, ids, labels)
        return score_rows(policy.model, [ids] * len(labels), labels)


class PerplexityPolicy:
    """Answers every request with the label that :func:`decide` picks; seeds and sampling play no part.

    Args:
        policy: scores the labels: one of the engines that hold a model, or any :class:`ScoresLabels`.
        labels: the answers there are; empty: each request's context holds its own, and its ``free`` messages.
        rule: see :func:`decide`.
        score_end: the end token counts as a token of the label, which keeps "New" from beating "New York".
        free: the opening messages without content, for ``ppl-cal``.

    Raises:
        ValueError: if the policy has no log-probabilities of given labels or no chat template, or ``ppl-cal`` has
            labels but no messages.
    """

    def __init__(
        self,
        policy: Any,
        labels: Sequence[str] = (),
        *,
        rule: Rule = "ppl",
        score_end: bool = True,
        free: list[dict[str, object]] | None = None,
    ) -> None:
        if not isinstance(policy, ScoresLabels) and not hasattr(policy, "model"):
            raise ValueError(f"{type(policy).__name__} gives no log-probabilities of labels: use a local model")
        if getattr(policy.contexts, "chat", None) is None:
            raise ValueError("choosing by perplexity needs a model with a chat template")
        if rule == "ppl-cal" and labels and free is None:
            raise ValueError("ppl-cal needs the prompt's messages without content")
        self.policy, self.labels, self.rule, self.score_end, self.free = policy, list(labels), rule, score_end, free
        self._tokens: dict[str, tuple[int, ...]] = {}
        self._bases: dict[Any, list[list[float]]] = {}

    @property
    def answers(self) -> list[tuple[int, ...]]:
        """The tokens of each label."""
        return [self._answer(label) for label in self.labels]

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The chosen label for each request, with the log-probabilities of its tokens.

        Raises:
            ValueError: if a request has images, or there are no labels to choose from, or ``ppl-cal`` has no messages.
        """
        known: dict[Any, Completion] = {}
        done = []
        for request in requests:
            if request.images:
                raise ValueError("labels are chosen by perplexity for texts only: use greedy decoding for images")
            labels = tuple(self.labels or request.context.get(ANSWERS) or ())
            if not labels:
                raise ValueError("choosing by perplexity needs labels: this task's answers are no closed list")
            ids = tuple(self.policy.contexts.ids(request))
            if (ids, labels) not in known:
                known[ids, labels] = self._choose(ids, labels, request.context.get(FREE) or self.free)
            done.append(known[ids, labels])
        return done

    def _choose(self, ids: tuple[int, ...], labels: tuple[str, ...], free: Any) -> Completion:
        answers = [self._answer(label) for label in labels]
        logprobs = label_logprobs(self.policy, ids, answers)
        base = self._base(labels, answers, free) if self.rule == "ppl-cal" else None
        best = decide(logprobs, self.rule, base)
        return Completion(labels[best], answers[best], tuple(logprobs[best]))

    def _base(self, labels: tuple[str, ...], answers: list[tuple[int, ...]], free: Any) -> list[list[float]]:
        if free is None:
            raise ValueError("ppl-cal needs the prompt's messages without content")
        ids = tuple(self.policy.contexts.chat.open(free))
        if (ids, labels) not in self._bases:
            if len(self._bases) >= _REMEMBERED:
                self._bases.clear()
            self._bases[ids, labels] = label_logprobs(self.policy, ids, answers)
        return self._bases[ids, labels]

    def _answer(self, label: str) -> tuple[int, ...]:
        if label not in self._tokens:
            chat = self.policy.contexts.chat
            self._tokens[label] = tuple(chat.answer(label) if self.score_end else chat.encode(label))
        return self._tokens[label]
