"""The transformers policy: exact tokens and log-probabilities, every shared context encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from assay.agents.chat import Chat
from assay.agents.engines.action_mask import ActionMask, MaskedState, special_ids
from assay.agents.engines.contexts import Contexts
from assay.agents.engines.decode import Row, State, Vocabulary, decode
from assay.agents.engines.features import image_features
from assay.agents.engines.modes import sampling_mode
from assay.agents.engines.plain import PlainState
from assay.agents.engines.tree import TreeState, follows_tree
from assay.agents.engines.vocabulary import banned_ids, end_ids
from assay.agents.engines.waves import Wave, waves
from assay.agents.policy import Completion, Request


class HFPolicy:
    """Samples from a live transformers model: the trainer's own weights, so there is nothing to synchronise.

    Requests with equal ids share one prefill. A completion depends on its own context, seed and sampling: what else is
    in the batch changes it only through the rounding of the forward pass. Log-probabilities are those of the raw
    logits at temperature 1 over the whole vocabulary, before an action mask, top-k, top-p and the ban on placeholder
    tokens, so they are what a plain forward pass of a trainer gives. A request with an action mask draws from the
    model restricted to the mask's tokens; the policy that masks runs beside, with a cache of its own. While it samples
    the model is in eval mode without gradients; afterwards every module is as it was.

    Args:
        model: a causal language model, or a vision-language one; peft models too.
        tokenizer: its tokenizer, or its processor.
        max_batch_tokens: tokens whose keys and values are held at a time; more requests are answered in waves.
        chat: renders requests that carry messages only; by default the tokenizer's own template.
        frozen: gives the model that an action mask names, asked anew at each call of :meth:`generate`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_batch_tokens: int = 32_768,
        chat: Chat | None = None,
        frozen: Callable[[str], Any] | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_batch_tokens = max_batch_tokens
        self.frozen = frozen
        self.contexts = Contexts(model, tokenizer, chat)
        vocab = model.get_output_embeddings().weight.shape[0]
        self.vocabulary = Vocabulary(
            getattr(tokenizer, "tokenizer", tokenizer),
            end_ids(model, tokenizer, self.contexts.chat),
            banned_ids(model, tokenizer, vocab),
        )

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order.

        Raises:
            ValueError: if a request has neither ids nor a chat template to make them, leaves no room in the context,
                or has an action mask of a policy that is not known.
        """
        contexts = [self.contexts.ids(request) for request in requests]
        budgets = [self.contexts.budget(one, len(ids)) for one, ids in zip(requests, contexts, strict=True)]
        rows = [Row(one.seed, one.sampling, budget) for one, budget in zip(requests, budgets, strict=True)]
        with sampling_mode(self.model):
            for mask in dict.fromkeys(row.sampling.mask for row in rows):
                mine = [i for i, row in enumerate(rows) if row.sampling.mask == mask]
                seen = [requests[i].images for i in mine]
                self._decode(mask, [contexts[i] for i in mine], seen, [rows[i] for i in mine])
        return [self.vocabulary.completion(row.ids, row.logprobs, row.sampling.stop) for row in rows]

    @cached_property
    def shares(self) -> bool:
        """Whether contexts are held once for all their rows; else each row has its own copy."""
        with sampling_mode(self.model):
            return follows_tree(self.model)

    def _decode(
        self,
        mask: ActionMask | None,
        contexts: Sequence[tuple[int, ...]],
        images: Sequence[tuple[Any, ...]],
        rows: Sequence[Row],
    ) -> None:
        """Fill rows that have one mask."""
        budgets = [row.budget for row in rows]
        masker = None if mask is None or not mask.learned else self._masker(mask)
        limit = self.max_batch_tokens if masker is None else self.max_batch_tokens // 2  # both hold keys and values
        rule = None if mask is None else mask.fitted(self._special, self.vocabulary.banned)
        with nullcontext() if masker is None else sampling_mode(masker):
            for wave in waves(contexts, budgets, images, limit=limit, shared=self.shares):
                live = [rows[i] for i in wave.rows]
                budget = max(row.budget for row in live)
                state = self._state(self.model, wave, budget)
                if rule is not None:
                    beside = None if masker is None else self._state(masker, wave, budget)
                    state = MaskedState(rule, state, beside)
                decode(state, live, wave.owners, self.vocabulary)

    def _masker(self, mask: ActionMask) -> Any:
        if self.frozen is None:
            raise ValueError(f"the action mask looks at the frozen policy {mask.against!r}, and this engine has none")
        return self.frozen(mask.against)

    @cached_property
    def _special(self) -> frozenset[int]:
        return special_ids(self.model, self.tokenizer, self.contexts.chat)

    def _state(self, model: Any, wave: Wave, budget: int) -> State:
        lanes = range(len(wave.contexts))
        if self.shares:
            return TreeState(model, wave.contexts, lanes, budget, self.tokenizer, wave.images)
        features = image_features(model, self.tokenizer, wave.contexts[:1], wave.images[:1])
        return PlainState(model, wave.contexts, lanes, features)
