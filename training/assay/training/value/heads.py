"""Value heads: how the last layer of a critic is read, and what it learns from; everything in float32.

``mse`` predicts a number. The others predict a distribution over bins and learn it by cross entropy, which is more
robust to noisy and moving targets (arXiv:2403.03950). They differ in how a target becomes a distribution.
"""

from __future__ import annotations

import math
from typing import get_args

import torch
from torch import Tensor, nn

from assay.training.value.spec import HeadName


def hl_gauss(y: Tensor, edges: Tensor, sigma: float) -> Tensor:
    """Mass of a Gaussian around y in each bin, renormalised; arXiv:2403.03950, eq. 5 and 6. Neither pads nor clips.

    Args:
        y: [...]; targets.
        edges: [m + 1], ascending.
        sigma: standard deviation, in the units of ``edges``.

    Returns:
        float32 [..., m]. Useless or NaN where y is some 3 sigma outside the edges: clip first.
    """
    below = torch.erf((edges.float() - y.float().unsqueeze(-1)) / (math.sqrt(2.0) * sigma))
    return (below[..., 1:] - below[..., :-1]) / (below[..., -1:] - below[..., :1])


def two_hot(y: Tensor, low: float, high: float, atoms: int) -> Tensor:
    """y as a mixture of its two neighbours among ``linspace(low, high, atoms)``, whose mean is y; clips y.

    Returns:
        float32 [..., atoms].
    """
    return project(y.unsqueeze(-1), torch.ones_like(y, dtype=torch.float32).unsqueeze(-1), low, high, atoms)


def project(values: Tensor, probs: Tensor, low: float, high: float, atoms: int) -> Tensor:
    """A distribution over any values as one over fixed atoms; C51 (arXiv:1707.06887, eq. 7).

    Each value is clipped to the range, and its probability shared between its two neighbours so that the mean is kept.

    Args:
        values: [..., n]; where the mass is, for example r + gamma z_j.
        probs: [..., n]; how much of it.
        low, high, atoms: the atoms are ``linspace(low, high, atoms)``.

    Returns:
        float32 [..., atoms].
    """
    place = (values.float().clamp(low, high) - low) * ((atoms - 1) / (high - low))
    lower = place.floor().clamp(max=atoms - 2)
    upper_share = place - lower
    index, probs = lower.long(), probs.float()
    result = probs.new_zeros(*probs.shape[:-1], atoms)
    result = result.scatter_add(-1, index, probs * (1.0 - upper_share))
    return result.scatter_add(-1, index + 1, probs * upper_share)


class MSE:
    """A number, learned by squared error; it has no range, and starts at 0."""

    outputs = 1

    def to_dist(self, y: Tensor) -> Tensor:
        """The target itself, float32 [..., 1]."""
        return y.float().unsqueeze(-1)

    def loss_to(self, logits: Tensor, target: Tensor) -> Tensor:
        """Squared error [...] to a target of :meth:`to_dist`."""
        return (logits.float() - target.detach()).square().sum(-1)

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Squared error, float32 [...]; y [...] is never differentiated."""
        return self.loss_to(logits, self.to_dist(y))

    def value(self, logits: Tensor) -> Tensor:
        """The number, float32 [...]."""
        return logits.float().squeeze(-1)

    def clipped(self, y: Tensor) -> Tensor:
        """Bool [...]: False, there is no range."""
        return torch.zeros_like(y, dtype=torch.bool)


class TwoHot:
    """A distribution over ``linspace(low, high, bins)``; a target is shared between its two neighbours.

    Args:
        low, high: range of the values; targets outside are clipped.
        bins: at least 2.

    Raises:
        ValueError: for an empty range or fewer than 2 bins.
    """

    def __init__(self, low: float, high: float, bins: int = 51) -> None:
        _check(low, high, bins)
        self.low, self.high, self.outputs = low, high, bins
        self.support = torch.linspace(low, high, bins)

    def to_dist(self, y: Tensor) -> Tensor:
        """The target as a distribution, float32 [..., bins]."""
        return two_hot(y, self.low, self.high, self.outputs)

    def loss_to(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross entropy [...] to a distribution [..., bins], which is never differentiated."""
        return -(target.detach() * torch.log_softmax(logits.float(), -1)).sum(-1)

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Cross entropy to :meth:`to_dist`, float32 [...]; its gradient on the logits is softmax - target."""
        return self.loss_to(logits, self.to_dist(y))

    def value(self, logits: Tensor) -> Tensor:
        """The mean of the predicted distribution, float32 [...]."""
        return torch.softmax(logits.float(), -1) @ self.support.to(logits.device)

    def clipped(self, y: Tensor) -> Tensor:
        """Bool [...]: targets outside the range."""
        return (y < self.low) | (y > self.high)

    def entropy(self, logits: Tensor) -> Tensor:
        """Entropy of the predicted distribution in nats, float32 [...]: how unsure the value is."""
        logp = torch.log_softmax(logits.float(), -1)
        return -(logp.exp() * logp).sum(-1)

    def quantile(self, logits: Tensor, level: float) -> Tensor:
        """The least support point up to which the predicted distribution holds ``level`` of its mass, float32 [...].

        Raises:
            ValueError: if ``level`` is not in (0, 1].
        """
        if not 0.0 < level <= 1.0:
            raise ValueError(f"a quantile's level is in (0, 1], got {level:g}")
        held = torch.softmax(logits.float(), -1).cumsum(-1)
        index = (held < level - 1e-6).sum(-1).clamp(max=self.outputs - 1)
        return self.support.to(logits.device)[index]


class HLGauss(TwoHot):
    """A distribution over bins; a target is a Gaussian of ``ratio`` bin widths, cut into bins (arXiv:2403.03950).

    Truncation bends values near the ends of the support, and a verifier's rewards sit exactly there: of the ``bins``,
    ``pad_bins`` at each end lie outside [low, high], to which targets are clipped. With 51 bins, 3 of padding and a
    ratio of 0.75 the value of a target's distribution is within 1e-5 of the target, relative to the range.

    Raises:
        ValueError: for an empty range, a ratio that is not positive, or no bin between the padding.
    """

    def __init__(self, low: float, high: float, bins: int = 51, ratio: float = 0.75, pad_bins: int = 3) -> None:
        _check(low, high, bins)
        if ratio <= 0:
            raise ValueError(f"the ratio of hl-gauss must be positive, got {ratio:g}")
        if pad_bins < 0 or bins <= 2 * pad_bins:
            raise ValueError(f"{bins} bins leave none inside with {pad_bins} of padding at each end: give more bins")
        self.low, self.high, self.outputs = low, high, bins
        self.width = (high - low) / (bins - 2 * pad_bins)
        self.sigma = ratio * self.width
        self.edges = torch.linspace(low - pad_bins * self.width, high + pad_bins * self.width, bins + 1)
        self.support = (self.edges[1:] + self.edges[:-1]) / 2

    def to_dist(self, y: Tensor) -> Tensor:
        """The target as a distribution, float32 [..., bins]."""
        return hl_gauss(y.float().clamp(self.low, self.high), self.edges.to(y.device), self.sigma)


class C51(TwoHot):
    """A distribution over ``linspace(low, high, bins)``; a target is the distribution of the next state, moved.

    For critics that bootstrap by one step only: a Monte Carlo or GAE return is a number, and of a number
    :meth:`to_dist` makes what two-hot makes (arXiv:1707.06887).
    """

    def backup(self, reward: Tensor, discount: Tensor, probs: Tensor) -> Tensor:
        """The distribution of reward + discount z, z drawn from the next state's distribution.

        Args:
            reward: [...].
            discount: [...]; gamma, and 0 where the episode is over.
            probs: [..., bins]; of the next state (where actions are chosen by value: of the one whose mean is largest).

        Returns:
            float32 [..., bins].
        """
        moved = reward.float().unsqueeze(-1) + discount.float().unsqueeze(-1) * self.support.to(reward.device)
        return project(moved, probs, self.low, self.high, self.outputs)


Head = MSE | TwoHot


def make_head(
    name: HeadName, low: float = 0.0, high: float = 1.0, bins: int = 51, ratio: float = 0.75, pad_bins: int = 3
) -> Head:
    """A head by name.

    Raises:
        ValueError: in one line, for an unknown name (with the choices) or constants that cannot work.
    """
    if name == "mse":
        return MSE()
    if name == "two-hot":
        return TwoHot(low, high, bins)
    if name == "c51":
        return C51(low, high, bins)
    if name == "hl-gauss":
        return HLGauss(low, high, bins, ratio, pad_bins)
    raise ValueError(f"unknown value head {name!r}; one of {', '.join(get_args(HeadName))}")


def last_layer(hidden: int, head: Head) -> nn.Linear:
    """The float32 layer from hidden states to logits, at zero: the first value is the middle of the range."""
    layer = nn.Linear(hidden, head.outputs, dtype=torch.float32)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _check(low: float, high: float, bins: int) -> None:
    if not low < high:
        raise ValueError(f"the range of values is upside down: value_low {low:g} is not below value_high {high:g}")
    if bins < 2:
        raise ValueError(f"a distribution needs at least 2 bins, got {bins}")
