"""The hf engine on decoders of other makes: shared where that is exact, one row each where it is not, right in both."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from assay.agents.engines.hf import HFPolicy
from assay.agents.policy import Request, Sampling
from assay.agents.tiny import tiny_tokenizer

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
MAKES: dict[str, tuple[str, dict[str, Any], bool]] = {
    # configuration class, its own fields, whether contexts can be held once
    "qwen2": ("Qwen2Config", SHAPE, True),
    "qwen3": ("Qwen3Config", {**SHAPE, "head_dim": 16}, True),
    "mistral-window": ("MistralConfig", {**SHAPE, "sliding_window": 24}, False),
    "gemma2": ("Gemma2Config", {**SHAPE, "head_dim": 16, "sliding_window": 24}, False),
    "gemma2-softcap-only": (
        "Gemma2Config",
        {**SHAPE, "head_dim": 16, "layer_types": ["full_attention"] * 2, "attn_logit_softcapping": 2.0},
        False,
    ),
    "gpt2": ("GPT2Config", {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256, "eos_token_id": 2}, None),
    "lfm2": ("Lfm2Config", {**SHAPE, "layer_types": ["conv", "full_attention"], "conv_L_cache": 3}, False),
}


def build(name: str) -> tuple[Any, Any]:
    kind, fields, _ = MAKES[name]
    tokenizer = tiny_tokenizer()
    config = getattr(transformers, kind)(vocab_size=len(tokenizer), **fields)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.AutoModelForCausalLM.from_config(config).eval(), tokenizer


@pytest.mark.parametrize("name", MAKES)
def test_logprobs_and_independence(name: str) -> None:
    model, tokenizer = build(name)
    policy = HFPolicy(model, tokenizer)
    stem = tuple(range(10, 50))
    contexts = [stem, (*stem, 60, 61, 62), (70, 71)]
    requests = [
        Request([], ids=ids, seed=10 * i + g, sampling=Sampling(8)) for i, ids in enumerate(contexts) for g in range(3)
    ]
    expected = MAKES[name][2]
    assert expected is None or policy.shares is expected
    completions = policy.generate(requests)
    for request, completion in zip(requests, completions, strict=True):
        ids = torch.tensor([[*request.ids, *completion.ids]])
        with torch.no_grad():
            logits = model(ids).logits[0, len(request.ids) - 1 : -1].float()
        plain = logits.log_softmax(-1).gather(-1, ids[0, len(request.ids) :, None])[:, 0]
        assert completion.logprobs == pytest.approx(plain.tolist(), abs=1e-4)
    assert [one.ids for one in completions] == [policy.generate([request])[0].ids for request in requests]


def test_a_model_without_a_cache_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    config = transformers.OpenAIGPTConfig(vocab_size=len(tokenizer), n_embd=64, n_layer=2, n_head=4, n_positions=64)
    policy = HFPolicy(transformers.OpenAIGPTLMHeadModel(config).eval(), tokenizer)
    with pytest.raises(ValueError, match="keeps no cache"):
        policy.generate([Request([], ids=(5, 6, 7), sampling=Sampling(3))])
