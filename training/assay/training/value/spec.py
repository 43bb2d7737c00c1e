"""What a recipe says of its critic; no torch, so that configurations stay cheap to read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

HeadName = Literal["mse", "two-hot", "hl-gauss", "c51"]


@dataclass(frozen=True)
class CriticSpec:
    """A critic.

    Attributes:
        head: how a value is predicted: a number, or a distribution over bins.
        low, high: range of the returns; None: from the environment (:meth:`within`).
        bins: of a distribution.
        ratio: width of the Gaussian of ``hl-gauss``, in bins.
        pad_bins: of the bins of ``hl-gauss``, how many lie outside the range at each end, so that it can be read out.
        lr: learning rate of the critic's own AdamW.
        coef: weight of its loss.
        clip_norm: largest gradient norm; 0 never clips.
        gamma: discount a token.
        kl_beta: charge for the divergence from a reference, a nat, inside the rewards of tokens.
        kl_target: that divergence as it is expected to be, nats a token.

    Raises:
        ValueError: in one line, for constants that cannot work.
    """

    head: HeadName = "hl-gauss"
    low: float | None = 0.0
    high: float | None = 1.0
    bins: int = 51
    ratio: float = 0.75
    pad_bins: int = 3
    lr: float = 1e-4
    coef: float = 1.0
    clip_norm: float = 1.0
    gamma: float = 1.0
    kl_beta: float = 0.0
    kl_target: float = 0.0

    def __post_init__(self) -> None:
        if self.head not in get_args(HeadName):
            raise ValueError(f"unknown value head {self.head!r}; one of {', '.join(get_args(HeadName))}")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"value_low {self.low:g} is not below value_high {self.high:g}")
        if self.bins < 2:
            raise ValueError(f"a distribution needs at least 2 bins, got {self.bins}")
        if self.head == "hl-gauss" and self.ratio <= 0:
            raise ValueError(f"the ratio of hl-gauss must be positive, got {self.ratio:g}")
        if self.head == "hl-gauss" and not 0 <= 2 * self.pad_bins < self.bins:
            raise ValueError(f"{self.bins} bins leave none inside with {self.pad_bins} of padding at each end")
        if self.lr <= 0 or self.coef <= 0:
            raise ValueError(f"a critic needs a positive lr and coef, got {self.lr:g} and {self.coef:g}")

    @property
    def ranged(self) -> bool:
        """Whether the head has a range at all."""
        return self.head != "mse"

    def within(self, declared: tuple[float, float] | None, length: int) -> CriticSpec:
        """With the ends that were left open set from the least and greatest reward of an episode.

        With a discount 0 is in the range too. A divergence in the rewards widens it: the log-ratio of an answer of
        expected divergence k has about mean k and variance 2 k, of which three standard deviations are allowed for.
        With a discount, tokens count as (1 - gamma^length) / (1 - gamma).

        Args:
            declared: least and greatest reward; None where the environment does not say.
            length: tokens of the longest episode.

        Raises:
            ValueError: one line, where an end is open and nothing is declared.
        """
        if not self.ranged or (self.low is not None and self.high is not None):
            return self
        if declared is None:
            raise ValueError(
                f"value head {self.head} needs the range of the rewards, and this environment declares none: give "
                "--recipe.value-low and --recipe.value-high, or take --recipe.value-head mse"
            )
        low, high = declared
        if self.gamma < 1.0:
            low, high = min(low, 0.0), max(high, 0.0)
        tokens = float(length) if self.gamma == 1.0 else (1.0 - self.gamma**length) / (1.0 - self.gamma)
        k = self.kl_target * tokens
        wide = 3.0 * math.sqrt(2.0 * k)
        return replace(
            self,
            low=low - self.kl_beta * (k + wide) if self.low is None else self.low,
            high=high + self.kl_beta * max(0.0, wide - k) if self.high is None else self.high,
        )
