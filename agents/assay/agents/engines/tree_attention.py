"""Attention of one new token a row to keys that many rows share.

Three levels: the prefix common to all contexts (held once), the rest of a row's context (held once a context), and the
tokens drawn since (the row's own). The scores of the three are joined under one softmax, so the result is ordinary
attention up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

NAME = "assay-tree"
"""The name that the attention function is registered under."""
UNSUPPORTED = ("softcap", "s_aux", "sliding_window", "position_bias")
"""Arguments of attention variants that differ from softmax(q k) v over all of the past."""


@dataclass(frozen=True)
class Level:
    """Keys and values that several rows share: for each layer [N, H, S, D]; ``mask`` bool [N, S], True at tokens."""

    keys: list[Tensor]
    values: list[Tensor]
    mask: Tensor


@dataclass(frozen=True)
class Tree:
    """What the attention function reads besides a row's own tokens.

    Attributes:
        common: N = 1, all of it tokens; None where the contexts share nothing.
        contexts: one entry a context; None where the common prefix is all there is.
        slot: int64 [R], a row's seat in a grid of contexts by ``width``, so that the rows of a context, however many
            are left, meet its keys in one product.
        width: seats a context.
    """

    common: Level | None
    contexts: Level | None
    slot: Tensor
    width: int


def tree_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    assay_tree: Tree | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """An attention function of transformers' interface.

    Args:
        module: the attention layer; its ``layer_idx`` picks the shared keys and values.
        query: [R, Hq, 1, D].
        key: the row's own tokens, the new one included, [R, H, T, D]; Hq is a multiple of H.
        value: the same.
        attention_mask: unused; every own token is visible.
        scaling: factor of the scores; by default D ** -0.5.
        assay_tree: the shared levels.
        kwargs: none of :data:`UNSUPPORTED` may be set.

    Returns:
        [R, 1, Hq, D], and None in place of attention weights.

    Raises:
        ValueError: if the model does not pass the tree on, gives several tokens a row, or wants another attention.
    """
    if assay_tree is None or query.shape[2] != 1 or any(kwargs.get(name) is not None for name in UNSUPPORTED):
        raise ValueError("tree attention needs its tree, one token a row, and plain softmax attention")
    rows, heads, _, size = query.shape
    held, layer = key.shape[1], module.layer_idx
    grouped = query.reshape(rows, held, heads // held, size) * (size**-0.5 if scaling is None else scaling)
    scores, shared = [], []
    if assay_tree.common is not None:
        shared.append((_beside, assay_tree.common.values[layer]))
        scores.append(_beside(grouped, assay_tree.common.keys[layer].transpose(-1, -2)))
    if assay_tree.contexts is not None:
        seats = _Seats(assay_tree, assay_tree.contexts.mask.shape[0])
        shared.append((seats, assay_tree.contexts.values[layer]))
        score = seats(grouped, assay_tree.contexts.keys[layer].transpose(-1, -2))
        hidden = ~assay_tree.contexts.mask[torch.div(assay_tree.slot, assay_tree.width, rounding_mode="floor")]
        scores.append(score.masked_fill(hidden[:, None, None], -torch.inf))
    scores.append(grouped @ key.transpose(-1, -2))
    weights = torch.softmax(torch.cat(scores, -1), -1, dtype=torch.float32).to(query.dtype)
    *parts, own = torch.split(weights, [score.shape[-1] for score in scores], -1)
    mixed = own @ value
    for part, (product, values) in zip(parts, shared, strict=True):
        mixed = mixed + product(part, values)
    return mixed.reshape(rows, 1, heads, size), None


def _beside(x: Tensor, shared: Tensor) -> Tensor:
    """x [R, H, n, A] times shared [1, H, A, B]: all rows side by side in one product a head."""
    rows, held, per, last = x.shape
    flat = x.transpose(0, 1).reshape(held, rows * per, last)
    return (flat @ shared[0]).view(held, rows, per, -1).transpose(0, 1)


@dataclass(frozen=True)
class _Seats:
    """x [R, H, n, A] times what contexts hold, [N, H, A, B]: rows seated in a grid, one product a context and head."""

    tree: Tree
    count: int

    def __call__(self, x: Tensor, shared: Tensor) -> Tensor:
        _, held, per, last = x.shape
        width = self.tree.width
        grid = x.new_zeros((self.count * width, held, per, last))
        grid[self.tree.slot] = x
        flat = (
            grid.view(self.count, width, held, per, last).transpose(1, 2).reshape(self.count, held, width * per, last)
        )
        out = (flat @ shared).view(self.count, held, width, per, -1).transpose(1, 2)
        return out.reshape(self.count * width, held, per, -1)[self.tree.slot]


@contextmanager
def using_tree_attention(model: Any) -> Iterator[None]:
    """The model attends through :func:`tree_attention` inside the block."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, tree_attention)
    config = model.config.get_text_config()
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
