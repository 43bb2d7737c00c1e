"""From per-token losses to one number, so that micro-batches add up to the minibatch exactly."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from assay.training.objectives.data import Totals

Aggregation = Literal["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-sum-norm"]
AGGREGATIONS: tuple[str, ...] = get_args(Aggregation)


def aggregate(loss: Tensor, keep: Tensor, totals: Totals, mode: Aggregation) -> Tensor:
    """The contribution of some rows to the loss of a minibatch; a scalar.

    With l the loss, k the keep-mask and n_i the kept tokens of row i:

    - ``token-mean``: sum(l k) / all kept tokens;
    - ``seq-mean-token-mean``: mean over rows of sum_t(l k) / n_i;
    - ``seq-mean-token-sum``: mean over rows of sum_t(l k);
    - ``seq-sum-norm``: mean over rows of sum_t(l k) / L_max.

    Args:
        loss: [B, T].
        keep: [B, T] of 0 and 1. Rows without a kept token count nowhere.
        totals: denominators of the whole minibatch.
        mode: one of the above.

    Raises:
        ValueError: if the mode is unknown.
    """
    rows = (loss * keep).sum(-1)
    sequences = max(totals.sequences, 1.0)
    if mode == "token-mean":
        return rows.sum() / max(totals.tokens, 1.0)
    if mode == "seq-mean-token-mean":
        return (rows / keep.sum(-1).clamp(min=1.0)).sum() / sequences
    if mode == "seq-mean-token-sum":
        return rows.sum() / sequences
    if mode == "seq-sum-norm":
        return rows.sum() / (sequences * totals.length)
    raise ValueError(f"unknown aggregation {mode!r}; one of {', '.join(AGGREGATIONS)}")


def aggregate_rows(loss: Tensor, keep: Tensor, totals: Totals) -> Tensor:
    """The mean over rows of a sequence-level loss [B]; rows without a kept token count nowhere."""
    return (loss * (keep.sum(-1) > 0)).sum() / max(totals.sequences, 1.0)
