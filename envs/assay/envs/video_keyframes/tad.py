"""Temporal Apex Distillation: few frames that tell what happens, picked by where change turns over.

ChronoForge-RL (arXiv 2509.15800) names the three stages and their order but published no code; the formulas here are
this project's reading of them. Everything is float64 numpy and depends on the embeddings alone.

>>> import numpy as np
>>> e = np.array([[1, 0]] * 3 + [[0, 1]] * 3 + [[1, 1]] * 2)
>>> choose(e, 2).indices
(3, 5)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STATIC = 1e-6
"""A clip whose smoothed variation spans less than this has no apex."""
_DIGITS = 12
"""Decimals kept before values are compared, so that rounding noise cannot break a tie."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen candidates of one clip.

    Attributes:
        indices: ascending, without duplicates, min(k, N) of them.
        saliency: of the chosen set, in [0, 1]; see :func:`saliency_of`.
        curve: smoothed variation s in [0, 1], one for each of the N candidates; zeros for a static clip.
        rank: priority q in [0, 1] of each candidate; 0 where it is no apex.
    """

    indices: tuple[int, ...]
    saliency: float
    curve: Floats
    rank: Floats


def variation(e: npt.ArrayLike) -> Floats:
    """How much each frame differs from the one before it: v_0 = 0, v_t = 1 - cos(e_t, e_{t-1}).

    Args:
        e: embeddings [N, D] in time order, of any scale. Two rows of zeros are alike; one is unlike anything else.

    Returns:
        float64 [N] in [0, 2].

    Raises:
        ValueError: if ``e`` is not [N, D] with N, D >= 1, or not finite.
    """
    rows = np.asarray(e, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"embeddings are [frames, dimensions] with at least one of each, got shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("embeddings must be finite")
    peak = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(peak > 0, peak, 1)  # so that squares neither overflow nor vanish
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(norm > 0, norm, 1)
    cosine = np.einsum("nd,nd->n", unit[1:], unit[:-1])
    empty = peak[:, 0] == 0
    cosine[empty[1:] & empty[:-1]] = 1.0
    return np.concatenate([[0.0], np.clip(np.round(1.0 - cosine, _DIGITS), 0.0, 2.0)])


def smoothed(v: npt.ArrayLike) -> Floats:
    """``v`` [N] after the kernel [1/4, 1/2, 1/4] with its edges repeated, scaled to [0, 1].

    A clip whose smoothed values span less than :data:`STATIC` gives zeros.
    """
    padded = np.pad(np.asarray(v, dtype=np.float64), 1, mode="edge")
    s = np.round(0.25 * (padded[:-2] + padded[2:]) + 0.5 * padded[1:-1], _DIGITS)
    low, span = s.min(), np.ptp(s)
    return np.zeros_like(s) if span < STATIC else np.round((s - low) / span, _DIGITS)


def apexes(s: npt.ArrayLike, kappa: float = 0.5) -> npt.NDArray[np.intp]:
    """Frames where change turns over: s_t > s_{t-1}, s_t >= s_{t+1} and s_t >= mean(s) + kappa * std(s).

    Outside the clip s counts as -1, so that both ends can be apexes; of a plateau the leftmost frame is one; the
    standard deviation is the population's.

    Args:
        s: curve [N].
        kappa: how far above the mean an apex must reach, in standard deviations.

    Returns:
        ascending indices.
    """
    curve = np.asarray(s, dtype=np.float64)
    padded = np.pad(curve, 1, constant_values=-1.0)
    turns = (curve > padded[:-2]) & (curve >= padded[2:])
    return np.flatnonzero(turns & (curve >= curve.mean() + kappa * curve.std()))


def prominence(s: npt.ArrayLike, t: int) -> float:
    """Height of ``t`` above the higher of the two lowest points met walking left and right while s does not exceed s_t.

    The topographic prominence, in the units of ``s`` [N].
    """
    curve = np.asarray(s, dtype=np.float64)
    higher = np.flatnonzero(curve > curve[t])
    left = higher[higher < t].max(initial=-1) + 1
    right = higher[higher > t].min(initial=len(curve))
    return float(curve[t] - max(curve[left : t + 1].min(), curve[t:right].min()))


def distil(rank: npt.ArrayLike, peaks: Iterable[int], k: int) -> tuple[int, ...]:
    """Up to ``k`` of ``peaks`` by descending rank, far enough apart; then midpoints of the widest gaps.

    Kept peaks are at least max(1, floor(N / 2k)) frames apart, and among equals the earlier goes first. Gaps are
    counted with the bounds -1 and N; the midpoint is floor((l + r) / 2); among equal gaps the earliest goes first.

    Args:
        rank: priority q [N].
        peaks: indices that may be chosen by rank.
        k: how many frames, at least 1.

    Returns:
        ascending indices, min(k, N) of them.

    Raises:
        ValueError: if ``k`` is below 1.
    """
    q = np.asarray(rank, dtype=np.float64)
    n, apart = len(q), max(1, len(q) // (2 * positive(k)))
    chosen: list[int] = []
    for t in sorted(peaks, key=lambda t: (-q[t], t)):
        if len(chosen) < k and all(abs(t - other) >= apart for other in chosen):
            chosen.append(int(t))
    while len(chosen) < min(k, n):
        marks = np.array([-1, *sorted(chosen), n])
        widest = int(np.argmax(np.diff(marks)))
        chosen.append(int(marks[widest] + marks[widest + 1]) // 2)
    return tuple(sorted(chosen))


def choose(e: npt.ArrayLike, k: int, a: float = 0.5, kappa: float = 0.5) -> Selection:
    """The ``k`` frames that Temporal Apex Distillation keeps.

    A clip of at most ``k`` frames gives all of them; a static one gives :func:`evenly`.

    Args:
        e: embeddings [N, D] in time order, of any scale.
        k: how many frames, at least 1.
        a: weight of height against prominence in the rank, in [0, 1].
        kappa: see :func:`apexes`.

    Raises:
        ValueError: if ``k`` is below 1 or ``e`` is not finite [N, D].
    """
    curve = smoothed(variation(e))
    rank = ranked(curve, a, kappa)
    n = len(curve)
    if n <= positive(k):
        indices = tuple(range(n))
    elif not curve.any():
        indices = evenly(n, k)
    else:
        indices = distil(rank, apexes(curve, kappa).tolist(), k)
    return Selection(indices, saliency_of(curve, indices, k), curve, rank)


def ranked(s: npt.ArrayLike, a: float = 0.5, kappa: float = 0.5) -> Floats:
    """Priority q_t = a * s_t + (1 - a) * p_t of every apex of the curve ``s`` [N]; 0 elsewhere, and if it is flat."""
    curve = np.asarray(s, dtype=np.float64)
    rank = np.zeros_like(curve)
    if curve.any():
        for t in apexes(curve, kappa):
            rank[t] = round(a * curve[t] + (1 - a) * prominence(curve, int(t)), _DIGITS)
    return rank


def evenly(n: int, k: int) -> tuple[int, ...]:
    """``k`` of ``n`` indices spread from the first to the last (halves round up); the middle one if ``k`` is 1.

    Raises:
        ValueError: if ``k`` is below 1.
    """
    if n <= positive(k):
        return tuple(range(n))
    if k == 1:
        return ((n - 1) // 2,)
    return tuple((2 * i * (n - 1) + k - 1) // (2 * (k - 1)) for i in range(k))


def saliency_of(curve: npt.ArrayLike, indices: Iterable[int], k: int) -> float:
    """Share of the variation that a set holds: its sum of ``curve`` over the sum of the ``k`` largest values.

    Args:
        curve: s [N] in [0, 1].
        indices: the set; a repeated index counts once.
        k: the budget, at least 1.

    Returns:
        in [0, 1]; 1 where the ``k`` largest are all 0.

    Raises:
        ValueError: if ``k`` is below 1.
        IndexError: for an index outside the curve.
    """
    s = np.asarray(curve, dtype=np.float64)
    most = float(np.sort(s)[::-1][: positive(k)].sum())
    return 1.0 if most <= 0 else min(1.0, float(sum(s[t] for t in sorted(set(indices)))) / most)


def select(
    video: str | os.PathLike[str] | Iterable[npt.NDArray[np.uint8]],
    k: int,
    fps: float = 1.0,
    limit: int = 768,
    embed: Callable[[npt.NDArray[np.uint8]], npt.ArrayLike] | None = None,
) -> tuple[list[int], float]:
    """The ``k`` frames of a video that tell most, in one pass that holds one frame at a time.

    Args:
        video: a file, or RGB frames uint8 [height, width, 3] in time order (a generator will do).
        k: how many frames, at least 1.
        fps: candidates per second of a file.
        limit: most candidates of a file; a longer one is sampled evenly. Frames that are given are all candidates.
        embed: a frame to its embedding [D], such as the pooled features of a vision tower; ``features.embed`` if None.

    Returns:
        ascending indices into the candidates of the file (see ``decode.candidates``) or into the frames given, and
        the saliency of the set.

    Raises:
        ValueError: if ``k`` is below 1 or there are no frames; as ``decode.VideoError`` if a file cannot be read.
        ImportError: for a file, if PyAV is missing.
    """
    from assay.envs.video_keyframes import features

    positive(k)
    frames: Iterable[Any] = video  # type: ignore[assignment]
    if isinstance(video, str | os.PathLike):
        from assay.envs.video_keyframes.decode import candidates

        frames = (frame.rgb for frame in candidates(video, fps, limit))
    rows = [np.asarray((embed or features.embed)(rgb), dtype=np.float64) for rgb in frames]
    if not rows:
        raise ValueError("a video of no frames has none to select")
    selection = choose(np.stack(rows), k)
    return list(selection.indices), selection.saliency


def positive(k: int) -> int:
    """``k`` itself.

    Raises:
        ValueError: if it is below 1.
    """
    if k < 1:
        raise ValueError(f"at least one frame must be chosen, got k={k}")
    return k
