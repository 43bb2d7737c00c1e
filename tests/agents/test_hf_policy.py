"""The hf engine: exact log-probabilities, completions that do not know their neighbours, a model left as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.agents.engines import make_engine
from assay.agents.engines.hf import HFPolicy
from assay.agents.engines.waves import waves
from assay.agents.policy import Completion, Policy, Request, Sampling

STEM = "Classify the message. Answer with one label only: spam, ham, sports, business. Message: "
QUESTIONS = ["free prize", "are we still on for lunch tomorrow, or shall we take the day after?", "the team won", "x"]


def ask(text: str, seed: int = 0, sampling: Sampling = Sampling(12), **fields: Any) -> Request:  # noqa: B008
    return Request([{"role": "user", "content": text}], seed=seed, sampling=sampling, **fields)


def mixed(sampling: Sampling = Sampling(12), group: int = 3) -> list[Request]:  # noqa: B008
    return [ask(STEM + text, 10 * i + g, sampling) for i, text in enumerate(QUESTIONS) for g in range(group)]


def forward(policy: HFPolicy, request: Request, completion: Completion) -> tuple[list[float], list[int]]:
    """Log-probabilities by one plain forward pass over the whole sequence, and the likeliest token at each place."""
    context = policy.contexts.ids(request)
    ids = torch.tensor([[*context, *completion.ids]])
    with torch.no_grad():
        logits = policy.model(ids).logits[0, len(context) - 1 : -1].float()
    picked = logits.log_softmax(-1).gather(-1, ids[0, len(context) :, None])[:, 0]
    return picked.tolist(), logits.argmax(-1).tolist()


@pytest.fixture(params=["tree", "plain"])
def policy(request: pytest.FixtureRequest, tiny: tuple[Any, Any]) -> HFPolicy:
    made = HFPolicy(*tiny)
    assert made.shares, "a Llama must be decoded over a tree"
    if request.param == "plain":
        made.shares = False  # type: ignore[misc]
    return made


def test_it_is_a_policy(policy: HFPolicy) -> None:
    assert isinstance(policy, Policy)
    assert policy.generate([]) == []


@pytest.mark.parametrize("plan", [Sampling(12), Sampling(12, 0.0), Sampling(12, 0.7, 0.9, 20)], ids=str)
def test_logprobs_are_those_of_a_plain_forward_pass(policy: HFPolicy, plan: Sampling) -> None:
    requests = mixed(plan)
    for request, completion in zip(requests, policy.generate(requests), strict=True):
        expected, best = forward(policy, request, completion)
        assert completion.logprobs == pytest.approx(expected, abs=1e-4)
        if plan.temperature == 0:
            assert list(completion.ids) == best


def test_a_completion_does_not_depend_on_the_batch(policy: HFPolicy) -> None:
    requests = mixed(group=5)
    together = policy.generate(requests)
    shuffled = policy.generate(requests[::-1])[::-1]
    alone = [policy.generate([request])[0] for request in requests]
    for other in (shuffled, alone):
        assert [one.ids for one in together] == [one.ids for one in other]
        for a, b in zip(together, other, strict=True):
            assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)
    assert len({one.ids for one in together[:5]}) > 1, "five seeds, one answer"


def test_tree_and_plain_batches_draw_the_same(tiny: tuple[Any, Any]) -> None:
    tree, plain = HFPolicy(*tiny), HFPolicy(*tiny)
    plain.shares = False  # type: ignore[misc]
    requests = [*mixed(), ask("a"), ask("b"), ask("no stem in common with the others" * 3)]
    assert [one.ids for one in tree.generate(requests)] == [one.ids for one in plain.generate(requests)]


def test_waves_change_nothing(policy: HFPolicy) -> None:
    requests = mixed(group=4)
    whole = policy.generate(requests)
    policy.max_batch_tokens = 150
    assert [one.ids for one in policy.generate(requests)] == [one.ids for one in whole]


def test_rows_may_have_settings_and_budgets_of_their_own(policy: HFPolicy) -> None:
    plans = [Sampling(1), Sampling(5, 0.0), Sampling(40, 1.0, 0.5), Sampling(9, 2.0, 1.0, 3)]
    requests = [ask(STEM, i, plan) for i, plan in enumerate(plans)]
    completions = policy.generate(requests)
    assert [one.ids for one in completions] == [policy.generate([request])[0].ids for request in requests]
    assert all(len(one.ids) <= plan.max_tokens for one, plan in zip(completions, plans, strict=True))


def test_first_tokens_are_distributed_as_the_model_says(policy: HFPolicy) -> None:
    count = 4000
    request = ask("x")
    context = policy.contexts.ids(request)
    drawn = policy.generate([Request([], ids=context, seed=seed, sampling=Sampling(1)) for seed in range(count)])
    seen = torch.bincount(torch.tensor([one.ids[0] for one in drawn]), minlength=len(policy.vocabulary.tokenizer))
    with torch.no_grad():
        expected = policy.model(torch.tensor([context])).logits[0, -1].double().softmax(-1) * count
    order = expected.argsort(descending=True)
    bins = [order[i::25] for i in range(25)]  # pooled, so that every cell has a hundred draws or more
    cells = torch.tensor([[float(seen[b].sum()), float(expected[b].sum())] for b in bins])
    chi2 = float(((cells[:, 0] - cells[:, 1]) ** 2 / cells[:, 1]).sum())
    assert cells[:, 1].min() > 50
    assert chi2 < 64  # 24 degrees of freedom: p is about 2e-5, and the seeds are fixed


def test_the_end_token_ends_and_is_kept_among_the_ids(tiny: tuple[Any, Any]) -> None:
    policy = HFPolicy(*tiny)
    free = policy.generate([ask("x", 3, Sampling(12))])[0]
    end = free.ids[4]
    first = free.ids.index(end)
    policy.vocabulary = type(policy.vocabulary)(policy.vocabulary.tokenizer, frozenset({end}), ())
    ended = policy.generate([ask("x", 3, Sampling(12))])[0]
    assert ended.ids == free.ids[: first + 1]
    assert ended.finish == "stop"
    assert ended.text == policy.vocabulary.tokenizer.decode(ended.ids[:-1], skip_special_tokens=True)
    assert free.finish == "length"


def test_a_stop_string_cuts_the_text_and_keeps_its_last_token(policy: HFPolicy) -> None:
    free = policy.generate([ask("x", 5, Sampling(40))])[0]
    stop = next(free.text[i : i + 2] for i in range(6, len(free.text)) if free.text[i : i + 2].isascii())
    cut = policy.generate([ask("x", 5, Sampling(40, stop=("never to be seen", stop)))])[0]
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.ids == free.ids[: len(cut.ids)]
    assert cut.finish == "stop"
    decode = policy.vocabulary.tokenizer.decode
    assert stop in decode(cut.ids)
    assert stop not in decode(cut.ids[:-1])


def test_placeholders_and_nameless_rows_are_never_drawn(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    policy = HFPolicy(model, tokenizer)
    likely = policy.generate([ask("x", sampling=Sampling(1, 0.0))])[0].ids[0]
    model.config.image_token_id = likely
    try:
        banned = HFPolicy(model, tokenizer)
        assert likely in banned.vocabulary.banned
        drawn = banned.generate([ask("x", seed, Sampling(20)) for seed in range(20)])
        assert all(likely not in one.ids for one in drawn)
        assert banned.generate([ask("x", sampling=Sampling(1, 0.0))])[0].ids[0] != likely
    finally:
        del model.config.image_token_id


def test_the_model_is_left_as_it_was(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    model.train()
    model.model.layers[1].eval()
    model.gradient_checkpointing_enable()
    before = [module.training for module in model.modules()]
    attention, state = model.config._attn_implementation, torch.get_rng_state()
    try:
        HFPolicy(model, tokenizer).generate(mixed())
        assert [module.training for module in model.modules()] == before
        assert model.config._attn_implementation == attention
        assert torch.equal(torch.get_rng_state(), state), "the global random state moved"
        loss = model(torch.tensor([[5, 6, 7]])).logits.sum()
        loss.backward()
        assert all(not tensor.is_inference() for tensor in [*model.parameters(), *model.buffers()])
    finally:
        model.gradient_checkpointing_disable()
        model.zero_grad()
        model.eval()


def test_the_model_is_left_as_it_was_after_an_error(tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    policy = HFPolicy(*tiny)
    assert policy.shares
    policy.model.train()
    monkeypatch.setattr("assay.agents.engines.hf.decode", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        policy.generate([ask("x")])
    assert policy.model.training
    assert policy.model.config._attn_implementation != "assay-tree"
    policy.model.eval()


def test_weights_are_live(tiny: tuple[Any, Any]) -> None:
    policy = HFPolicy(*tiny)
    before = policy.generate([ask("x", sampling=Sampling(8, 0.0))])[0]
    weight = policy.model.model.layers[0].mlp.down_proj.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    after = policy.generate([ask("x", sampling=Sampling(8, 0.0))])[0]
    with torch.no_grad():
        weight.copy_(kept)
    assert after.ids != before.ids
    assert policy.generate([ask("x", sampling=Sampling(8, 0.0))])[0] == before


def test_bfloat16(tiny: tuple[Any, Any]) -> None:
    import copy

    policy = HFPolicy(copy.deepcopy(tiny[0]).to(torch.bfloat16), tiny[1])
    assert policy.shares
    requests = mixed()
    for request, completion in zip(requests, policy.generate(requests), strict=True):
        expected, _ = forward(policy, request, completion)
        assert completion.logprobs == pytest.approx(expected, abs=0.15)


def test_lora(tiny: tuple[Any, Any]) -> None:
    import copy

    from assay.agents.models import with_lora

    model = with_lora(copy.deepcopy(tiny[0]), 4, 8.0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05, generator=torch.Generator().manual_seed(1))
    policy = HFPolicy(model.eval(), tiny[1])
    assert policy.shares
    plain = HFPolicy(*tiny).generate(mixed())
    completions = policy.generate(mixed())
    assert [one.ids for one in completions] != [one.ids for one in plain]
    for request, completion in zip(mixed(), completions, strict=True):
        assert completion.logprobs == pytest.approx(forward(policy, request, completion)[0], abs=1e-4)


def test_mistakes_are_one_line(tiny: tuple[Any, Any]) -> None:
    policy = HFPolicy(*tiny)
    limit = tiny[0].config.max_position_embeddings
    with pytest.raises(ValueError, match=f"fills the model's {limit}"):
        policy.generate([Request([], ids=tuple([5] * limit))])
    with pytest.raises(ValueError, match="at least 1"):
        policy.generate([ask("x", sampling=Sampling(0))])
    with pytest.raises(ValueError, match="vllm is not available yet"):
        make_engine("vllm", *tiny)
    room = policy.generate([Request([], ids=tuple([5] * (limit - 4)), sampling=Sampling(64))])[0]
    assert len(room.ids) <= 4


def test_waves_hold_what_they_may() -> None:
    contexts = [(1,) * 50, (1,) * 50, (2,) * 10, (1,) * 50]
    for shared, expected in ((True, 50 + 3 * 10), (False, 3 * 60)):
        found = list(waves(contexts, [10] * 4, [()] * 4, limit=expected, shared=shared))
        assert sorted(i for wave in found for i in wave.rows) == [0, 1, 2, 3]
        for wave in found:
            per_context = [len(ids) for ids in wave.contexts]
            held = sum(per_context) if shared else sum(per_context[owner] for owner in wave.owners)
            assert held + 10 * len(wave.rows) <= expected
    assert [wave.rows for wave in waves(contexts, [10] * 4, [()] * 4, limit=1, shared=True)] == [[2], [0], [1], [3]]
