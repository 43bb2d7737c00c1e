"""NFT: likelihood of right answers under the policy, of wrong ones under the negative policy that it implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.advantage import GroupRelative, spread
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp
from assay.training.objectives.groups import group_stats
from assay.training.objectives.types import Surrogate
from assay.training.objectives.verdict import verdicts

PromptWeight = Literal["none", "one-minus-p", "sqrt-odds"]


def floored(value: Tensor, floor: float) -> Tensor:
    """The value of max(value, floor) with the gradient of ``value``, also where it is floored."""
    return value + (value.clamp(min=floor) - value).detach()


@dataclass(frozen=True)
class CentredVerdict(GroupRelative):
    """y - p, with y the verdict of a row and p the share of right answers in its group: its sign is y, its size p.

    Groups that agree with themselves, rows without a verdict and rollouts that are alone get 0.
    """

    threshold: float | None = None

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Advantages [B, T]."""
        own = TrajectoryBatch(
            action_mask=batch.action_mask,
            group_id=batch.group_id,
            reward=verdicts(batch, self.threshold),
            correct=batch.correct,
            truncated=batch.truncated,
            rollout_logp=batch.rollout_logp,
            rollout_id=batch.rollout_id,
        )
        return spread(group_stats(own).centred, batch)


@dataclass(frozen=True)
class NFT(Surrogate):
    """Negative-aware fine-tuning (arXiv:2505.18116, eq. 8 and 9), on the advantage y - p of :class:`CentredVerdict`.

    With R the ratio to the policy that sampled (of the token, or of the whole row), its logarithm at most
    ``log_cap``, and p clamped to ``p_clamp``: a right answer costs -w log R, a wrong one
    -w log((1 - p R) / (1 - p)). Both logarithms' arguments are floored in value only, so a token never loses its
    gradient. At R = 1 the coefficients are w and -w p / (1 - p): with w = 1 - p those of Dr. GRPO, with
    w = sqrt((1 - p) / p) those of GRPO with the population's deviation.

    Attributes:
        weight: w as a function of p; ``none`` is 1.
        negative: factor of wrong answers; 0 is rejection fine-tuning.
        floor_right: lower bound of R.
        floor_wrong: lower bound of (1 - p R) / (1 - p); 1 bounds the push on tokens that rise.
        sequence: one ratio for the whole row, spread evenly over its tokens in value and gradient.

    Raises:
        ValueError: if the clamp is upside down or the weight unknown.
    """

    weight: PromptWeight = "one-minus-p"
    negative: float = 1.0
    floor_right: float = 0.0
    floor_wrong: float = 1.0
    p_clamp: tuple[float, float] = (0.02, 0.98)
    log_cap: float = 10.0
    sequence: bool = False

    def __post_init__(self) -> None:
        low, high = self.p_clamp
        if not 0.0 < low < high < 1.0:
            raise ValueError(f"p_clamp must rise within 0 to 1, got {low:g} to {high:g}")
        if self.weight not in ("none", "one-minus-p", "sqrt-odds"):
            raise ValueError(f"unknown prompt weight {self.weight!r}")
        if self.negative < 0:
            raise ValueError(f"neg_weight must not be negative, got {self.negative:g}")

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B, T]."""
        mask = batch.action_mask
        right = advantage > 0
        p = torch.where(right, 1.0 - advantage, -advantage).clamp(*self.p_clamp)
        ratio = torch.exp(self._log_ratio(out, batch, mask).clamp(max=self.log_cap))
        on_right = -torch.log(floored(ratio, max(self.floor_right, 1e-30)))
        on_wrong = -torch.log(floored((1.0 - p * ratio) / (1.0 - p), self.floor_wrong))
        loss = self._weight(p) * torch.where(right, on_right, self.negative * on_wrong)
        if self.sequence:
            loss = loss / mask.sum(-1, keepdim=True).clamp(min=1.0)
        return torch.where(advantage == 0, torch.zeros_like(loss), loss)

    def _log_ratio(self, out: PolicyOutputs, batch: TrajectoryBatch, mask: Tensor) -> Tensor:
        gap = out.logp - old_logp(out, batch)
        return (gap * mask).sum(-1, keepdim=True).expand_as(mask) if self.sequence else gap

    def _weight(self, p: Tensor) -> Tensor:
        if self.weight == "none":
            return torch.ones_like(p)
        return 1.0 - p if self.weight == "one-minus-p" else ((1.0 - p) / p).sqrt()
