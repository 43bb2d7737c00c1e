"""Choosing a label by perplexity: the rule on worked numbers, the scores against a forward pass a label."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from assay.agents.decoding.ppl import PerplexityPolicy, decide, label_logprobs, perplexity, shares
from assay.agents.engines.hf import HFPolicy
from assay.agents.policy import Policy, Request

SPORTS, WORLD, BUSINESS = (-0.2, -0.1), (-0.5, -0.05, -0.05), (-0.25,)
LABELS = ["spam", "ham", "New", "New York", "something of many more tokens than the others"]


def test_the_worked_example() -> None:
    found = [perplexity(label) for label in (SPORTS, WORLD, BUSINESS)]
    assert found == pytest.approx([1.1618, 1.2214, 1.2840], abs=5e-5)
    assert decide([SPORTS, WORLD, BUSINESS]) == 0
    assert decide([SPORTS, WORLD, BUSINESS], "ppl-sum") == 2


def test_ties_go_to_the_lower_index() -> None:
    assert decide([(-0.3,), (-0.1,), (-0.1,)]) == 1
    assert decide([(-0.1, -0.2), (-0.2, -0.1)], "ppl-sum") == 0


def test_calibration_divides_by_what_the_label_costs_anyway() -> None:
    logprobs, base = [(-1.0,), (-2.0,)], [(-1.0,), (-4.0,)]
    assert decide(logprobs) == 0
    assert decide(logprobs, "ppl-cal", base) == 1


def test_mistakes() -> None:
    for bad in ([], [()]):
        with pytest.raises(ValueError):
            decide(bad)
    with pytest.raises(ValueError, match="ppl-cal needs"):
        decide([SPORTS], "ppl-cal")
    with pytest.raises(ValueError, match="use ppl, ppl-sum or ppl-cal"):
        decide([SPORTS], "best")  # type: ignore[arg-type]


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("tokens", [1, 7, 512])
def test_scores_are_those_of_a_forward_pass_a_label(
    tiny: tuple[Any, Any], shares: bool, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.agents.engines import scoring

    score = scoring.score_tails
    monkeypatch.setattr(scoring, "score_tails", lambda *args: score(*args, tokens=tokens))
    policy = HFPolicy(*tiny)
    policy.shares = shares  # type: ignore[misc]
    chat = policy.contexts.chat
    assert chat is not None
    ids = chat.open([{"role": "user", "content": "You win a free prize"}])
    answers = [chat.answer(label) for label in LABELS]
    for answer, found in zip(answers, label_logprobs(policy, ids, answers), strict=True):
        with torch.no_grad():
            logits = policy.model(torch.tensor([[*ids, *answer]])).logits[0, len(ids) - 1 : -1]
        plain = logits.log_softmax(-1).gather(-1, torch.tensor(answer)[:, None])[:, 0]
        assert found == pytest.approx(plain.tolist(), abs=1e-4)


def test_the_policy_answers_with_a_label(tiny: tuple[Any, Any]) -> None:
    inner = HFPolicy(*tiny)
    policy = PerplexityPolicy(inner, LABELS, rule="ppl-cal", free=[{"role": "user", "content": ""}])
    assert isinstance(policy, Policy)
    requests = [Request([{"role": "user", "content": text}]) for text in ("one", "two", "one")]
    completions = policy.generate(requests)
    assert completions[0] == completions[2]
    for completion in completions:
        assert completion.text in LABELS
        assert completion.ids == policy.answers[LABELS.index(completion.text)]
        assert completion.ids[-1] in inner.vocabulary.ends
    assert PerplexityPolicy(inner, LABELS, score_end=False).answers[0] == policy.answers[0][:-1]
    with pytest.raises(ValueError, match="needs labels"):
        PerplexityPolicy(inner).generate(requests)
    with pytest.raises(ValueError, match="without content"):
        PerplexityPolicy(inner, LABELS, rule="ppl-cal")


def test_each_request_may_have_labels_of_its_own(tiny: tuple[Any, Any]) -> None:
    inner = HFPolicy(*tiny)
    free = [{"role": "user", "content": ""}]
    first, second = LABELS[:3], LABELS[2:]
    asked = [{"role": "user", "content": "one"}]
    requests = [Request(asked, context={"answers": labels, "free": free}) for labels in (first, second)]
    for rule in ("ppl", "ppl-sum", "ppl-cal"):
        found = PerplexityPolicy(inner, rule=rule).generate(requests)  # type: ignore[arg-type]
        for completion, labels in zip(found, (first, second), strict=True):
            alone = PerplexityPolicy(inner, labels, rule=rule, free=free)  # type: ignore[arg-type,list-item]
            assert completion == alone.generate([Request(asked)])[0]
    with pytest.raises(ValueError, match="without content"):
        PerplexityPolicy(inner, rule="ppl-cal").generate([Request(asked, context={"answers": first})])


class Told:
    """A policy that has no model: a table of log-probabilities."""

    def __init__(self, contexts: Any, table: dict[int, float]) -> None:
        self.contexts, self.table = contexts, table

    def label_logprobs(self, ids: Any, labels: Any) -> list[list[float]]:
        return [[self.table.get(token, -5.0) for token in label] for label in labels]


def test_any_policy_that_scores_labels_can_decide(tiny: tuple[Any, Any]) -> None:
    contexts = HFPolicy(*tiny).contexts
    chat = contexts.chat
    assert chat is not None
    policy = PerplexityPolicy(Told(contexts, dict.fromkeys(chat.answer("ham"), -0.1)), LABELS)
    assert policy.generate([Request([{"role": "user", "content": "x"}])])[0].text == "ham"
    with pytest.raises(ValueError, match="Scripted gives no log-probabilities of labels"):
        PerplexityPolicy(Scripted(), LABELS)


class Scripted:
    """Without log-probabilities."""


def test_shares_are_a_softmax_over_the_closed_list() -> None:
    found = shares([SPORTS, WORLD, BUSINESS])
    weights = [math.exp(total) for total in (-0.3, -0.6, -0.25)]
    assert found == pytest.approx([weight / sum(weights) for weight in weights])
    assert shares([(-2000.0,), (-2001.0,)])[0] == pytest.approx(1 / (1 + math.exp(-1)))
    assert perplexity([-800.0]) == math.inf
    assert decide([(-800.0,), (-900.0,)], "ppl-cal", [(-1.0,), (-200.0,)]) == 1
