"""Decoding with one cache row a completion: the way that works with every transformers decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


class PlainState:
    """A padded batch of contexts, encoded once each, whose cache rows are then copied to the completions.

    Args:
        model: a causal language model.
        contexts: distinct token contexts; padded on the left.
        owners: for each completion, which context it continues.
        features: further inputs of the model (pixels), for a single context that is then not padded. The model then
            counts positions itself: multimodal ones may have two or three axes.

    Raises:
        ValueError: if the model keeps no cache that rows can be copied in.
    """

    allowed = None

    def __init__(
        self,
        model: Any,
        contexts: Sequence[Sequence[int]],
        owners: Sequence[int],
        features: dict[str, Tensor] | None = None,
    ) -> None:
        self.model = model
        device = next(model.parameters()).device
        ids, mask = left_pad(contexts, device)
        self.counted_by_model = bool(features)
        where = {} if self.counted_by_model else {"position_ids": positions_of(mask)}
        out = model(input_ids=ids, attention_mask=mask, use_cache=True, logits_to_keep=1, **where, **(features or {}))
        self.cache: Any = getattr(out, "past_key_values", None)
        if not hasattr(self.cache, "reorder_cache"):
            raise ValueError(f"{type(model).__name__} keeps no cache whose rows can be copied: the hf engine needs one")
        self.mask = mask
        self.logits = out.logits[:, -1]
        if list(owners) != list(range(len(contexts))):
            self.keep(owners)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order; a row may occur many times."""
        index = torch.tensor(rows, device=self.mask.device)
        self.cache.reorder_cache(index)
        self.mask = self.mask[index]
        self.logits = self.logits[index]

    def step(self, tokens: Tensor) -> None:
        """Append one token [R] to each row."""
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], -1)
        where = {} if self.counted_by_model else {"position_ids": self.mask.sum(-1, keepdim=True) - 1}
        out = self.model(
            input_ids=tokens.unsqueeze(-1),
            attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
            **where,
        )
        self.logits = out.logits[:, -1]


def left_pad(contexts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, int64 [U, S]. Padding holds token 0 and is never attended to."""
    longest = max(map(len, contexts))
    ids = torch.zeros((len(contexts), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, context in enumerate(contexts):
        ids[i, longest - len(context) :] = torch.tensor(context)
        mask[i, longest - len(context) :] = 1
    return ids.to(device), mask.to(device)


def positions_of(mask: Tensor) -> Tensor:
    """Positions [U, S] that count real tokens only; 0 under padding."""
    return (mask.cumsum(-1) - 1).clamp(min=0)
