"""A model's image inputs for contexts that hold placeholders, and where the tokens of such contexts stand."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from assay.agents.engines.pictures import GRID, join, pictures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

IntArray: TypeAlias = "NDArray[np.int64]"


def image_features(
    model: Any, processor: Any, ids: Sequence[Sequence[int]], images: Sequence[Sequence[Any]]
) -> dict[str, Tensor]:
    """The model's image inputs for a pass over N contexts.

    Args:
        model: a vision-language model.
        processor: its processor; the image half is used, the tokens are already there.
        ids: N rows of equal length, placeholders expanded, padding with any other token.
        images: of each row, paths or ``PIL.Image``, in the order of their placeholders.

    Returns:
        Its arguments by name; empty where no row has an image. ``mm_token_type_ids`` [N, S], for models that take it,
        is 1 at placeholders and 0 elsewhere, sampled tokens included.

    Raises:
        ValueError: if the tokenizer is not a processor.
    """
    seen = [image for row in images for image in row]
    if not seen:
        return {}
    pictures = pictures_of(processor)
    owner = next(model.parameters())
    accepted = inspect.signature(_innermost(model).forward).parameters
    found = {
        name: value.to(owner.device, owner.dtype if value.is_floating_point() else value.dtype)
        for name, value in join([pictures(image) for image in seen]).items()
        if name in accepted
    }
    if "mm_token_type_ids" in accepted:
        kinds = np.asarray(ids) == model.config.image_token_id
        found["mm_token_type_ids"] = torch.from_numpy(kinds.astype(np.int64)).to(owner.device)
    return found


@dataclass(frozen=True)
class Places:
    """Where the tokens of a context stand, by Qwen's rule: image tokens on a grid, text one after another.

    Attributes:
        table: int64 [3, n], time, row and column of the tokens up to and with the last image's.
        shift: what is added to the index of the tokens after them.
    """

    table: IntArray
    shift: int

    def at(self, index: IntArray) -> IntArray:
        """Positions, int64 [3, ...], of the tokens at these indices of the context."""
        held = self.table.shape[1]
        return np.where(index < held, self.table[:, np.minimum(index, held - 1)], index + self.shift)


def places(model: Any, processor: Any, ids: Sequence[int], images: Sequence[Any]) -> Places | None:
    """The positions of a context and whatever follows it; None for models that count tokens plainly.

    They depend on the tokens up to the last image alone, so rows that share these share them.
    """
    if not images:
        return None
    pictures = pictures_of(processor)
    rule = getattr(getattr(_innermost(model), "model", None), "get_rope_index", None)
    if rule is None:
        return None
    marks = np.flatnonzero(np.asarray(ids) == model.config.image_token_id)
    last = int(marks[-1]) + 1
    kinds = np.zeros((1, last + 1), np.int64)
    kinds[0, marks] = 1
    found, _ = rule(
        torch.from_numpy(np.append(np.asarray(ids[:last], np.int64), 0)[None]),
        mm_token_type_ids=torch.from_numpy(kinds),
        image_grid_thw=torch.cat([pictures(image).tensors[GRID] for image in images]),
    )
    table = found[:, 0].numpy()
    return Places(table[:, :-1], int(table[0, -1]) - last)


def _innermost(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
