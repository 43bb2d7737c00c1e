"""What a vision-language model is given of an image: tensors that grow with the image, one set an image.

Layouts differ. Idefics3 and SmolVLM take frames (``pixel_values`` [1, F, 3, H, W] with ``pixel_attention_mask``), Qwen
takes patches (``pixel_values`` [P, C] with ``image_grid_thw`` [1, 3]). Both are kept as one ragged tensor a name and
image: its first axis counts frames, patches or images, and the images of a pass are joined along it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from assay.agents.chat import image_key, load_image

if TYPE_CHECKING:
    from torch import Tensor

KEPT_BYTES = 256 * 2**20
"""What the remembered images of a processor take up at most (or one image, if that is larger)."""
GRID = "image_grid_thw"
"""Qwen's name for the patches of each image, [images, (time, rows, columns)]."""


@dataclass(frozen=True)
class Picture:
    """One image as a model's inputs.

    Attributes:
        tensors: by name of the model's argument, ragged along the first axis; on the CPU.
        tokens: placeholder tokens that the image takes up in a context.
        batched: the model's arguments have one more axis, of size 1, before the ragged one.
    """

    tensors: Mapping[str, Tensor]
    tokens: int
    batched: bool

    @property
    def bytes(self) -> int:
        """Memory it takes up."""
        return sum(value.nbytes for value in self.tensors.values())


class Pictures:
    """Images as one processor sees them; the latest are remembered.

    Args:
        processor: a transformers processor; its image half is used.

    Raises:
        ValueError: if it has no image half.
    """

    def __init__(self, processor: Any) -> None:
        half = getattr(processor, "image_processor", None)
        if half is None:
            raise ValueError("requests with images need a vision-language model and its processor")
        self.half = half
        self.tokens_of_frame = int(getattr(processor, "image_seq_len", 0) or 0)
        self._kept: OrderedDict[Any, Picture] = OrderedDict()
        self._bytes = 0

    def __call__(self, image: Any) -> Picture:
        """The tensors of an image, a path or a ``PIL.Image``.

        Raises:
            ValueError: if it cannot be read.
        """
        key = image_key(image)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = self._prepared(load_image(image))
        self._kept[key] = found
        self._bytes += found.bytes
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].bytes
        return found

    def _prepared(self, image: Any) -> Picture:
        made = self.half([[image]], return_tensors="pt")
        tensors = {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
        if GRID in tensors:
            merged = int(getattr(self.half, "merge_size", 1)) ** 2
            return Picture(tensors, sum(prod(grid) // merged for grid in tensors[GRID].tolist()), batched=False)
        pixels = tensors["pixel_values"]
        tokens = prod(pixels.shape[:-3]) * self.tokens_of_frame
        if pixels.ndim == 5:
            return Picture({name: value[0] for name, value in tensors.items()}, tokens, batched=True)
        return Picture(tensors, tokens, batched=False)


_OF_PROCESSOR: WeakKeyDictionary[Any, Pictures] = WeakKeyDictionary()


def pictures_of(processor: Any) -> Pictures:
    """The :class:`Pictures` of a processor: one for sampler, checks and trainer, so that an image is prepared once.

    Raises:
        ValueError: if it has no image half.
    """
    if processor not in _OF_PROCESSOR:
        _OF_PROCESSOR[processor] = Pictures(processor)
    return _OF_PROCESSOR[processor]


def join(pictures: Sequence[Picture]) -> dict[str, Tensor]:
    """The images of one pass, at least one, in the order of their placeholders, as the model's arguments.

    Frames of different sizes are padded at the bottom and right; a mask says so with zeros.
    """
    joined = {}
    for name in pictures[0].tensors:
        parts = [picture.tensors[name] for picture in pictures]
        whole = torch.cat(_padded(parts) if pictures[0].batched else parts)
        joined[name] = whole[None] if pictures[0].batched else whole
    return joined


def _padded(parts: list[Tensor]) -> list[Tensor]:
    height, width = (max(part.shape[axis] for part in parts) for axis in (-2, -1))
    return [torch.nn.functional.pad(part, (0, width - part.shape[-1], 0, height - part.shape[-2])) for part in parts]


def check_count(ids: Sequence[int], placeholder: int, pictures: Sequence[Picture]) -> None:
    """Refuse a context whose placeholder tokens are not those of its images: what the model would refuse, or misread.

    Raises:
        ValueError: naming both counts.
    """
    found, wanted = sum(token == placeholder for token in ids), sum(picture.tokens for picture in pictures)
    if found != wanted:
        raise ValueError(f"{found} image placeholder tokens, but the {len(pictures)} images make {wanted} features")
