"""What a schedule remembers as plain tensors, for a checkpoint, and back: every number, and every pixel."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.agents.chat import image_key
from assay.training.batch import Batch
from assay.training.forward import Row
from assay.training.memory import Memory
from assay.training.objectives.data import TrajectoryBatch

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


def memory_tensors(memory: Memory) -> dict[str, Tensor]:
    """A memory as named tensors; none where it is empty.

    Rows are laid end to end, with their lengths beside them. Images are stored once each: as PNG, or as the path that
    stood for them.
    """
    if not len(memory):
        return {}
    rows = memory.batch.rows
    tensors = {
        "ids": torch.from_numpy(np.concatenate([row.ids for row in rows])),
        "lengths": torch.tensor([len(row.ids) for row in rows]),
        "prompts": torch.tensor([row.prompt for row in rows]),
        "mask": torch.from_numpy(np.concatenate([row.mask for row in rows])),
        "advantage": memory.advantage,
        "returns": memory.returns,
        **_image_tensors([row.images for row in rows]),
    }
    for item in fields(TrajectoryBatch):
        value = getattr(memory.batch.data, item.name)
        if isinstance(value, Tensor):
            tensors[f"data.{item.name}"] = value
        elif isinstance(value, dict):
            tensors |= {f"data.{item.name}.{key}": tensor for key, tensor in value.items()}
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def memory_from(tensors: Mapping[str, Tensor]) -> Memory:
    """The memory that :func:`memory_tensors` was given.

    Raises:
        ValueError: if a stored image is not a PNG.
    """
    if not tensors:
        return Memory()
    lengths, prompts = tensors["lengths"].tolist(), tensors["prompts"].tolist()
    ids = torch.split(tensors["ids"], lengths)
    masks = torch.split(tensors["mask"], [length - prompt for length, prompt in zip(lengths, prompts, strict=True)])
    images = _images(tensors, len(lengths))
    rows = [
        Row(row_ids.numpy(), prompt, mask.numpy(), seen)
        for row_ids, prompt, mask, seen in zip(ids, prompts, masks, images, strict=True)
    ]
    changes: dict[str, Any] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "data":
            item, inner, key = rest.partition(".")
            if inner:
                changes.setdefault(item, {})[key] = value
            else:
                changes[item] = value
    batch = Batch(rows, TrajectoryBatch(**changes))
    return Memory(batch, tensors["advantage"], tensors["returns"], torch.zeros(len(rows), dtype=torch.bool))


def _image_tensors(seen: Sequence[tuple[Any, ...]]) -> dict[str, Tensor]:
    number: dict[Any, int] = {}
    blobs: list[bytes] = []
    paths: list[bool] = []
    for image in (image for images in seen for image in images):
        if (key := image_key(image)) not in number:
            number[key] = len(blobs)
            paths.append(not hasattr(image, "tobytes"))
            blobs.append(str(image).encode() if paths[-1] else _png(image))
    if not blobs:
        return {}
    return {
        "image.bytes": torch.frombuffer(bytearray(b"".join(blobs)), dtype=torch.uint8),
        "image.lengths": torch.tensor([len(blob) for blob in blobs]),
        "image.is_path": torch.tensor(paths),
        "image.counts": torch.tensor([len(images) for images in seen]),
        "image.index": torch.tensor([number[image_key(image)] for images in seen for image in images]),
    }


def _images(tensors: Mapping[str, Tensor], rows: int) -> list[tuple[Any, ...]]:
    if "image.counts" not in tensors:
        return [()] * rows
    blobs = torch.split(tensors["image.bytes"], tensors["image.lengths"].tolist())
    made = [
        blob.numpy().tobytes().decode() if is_path else _opened(blob.numpy().tobytes())
        for blob, is_path in zip(blobs, tensors["image.is_path"].tolist(), strict=True)
    ]
    which = torch.split(tensors["image.index"], tensors["image.counts"].tolist())
    return [tuple(made[i] for i in index.tolist()) for index in which]


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    (image if image.mode in _PNG_MODES else image.convert("RGB")).save(buffer, format="PNG")
    return buffer.getvalue()


def _opened(data: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            opened.load()
            return opened.copy()
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise ValueError(f"the checkpoint's memory holds an image that is no PNG: {error}") from None
