"""Contexts as a model takes them in: their tokens, the images in them, and where each token stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from assay.agents.engines.features import image_features, places

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST_PREFIX = 16
"""A shorter common prefix is not worth a forward pass of its own."""


class Seen:
    """Distinct contexts, each with its images.

    Args:
        model: a causal language model, or a vision-language one.
        processor: of the latter.
        contexts: token ids.
        images: of each context; empty where none has any.
    """

    def __init__(
        self, model: Any, processor: Any, contexts: Sequence[Sequence[int]], images: Sequence[Sequence[Any]] = ()
    ) -> None:
        self.model = model
        self.processor = processor
        self.contexts = contexts
        self.images = images if any(images) else ()
        self._holder = getattr(model.config, "image_token_id", None)
        each = self.images or [()] * len(contexts)
        self._places = [places(model, processor, ids, seen) for ids, seen in zip(contexts, each, strict=True)]

    def shared_length(self) -> int:
        """Tokens of the prefix that is encoded apart: a lone context whole, else what all share short of one token.

        No image is part of what several contexts share: equal placeholders stand for different ones.
        """
        if len(self.contexts) == 1:
            return len(self.contexts[0])
        ordered = sorted(tuple(context) for context in self.contexts)
        low, high = ordered[0], ordered[-1]  # the two that share least
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
        common = min(common, min(map(len, self.contexts)) - 1)
        if self.images:
            common = next((i for i, token in enumerate(low[:common]) if token == self._holder), common)
        return common if common >= SHORTEST_PREFIX else 0

    def ends(self) -> list[int]:
        """The position of the token after each context."""
        return [
            len(ids) + (0 if rule is None else rule.shift)
            for ids, rule in zip(self.contexts, self._places, strict=True)
        ]

    def positions(self, which: Sequence[int], index: Tensor) -> Tensor:
        """Where the tokens stand that have these indices in their contexts.

        Args:
            which: contexts.
            index: int64 [N, S], one row each.

        Returns:
            int64 [N, S], or [3, N, S] for models whose images lie on a grid of positions.
        """
        rules = [self._places[i] for i in which]
        if all(rule is None for rule in rules):
            return index
        rows = index.cpu().numpy()
        found = [
            np.broadcast_to(row, (3, len(row))) if rule is None else rule.at(row)
            for rule, row in zip(rules, rows, strict=True)
        ]
        return torch.from_numpy(np.stack(found, 1)).to(index.device)

    def features(self, ids: Tensor, which: Sequence[int], start: int) -> dict[str, Tensor]:
        """The image inputs of a pass over the ends of these contexts from ``start`` on, which ``ids`` [N, S] holds."""
        if not self.images:
            return {}
        shown = [() if self._holder in self.contexts[i][:start] else self.images[i] for i in which]
        return image_features(self.model, self.processor, ids.tolist(), shown)
