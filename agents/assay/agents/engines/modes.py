"""Running a live training model as a sampler, and leaving no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def sampling_mode(model: Any) -> Iterator[None]:
    """Eval mode without gradients; every module's own mode is restored.

    Not ``inference_mode``: buffers that a model renews while it runs would become tensors that no later backward pass
    may touch.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def own_random_state(device: torch.device) -> Iterator[None]:
    """Torch's global random state is put back at the end, on the CPU and on ``device``."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
