"""transformers' continuous batching as a policy: paged keys and values, rows join and leave at every step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from assay.agents.chat import Chat
from assay.agents.engines.contexts import Contexts
from assay.agents.engines.decode import Vocabulary
from assay.agents.engines.modes import own_random_state, sampling_mode
from assay.agents.engines.scoring import score_rows
from assay.agents.engines.vocabulary import end_ids
from assay.agents.policy import Completion, Request, Sampling

PAGE = 32
"""Tokens of a page of the cache."""
Drawn = tuple[list[int], list[float]]
"""Token ids and their log-probabilities."""


class ContinuousPolicy:
    """Samples from a live model through ``generate_batch``; text only, meant for one GPU, runs on a CPU too.

    Against :class:`~assay.agents.engines.hf.HFPolicy`: the paged cache shares blocks of equal prefixes, and rows of
    very different lengths cost no padding; but the batch draws from one stream in the order of its scheduler, so seeds
    decide completions only together and a run is not repeatable token by token. Stop strings cut off what was drawn
    beyond them. Log-probabilities are of the raw logits at temperature 1: the sampler's own where it drew from those,
    else taken by one more forward pass.

    Args:
        model: a causal language model; peft models too.
        tokenizer: its tokenizer.
        max_batch_tokens: tokens whose keys and values are held at a time; further requests wait in the queue.
        chat: renders requests that carry messages only; by default the tokenizer's own template.
        batching: further fields of transformers' ``ContinuousBatchingConfig``.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, max_batch_tokens: int = 32_768, chat: Chat | None = None, **batching: Any
    ) -> None:
        self.model = model
        self.max_batch_tokens = max_batch_tokens
        self.batching = batching
        self.contexts = Contexts(model, tokenizer, chat)
        self.vocabulary = Vocabulary(tokenizer, end_ids(model, tokenizer, self.contexts.chat), ())

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order.

        Raises:
            ValueError: if a request has images or an action mask, or neither ids nor a chat template to make them, or
                a context too long.
            RuntimeError: if the batching engine gave up on a request.
        """
        if any(request.sampling.mask is not None for request in requests):
            raise ValueError("the hf-cb engine cannot mask actions: use the hf engine")
        if any(request.images for request in requests):
            raise ValueError("the hf-cb engine reads text only: use the hf engine for images")
        contexts = [self.contexts.ids(request) for request in requests]
        groups: dict[Sampling, list[int]] = {}
        for i, (request, ids) in enumerate(zip(requests, contexts, strict=True)):
            one = request.sampling
            plan = Sampling(self.contexts.budget(request, len(ids)), one.temperature, one.top_p, one.top_k)
            groups.setdefault(plan, []).append(i)
        done: dict[int, Completion] = {}
        with sampling_mode(self.model), own_random_state(next(self.model.parameters()).device):
            for plan, members in groups.items():
                drawn = self._batch([contexts[i] for i in members], plan, [requests[i].seed for i in members])
                done.update({i: self._cut(requests[i], *row) for i, row in zip(members, drawn, strict=True)})
        return [done[i] for i in range(len(requests))]

    def _batch(self, contexts: list[tuple[int, ...]], plan: Sampling, seeds: list[int]) -> list[Drawn]:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        greedy = plan.temperature <= 0
        warp = {} if greedy else {"temperature": plan.temperature, "top_p": plan.top_p, "top_k": plan.top_k}
        outputs = self.model.generate_batch(
            [list(ids) for ids in contexts],
            generation_config=GenerationConfig(
                do_sample=not greedy,
                max_new_tokens=plan.max_tokens,
                eos_token_id=sorted(self.vocabulary.ends) or -1,
                pad_token_id=self.vocabulary.tokenizer.pad_token_id,
                **warp,
            ),
            continuous_batching_config=ContinuousBatchingConfig(
                **self._pages(contexts, plan.max_tokens), return_logprobs=True, seed=_joint(seeds), **self.batching
            ),
        ).values()
        errors = [output.error for output in outputs if output.error is not None]
        if errors or len(outputs) != len(contexts):
            raise RuntimeError(f"continuous batching gave up: {errors[0] if errors else 'its thread ended early'}")
        drawn = [list(output.generated_tokens) for output in outputs]
        if greedy or plan == Sampling(plan.max_tokens):
            return list(zip(drawn, (list(output.logprobs) for output in outputs), strict=True))
        return list(zip(drawn, score_rows(self.model, contexts, drawn), strict=True))

    def _pages(self, contexts: list[tuple[int, ...]], budget: int) -> dict[str, int]:
        """Sizes of the cache; left to itself it takes nearly all the memory there is."""
        needed = sum(-(-(len(ids) + budget) // PAGE) + 1 for ids in contexts)
        longest = max(-(-(len(ids) + budget) // PAGE) + 1 for ids in contexts)
        pages = max(longest, min(needed, self.max_batch_tokens // PAGE)) + 1
        return {"page_size": PAGE, "num_blocks": pages, "max_batch_tokens": min(pages * PAGE, 8192)}

    def _cut(self, request: Request, ids: list[int], logprobs: list[float]) -> Completion:
        """The completion as if drawing had ended with the token that completed a stop string."""
        stop = request.sampling.stop
        lengths = range(1, len(ids) + 1) if stop else ()
        length = next((n for n in lengths if self.vocabulary.stopped(ids[:n], stop)), len(ids))
        return self.vocabulary.completion(ids[:length], logprobs[:length], stop)


def _joint(seeds: list[int]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(seeds).encode(), digest_size=4).digest(), "big")
