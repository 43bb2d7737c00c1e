"""Readouts: numbers that an objective needs of the policy's logits, beside log-probability and entropy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.types import Readout

ROUNDING = 1e-6
"""A nucleus whose mass is this little short of ``top_p`` has reached it: cumulative sums are float32."""
FIRST_LOOK = 32
"""Tokens among which a nucleus is looked for first; few positions need more."""


@dataclass(frozen=True)
class MeanLogp(Readout):
    """(1 / V) sum over the vocabulary of log pi(v), the uniform policy's expectation (arXiv:2509.24981).

    It is mean(z) - logsumexp(z), so that no log-softmax is stored.
    """

    @property
    def name(self) -> str:
        """``mean_logp``."""
        return "mean_logp"

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Means [R]."""
        return logits.mean(-1) - torch.logsumexp(logits, -1)


@dataclass(frozen=True)
class NucleusEntropy(Readout):
    """Entropy (nats) of the policy within its nucleus, renormalised; SIREN (arXiv:2509.25133).

    The nucleus is the smallest set of most likely tokens whose mass reaches ``top_p``. It is chosen without gradient:
    a token outside it gets none.

    Attributes:
        top_p: above 0, at most 1.
        max_nucleus: tokens that a nucleus has at most.
        inclusive: whether the token that reaches ``top_p`` belongs to it. The authors' code leaves it out, so that a
            position whose first token alone reaches ``top_p`` has no nucleus, and entropy 0.

    Raises:
        ValueError: if ``top_p`` or ``max_nucleus`` is out of range.
    """

    top_p: float = 0.8
    max_nucleus: int = 10_000
    inclusive: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be above 0 and at most 1, got {self.top_p:g}")
        if self.max_nucleus < 1:
            raise ValueError(f"max_nucleus must be at least 1, got {self.max_nucleus}")

    @property
    def name(self) -> str:
        """``topp_entropy``."""
        return "topp_entropy"

    def __call__(self, logits: Tensor, other: Tensor | None) -> Tensor:
        """Entropies [R]."""
        with torch.no_grad():
            total = torch.logsumexp(logits, -1)
        result, limit = logits.new_zeros(logits.shape[0]), min(self.max_nucleus, logits.shape[-1])
        rows, size = torch.arange(len(logits), device=logits.device), min(FIRST_LOOK, limit)
        while len(rows):  # sorting a vocabulary is dear, so only rows that need it look further
            top = logits.topk(size, -1).values
            with torch.no_grad():
                mass = torch.exp(top - total[:, None]).sum(-1)
                enough = (mass >= self.top_p - ROUNDING) | (size == limit)
            result = result.index_copy(0, rows[enough], self._entropy(top[enough], total[enough]))
            if bool(enough.all()):
                break
            rows, logits, total, size = rows[~enough], logits[~enough], total[~enough], min(8 * size, limit)
        return result

    def _entropy(self, top: Tensor, total: Tensor) -> Tensor:
        """Entropies of rows [r], given their largest logits [r, k] in falling order and logsumexp of all [r]."""
        with torch.no_grad():
            mass = torch.exp(top - total[:, None])
            reached = mass.cumsum(-1)
            outside = (reached - mass if self.inclusive else reached) >= self.top_p - ROUNDING
            outside[:, 0] = False  # one token has entropy 0 and no gradient, which is what an empty nucleus is to have
        logq = torch.log_softmax(top.masked_fill(outside, -torch.inf), -1)
        return -(logq.exp() * logq.masked_fill(outside, 0.0)).sum(-1)
