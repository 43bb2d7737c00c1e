"""What a recipe says of its critic; no torch, so that configurations stay cheap to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HeadName = Literal["mse", "two-hot", "hl-gauss", "c51"]


@dataclass(frozen=True)
class CriticSpec:
    """A critic.

    Attributes:
        head: how a value is predicted: a number, or a distribution over bins.
        low, high: range of the returns.
        bins: of a distribution.
        ratio: width of the Gaussian of ``hl-gauss``, in bins.
        pad_bins: bins added at each end of ``hl-gauss``, so that its ends can be read out.
        lr: learning rate of the critic's own AdamW.
        coef: weight of its loss.
        clip_norm: largest gradient norm; 0 never clips.
    """

    head: HeadName = "hl-gauss"
    low: float = 0.0
    high: float = 1.0
    bins: int = 51
    ratio: float = 0.75
    pad_bins: int = 3
    lr: float = 1e-4
    coef: float = 1.0
    clip_norm: float = 1.0
