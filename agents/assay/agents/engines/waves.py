"""Which requests are decoded together: as many as fit, equal contexts side by side, near lengths together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.agents.chat import image_key


@dataclass
class Wave:
    """Distinct contexts decoded together, for each the positions of the requests that continue it, and its images."""

    contexts: list[tuple[int, ...]] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    images: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def owners(self) -> list[int]:
        """For each row, its context."""
        return [owner for owner, group in enumerate(self.members) for _ in group]

    @property
    def rows(self) -> list[int]:
        """For each row, its request."""
        return [i for group in self.members for i in group]


def waves(
    contexts: Sequence[tuple[int, ...]],
    budgets: Sequence[int],
    images: Sequence[tuple[Any, ...]],
    *,
    limit: int,
    shared: bool,
) -> Iterator[Wave]:
    """Cut requests into waves that hold at most ``limit`` tokens each (a wave of one row may hold more).

    Args:
        contexts: of each request.
        budgets: tokens that each may draw.
        images: of each; unless contexts are shared, one with images has waves of its own.
        limit: tokens.
        shared: a context is held once for all its rows, not once a row.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, (ids, seen) in enumerate(zip(contexts, images, strict=True)):
        groups.setdefault((ids, *map(image_key, seen)), []).append(i)
    wave, held = Wave(), 0
    for (ids, *_), group in sorted(groups.items(), key=lambda item: len(item[0][0])):
        seen = images[group[0]]
        if wave.contexts and not shared and (seen or wave.images[-1]):
            yield wave
            wave, held = Wave(), 0
        for i in group:
            new = not wave.contexts or i == group[0]
            cost = budgets[i] + (len(ids) if new or not shared else 0)
            if wave.contexts and held + cost > limit:
                yield wave
                wave, held, new = Wave(), 0, True
                cost = budgets[i] + len(ids)
            if new:
                wave.contexts.append(ids)
                wave.members.append([])
                wave.images.append(seen)
            wave.members[-1].append(i)
            held += cost
    if wave.contexts:
        yield wave
