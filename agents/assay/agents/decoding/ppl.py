"""Classification by perplexity: the label that the model finds likeliest as a whole, instead of the text it samples.

The decision rule of generative classification: for a label of tokens t_1..t_m after a prompt x,
PPL(label | x) = exp(-(1/m) sum_j log p(t_j | x, t_<j)), and the least wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from assay.agents.policy import Completion, Request

if TYPE_CHECKING:
    from assay.agents.engines.hf import HFPolicy

Rule = Literal["ppl", "ppl-sum", "ppl-cal"]


def perplexity(logprobs: Sequence[float]) -> float:
    """exp of the negative mean log-probability, in [1, inf).

    Raises:
        ValueError: if there are none.
    """
    if not logprobs:
        raise ValueError("a label needs at least one token")
    return math.exp(-math.fsum(logprobs) / len(logprobs))


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
        costs = [perplexity(label) / perplexity(free) for label, free in zip(logprobs, base, strict=True)]
    else:
        raise ValueError(f"no rule {rule!r}: use ppl, ppl-sum or ppl-cal")
    return min(range(len(costs)), key=costs.__getitem__)


def label_logprobs(policy: HFPolicy, ids: Sequence[int], labels: Sequence[Sequence[int]]) -> list[list[float]]:
    """Log-probabilities of each label's tokens after a prompt that is encoded once.

    Args:
        policy: its model scores.
        ids: the prompt.
        labels: token ids of each label, end token included where it is to count.
    """
    from assay.agents.engines.modes import sampling_mode
    from assay.agents.engines.scoring import score_rows, score_tails

    with sampling_mode(policy.model):
        if policy.shares:
            return score_tails(policy.model, ids, labels)
        return score_rows(policy.model, [ids] * len(labels), labels)


class PerplexityPolicy:
    """Answers every request with the label that :func:`decide` picks; seeds and sampling play no part.

    Args:
        policy: scores the labels.
        labels: the answers there are.
        rule: see :func:`decide`.
        score_end: the end token counts as a token of the label, which keeps "New" from beating "New York".
        free: the opening messages without content, for ``ppl-cal``.

    Raises:
        ValueError: if there are no labels, or ``ppl-cal`` has no messages.
    """

    def __init__(
        self,
        policy: HFPolicy,
        labels: Sequence[str],
        *,
        rule: Rule = "ppl",
        score_end: bool = True,
        free: list[dict[str, object]] | None = None,
    ) -> None:
        chat = policy.contexts.chat
        if not labels or chat is None:
            raise ValueError("choosing by perplexity needs labels and a model with a chat template")
        if rule == "ppl-cal" and free is None:
            raise ValueError("ppl-cal needs the prompt's messages without content")
        self.policy, self.labels, self.rule = policy, list(labels), rule
        self.answers = [chat.answer(label) if score_end else chat.encode(label) for label in labels]
        self.base = label_logprobs(policy, chat.open(free), self.answers) if free is not None else None

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The chosen label for each request, with the log-probabilities of its tokens."""
        known: dict[tuple[int, ...], Completion] = {}
        contexts = [self.policy.contexts.ids(request) for request in requests]
        for ids in contexts:
            if ids not in known:
                logprobs = label_logprobs(self.policy, ids, self.answers)
                best = decide(logprobs, self.rule, self.base)
                known[ids] = Completion(self.labels[best], self.answers[best], tuple(logprobs[best]))
        return [known[ids] for ids in contexts]
