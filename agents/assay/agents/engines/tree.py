"""Decoding over a tree of contexts: what all rows share is encoded and held once, what a group shares once a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from assay.agents.engines.own_tokens import own_tokens
from assay.agents.engines.plain import PlainState, left_pad, positions_of
from assay.agents.engines.seen import SHORTEST_PREFIX, Seen
from assay.agents.engines.tree_attention import Level, Tree, using_tree_attention

if TYPE_CHECKING:
    from torch import Tensor


class TreeState:
    """The rows of a decoding loop, each at the end of its context.

    Args:
        model: one that :func:`follows_tree`.
        contexts: distinct token contexts.
        owners: for each completion, which context it continues.
        budget: tokens that a row may draw at most.
        processor: of a vision-language model.
        images: of each context; contexts with equal tokens differ if their images do.
    """

    allowed = None

    def __init__(
        self,
        model: Any,
        contexts: Sequence[Sequence[int]],
        owners: Sequence[int],
        budget: int,
        processor: Any = None,
        images: Sequence[Sequence[Any]] = (),
    ) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.common: Level | None = None
        self.contexts: Level | None = None
        seen = Seen(model, processor, contexts, images)
        shared = seen.shared_length()
        if shared:
            self.common, logits = _encode(seen, [0], 0, shared, None)
        if not shared or len(contexts) > 1:
            self.contexts, logits = _encode(seen, range(len(contexts)), shared, None, self.common)
        self.owner = torch.tensor(list(owners), device=self.device)
        self.position = torch.tensor(seen.ends(), device=self.device)[self.owner]
        self.logits = logits[self.owner]
        self.own = own_tokens(model.config.get_text_config().num_hidden_layers, budget)
        self._seat()

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order."""
        index = torch.tensor(list(rows), device=self.device)
        self.owner, self.position, self.logits = self.owner[index], self.position[index], self.logits[index]
        self.own.reorder_cache(index)
        self._seat()

    def step(self, tokens: Tensor) -> None:
        """Append one token [R] to each row."""
        with using_tree_attention(self.model):
            out = self.model(
                input_ids=tokens.unsqueeze(-1),
                position_ids=self.position.unsqueeze(-1),
                past_key_values=self.own,
                use_cache=True,
                logits_to_keep=1,
                assay_tree=self.tree,
            )
        self.position = self.position + 1
        self.logits = out.logits[:, -1]

    def _seat(self) -> None:
        taken: dict[int, int] = {}
        seats = []
        for owner in self.owner.tolist():
            seats.append(taken.get(owner, 0))
            taken[owner] = seats[-1] + 1
        width = max(taken.values())
        slot = self.owner * width + torch.tensor(seats, device=self.device)
        self.tree = Tree(self.common, self.contexts, slot, width)


def follows_tree(model: Any) -> bool:
    """Whether decoding over a tree gives what a plain padded batch gives, tried on the model itself.

    False for layers that do not look at all of the past, for attention of another form, and for models that do not pass
    keyword arguments on to their attention.
    """
    text = model.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    windowed = getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True)
    if kinds != {"full_attention"} or (windowed and getattr(text, "layer_types", None) is None):
        return False
    vocab = text.vocab_size
    stem = [(7 * i + 1) % vocab for i in range(SHORTEST_PREFIX + 1)]
    contexts = [stem, [*stem, 2 % vocab, 3 % vocab, 5 % vocab]]
    owners = [1, 0, 1]
    try:
        states = TreeState(model, contexts, owners, 4), PlainState(model, contexts, owners)
        for token in (4, 9):
            for state in states:
                state.step(torch.full((len(owners),), token % vocab, device=state.logits.device))
    except (ValueError, TypeError, AttributeError, RuntimeError, KeyError, IndexError):
        return False
    tree, plain = (state.logits.float() for state in states)
    allowed = 1e-3 if plain.dtype == states[1].logits.dtype else 0.1
    return bool((tree - plain).abs().mean() <= allowed * plain.std(-1).mean())


def _encode(
    seen: Seen, which: Sequence[int], start: int, stop: int | None, after: Level | None
) -> tuple[Level, Tensor]:
    """Keys and values of part of these contexts, which continues ``after``, and the logits [N, V] at their ends."""
    from transformers import DynamicCache

    contexts = [seen.contexts[i][start:stop] for i in which]
    ids, mask = left_pad(contexts, next(seen.model.parameters()).device)
    cache = DynamicCache()
    if after is not None:
        for layer, (key, value) in enumerate(zip(after.keys, after.values, strict=True)):
            cache.update(key.expand(len(contexts), -1, -1, -1), value.expand(len(contexts), -1, -1, -1), layer)
    padded = not bool(mask.all())
    out = seen.model(
        input_ids=ids,
        attention_mask=torch.cat([mask.new_ones((len(contexts), start)), mask], -1) if padded else None,
        position_ids=seen.positions(which, positions_of(mask) + start),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        **seen.features(ids, which, start),
    )
    keys: list[Tensor] = [layer.keys[:, :, start:] for layer in cache.layers]
    values: list[Tensor] = [layer.values[:, :, start:] for layer in cache.layers]
    if start:  # let go of the copies of the prefix
        keys, values = [key.clone() for key in keys], [value.clone() for value in values]
    return Level(keys, values, mask.bool()), out.logits[:, -1]
