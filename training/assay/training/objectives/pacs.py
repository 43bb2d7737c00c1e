"""PACS: a classifier of correctness whose logit is made of the policy's own log-probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch, old_logp
from assay.training.objectives.surrogate import GroupLoss
from assay.training.objectives.types import Advantage
from assay.training.objectives.verdict import verdicts

Score = Literal["rloo", "grpo", "naive"]
ClassWeight = Literal["question", "off"]
Anchor = Literal["old", "ref"]


@dataclass(frozen=True)
class Labelled(Advantage):
    """1 on every sampled token of a row with a verdict, 0 elsewhere: for surrogates that read the verdicts themselves.

    A group is compared with itself, so one of a single rollout teaches nothing.
    """

    threshold: float | None = None

    @property
    def group_relative(self) -> bool:
        """True."""
        return True

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Mask [B, T]."""
        known = ~torch.isnan(verdicts(batch, self.threshold))
        return known.float().unsqueeze(-1) * batch.action_mask


@dataclass(frozen=True)
class PACS(GroupLoss):
    """Cross-entropy of the verdict under a score of the response (arXiv:2509.02522, eq. 6 to 9).

    The proxy of a row is ``beta`` times the sum over its tokens of log pi - log ``anchor``, the policy at the start of
    the update (``old``) or a frozen one (``ref``); its score psi is the proxy minus the mean of the others of its group
    (``rloo``), the standardised proxy (``grpo``) or the proxy alone (``naive``), with gradient through every proxy.
    With ``class_weight`` ``question`` the two classes of a group weigh the same.

    At psi = 0 with both, the coefficient of a row is beta G / (G - 1) (y - p) / (4 p (1 - p)).

    Raises:
        ValueError: if ``beta`` is not above 0.
    """

    beta: float = 1.0
    score: Score = "rloo"
    class_weight: ClassWeight = "question"
    threshold: float | None = None
    anchor: Anchor = "old"

    @property
    def anchors(self) -> frozenset[str]:
        """``ref``, if that is the anchor."""
        return frozenset({"ref"}) if self.anchor == "ref" else frozenset()

    @property
    def uses_old(self) -> bool:
        """If that is the anchor."""
        return self.anchor == "old"

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"beta must be above 0, got {self.beta:g}")

    def __call__(self, out: PolicyOutputs, batch: TrajectoryBatch, advantage: Tensor) -> Tensor:
        """Loss [B]; 0 without a verdict, and unless scores are naive for a row that is alone with its verdict."""
        verdict = verdicts(batch, self.threshold)
        known = ~torch.isnan(verdict)
        label = torch.where(known, verdict, 0.0)
        _, group = torch.unique(batch.group_id, return_inverse=True)
        if self.score != "naive":  # failures of an environment may leave one of a group
            known = known & (_sums(known.to(out.logp.dtype), group) > 1.5)
        proxy = self.beta * ((out.logp - self._anchor(out, batch)) * batch.action_mask).sum(-1)
        psi = self._score(proxy, group, known)
        loss = F.binary_cross_entropy_with_logits(psi, label, reduction="none")
        return loss * self._class_weight(label, group, known) * known

    def _anchor(self, out: PolicyOutputs, batch: TrajectoryBatch) -> Tensor:
        return batch.anchor_logp["ref"] if self.anchor == "ref" else old_logp(out, batch)

    def _score(self, proxy: Tensor, group: Tensor, known: Tensor) -> Tensor:
        if self.score == "naive":
            return proxy
        size, total = _sums(torch.ones_like(proxy) * known, group), _sums(proxy * known, group)
        if self.score == "rloo":
            return proxy - (total - proxy) / (size - 1.0).clamp(min=1.0)
        mean = total / size.clamp(min=1.0)
        variance = _sums((proxy - mean) ** 2 * known, group) / (size - 1.0).clamp(min=1.0)
        return (proxy - mean) / ((variance + 1e-24).sqrt() + 1e-6)

    def _class_weight(self, label: Tensor, group: Tensor, known: Tensor) -> Tensor:
        ones = torch.ones_like(label)
        if self.class_weight == "off":
            return ones
        size, right = _sums(ones * known, group), _sums(label * known, group)
        own = torch.where(label == 1, right, size - right)
        return torch.where((right > 0) & (right < size), size / (2.0 * own.clamp(min=1.0)), ones)


def _sums(values: Tensor, group: Tensor) -> Tensor:
    """Of each row's group, [B]; differentiable."""
    groups = int(group.max()) + 1 if len(group) else 0
    return torch.zeros(groups, dtype=values.dtype, device=values.device).index_add(0, group, values)[group]
