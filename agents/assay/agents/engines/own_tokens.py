"""A key-value cache for the tokens a row draws itself: appended in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import DynamicCache, DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


class InPlaceLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values [R, H, T, D] in buffers with room to spare; the stock layer copies all it holds at each token."""

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.budget = budget
        self.room: list[Tensor] = []

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append, and return views of all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held: int = self.get_seq_length()
        length = held + key_states.shape[2]
        if not self.room or self.room[0].shape[2] < length:
            self._grow(key_states, held, length)
        for room, new in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, held:length] = new
        self._look(length)
        return self.keys, self.values

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows, in this order."""
        held = self.get_seq_length()
        if held:
            self.room = [room.index_select(0, beam_idx) for room in self.room]
            self._look(held)

    def _grow(self, like: Tensor, held: int, length: int) -> None:
        size = max(length, min(max(32, 2 * held), self.budget))
        room = [like.new_empty((like.shape[0], like.shape[1], size, like.shape[3])) for _ in range(2)]
        for new, old in zip(room, self.room, strict=False):
            new[:, :, :held] = old[:, :, :held]
        self.room = room

    def _look(self, length: int) -> None:
        self.keys, self.values = (room[:, :, :length] for room in self.room)


def own_tokens(layers: int, budget: int) -> DynamicCache:
    """An empty cache of in-place layers that each hold up to ``budget`` tokens a row."""
    cache = DynamicCache()
    cache.layers = [InPlaceLayer(budget) for _ in range(layers)]
    cache.layer_class_to_replicate = None
    return cache
