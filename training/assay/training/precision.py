"""Which tensors the optimiser steps: the parameters themselves, or float32 masters of half-precision ones.

An AdamW step of 1e-5 on a weight of 0.02 is below half the spacing of bfloat16 numbers, so a bfloat16 model that is
stepped directly does not move. Each such parameter gets a float32 master; gradients go up, values come down.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Weights:
    """The trainable weights of a model, by name: ``own`` as the model has them, ``masters`` as the optimiser does."""

    def __init__(self, model: nn.Module) -> None:
        self.own = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.masters: dict[str, nn.Parameter] = {
            name: p if p.dtype in (torch.float32, torch.float64) else nn.Parameter(p.detach().float())
            for name, p in self.own.items()
        }

    def lift(self) -> None:
        """Move gradients to the masters; a parameter without one gets zeros, so that every step is a whole step."""
        for name, own in self.own.items():
            master = self.masters[name]
            if own is master:
                if own.grad is None:
                    own.grad = torch.zeros_like(own)
                continue
            master.grad = torch.zeros_like(master) if own.grad is None else own.grad.float()
            own.grad = None

    @torch.no_grad()
    def publish(self) -> None:
        """Copy the masters into the model."""
        for name, own in self.own.items():
            if own is not self.masters[name]:
                own.copy_(self.masters[name])

    def split_masters(self) -> dict[str, Tensor]:
        """Masters that are not parameters of the model, which a checkpoint must keep."""
        return {name: m.detach() for name, m in self.masters.items() if m is not self.own[name]}
