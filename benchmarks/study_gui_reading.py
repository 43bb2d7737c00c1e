"""Teaching a tiny-vlm to read: each image token is taught to look like the words that stand where it is.

Cross-entropy between an image token, as the language model gets it, and the word embeddings, over the patches that have
ink on them; what stands there is the name of the element around it, or its role where nothing is written on it. Without
it, a small model learns from points alone for an hour before it looks at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.agents.chat import Chat
from assay.envs.gui_grounding.elements import Element

INK = 8.0
"""Standard deviation of brightness in a patch, of 255, from which something stands on it."""
COVERED = 0.3
"""Share of a patch's width, and of its height, that an element must cover."""


@dataclass(frozen=True)
class Page:
    """A screenshot as a lesson in reading: its picture, and (patch, token, weight) of what is written on it."""

    picture: Any
    patches: Tensor
    tokens: Tensor
    weights: Tensor


def page_of(picture: Any, elements: Sequence[Element], size: tuple[int, int], side: int, chat: Chat) -> Page:
    """The lesson of a screenshot.

    Args:
        picture: a square PIL image, as the model sees it.
        elements: with boxes in pixels of the screenshot.
        size: (width, height) of the screenshot.
        side: patches along a side.
        chat: has the tokenizer.
    """
    grey = np.asarray(picture.convert("L"), np.float32)
    step = len(grey) // side
    ink = grey.reshape(side, step, side, step).std(axis=(1, 3)) > INK
    found: list[tuple[int, int, float]] = []
    for each in elements:
        written = each.name or each.role
        words = sorted({*chat.encode(written), *chat.encode(f" {written}")})
        x1, x2 = each.box[0] / size[0] * side, (each.box[2] + 1) / size[0] * side
        y1, y2 = each.box[1] / size[1] * side, (each.box[3] + 1) / size[1] * side
        found += [
            (row * side + column, word, 1 / len(words))
            for row in range(int(y1), min(side, math.ceil(y2)))
            for column in range(int(x1), min(side, math.ceil(x2)))
            if min(column + 1, x2) - max(column, x1) > COVERED
            and min(row + 1, y2) - max(row, y1) > COVERED
            and ink[row, column]
            for word in words
        ]
    patches, tokens, weights = zip(*found, strict=True) if found else ((), (), ())
    return Page(
        picture, torch.tensor(patches, dtype=torch.long), torch.tensor(tokens, dtype=torch.long), torch.tensor(weights)
    )


def learn_to_read(
    model: Any,
    processor: Any,
    pages: Sequence[Page],
    apply: Callable[[int], None],
    steps: int,
    rng: np.random.Generator,
    batch: int = 4,
) -> list[float]:
    """The losses of ``steps`` steps; ``apply`` makes an optimiser step."""
    words = model.get_input_embeddings().weight
    used = torch.cat([page.tokens for page in pages]).unique()
    place = torch.full((len(words),), -1)
    place[used] = torch.arange(len(used))
    losses = []
    for step in range(steps):
        chosen = [pages[int(i)] for i in rng.integers(len(pages), size=batch)]
        seen = image_tokens(model, processor, [page.picture for page in chosen])
        table = words[used]
        loss = torch.stack(
            [_reading_loss(seen[i], page, table, place) for i, page in enumerate(chosen) if len(page.tokens)]
        ).mean()
        torch.autograd.backward(loss)
        apply(step)
        losses.append(float(loss.detach()))
    return losses


def image_tokens(model: Any, processor: Any, pictures: Sequence[Any]) -> Tensor:
    """[pictures, tokens, width]: images as the language model gets them."""
    pixels = processor.image_processor(images=[[each] for each in pictures], return_tensors="pt")["pixel_values"]
    seen = model.model.vision_model(pixel_values=pixels.flatten(0, 1)).last_hidden_state
    return torch.as_tensor(model.model.connector(seen))


def _reading_loss(seen: Tensor, page: Page, table: Tensor, place: Tensor) -> Tensor:
    patches, back = page.patches.unique(return_inverse=True)
    flat = F.rms_norm(seen[patches], seen.shape[-1:])
    logp = F.log_softmax(flat @ table.T, -1)
    return -(logp[back, place[page.tokens]] * page.weights).sum() / page.weights.sum()
