"""Log-probabilities and entropies of chosen tokens, without ever keeping a [tokens, vocabulary] tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from assay.training.objectives.types import Readout

CHUNK_BYTES = 64 * 2**20


class _TokenLogProbs(torch.autograd.Function):
    """Chunked ``log_softmax(hidden @ weight.T)`` at the targets; logits are computed again in the backward pass.

    With z the logits of a row, p = softmax(z), L = logsumexp(z) and H = L - sum(p z):
    d logp[target] / dz = onehot(target) - p and dH / dz = -p (z - L + H).
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, row: Tensor, target: Tensor, softcap: float) -> Any:
        rows = hidden.shape[0]
        step = _rows_a_chunk(weight)
        logp = hidden.new_empty(row.shape[0], dtype=torch.float32)
        lse = hidden.new_empty(rows, dtype=torch.float32)
        entropy = hidden.new_empty(rows, dtype=torch.float32)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            logits = _logits(hidden[start:stop], weight, softcap)
            lse[start:stop] = torch.logsumexp(logits, -1)
            here = slice(*_bounds(row, start, stop))
            logp[here] = logits[row[here] - start, target[here]] - lse[row[here]]
            prob = torch.softmax(logits, -1)
            entropy[start:stop] = lse[start:stop] - torch.einsum("rv,rv->r", prob, logits)
        ctx.save_for_backward(hidden, weight, row, target, lse, entropy)
        ctx.softcap = softcap
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad_logp, grad_entropy = grads
        hidden, weight, row, target, lse, entropy = ctx.saved_tensors
        step = _rows_a_chunk(weight)
        grad_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        for start in range(0, hidden.shape[0], step):
            stop = min(start + step, hidden.shape[0])
            logits = _logits(hidden[start:stop], weight, ctx.softcap)
            prob = torch.exp(logits - lse[start:stop, None])
            here = slice(*_bounds(row, start, stop))
            local = row[here] - start
            mass = prob.new_zeros(stop - start).index_add_(0, local, grad_logp[here])
            grad = prob * -mass[:, None]
            if grad_entropy is not None:
                surprise = logits - lse[start:stop, None] + entropy[start:stop, None]
                grad -= prob * surprise * grad_entropy[start:stop, None]
            grad.index_put_((local, target[here]), grad_logp[here], accumulate=True)
            if ctx.softcap:
                grad *= 1 - (logits / ctx.softcap) ** 2
            grad = grad.to(weight.dtype)
            if grad_hidden is not None:
                grad_hidden[start:stop] = grad @ weight
            if grad_weight is not None:
                grad_weight.addmm_(grad.T, hidden[start:stop])
        return grad_hidden, grad_weight, None, None, None


def read_out(
    readout: Readout,
    hidden: Tensor,
    weight: Tensor,
    softcap: float = 0.0,
    other: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """A readout of R positions, chunk by chunk; logits are computed again in the backward pass.

    Args:
        readout: the function of the logits.
        hidden: [R, H]; final hidden states.
        weight: [V, H]; output embedding.
        softcap: as in :func:`token_logprobs`.
        other: hidden states [R, H'] and output embedding of the frozen policy that it is taken against.

    Returns:
        float32 [R], differentiable in ``hidden`` and ``weight``.
    """

    def chunk(states: Tensor, head: Tensor, theirs: Tensor | None) -> Tensor:
        second = None if theirs is None or other is None else _logits(theirs, other[1], softcap)
        return readout(_logits(states, head, softcap), second)

    values, step = [], _rows_a_chunk(weight)
    for start in range(0, hidden.shape[0], step):
        theirs = None if other is None else other[0][start : start + step]
        values.append(checkpoint(chunk, hidden[start : start + step], weight, theirs, use_reentrant=False))
    return torch.cat(values) if values else hidden.new_zeros(0, dtype=torch.float32)


def _logits(hidden: Tensor, weight: Tensor, softcap: float) -> Tensor:
    logits = (hidden @ weight.T).float()
    return softcap * torch.tanh(logits / softcap) if softcap else logits


def _rows_a_chunk(weight: Tensor) -> int:
    return max(1, CHUNK_BYTES // (4 * weight.shape[0]))


def _bounds(row: Tensor, start: int, stop: int) -> tuple[int, int]:
    edges = torch.searchsorted(row, torch.tensor([start, stop], device=row.device))
    return int(edges[0]), int(edges[1])


def token_logprobs(
    hidden: Tensor, weight: Tensor, row: Tensor, target: Tensor, *, softcap: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of M targets and entropies of R rows.

    Args:
        hidden: [R, H]; final hidden states.
        weight: [V, H]; output embedding.
        row: int64 [M], ascending; which hidden state predicts each target.
        target: int64 [M]; token ids.
        softcap: if positive, logits become ``softcap * tanh(logits / softcap)``.

    Returns:
        float32 [M] log-probabilities and float32 [R] entropies in nats, both differentiable.
    """
    logp, entropy = _TokenLogProbs.apply(hidden, weight, row, target, softcap)  # type: ignore[no-untyped-call]
    return logp, entropy
