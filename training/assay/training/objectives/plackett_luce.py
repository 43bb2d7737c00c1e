"""Drawing K of N without replacement: log-probabilities of what was drawn, and a gradient through the drawing."""

from __future__ import annotations

import torch
from torch import Tensor


def ordered_logp(logits: Tensor, order: Tensor) -> Tensor:
    """log-probability of drawing items in this order, each from the softmax of those that are left; Plackett-Luce.

    sum_k (z_{o_k} - log sum_{j not in o_1..o_{k-1}} exp z_j): what adding Gumbel noise to the logits and taking the K
    highest in descending order draws (Kool et al. 2019, arXiv:1903.06059, section 3.1).

    Args:
        logits: [..., N], finite.
        order: int64 [..., K], distinct in each row, K at most N.

    Returns:
        [...], differentiable in ``logits``.
    """
    chosen = logits.gather(-1, order)
    left, total = logits, torch.zeros_like(logits[..., 0])
    for place in range(order.shape[-1]):
        total = total + chosen[..., place] - torch.logsumexp(left, -1)
        if place + 1 < order.shape[-1]:  # once nothing is left, an infinity would turn gradients into NaN
            left = left.scatter(-1, order[..., place : place + 1], -torch.inf)
    return total


def straight_through(logits: Tensor, k: int, temperature: float = 1.0, noise: Tensor | None = None) -> Tensor:
    """A K-hot mask whose gradient is that of a soft one: forward the K highest of logits + noise, backward relaxed.

    The soft mask adds up K softmaxes, each after what the ones before took has been discounted (Xie and Ermon 2019,
    arXiv:1901.10517, section 4); at a low temperature it is nearly the hard one.

    Args:
        logits: [..., N].
        k: how many, 1 to N.
        temperature: of the relaxation, positive.
        noise: [..., N], Gumbel noise; None takes the highest logits.

    Returns:
        [..., N] of 0 and 1.

    Raises:
        ValueError: for another ``k`` or ``temperature``.
    """
    if not 1 <= k <= logits.shape[-1] or temperature <= 0:
        raise ValueError(f"needs 1 <= k <= {logits.shape[-1]} and a positive temperature, got {k} and {temperature:g}")
    noisy = logits if noise is None else logits + noise
    hard = torch.zeros_like(noisy).scatter(-1, noisy.topk(k, dim=-1).indices, 1.0)
    score, soft = noisy, torch.zeros_like(noisy)
    tiny = torch.finfo(noisy.dtype).tiny
    for _ in range(k):
        taken = torch.softmax(score / temperature, -1)
        soft = soft + taken
        score = score + torch.log((1.0 - taken).clamp(min=tiny))
    return hard + soft - soft.detach()
