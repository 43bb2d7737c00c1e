"""Pack token sequences as prefix trees, so that what they share is encoded once.

Sequences that begin alike (a group's prompt, an instruction that every prompt repeats, two equal completions) share
the nodes of a trie. A node attends to itself and its ancestors, and its position is its depth, so every node computes
what it would compute in its own padded row, and gradients are those of the padded way up to rounding.

Several tries are laid side by side as padded rows of one forward pass. Whether two tries are merged is decided by cost:
merging saves the linear work of the shared prefix and adds attention pairs between strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trie:
    """One prefix tree over N nodes in depth-first order, parents before children.

    Attributes:
        ids: int64 [N]; the token of each node.
        depth: int64 [N]; its position, 0 at the root.
        parent: int64 [N]; its parent, -1 at a root.
        paths: for each sequence, in the order given, int64 [length]: its nodes.
        fresh: for each sequence, the number of leading nodes it shares with the one before it in sorted order.
        order: the sorted order of the sequences.
    """

    ids: IntArray
    depth: IntArray
    parent: IntArray
    paths: list[IntArray]
    fresh: list[int]
    order: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    def mask(self, size: int | None = None) -> BoolArray:
        """bool [size, size], padded from N: entry (i, j) says that node i attends to node j; padding sees itself."""
        size = len(self) if size is None else size
        mask = np.eye(size, dtype=np.bool_)
        for index, shared in zip(self.order, self.fresh, strict=True):
            path = self.paths[index]
            length = len(path)
            mask[np.ix_(path[shared:], path)] = np.tri(length - shared, length, shared, dtype=np.bool_)
        return mask


def common_prefix(a: IntArray, b: IntArray) -> int:
    """Length of the longest common prefix of two int64 vectors."""
    size = min(len(a), len(b))
    differ = np.flatnonzero(a[:size] != b[:size])
    return int(differ[0]) if len(differ) else size


def build(sequences: Sequence[IntArray]) -> Trie:
    """The trie of non-empty token sequences.

    In lexicographic order a sequence shares with its predecessor all that it shares with any earlier one, so one pass
    over neighbours finds every node.

    Raises:
        ValueError: if there is no sequence or one is empty.
    """
    if not sequences or any(len(sequence) == 0 for sequence in sequences):
        raise ValueError("a trie needs at least one sequence, none of them empty")
    order = sorted(range(len(sequences)), key=lambda i: sequences[i].tolist())
    ids: list[IntArray] = []
    depth: list[IntArray] = []
    parent: list[IntArray] = []
    paths: list[IntArray] = [np.empty(0, np.int64)] * len(sequences)
    fresh: list[int] = []
    count, before, path = 0, np.empty(0, np.int64), np.empty(0, np.int64)
    for index in order:
        sequence = sequences[index]
        shared = common_prefix(before, sequence)
        new = np.arange(count, count + len(sequence) - shared, dtype=np.int64)
        path = np.concatenate([path[:shared], new])
        ids.append(sequence[shared:])
        depth.append(np.arange(shared, len(sequence), dtype=np.int64))
        parent.append(np.concatenate([[-1], path])[shared : len(sequence)])
        paths[index], before, count = path, sequence, count + len(new)
        fresh.append(shared)
    return Trie(np.concatenate(ids), np.concatenate(depth), np.concatenate(parent), paths, fresh, order)


@dataclass(frozen=True)
class Cost:
    """Arithmetic of one forward pass: FLOPs of the linear layers a token, and of attention a pair of tokens."""

    token: float
    pair: float

    def of(self, nodes: int) -> float:
        """FLOPs of a trie of that many nodes."""
        return nodes * self.token + nodes * nodes * self.pair


@dataclass(frozen=True)
class MicroBatch:
    """One forward pass: ``rows`` are indices of the planned sequences, ``tries`` lists of positions in ``rows``."""

    rows: list[int]
    tries: list[list[int]]


def plan(
    sequences: Sequence[IntArray], units: Sequence[Sequence[int]], budget: int, cost: Cost, *, share: bool = True
) -> list[MicroBatch]:
    """Lay sequences out in tries and tries in micro-batches.

    Args:
        sequences: token sequences.
        units: sets of indices that must stay in one micro-batch; each becomes one trie (or part of one).
        budget: the most padded tokens of a micro-batch; a unit that alone exceeds it gets one of its own.
        cost: decides whether two tries are cheaper merged.
        share: off makes every sequence a trie of its own (the padded way).

    Returns:
        Micro-batches, widest first. Every index of ``units`` occurs in exactly one.
    """
    parts: list[tuple[list[list[int]], int, int]] = []
    if share:
        tries: list[tuple[list[int], int]] = []
        for unit in sorted((list(u) for u in units if len(u)), key=lambda u: min(sequences[i].tolist() for i in u)):
            alone = len(build([sequences[i] for i in unit]))
            if tries:
                members, nodes = tries[-1]
                shared = max(common_prefix(sequences[unit[0]], sequences[i]) for i in members)
                both = nodes + alone - shared
                if both <= budget and cost.of(both) < cost.of(nodes) + cost.of(alone):
                    tries[-1] = (members + unit, both)
                    continue
            tries.append((unit, alone))
        parts = [([members], nodes, 1) for members, nodes in tries]
    else:
        parts = [([[i] for i in unit], max(len(sequences[i]) for i in unit), len(unit)) for unit in units if len(unit)]
    return _laid_out(parts, budget)


def side_by_side(sequences: Sequence[IntArray], parts: Sequence[list[list[int]]], budget: int) -> list[MicroBatch]:
    """Micro-batches of tries that may share a pass but no node, such as those of different images.

    Args:
        sequences: token sequences.
        parts: lists of tries that stay in one micro-batch; a trie is a list of indices.
        budget: as for :func:`plan`.
    """
    sized = [(part, max(len(build([sequences[i] for i in trie])) for trie in part), len(part)) for part in parts]
    return _laid_out(sized, budget)


def _laid_out(parts: Sequence[tuple[list[list[int]], int, int]], budget: int) -> list[MicroBatch]:
    """Of (tries, nodes of the largest, number of tries), widest first."""
    batches: list[list[list[int]]] = []
    widest = lanes = 0
    for members_of, nodes, count in sorted(parts, key=lambda part: -part[1]):
        if batches and widest * (lanes + count) <= budget:
            batches[-1].extend(members_of)
            lanes += count
        else:
            batches.append(list(members_of))
            widest, lanes = nodes, count
    return [_micro_batch(batch) for batch in batches]


def _micro_batch(tries: list[list[int]]) -> MicroBatch:
    rows = [index for members in tries for index in members]
    edges = np.cumsum([0, *map(len, tries)])
    return MicroBatch(rows, [list(range(a, b)) for a, b in pairwise(edges.tolist())])
