"""The tree of 27 spatial abilities, and the roll-up of scores over it (SpatialTree, arXiv 2512.20617)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LEVELS = ("L1", "L2", "L3", "L4")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One ability.

    Attributes:
        name: as the paper writes it, such as "3D Detection".
        level: one of :data:`LEVELS`.
        branch: the branch of the level that it hangs on.
        weight: inside its branch.
        metric: the verifier of our own questions, without ``spatial.``.
    """

    name: str
    level: str
    branch: str
    weight: float
    metric: str

    @property
    def key(self) -> str:
        """How options and modules name it: ``detection_3d`` is "3D Detection"."""
        words = self.name.lower().replace("-", " ").split()
        return "_".join([*words[1:], words[0]] if words[0] == "3d" else words)

    @property
    def path(self) -> str:
        """``L1/Geometry/Distance``: names alone are not unique over all nodes."""
        return f"{self.level}/{self.branch}/{self.name}"


LEAVES = (
    Leaf("Distance", "L1", "Geometry", 0.65, "mra"),
    Leaf("Shape", "L1", "Geometry", 0.10, "mcq"),
    Leaf("Size", "L1", "Geometry", 0.25, "mra"),
    Leaf("3D Detection", "L1", "Localization", 0.65, "mcq"),
    Leaf("3D Grounding", "L1", "Localization", 0.35, "mcq"),
    Leaf("Allo", "L1", "Motion", 0.5, "mcq"),
    Leaf("Ego", "L1", "Motion", 0.5, "mcq"),
    Leaf("Gravity", "L1", "Orientation", 0.4, "gravity"),
    Leaf("Object Orientation", "L1", "Orientation", 0.6, "angles"),
    Leaf("Correspondence", "L1", "Relation", 0.5, "mcq"),
    Leaf("Relative Direction", "L1", "Relation", 0.5, "mcq"),
    Leaf("Cognitive Map", "L2", "Memory", 0.7, "cogmap"),
    Leaf("Memory Retrieval", "L2", "Memory", 0.3, "mcq"),
    Leaf("Affordance", "L2", "Understanding", 0.25, "affmask"),
    Leaf("Motion Understanding", "L2", "Understanding", 0.25, "caption"),
    Leaf("Perspective Taking", "L2", "Understanding", 0.05, "mcq"),
    Leaf("Relation Understanding", "L2", "Understanding", 0.35, "yesno"),
    Leaf("Spatial Caption", "L2", "Understanding", 0.10, "caption"),
    Leaf("Dynamics", "L3", "Causal Reasoning", 0.30, "mcq"),
    Leaf("Geometry Puzzles", "L3", "Causal Reasoning", 0.55, "mcq"),
    Leaf("Relation", "L3", "Causal Reasoning", 0.15, "mcq"),
    Leaf("Operation", "L3", "Sequential Planning", 0.6, "mcq"),
    Leaf("Route", "L3", "Sequential Planning", 0.4, "mcq"),
    Leaf("Agentic Navigation", "L4", "Goal-Driven Execution", 0.5, "agentic_nav"),
    Leaf("Robotic Arm", "L4", "Goal-Driven Execution", 0.5, "manipulate"),
    Leaf("Knowledge Acquisition", "L4", "Open-World Exploration", 0.7, "mcq"),
    Leaf("Self-Goaling", "L4", "Open-World Exploration", 0.3, "mcq"),
)
BY_KEY = {leaf.key: leaf for leaf in LEAVES}

Weights = Literal["published", "paper", "json"]
Missing = Literal["zero", "renorm"]

_L1 = {"Geometry": 0.50, "Motion": 0.05, "Relation": 0.15, "Localization": 0.20, "Orientation": 0.10}
_L2 = {"Understanding": 0.70, "Memory": 0.30}
_REST = {
    "L3": {"Causal Reasoning": 0.65, "Sequential Planning": 0.35},
    "L4": {"Goal-Driven Execution": 0.5, "Open-World Exploration": 0.5},
}
WEIGHTS: Mapping[Weights, Mapping[str, Mapping[str, float]]] = {
    "published": {"L1": _L1, "L2": _L2, **_REST},
    "paper": {
        "L1": {"Geometry": 0.40, "Motion": 0.15, "Relation": 0.15, "Localization": 0.20, "Orientation": 0.10},
        "L2": _L2,
        **_REST,
    },
    "json": {"L1": _L1, "L2": {"Understanding": 1.0, "Memory": 1.0}, **_REST},
}
"""Of each branch in its level; levels weigh the same. ``published`` is the only set that gives the published averages:
``paper`` is printed above the table (its L1 differs), ``json`` stands in the released code (its L2 differs)."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """Means by path, in the unit of the scores; a node without any score is absent under ``renorm``.

    Attributes:
        total: over the levels.
        levels: ``"L1"`` to its mean.
        branches: ``"L1/Geometry"`` to its mean.
        leaves: ``"L1/Geometry/Distance"`` to its score.
        coverage: share of the abilities that have a score, by the same paths and ``""`` for all, in [0, 1].
    """

    total: float
    levels: Mapping[str, float]
    branches: Mapping[str, float]
    leaves: Mapping[str, float]
    coverage: Mapping[str, float]


def rollup(scores: Mapping[str, float], weights: Weights = "published", missing: Missing = "zero") -> Rollup:
    """Weighted means of scores, from abilities to branches, levels and all; node = sum(w * child) / sum(w).

    Args:
        scores: by full path, such as ``"L1/Geometry/Distance"``; scores of branches (``"L1/Geometry"``) may be given
            instead of those of their abilities.
        weights: of the branches in their levels, see :data:`WEIGHTS`.
        missing: ``zero`` counts an ability without a score as 0, as the released code does; ``renorm`` leaves it out,
            so that a run of a part of the tree is not held down by the rest. Read it with ``coverage``.

    Raises:
        ValueError: a path, a set of weights or a way with the missing that there is not; a branch given next to one of
            its abilities; a score that is not finite; no score at all under ``renorm``.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"there are no weights {weights!r}; there are: {', '.join(WEIGHTS)}")
    if missing not in ("zero", "renorm"):
        raise ValueError(f"what is missing counts zero or renorm, not {missing!r}")
    given = _checked(scores)
    branches: dict[str, float] = {}
    levels: dict[str, float] = {}
    for level in LEVELS:
        for branch in WEIGHTS[weights][level]:
            path = f"{level}/{branch}"
            leaves = {leaf.path: leaf.weight for leaf in LEAVES if (leaf.level, leaf.branch) == (level, branch)}
            _put(branches, path, given[path] if path in given else _mean(leaves, given, missing))
        shares = {f"{level}/{branch}": weight for branch, weight in WEIGHTS[weights][level].items()}
        _put(levels, level, _mean(shares, branches, missing))
    total = _mean(dict.fromkeys(LEVELS, 1.0), levels, missing)
    if total is None:
        raise ValueError("no ability has a score")
    leaves_given = {leaf.path: given.get(leaf.path) for leaf in LEAVES}
    shown = {path: 0.0 if score is None else score for path, score in leaves_given.items()
             if score is not None or (missing == "zero" and path.rpartition("/")[0] not in given)}  # fmt: skip
    return Rollup(total, levels, branches, shown, _coverage(given))


def _checked(scores: Mapping[str, float]) -> dict[str, float]:
    leaves = {leaf.path for leaf in LEAVES}
    branches = {f"{leaf.level}/{leaf.branch}" for leaf in LEAVES}
    for path, score in scores.items():
        if path not in leaves | branches:
            raise ValueError(f"there is no {path!r} in the tree; a path is like L1/Geometry/Distance")
        if not math.isfinite(score):
            raise ValueError(f"the score of {path} is not finite")
        if path in leaves and path.rpartition("/")[0] in scores:
            raise ValueError(f"{path} and its branch both have a score: give one of them")
    return {path: float(score) for path, score in scores.items()}


def _mean(weights: Mapping[str, float], scores: Mapping[str, float], missing: Missing) -> float | None:
    known = weights if missing == "zero" else {path: weight for path, weight in weights.items() if path in scores}
    if not known:
        return None
    return sum(weight * scores.get(path, 0.0) for path, weight in known.items()) / sum(known.values())


def _put(nodes: dict[str, float], path: str, score: float | None) -> None:
    if score is not None:
        nodes[path] = score


def _coverage(given: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, list[bool]] = {}
    for leaf in LEAVES:
        branch = f"{leaf.level}/{leaf.branch}"
        scored = leaf.path in given or branch in given
        for path in ("", leaf.level, branch, leaf.path):
            found.setdefault(path, []).append(scored)
    return {path: sum(scored) / len(scored) for path, scored in found.items()}
