"""transformers' continuous batching behind our interface: the same contract, less the seeds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.agents.engines import make_engine
from assay.agents.engines.hf_cb import ContinuousPolicy
from assay.agents.policy import Policy, Request, Sampling


def requests_for(plan: Sampling) -> list[Request]:
    texts = ["x", "a rather longer question that leads to another number of pages in the cache " * 2]
    return [Request([{"role": "user", "content": text}], seed=g, sampling=plan) for text in texts for g in range(3)]


@pytest.fixture
def policy(tiny: tuple[Any, Any]) -> ContinuousPolicy:
    made = make_engine("hf-cb", *tiny)
    assert isinstance(made, ContinuousPolicy)
    assert isinstance(made, Policy)
    return made


@pytest.mark.parametrize("plan", [Sampling(10), Sampling(10, 0.7, 0.9, 20)], ids=["plain", "cut"])
def test_logprobs_are_those_of_a_plain_forward_pass(policy: ContinuousPolicy, plan: Sampling) -> None:
    policy.model.train()
    state = torch.get_rng_state()
    completions = policy.generate(requests_for(plan))
    assert torch.equal(torch.get_rng_state(), state), "the global random state moved"
    assert policy.model.training
    policy.model.eval()
    for request, completion in zip(requests_for(plan), completions, strict=True):
        context = policy.contexts.ids(request)
        ids = torch.tensor([[*context, *completion.ids]])
        with torch.no_grad():
            logits = policy.model(ids).logits[0, len(context) - 1 : -1]
        plain = logits.log_softmax(-1).gather(-1, ids[0, len(context) :, None])[:, 0]
        assert completion.logprobs == pytest.approx(plain.tolist(), abs=1e-4)
    assert len({one.ids for one in completions[:3]}) > 1


def test_greedy_is_what_the_hf_engine_finds(policy: ContinuousPolicy, tiny: tuple[Any, Any]) -> None:
    requests = [*requests_for(Sampling(10, 0.0))[::3], *requests_for(Sampling(4, 0.0))[::3]]
    assert [one.ids for one in policy.generate(requests)] == [
        one.ids for one in make_engine("hf", *tiny).generate(requests)
    ]


def test_a_stop_string_cuts_what_was_drawn_beyond_it(policy: ContinuousPolicy) -> None:
    free = policy.generate([Request([{"role": "user", "content": "x"}], sampling=Sampling(20, 0.0))])[0]
    stop = next(free.text[i : i + 2] for i in range(4, len(free.text)) if free.text[i : i + 2].isascii())
    cut = policy.generate([Request([{"role": "user", "content": "x"}], sampling=Sampling(20, 0.0, stop=(stop,)))])[0]
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.ids == free.ids[: len(cut.ids)]
    assert len(cut.ids) < len(free.ids)
    assert (free.finish, cut.finish) == ("length", "stop")


def test_images_are_refused(policy: ContinuousPolicy) -> None:
    with pytest.raises(ValueError, match="reads text only"):
        policy.generate([Request([], ids=(5,), images=("a.png",))])
