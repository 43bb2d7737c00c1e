"""Drawing tokens: one uniform number a token, from the request's own stream, becomes a token by the inverse CDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.agents.policy import Sampling

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """The first ``count`` uniform numbers in [0, 1) of a seed's stream (Philox, counter-based; Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(key=seed % 2**128)).random(count)


def draw(logits: Tensor, units: Tensor, sampling: list[Sampling]) -> Tensor:
    """One token a row.

    The token of a row depends on its own logits, unit and sampling alone. Tokens are ordered by id in the CDF, so that
    rounding differences of the logits move a boundary by no more than themselves.

    Args:
        logits: float32 [B, V]; -inf where a token may not be drawn.
        units: float64 [B] in [0, 1); unused where the temperature is 0 (the likeliest token, ties to the lower id).
        sampling: B of them.

    Returns:
        int64 [B].
    """
    best = logits.argmax(-1)
    if all(one.temperature <= 0 for one in sampling):
        return best
    heat = torch.tensor([one.temperature for one in sampling], device=logits.device, dtype=logits.dtype)
    kept = logits / heat.clamp(min=1e-6).unsqueeze(-1)
    kept = truncate(kept, sampling)
    probs = torch.softmax(kept, -1)
    # float64 keeps the tail of a large vocabulary apart; devices without it make do
    cdf = probs.cumsum(-1, dtype=torch.float32 if logits.device.type == "mps" else torch.float64)
    total = cdf[:, -1:]
    target = torch.minimum(units.to(cdf).unsqueeze(-1) * total, torch.nextafter(total, torch.zeros_like(total)))
    drawn = torch.searchsorted(cdf, target, right=True).squeeze(-1)
    return torch.where(heat > 0, drawn, best)


def truncate(logits: Tensor, sampling: list[Sampling]) -> Tensor:
    """Top-k, then top-p (Holtzman et al. 2020): -inf for tokens left out, [B, V].

    Top-p keeps the smallest set of likeliest tokens whose probabilities, after the temperature and among the top-k, sum
    to at least ``top_p``; never fewer than one token. Ties at the edge of top-k are broken towards lower ids.
    """
    rows = [i for i, one in enumerate(sampling) if one.temperature > 0 and (one.top_k > 0 or one.top_p < 1.0)]
    if not rows:
        return logits
    index = torch.tensor(rows, device=logits.device)
    ordered, order = logits[index].sort(dim=-1, descending=True, stable=True)
    vocab = logits.shape[-1]
    ranks = torch.arange(vocab, device=logits.device)
    most = torch.tensor([sampling[i].top_k or vocab for i in rows], device=logits.device).unsqueeze(-1)
    mass = torch.tensor([sampling[i].top_p for i in rows], device=logits.device, dtype=logits.dtype).unsqueeze(-1)
    ordered = ordered.masked_fill(ranks >= most, -torch.inf)
    probs = torch.softmax(ordered, -1)
    before = probs.cumsum(-1) - probs
    ordered = ordered.masked_fill((before >= mass) & (ranks > 0), -torch.inf)
    result = logits.clone()
    result[index] = torch.empty_like(ordered).scatter_(-1, order, ordered)
    return result
