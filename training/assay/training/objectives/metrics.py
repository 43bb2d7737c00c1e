"""Running means and maxima over micro-batches, kept on the device until they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


def _wide(values: Tensor) -> Tensor:
    """Detached float64; float32 on devices that have none."""
    return values.detach().to(torch.float32 if values.device.type == "mps" else torch.float64)


@dataclass
class Metrics:
    """Numbers that combine exactly: a mean is a sum and a count, a maximum is a maximum.

    ``sums`` maps a name to a tensor [2] (sum, count); ``maxima`` maps a name to a scalar.
    """

    sums: dict[str, Tensor] = field(default_factory=dict)
    maxima: dict[str, Tensor] = field(default_factory=dict)

    def mean(self, name: str, values: Tensor, mask: Tensor) -> None:
        """Add the entries of ``values`` where ``mask`` is above 0 (weighted by it) to a mean."""
        kept = torch.where(mask > 0, _wide(values), 0.0) * mask
        entry = torch.stack([kept.sum(), _wide(mask).sum()])
        self.sums[name] = self.sums[name] + entry if name in self.sums else entry

    def max(self, name: str, values: Tensor, mask: Tensor) -> None:
        """Add the entries of ``values`` where ``mask`` is above 0 to a maximum."""
        if not values.numel():
            return
        top = torch.where(mask > 0, _wide(values), -torch.inf).max()
        self.maxima[name] = torch.maximum(self.maxima[name], top) if name in self.maxima else top

    def merge(self, other: Metrics) -> Metrics:
        """Both together, as if measured at once."""
        sums, maxima = dict(self.sums), dict(self.maxima)
        for name, entry in other.sums.items():
            sums[name] = sums[name] + entry if name in sums else entry
        for name, top in other.maxima.items():
            maxima[name] = torch.maximum(maxima[name], top) if name in maxima else top
        return Metrics(sums, maxima)

    def result(self) -> dict[str, float]:
        """Name to value; what was measured on nothing is left out."""
        values: dict[str, float] = {}
        for name, entry in self.sums.items():
            total, count = entry.tolist()
            if count > 0:
                values[name] = total / count
        values.update({name: top for name, entry in self.maxima.items() if (top := float(entry)) > float("-inf")})
        return values
