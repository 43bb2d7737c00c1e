"""Pixels for a context that holds image placeholders."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from assay.agents.chat import load_image

if TYPE_CHECKING:
    from torch import Tensor


def image_features(model: Any, processor: Any, ids: Sequence[int], images: Sequence[Any]) -> dict[str, Tensor]:
    """The model's image inputs for one context [1, S].

    Args:
        model: a vision-language model.
        processor: its processor; the image half is used, the tokens are already there.
        ids: the context, placeholders expanded.
        images: paths or ``PIL.Image``, in the order of their placeholders.

    Raises:
        ValueError: if the tokenizer is not a processor.
    """
    half = getattr(processor, "image_processor", None)
    if half is None:
        raise ValueError("requests with images need a vision-language model and its processor")
    owner = next(model.parameters())
    batch = half([[load_image(image) for image in images]], return_tensors="pt")
    accepted = inspect.signature(_innermost(model).forward).parameters
    found = {
        name: value.to(owner.device, owner.dtype if value.is_floating_point() else value.dtype)
        for name, value in batch.items()
        if name in accepted and isinstance(value, torch.Tensor)
    }
    if "mm_token_type_ids" in accepted:
        placeholder = model.config.image_token_id
        kinds = [int(token == placeholder) for token in ids]
        found["mm_token_type_ids"] = torch.tensor([kinds], device=owner.device)
    return found


def _innermost(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
