"""Action masks: the sets of NLPO's examples, and completions that are drawn from them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.agents.engines.action_mask import ActionMask, OutsideMaskError, special_ids, unsampled_ids
from assay.agents.engines.hf import HFPolicy
from assay.agents.engines.hf_cb import ContinuousPolicy
from assay.agents.engines.sampling import uniforms
from assay.agents.policy import Request, Sampling
from assay.agents.tiny import tiny_model

PSI = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
CONTEXTS = ["free prize", "are we still on for lunch tomorrow, or shall we take the day after?", "x"]


def test_the_numbers_of_the_paper() -> None:
    mask = ActionMask(top_p=0.9, min_tokens=1)
    assert mask.allowed(PSI).tolist() == [[True, True, True, False]]
    within = PSI.masked_fill(~mask.allowed(PSI), -torch.inf).softmax(-1)
    assert within[0].tolist() == pytest.approx([0.526316, 0.315789, 0.157895, 0.0], abs=1e-6)
    assert replace(mask, min_tokens=4).allowed(PSI).all()
    assert replace(mask, min_tokens=400).allowed(PSI).all()
    assert mask.fitted(special=[3], banned=[]).allowed(PSI).all()


@pytest.mark.parametrize("kind", ["learned_top_k", "topk"])
def test_sets_of_a_size(kind: Any) -> None:
    assert ActionMask(kind, top_k=2, min_tokens=1).allowed(PSI).tolist() == [[True, True, False, False]]
    assert ActionMask(kind, top_k=1, min_tokens=3).allowed(PSI).tolist() == [[True, True, True, False]]
    level = torch.zeros(1, 4)
    assert ActionMask(kind, top_k=2, min_tokens=1).allowed(level).tolist() == [[True, True, False, False]]


def test_special_tokens_are_kept_unless_they_are_not_to_be_and_banned_ones_never_are() -> None:
    mask = ActionMask(top_p=0.55, min_tokens=1)
    assert mask.allowed(PSI).tolist() == [[True, True, False, False]]
    assert mask.fitted([3], [0]).allowed(PSI).tolist() == [[False, True, False, True]]  # .3 of the .5 left is enough
    assert replace(mask, keep_special=False).fitted([3], []).allowed(PSI).tolist() == [[True, True, False, False]]
    assert mask.fitted([0], [0, 1, 2]).allowed(PSI).tolist() == [[False, False, False, True]]


def slow_set(scores: torch.Tensor, top_p: float, least: int) -> set[int]:
    """By the definition, one token at a time."""
    kept: set[int] = set()
    mass, logits, probs = 0.0, scores.tolist(), scores.double().softmax(-1).tolist()
    for token in sorted(range(len(probs)), key=lambda i: (-logits[i], i)):
        if mass > top_p and len(kept) >= least:
            break
        kept.add(token)
        mass += probs[token]
    return kept


@given(
    st.lists(st.floats(-6, 6), min_size=1, max_size=12),
    st.floats(0.01, 0.99),
    st.integers(1, 14),
)
@settings(max_examples=200, deadline=None)
def test_the_set_is_the_definition(logits: list[float], top_p: float, least: int) -> None:
    scores = torch.tensor([logits])
    mask = ActionMask(top_p=top_p, min_tokens=least)
    found = {i for i, kept in enumerate(mask.allowed(scores)[0].tolist()) if kept}
    near = [slow_set(scores[0], top_p + slack, least) for slack in (-1e-5, 1e-5)]
    assert near[0] <= found <= near[1]
    assert mask.allowed(scores.repeat(3, 1)).tolist() == mask.allowed(scores).tolist() * 3


def test_a_mass_of_one_keeps_the_whole_tail() -> None:
    scores = torch.cat([torch.tensor([60.0]), torch.zeros(9999)]).unsqueeze(0)
    assert ActionMask(top_p=1.0, min_tokens=1).allowed(scores).all()
    assert ActionMask(top_p=0.999999, min_tokens=1).allowed(scores).sum() == 1


@pytest.mark.parametrize(
    "wrong", [{"kind": "top"}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_p": float("nan")}, {"top_k": 0}, {"min_tokens": 0}]
)
def test_numbers_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mask"):
        ActionMask(**wrong)


def requests(mask: ActionMask | None, count: int = 6, sampling: Sampling = Sampling(10)) -> list[Request]:  # noqa: B008
    plan = replace(sampling, mask=mask)
    return [
        Request([{"role": "user", "content": text}], seed=100 * i + j, sampling=plan)
        for i, text in enumerate(CONTEXTS)
        for j in range(count)
    ]


@pytest.fixture(params=["tree", "plain"])
def policy(request: pytest.FixtureRequest, tiny: tuple[Any, Any]) -> HFPolicy:
    other = tiny_model(seed=1)[0]
    made = HFPolicy(*tiny, frozen={"mask": other}.__getitem__)
    if request.param == "plain":
        made.shares = False  # type: ignore[misc]
    return made


def logits_at(model: Any, context: tuple[int, ...], ids: tuple[int, ...]) -> torch.Tensor:
    """[len(ids), V] by one plain forward pass."""
    with torch.no_grad():
        out: torch.Tensor = model(torch.tensor([[*context, *ids]])).logits[0, len(context) - 1 : -1].float()
    return out


@pytest.mark.parametrize("kind", ["learned_top_p", "learned_top_k", "topk"])
def test_every_token_is_in_the_set_of_a_plain_forward_pass(policy: HFPolicy, kind: Any) -> None:
    mask = ActionMask(kind, top_p=0.5, top_k=5, min_tokens=2)
    fitted = mask.fitted(special_ids(policy.model, policy.tokenizer, policy.contexts.chat), policy.vocabulary.banned)
    assert fitted.never == unsampled_ids(policy.model, policy.tokenizer)
    assert policy.frozen is not None
    model = policy.model if kind == "topk" else policy.frozen("mask")
    asked, outside = requests(mask), 0
    for request, completion in zip(asked, policy.generate(asked), strict=True):
        context = policy.contexts.ids(request)
        logits = logits_at(policy.model, context, completion.ids)
        drawn = torch.tensor(completion.ids)[:, None]
        assert fitted.allowed(logits_at(model, context, completion.ids)).gather(-1, drawn).all()
        assert completion.logprobs == pytest.approx(logits.log_softmax(-1).gather(-1, drawn)[:, 0].tolist(), abs=1e-4)
    for request, completion in zip(asked, policy.generate(requests(None)), strict=True):
        scores = logits_at(model, policy.contexts.ids(request), completion.ids)
        outside += int((~fitted.allowed(scores).gather(-1, torch.tensor(completion.ids)[:, None])).sum())
    assert outside > 10, "the mask would have restricted nothing"


def test_tokens_are_those_of_the_restricted_distribution(policy: HFPolicy) -> None:
    mask = ActionMask(top_p=0.7, min_tokens=1)
    fitted = mask.fitted(special_ids(policy.model, policy.tokenizer, policy.contexts.chat), policy.vocabulary.banned)
    assert policy.frozen is not None
    asked = requests(mask, 12, Sampling(1))
    for request, completion in zip(asked, policy.generate(asked), strict=True):
        context = policy.contexts.ids(request)
        own, theirs = logits_at(policy.model, context, (0,)), logits_at(policy.frozen("mask"), context, (0,))
        cdf = own.masked_fill(~fitted.allowed(theirs), -torch.inf).softmax(-1).double().cumsum(-1)[0]
        place = int((cdf <= uniforms(request.seed, 1)[0] * cdf[-1]).sum())
        assert completion.ids == (place,)


def test_a_mask_that_keeps_all_changes_nothing(policy: HFPolicy) -> None:
    vocab = policy.model.config.vocab_size
    free = policy.generate(requests(None))
    for mask in (ActionMask(top_p=1.0, min_tokens=1), ActionMask(top_p=0.1, min_tokens=vocab)):
        assert policy.generate(requests(mask)) == free


def test_masked_and_free_requests_may_come_together(policy: HFPolicy) -> None:
    mask = ActionMask(top_p=0.3, min_tokens=1)
    mixed = [one for pair in zip(requests(mask), requests(None), strict=True) for one in pair]
    together = policy.generate(mixed)
    assert [one.ids for one in together[::2]] == [one.ids for one in policy.generate(requests(mask))]
    assert [one.ids for one in together[1::2]] == [one.ids for one in policy.generate(requests(None))]


def test_waves_change_nothing(policy: HFPolicy) -> None:
    asked = requests(ActionMask(top_p=0.5, min_tokens=3))
    whole = policy.generate(asked)
    policy.max_batch_tokens = 150
    assert [one.ids for one in policy.generate(asked)] == [one.ids for one in whole]


def test_the_next_completions_are_masked_by_the_refreshed_policy(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    psi, later = tiny_model(seed=1)[0], tiny_model(seed=2)[0]
    policy = HFPolicy(model, tokenizer, frozen={"mask": psi}.__getitem__)
    asked = requests(ActionMask(top_p=0.3, min_tokens=1, keep_special=False))
    before = policy.generate(asked)
    assert policy.generate(asked) == before
    psi.load_state_dict(later.state_dict())  # in place, as a refresh is
    after = policy.generate(asked)
    assert after == HFPolicy(model, tokenizer, frozen={"mask": later}.__getitem__).generate(asked)
    assert [one.ids for one in after] != [one.ids for one in before]


def test_the_mask_policy_is_left_as_it_was(tiny: tuple[Any, Any]) -> None:
    psi = copy.deepcopy(tiny[0]).train()
    HFPolicy(*tiny, frozen={"mask": psi}.__getitem__).generate(requests(ActionMask()))
    assert all(module.training for module in psi.modules())


def test_a_token_outside_its_mask_is_an_error(tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    policy = HFPolicy(*tiny)
    monkeypatch.setattr("assay.agents.engines.decode.draw", lambda logits, *_: logits.argmin(-1))
    with pytest.raises(OutsideMaskError, match="forbids"):
        policy.generate(requests(ActionMask("topk", top_k=3, min_tokens=1)))


def test_engines_that_cannot_mask_say_so(tiny: tuple[Any, Any]) -> None:
    asked = requests(ActionMask(), 1)
    with pytest.raises(ValueError, match="frozen policy 'mask'"):
        HFPolicy(*tiny).generate(asked)
    with pytest.raises(ValueError, match="cannot mask actions: use the hf engine"):
        ContinuousPolicy(*tiny).generate(asked)
