"""Log-probabilities of given tokens under a model: one padded row each, or many short tails behind one context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from assay.agents.engines.plain import left_pad, positions_of

if TYPE_CHECKING:
    from torch import Tensor


def score_rows(
    model: Any, contexts: Sequence[Sequence[int]], tails: Sequence[Sequence[int]], rows: int = 8
) -> list[list[float]]:
    """The log-probability of each token of each tail after its context, at temperature 1, ``rows`` rows at a time.

    Args:
        model: a causal language model.
        contexts: token ids, none empty.
        tails: token ids, none empty.
        rows: rows of a forward pass.
    """
    scores: list[list[float]] = []
    device = next(model.parameters()).device
    for start in range(0, len(tails), rows):
        part = tails[start : start + rows]
        whole = [[*context, *tail] for context, tail in zip(contexts[start : start + rows], part, strict=True)]
        ids, mask = left_pad(whole, device)
        keep = max(map(len, part))
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions_of(mask), logits_to_keep=keep + 1)
        found = _pick(out.logits[:, -keep - 1 : -1], ids[:, -keep:]).tolist()
        scores.extend(row[keep - len(tail) :] for row, tail in zip(found, part, strict=True))
    return scores


def score_tails(
    model: Any, context: Sequence[int], tails: Sequence[Sequence[int]], tokens: int = 512
) -> list[list[float]]:
    """The same for many tails of one context, which is encoded once: tails lie end to end in one row.

    A mask lets each tail see the context and itself; its positions count on from the context. For models whose layers
    all attend to the whole past.

    Args:
        model: a causal language model.
        context: token ids.
        tails: token ids, none empty.
        tokens: tail tokens of a forward pass (at least one tail).
    """
    device = next(model.parameters()).device
    out = model(input_ids=torch.tensor([list(context)], device=device), use_cache=True, logits_to_keep=1)
    first = torch.log_softmax(out.logits[0, -1].float(), -1)
    cache, length = out.past_key_values, len(context)
    scores: list[list[float]] = []
    for pack in _packs(tails, tokens):
        ids = torch.tensor([[token for tail in pack for token in tail]], device=device)
        logits = model(
            input_ids=ids,
            attention_mask=_tail_mask([len(tail) for tail in pack], length, model.dtype, device),
            position_ids=torch.tensor([[length + i for tail in pack for i in range(len(tail))]], device=device),
            past_key_values=cache,
            use_cache=True,
        ).logits
        cache.crop(-ids.shape[1])
        inner = _pick(logits[:, :-1], ids[:, 1:])[0].tolist()
        end = 0
        for tail in pack:
            scores.append([float(first[tail[0]]), *inner[end : end + len(tail) - 1]])
            end += len(tail)
    return scores


def _pick(logits: Tensor, ids: Tensor) -> Tensor:
    return torch.log_softmax(logits.float(), -1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)


def _packs(tails: Sequence[Sequence[int]], tokens: int) -> list[list[Sequence[int]]]:
    packs: list[list[Sequence[int]]] = []
    held = tokens
    for tail in tails:
        if held + len(tail) > tokens:
            packs.append([])
            held = 0
        packs[-1].append(tail)
        held += len(tail)
    return packs


def _tail_mask(lengths: list[int], context: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Additive mask [1, 1, Q, context + Q]."""
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(device)
    order = torch.arange(len(owner), device=device)
    seen = (owner[:, None] == owner[None]) & (order[:, None] >= order[None])
    seen = torch.cat([seen.new_ones((len(owner), context)), seen], -1)
    return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, torch.finfo(dtype).min)[None, None]
