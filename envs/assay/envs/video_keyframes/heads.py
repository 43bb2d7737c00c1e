"""The trained scorer of the selector ``tad-learned``, as plain arrays in a file: logits z = w q + b + MLP(e)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assay.envs.video_keyframes.selectors import Head
from assay.envs.video_keyframes.tad import Floats

NAMES = ("w", "b", "hidden_weight", "hidden_bias", "out_weight", "out_bias")
LARGEST = 64 << 20
"""Bytes of a file that is read."""


def head_of(arrays: Mapping[str, npt.ArrayLike]) -> Head:
    """The scorer of these arrays.

    Args:
        arrays: ``w`` and ``b`` [], ``hidden_weight`` [H, D], ``hidden_bias`` [H], ``out_weight`` [H], ``out_bias`` [].
            The MLP is out_weight . relu(hidden_weight e + hidden_bias) + out_bias.

    Raises:
        ValueError: one line; an array is missing, not finite, or of another shape.
    """
    missing = [name for name in NAMES if name not in arrays]
    if missing:
        raise ValueError(f"a scorer has the arrays {', '.join(NAMES)}; missing: {', '.join(missing)}")
    w, b, hidden, bias, out, rest = (np.asarray(arrays[name], dtype=np.float64) for name in NAMES)
    if (
        hidden.ndim != 2
        or bias.shape != hidden.shape[:1]
        or out.shape != bias.shape
        or w.size * b.size * rest.size != 1
    ):
        raise ValueError(
            "a scorer's arrays are w [], b [], hidden_weight [H, D], hidden_bias [H], out_weight [H], out_bias []"
        )
    if not all(np.isfinite(each).all() for each in (w, b, hidden, bias, out, rest)):
        raise ValueError("a scorer's arrays must be finite")

    def logits(e: Floats, q: Floats) -> Floats:
        if e.shape[1] != hidden.shape[1]:
            raise ValueError(f"the scorer is for embeddings of {hidden.shape[1]} numbers, these have {e.shape[1]}")
        mlp: Floats = np.maximum(e @ hidden.T + bias, 0.0) @ out
        return w.item() * q + b.item() + mlp + rest.item()

    return logits


def load_head(path: str | Path) -> Head:
    """The scorer in an .npz file; nothing in it is unpickled.

    Raises:
        ValueError: one line; there is no such file, or it holds no scorer.
    """
    if not str(path):
        raise ValueError("selector tad-learned needs head, the .npz file of a trained scorer; kf-grpo trains one")
    place = Path(path).expanduser()
    if not place.is_file():
        raise ValueError(f"no such file: {place} (head, the scorer of selector tad-learned)")
    if place.stat().st_size > LARGEST:
        raise ValueError(f"{place} is too large to be a scorer")
    try:
        with np.load(place, allow_pickle=False) as file:
            arrays = {name: file[name] for name in NAMES if name in file}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise ValueError(f"{place} is no .npz file of arrays: {str(error).splitlines()[0]}") from None
    try:
        return head_of(arrays)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def save_head(path: str | Path, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write a scorer, whole or not at all.

    Raises:
        ValueError: as :func:`head_of`.
    """
    head_of(arrays)
    place = Path(path).expanduser()
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=f".{place.name}-", suffix=".npz", dir=place.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **{name: np.asarray(arrays[name], dtype=np.float64) for name in NAMES})
        os.replace(part, place)
    finally:
        Path(part).unlink(missing_ok=True)
