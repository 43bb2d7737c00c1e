"""Surrogates: per-token losses [B, T] whose gradient is the policy gradient. Pure, to minimise, not yet aggregated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp, ratio
from assay.training.objectives.types import Surrogate


def clipped_loss(ratio: Tensor, advantage: Tensor, low: float, high: float, dual: float | None) -> Tensor:
    """max(-A r, -A clip(r, 1 - low, 1 + high)), and at most -A dual where A < 0; elementwise."""
    loss = torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1.0 - low, 1.0 + high))
    if dual is not None:
        loss = torch.where(advantage < 0, torch.minimum(loss, -advantage * dual), loss)
    return loss


def was_clipped(ratio: Tensor, advantage: Tensor, low: float, high: float, dual: float | None) -> Tensor:
    """Where :func:`clipped_loss` took a branch without gradient; bool."""
    cut = ((advantage > 0) & (ratio > 1.0 + high)) | ((advantage < 0) & (ratio < 1.0 - low))
    return cut if dual is None else cut | ((advantage < 0) & (ratio > dual))


def check_clip(low: float, high: float) -> None:
    """Refuse a clip range [1 - low, 1 + high] that is empty or reaches below 0.

    Raises:
        ValueError: naming the values.
    """
    if not (0.0 <= low <= 1.0 and high >= 0.0):
        raise ValueError(
            f"clip range [1 - {low:g}, 1 + {high:g}] is upside down: clip_low is 0 to 1, clip_high 0 or more"
        )


class GroupLoss(Surrogate):
    """The base of losses [B] that are functions of whole groups of responses."""

    @property
    def level(self) -> str:
        """``sequence``."""
        return "sequence"

    @property
    def needs_whole_groups(self) -> bool:
        """True."""
        return True

    @property
    def zero_is_inert(self) -> bool:
        """False: a row moves the loss of the others, whatever its advantage."""
        return False


@dataclass(frozen=True)
class PPOClip(Surrogate):
    """The clipped surrogate of PPO (arXiv:1707.06347, eq. 7), with an optional dual clip (arXiv:1912.09729, eq. 5)."""

    low: float = 0.2
    high: float = 0.2
    dual: float | None = 3.0

    def __post_init__(self) -> None:
        check_clip(self.low, self.high)
        if self.dual is not None and self.dual <= 1.0 + self.high:
            raise ValueError(f"dual_clip must be above 1 + clip_high = {1.0 + self.high:g}, got {self.dual}")

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        return clipped_loss(ratio(out, batch), advantage, self.low, self.high, self.dual)

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Bool [B, T]."""
        return was_clipped(ratio(out, batch), advantage, self.low, self.high, self.dual)


@dataclass(frozen=True)
class Reinforce(Surrogate):
    """-A log pi: the plain policy gradient, with no importance ratio."""

    @property
    def uses_old(self) -> bool:
        """False."""
        return False

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        return -advantage * out.logp


@dataclass(frozen=True)
class GSPO(Surrogate):
    """PPO's clip on the length-normalised ratio of the whole sequence; GSPO (arXiv:2507.18071, eq. 5 and 14).

    s = exp(mean over the row of log pi - log old); each token carries value s and the gradient of its own log pi.
    """

    low: float = 3e-4
    high: float = 4e-4

    def __post_init__(self) -> None:
        check_clip(self.low, self.high)

    def sequence_ratio(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        """s, without gradient, [B, 1]."""
        mask = batch.action_mask
        gap = ((out.logp.detach() - old_logp(out, batch)) * mask).sum(-1, keepdim=True)
        return torch.exp((gap / mask.sum(-1, keepdim=True).clamp(min=1.0)).clamp(-20.0, 20.0))

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        token = self.sequence_ratio(out, batch) * torch.exp(out.logp - out.logp.detach())
        return clipped_loss(token, advantage, self.low, self.high, None)

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Bool [B, T]."""
        return was_clipped(self.sequence_ratio(out, batch), advantage, self.low, self.high, None)


@dataclass(frozen=True)
class CISPO(Surrogate):
    """-sg[clip(r, cap_low, cap_high)] A log pi; CISPO (arXiv:2506.13585, eq. 4 and 5).

    The caps are absolute ratios, None for no cap. The clipped ratio is a constant, so no token loses its gradient.
    """

    cap_low: float | None = None
    cap_high: float | None = 5.0

    def __post_init__(self) -> None:
        low = 0.0 if self.cap_low is None else self.cap_low
        if low < 0 or (self.cap_high is not None and low >= self.cap_high):
            raise ValueError(f"ratio caps are upside down: is_cap_low {self.cap_low}, is_cap_high {self.cap_high}")

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        weight = ratio(out, batch).detach()
        if self.cap_low is not None or self.cap_high is not None:
            weight = weight.clamp(self.cap_low, self.cap_high)
        return -weight * advantage * out.logp

    def clipped(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Bool [B, T]."""
        weight = ratio(out, batch).detach()
        above = weight > (torch.inf if self.cap_high is None else self.cap_high)
        return above | (weight < (-torch.inf if self.cap_low is None else self.cap_low))
