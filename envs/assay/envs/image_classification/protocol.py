"""The three evaluation protocols of CLS-RL (arXiv 2503.16188, section 4) as pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled image.

    Attributes:
        ref: where the image is: a path, or a reference of an embedded or hub source.
        label: its class.
        digest: hash of its content; equal images have equal digests.
    """

    ref: str
    label: str
    digest: str


@dataclass
class Source:
    """``parts``: items by split (``train``, ``dev``, ``test``), all of them ``train`` where there is none."""

    parts: dict[str, list[Item]]
    classes: list[str]
    name: str
    licence: str = ""


def halve(classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Base and new classes: the first half in the given order (the larger one if odd), and the rest (as in CoOp)."""
    middle = (len(classes) + 1) // 2
    return list(classes[:middle]), list(classes[middle:])


def few_shot(
    items: Sequence[Item], classes: Sequence[str], shots: int, seed: int, few: Literal["refuse", "take"] = "refuse"
) -> list[Item]:
    """Exactly ``shots`` items of each class, drawn by ``seed`` and content; more shots contain fewer. 0 takes all.

    Raises:
        ValueError: one line, naming a class that has too few, unless ``few`` is ``"take"``.
    """
    groups: dict[str, list[Item]] = {name: [] for name in classes}
    for item in items:
        if item.label in groups:
            groups[item.label].append(item)
    chosen: list[Item] = []
    for name, group in groups.items():
        if len(group) < shots and few == "refuse":
            raise ValueError(
                f"class {name!r} has {len(group)} training images, fewer than shots={shots} "
                "(few='take' takes what there is)"
            )
        ranked = sorted(group, key=lambda item: hashlib.sha256(f"{seed}:{item.digest}".encode()).digest())
        chosen += ranked[: shots or None]
    return chosen


def harmonic_mean(base: float, new: float) -> float:
    """H = 2 B N / (B + N), the figure of base-to-new; 0 if both are 0. An average H is the H of the averages."""
    return 2 * base * new / (base + new) if base + new else 0.0


def cross_gains(
    accuracy: Mapping[tuple[str, str], float], zero_shot: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """The cross-data-set matrix as differences to the untrained model: (trained on, tested on) -> gain.

    Raises:
        ValueError: if a data set has no zero-shot figure.
    """
    missing = sorted({tested for _, tested in accuracy} - set(zero_shot))
    if missing:
        raise ValueError(f"no zero-shot accuracy for {', '.join(missing)}")
    return {(trained, tested): value - zero_shot[tested] for (trained, tested), value in accuracy.items()}
