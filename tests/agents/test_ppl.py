"""Choosing a label by perplexity: the rule on worked numbers, the scores against a forward pass a label."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.agents.decoding.ppl import PerplexityPolicy, decide, label_logprobs, perplexity
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
        PerplexityPolicy(inner, [])
    with pytest.raises(ValueError, match="without content"):
        PerplexityPolicy(inner, LABELS, rule="ppl-cal")
