"""Engines: what turns requests into completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.agents.policy import Policy

ENGINES = ("hf", "hf-cb")


def make_engine(
    name: str, model: Any, tokenizer: Any, *, frozen: Callable[[str], Any] | None = None, **options: Any
) -> Policy:
    """A policy that samples from a live model.

    ``hf`` is :class:`~assay.agents.engines.hf.HFPolicy`, ``hf-cb`` is
    :class:`~assay.agents.engines.hf_cb.ContinuousPolicy`. A further engine is one module with one class that has
    ``generate``, and one line here; an engine that holds a copy of the weights (vLLM) also has ``sync(model)``, to be
    called after every optimiser step.

    Args:
        name: one of :data:`ENGINES`.
        model: a transformers model.
        tokenizer: its tokenizer or processor.
        frozen: gives the models that action masks name, to engines that can mask.
        options: the engine's own.

    Raises:
        ValueError: naming the engines there are.
    """
    if name == "hf":
        from assay.agents.engines.hf import HFPolicy

        return HFPolicy(model, tokenizer, frozen=frozen, **options)
    if name == "hf-cb":
        from assay.agents.engines.hf_cb import ContinuousPolicy

        return ContinuousPolicy(model, tokenizer, **options)
    raise ValueError(f"no engine {name!r} (vllm is not available yet): use {' or '.join(ENGINES)}")
