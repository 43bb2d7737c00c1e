"""The reward of an answer with a stated confidence: correctness plus a proper scoring rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.types import RewardTransform
from assay.verifiers.calibration.reward import CLIP

CONFIDENCE, FORMAT = "confidence", "format"


def confidence_penalty(q: Tensor, ok: Tensor, scoring: str) -> Tensor:
    """What a confidence costs, elementwise; the rules are those of ``assay.verifiers.calibration.reward.penalty``.

    Args:
        q: confidences in [0, 1].
        ok: 1 for right, 0 for wrong.
        scoring: ``brier``, ``spherical`` or ``log``.

    Raises:
        ValueError: for another rule.
    """
    if scoring == "brier":
        return (q - ok) ** 2
    if scoring not in ("spherical", "log"):
        raise ValueError(f"no scoring rule {scoring!r}: use brier, spherical or log")
    if scoring == "log":
        q = q.clamp(CLIP, 1.0 - CLIP)
    told = torch.where(ok > 0.5, q, 1.0 - q)
    return -told.log() if scoring == "log" else 1.0 - told / torch.hypot(q, 1.0 - q)


@dataclass(frozen=True)
class RLCRReward(RewardTransform):
    """Verdict and stated confidence to a reward, whatever the environment paid (RLCR, arXiv:2507.16806, eq. 3).

    With q = ``reward_parts["confidence"]``, f = ``reward_parts["format"]`` (1 or 0) and ok = ``correct``:
    ``paper``: f (ok - penalty(q, ok)); ``code``: f (w_f + w_a ok + w_b (1 - penalty(q, ok))). A row without the parts
    has failed the format and gets 0; one without a verdict gets NaN, that is, it teaches nothing.

    Attributes:
        form: ``paper`` or ``code``.
        weights: w_f, w_a, w_b.
        scoring: see :func:`confidence_penalty`.
    """

    form: Literal["code", "paper"] = "code"
    weights: tuple[float, float, float] = (0.5, 0.5, 0.5)
    scoring: Literal["brier", "spherical", "log"] = "brier"

    def __call__(self, batch: TrajectoryBatch) -> Tensor:
        """Rewards [B].

        Raises:
            ValueError: if no row states a confidence, or none has a verdict.
        """
        if CONFIDENCE not in batch.reward_parts or FORMAT not in batch.reward_parts:
            raise ValueError("no response states a confidence: use --scaffold confidence")
        if len(batch) and bool(torch.isnan(batch.correct).all()):
            raise ValueError("this environment says of no answer whether it is right, which a confidence is about")
        q, kept = (batch.reward_parts[name] for name in (CONFIDENCE, FORMAT))
        whole = (kept > 0.5) & ~torch.isnan(q)
        ok = batch.correct
        cost = confidence_penalty(torch.where(whole, q, 0.0), ok, self.scoring)
        formatted, accurate, calibrated = self.weights
        paid = ok - cost if self.form == "paper" else formatted + accurate * ok + calibrated * (1.0 - cost)
        return torch.where(whole | torch.isnan(ok), paid, 0.0).to(batch.reward.dtype)
