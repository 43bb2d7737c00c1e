"""Nearest training texts by the cosine of TF-IDF vectors over words and pairs of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 256
_SLOW = 4000


class Index:
    """An index of training texts. Held-out texts never enter it, nor its word statistics.

    Raises:
        ImportError: if scikit-learn is not installed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError:
            raise ImportError(
                "retrieved demonstrations and definitions need scikit-learn: pip install 'assay[data]'"
            ) from None
        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
        self.vectors: Any = self._vectorizer.fit_transform([text or " " for text in texts])
        """Sparse float32 [texts, terms], rows of unit length (zero where a text has no word)."""

    def similarities(self, queries: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        """For each query, its cosine with every training text: float32 [texts]."""
        starts = range(0, len(queries), _CHUNK)
        steps: Any = starts
        if len(queries) >= _SLOW:
            from rich.progress import track

            steps = track(starts, description="Finding demonstrations", transient=True)
        for start in steps:
            block = self._vectorizer.transform([text or " " for text in queries[start : start + _CHUNK]])
            yield from np.asarray((block @ self.vectors.T).todense(), dtype=np.float32)

    def central(self, members: Sequence[int], count: int) -> list[int]:
        """The ``count`` of ``members`` nearest to their mean, nearest first; equal ones in their order."""
        chosen = self.vectors[list(members)]
        mean = np.asarray(chosen.mean(axis=0)).ravel()
        closeness = np.asarray(chosen @ mean).ravel()
        return [members[i] for i in np.argsort(-closeness, kind="stable")[:count]]

    def cluster_order(self, clusters: int, seed: int) -> list[list[int]]:
        """For each of ``clusters`` k-means centroids, the texts of its cluster, nearest to the centroid first."""
        from sklearn.cluster import KMeans

        model = KMeans(clusters, n_init=2, random_state=seed).fit(self.vectors)
        distances = model.transform(self.vectors)
        order = []
        for cluster in range(clusters):
            members = np.flatnonzero(model.labels_ == cluster)
            order.append([int(i) for i in members[np.argsort(distances[members, cluster], kind="stable")]])
        return [members for members in order if members]


def word_cosine(first: str, second: str) -> float:
    """The cosine of two texts' counts of words and pairs of words, in 0..1; needs no index."""
    a, b = _terms(first), _terms(second)
    overlap = sum(count * b.get(term, 0) for term, count in a.items())
    norms = (sum(c * c for c in a.values()) * sum(c * c for c in b.values())) ** 0.5
    return overlap / norms if norms else 0.0


def _terms(text: str) -> dict[tuple[str, ...], int]:
    words = re.findall(r"\w+", text.casefold())
    counts: dict[tuple[str, ...], int] = {}
    for term in [(word,) for word in words] + list(pairwise(words)):
        counts[term] = counts.get(term, 0) + 1
    return counts
