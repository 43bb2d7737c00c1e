"""The transformers policy: exact tokens and log-probabilities, every shared context encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch

from assay.agents.chat import Chat
from assay.agents.engines.decode import Row, State, Vocabulary, decode
from assay.agents.engines.features import image_features
from assay.agents.engines.plain import PlainState
from assay.agents.engines.tree import TreeState, follows_tree
from assay.agents.engines.vocabulary import banned_ids, end_ids
from assay.agents.engines.waves import Wave, waves
from assay.agents.policy import Completion, Request


class HFPolicy:
    """Samples from a live transformers model: the trainer's own weights, so there is nothing to synchronise.

    Requests with equal ids share one prefill. A completion depends on its own context, seed and sampling: what else is
    in the batch changes it only through the rounding of the forward pass. Log-probabilities are those of the raw
    logits at temperature 1 over the whole vocabulary, before top-k, top-p and the ban on placeholder tokens, so they
    are what a plain forward pass of a trainer gives. While it samples the model is in eval mode without gradients;
    afterwards every module is as it was.

    Args:
        model: a causal language model, or a vision-language one; peft models too.
        tokenizer: its tokenizer, or its processor.
        max_batch_tokens: tokens whose keys and values are held at a time; more requests are answered in waves.
        chat: renders requests that carry messages only; by default the tokenizer's own template.
    """

    def __init__(self, model: Any, tokenizer: Any, *, max_batch_tokens: int = 32_768, chat: Chat | None = None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_batch_tokens = max_batch_tokens
        inner = getattr(tokenizer, "tokenizer", tokenizer)
        self.chat = chat or (Chat(tokenizer) if inner.chat_template else None)
        text = model.config.get_text_config()
        self.context = int(getattr(text, "max_position_embeddings", 0) or 2**31)
        vocab = model.get_output_embeddings().weight.shape[0]
        self.vocabulary = Vocabulary(inner, end_ids(model, tokenizer, self.chat), banned_ids(model, tokenizer, vocab))

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order.

        Raises:
            ValueError: if a request has neither ids nor a chat template to make them, or leaves no room in the context.
        """
        contexts = [request.ids or self._render(request) for request in requests]
        rows = [self._row(request, len(ids)) for request, ids in zip(requests, contexts, strict=True)]
        images = [request.images for request in requests]
        budgets = [row.budget for row in rows]
        with sampling_mode(self.model):
            for wave in waves(contexts, budgets, images, limit=self.max_batch_tokens, shared=self.shares):
                live = [rows[i] for i in wave.rows]
                decode(self._state(wave, max(row.budget for row in live)), live, self.vocabulary)
        return [self.vocabulary.completion(row) for row in rows]

    @cached_property
    def shares(self) -> bool:
        """Whether contexts are held once for all their rows; else each row has its own copy."""
        with sampling_mode(self.model):
            return follows_tree(self.model)

    def _render(self, request: Request) -> tuple[int, ...]:
        if self.chat is None:
            raise ValueError("the model has no chat template: give requests with ids, or set tokenizer.chat_template")
        return self.chat.open(request.messages)

    def _row(self, request: Request, length: int) -> Row:
        room = self.context - length
        if room < 1:
            raise ValueError(f"a context of {length} tokens fills the model's {self.context}: shorten the prompt")
        if request.sampling.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")
        return Row(request.seed, request.sampling, min(request.sampling.max_tokens, room))

    def _state(self, wave: Wave, budget: int) -> State:
        if wave.images:
            features = image_features(self.model, self.tokenizer, wave.contexts[0], wave.images)
            return PlainState(self.model, wave.contexts, wave.owners, features)
        if self.shares:
            return TreeState(self.model, wave.contexts, wave.owners, budget)
        return PlainState(self.model, wave.contexts, wave.owners)


@contextmanager
def sampling_mode(model: Any) -> Iterator[None]:
    """Eval mode without gradients; every module's own mode is restored.

    Not ``inference_mode``: buffers that a model renews while it runs would become tensors that no later backward pass
    may touch.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
