"""Ways to pick frames by name, and poorer views of the frames that were picked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.tad import (
    Floats,
    Selection,
    choose,
    evenly,
    positive,
    ranked,
    saliency_of,
    smoothed,
    variation,
)

Selector = Literal["tad", "tad-learned", "uniform", "random", "scene_change"]
View = Literal["shuffled", "uniform", "low_saliency"]
Head = Callable[[Floats, Floats], npt.ArrayLike]
"""A scorer: embeddings [N, D] and priorities q [N] to logits [N]."""


def pick(
    name: str, e: npt.ArrayLike, k: int, seed: int = 0, head: Head | None = None, temperature: float = 0.0
) -> Selection:
    """``k`` frames by the selector ``name``; curve, rank and saliency are those of TAD whatever it is.

    ``tad``: :func:`~assay.envs.video_keyframes.tad.choose`. ``uniform``: evenly. ``random``: without replacement.
    ``scene_change``: those that differ most from the frame before (the earlier among equals). ``tad-learned``:
    the highest logits of ``head``, or a draw from them by :func:`gumbel_top_k` where ``temperature`` is positive.

    Args:
        name: one of :data:`Selector`.
        e: embeddings [N, D] in time order.
        k: how many frames, at least 1; all of them if there are no more.
        seed: of ``random`` and of draws.
        head: scorer of ``tad-learned``.
        temperature: of its draws; 0 takes the highest.

    Raises:
        ValueError: for any other name, a missing head, or arguments that ``choose`` refuses.
    """
    if name == "tad":
        return choose(e, k)
    v = variation(e)
    curve, n = smoothed(v), len(v)
    rank = ranked(curve)
    if name == "uniform":
        chosen: tuple[int, ...] = evenly(n, k)
    elif name == "random":
        draw = np.random.default_rng(seed).choice(n, size=min(positive(k), n), replace=False)
        chosen = tuple(sorted(int(t) for t in draw))
    elif name == "scene_change":
        chosen = highest(v, k)
    elif name == "tad-learned":
        if head is None:
            raise ValueError("selector tad-learned needs a trained head")
        logits = np.asarray(head(np.asarray(e, dtype=np.float64), rank), dtype=np.float64)
        chosen = tuple(sorted(gumbel_top_k(logits, k, temperature, seed)))
        if len(logits) != n:
            raise ValueError(f"the head gave {len(logits)} logits for {n} frames")
    else:
        raise ValueError(f"no selector {name!r}; there are {', '.join(get_args(Selector))}")
    return Selection(chosen, saliency_of(curve, chosen, k), curve, rank)


def highest(values: npt.ArrayLike, k: int) -> tuple[int, ...]:
    """Ascending indices of the ``k`` largest of ``values`` [N]; the earlier among equals."""
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    return tuple(sorted(int(t) for t in order[: positive(k)]))


def gumbel_top_k(logits: npt.ArrayLike, k: int, temperature: float = 0.0, seed: int = 0) -> tuple[int, ...]:
    """``k`` indices in the order drawn: without replacement from softmax(logits / temperature), by Gumbel noise.

    The order has the Plackett-Luce distribution. Temperature 0 gives the highest logits in descending order, the
    earlier first among equals.

    Raises:
        ValueError: if ``logits`` is not finite [N], or ``temperature`` negative.
    """
    z = np.asarray(logits, dtype=np.float64)
    if z.ndim != 1 or not np.isfinite(z).all():
        raise ValueError("logits must be finite, one for each frame")
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, got {temperature}")
    if temperature > 0:
        z = z / temperature + np.random.default_rng(seed).gumbel(size=len(z))
    return tuple(int(t) for t in np.argsort(-z, kind="stable")[: positive(k)])


def view(name: str, selection: Selection, k: int, seed: int = 0) -> tuple[int, ...]:
    """Candidates shown instead of the chosen ones, as a contrast; in the order shown.

    ``shuffled``: the chosen frames out of order. ``uniform``: ``k`` spread evenly. ``low_saliency``: the ``k`` with the
    smallest variation (the earlier among equals), in time order.

    Raises:
        ValueError: for any other name, or ``k`` below 1.
    """
    if name == "uniform":
        return evenly(len(selection.curve), k)
    if name == "low_saliency":
        return highest(-selection.curve, k)
    if name == "shuffled":
        return shuffled(selection.indices, seed)
    raise ValueError(f"no view {name!r}; there are {', '.join(get_args(View))}")


def shuffled(indices: tuple[int, ...], seed: int = 0) -> tuple[int, ...]:
    """``indices`` in a random order that is not the given one, if there are two of them."""
    rng = np.random.default_rng(seed)
    order = tuple(indices)
    while len(set(indices)) > 1 and order == tuple(indices):
        order = tuple(int(t) for t in rng.permutation(np.asarray(indices)))
    return order
