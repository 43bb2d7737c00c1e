"""Which training rows stand before a query as examples (the ``icl`` dimension of GenCLS++, arXiv 2504.19898)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from assay.envs.candidates import seeded
from assay.envs.text_classification.corpus import fold_text
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.retrieval import Index, word_cosine
from assay.envs.text_classification.sources import Row

NEAR = 0.95
"""A training text more similar than this to a training query is a near copy of it and is not shown."""

MOST_CLASSES = 20
"""``per-class-1`` shows one example of each class; beyond this many the prompt would be all examples."""


def choose(rows: Sequence[Row], train: Sequence[Row], labels: Sequence[str], options: Options) -> list[list[Row]]:
    """The demonstrations of each of ``rows``, in the order they are shown.

    Never the query itself. For training queries near copies are left out too. ``fixed``: the same for all, drawn once,
    distinct labels first. ``random``: drawn anew for each query. ``similar``: the nearest, nearest last. ``diverse``:
    the rows nearest to k-means centroids. ``per-class-1``: the nearest of each class, nearest last.

    Raises:
        ValueError: one line; too few training rows, or too many classes for ``per-class-1``.
        ImportError: if scikit-learn is missing where it is needed.
    """
    if options.icl == "per-class-1" and len(labels) > MOST_CLASSES:
        raise ValueError(f"icl per-class-1 is for at most {MOST_CLASSES} labels; there are {len(labels)}: use similar")
    if options.icl != "per-class-1" and not 0 < options.k < len(train):
        raise ValueError(
            f"k must be from 1 to {len(train) - 1}, one less than there are training rows; got {options.k}"
        )
    near = NEAR if options.split == "train" else 2.0
    if options.icl in ("similar", "per-class-1"):
        return _nearest(rows, train, labels, options, near)
    return [_take(row, pool, options.k, near) for row, pool in zip(rows, _pools(rows, train, options), strict=True)]


def _pools(rows: Sequence[Row], train: Sequence[Row], options: Options) -> Iterator[Iterable[Row]]:
    """For each query, training rows in the order in which they should be tried."""
    if options.icl == "random":
        for row in rows:
            yield _drawn(train, seeded("demonstrations", options.seed, row.text))
        return
    if options.icl == "fixed":
        pool = _distinct_labels_first(train, options.seed)
    else:
        clusters = Index([row.text for row in train]).cluster_order(options.k, options.seed)
        longest = max(map(len, clusters))
        pool = [train[members[rank]] for rank in range(longest) for members in clusters if rank < len(members)]
    for _ in rows:
        yield pool


def _drawn(train: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """All of ``train`` in random order, one at a time, at no cost for those that are not asked for."""
    drawn: set[int] = set()
    while len(drawn) < len(train):
        i = rng.randrange(len(train))
        if i not in drawn:
            drawn.add(i)
            yield train[i]


def _distinct_labels_first(train: Sequence[Row], seed: int) -> list[Row]:
    order = list(train)
    seeded("fixed", seed).shuffle(order)
    seen: set[str] = set()
    first = [row for row in order if row.label not in seen and not seen.add(row.label)]  # type: ignore[func-returns-value]
    taken = set(first)
    return first + [row for row in order if row not in taken]


def _take(query: Row, pool: Iterable[Row], k: int, near: float) -> list[Row]:
    chosen: list[Row] = []
    own = fold_text(query.text)
    for row in pool:
        if len(chosen) == k:
            break
        if fold_text(row.text) != own and word_cosine(row.text, query.text) <= near:
            chosen.append(row)
    return chosen


def _nearest(
    rows: Sequence[Row], train: Sequence[Row], labels: Sequence[str], options: Options, near: float
) -> list[list[Row]]:
    index = Index([row.text for row in train])
    folded = [fold_text(row.text) for row in train]
    members = {label: np.array([i for i, row in enumerate(train) if row.label == label], dtype=int) for label in labels}
    chosen = []
    for row, similarity in zip(rows, index.similarities([row.text for row in rows]), strict=True):
        similarity[similarity > near] = -1.0
        own = fold_text(row.text)
        if options.icl == "similar":
            ranked = _ranked(similarity, options.k + 4)
            found = [i for i in ranked if similarity[i] >= 0 and folded[i] != own][: options.k]
        else:
            found = []
            for indices in members.values():
                ranked = [int(indices[i]) for i in _ranked(similarity[indices], 4)]
                found += [i for i in ranked if similarity[i] >= 0 and folded[i] != own][:1]
        chosen.append([train[i] for i in sorted(found, key=lambda i: (similarity[i], -i))])
    return chosen


def _ranked(similarity: np.ndarray[tuple[int, ...], np.dtype[np.float32]], count: int) -> list[int]:
    """Indices of the ``count`` largest values, largest first, equal ones in order."""
    if count < len(similarity):
        cut = np.partition(similarity, len(similarity) - count)[len(similarity) - count]
        best = np.flatnonzero(similarity >= cut)
    else:
        best = np.arange(len(similarity))
    return [int(i) for i in best[np.argsort(-similarity[best], kind="stable")][:count]]
