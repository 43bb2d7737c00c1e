"""The tree of an evaluation: scores by level, branch and leaf, as a table and as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.envs.intervals import Interval, weighted, wilson
from assay.envs.results import Column, ResultTable
from assay.envs.tasks import Task
from assay.verifiers.score import Score
from assay.verifiers.spatial.tree import BY_KEY, LEAVES, LEVELS, WEIGHTS, Rollup, Weights, rollup

Scores = Sequence[Sequence[Score]]
Found = Mapping[str, Sequence[float]]
"""Leaf key -> a score in 0..1 for each of its tasks."""
OVERALL = "overall"


@dataclass(frozen=True)
class Node:
    """A node of the tree and what was measured below it.

    Attributes:
        path: of names; () is the whole tree, ``("L1", "Geometry", "Distance")`` a leaf.
        weight: within its parent.
        score: in 0..1 with its 95 % interval; None where nothing was measured.
        tasks: how many.
        coverage: share of its abilities that was measured, in 0..1.
        guess: what letters (or yes and no) by chance earn, open answers earning nothing; None as for the score.
    """

    path: tuple[str, ...]
    weight: float
    score: Interval | None
    tasks: int
    coverage: float
    guess: float | None

    @property
    def name(self) -> str:
        """The last name."""
        return self.path[-1] if self.path else OVERALL


def tree_of(found: Found, guesses: Mapping[str, float], weights: Weights = "published") -> list[Node]:
    """Every node in the order of the tree, parents first.

    The score of a leaf is the mean over its tasks with Wilson's interval (wide enough for graded scores: no mean of
    numbers in 0..1 varies more than one of zeros and ones). A parent is the weighted mean of what was measured below
    it (:func:`assay.verifiers.spatial.tree.rollup` with what is missing left out), and its interval comes from those
    of its children.

    Args:
        found: the scores, of one leaf or more.
        guesses: leaf key -> what chance earns.
        weights: published, paper or json.
    """
    leaves = {leaf.path: scores for leaf in LEAVES if (scores := found.get(leaf.key))}
    known = {path: wilson(min(sum(scores), len(scores)), len(scores)) for path, scores in leaves.items()}
    means = rollup({path: each.mean for path, each in known.items()}, weights, "renorm")
    chance = rollup({path: guesses.get(path_key(path), 0.0) for path in known}, weights, "renorm")
    below = children_of(weights)

    def node(path: str, weight: float) -> Node:
        tasks = sum(len(scores) for each, scores in leaves.items() if each == path or under(each, path))
        words = tuple(path.split("/")) if path else ()
        return Node(words, weight, interval(path), tasks, means.coverage[path], value(chance, path))

    def interval(path: str) -> Interval | None:
        if path not in below:
            return known.get(path)
        parts = [(weight, each) for child, weight in below[path].items() if (each := interval(child)) is not None]
        mean = value(means, path)
        return weighted(parts)._replace(mean=mean) if parts and mean is not None else None

    def walk(path: str, weight: float) -> Iterator[Node]:
        yield node(path, weight)
        for child, share in below.get(path, {}).items():
            yield from walk(child, share)

    return list(walk("", 1.0))


def children_of(weights: Weights) -> dict[str, dict[str, float]]:
    """The children of every inner node with their weights, by path; the whole tree is ``""``."""
    below: dict[str, dict[str, float]] = {"": dict.fromkeys(LEVELS, 1 / len(LEVELS))}
    for leaf in LEAVES:
        branch = f"{leaf.level}/{leaf.branch}"
        below.setdefault(leaf.level, {})[branch] = WEIGHTS[weights][leaf.level][leaf.branch]
        below.setdefault(branch, {})[leaf.path] = leaf.weight
    return below


def under(path: str, parent: str) -> bool:
    """Whether a path lies below another one."""
    return not parent or path.startswith(f"{parent}/")


def path_key(path: str) -> str:
    """The key of a leaf's path."""
    return next(leaf.key for leaf in LEAVES if leaf.path == path)


def value(found: Rollup, path: str) -> float | None:
    """The number of a node; None where nothing was measured."""
    if not path:
        return found.total
    return {**found.levels, **found.branches, **found.leaves}.get(path)


def measured(tasks: Sequence[Task], scores: Scores) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Scores of tasks by leaf (of each task the mean over its samples), and what chance earns there."""
    found: dict[str, list[float]] = {}
    guesses: dict[str, list[float]] = {}
    for task, given in zip(tasks, scores, strict=True):
        if not given:
            continue
        values = [score.parts.get("score", float(bool(score.correct))) for score in given]
        found.setdefault(task.meta["leaf"], []).append(sum(values) / len(values))
        guesses.setdefault(task.meta["leaf"], []).append(guess_of(task.truth))
    return found, {key: sum(each) / len(each) for key, each in guesses.items()}


def guess_of(truth: Mapping[str, Any]) -> float:
    """What a random letter (or yes or no) earns on a task; 0 where the answer is open."""
    metric, choices = str(truth.get("verifier", "")).removeprefix("spatial."), truth.get("choices") or ()
    if metric == "yesno":
        return 0.5
    if not choices or metric not in ("mcq", "cogmap"):
        return 0.0
    return (0.2 if metric == "cogmap" else 1.0) / len(choices)


def tables(options: Any, tasks: Sequence[Task], scores: Scores) -> list[ResultTable]:
    """By level, branch and leaf: score, interval, what guessing letters earns, tasks, share of the leaves that were
    measured, and weight in the level above."""
    found, guesses = measured(tasks, scores)
    return [table_of(tree_of(found, guesses, options.weights), options.weights)] if found else []


def table_of(nodes: Sequence[Node], weights: str) -> ResultTable:
    """The tree as a table; branches and leaves that were not measured are left out."""
    columns = (Column("ability", "text"), Column("score"), Column("low"), Column("high"), Column("guess"),
               Column("tasks", "count"), Column("cover"), Column("weight", "number"))  # fmt: skip
    rows = [
        (
            " " * max(0, len(node.path) - 1) + node.name,
            *((None, None, None) if node.score is None else node.score),
            node.guess,
            node.tasks,
            node.coverage,
            node.weight if node.path else None,
        )
        for node in nodes
        if len(node.path) < 2 or node.score is not None
    ]
    return ResultTable(f"spatial tree, {weights} weights of what was measured", columns, tuple(rows))


def figures(options: Any, tasks: Sequence[Task], scores: Scores) -> dict[str, Any]:
    """``spatial-tree``, and ``spatial-correlations`` where there are enough difficulties to correlate over.

    Raises:
        ImportError: one line, without matplotlib.
    """
    from assay.envs.spatial_tree import drawing

    found, guesses = measured(tasks, scores)
    if not found:
        return {}
    made = {"spatial-tree": drawing.tree({"": tree_of(found, guesses, options.weights)}, options.weights)}
    columns = by_difficulty(tasks, scores)
    if columns:
        over = f"over {len(columns)} difficulties of one model: who falls off alike"
        made["spatial-correlations"] = drawing.correlations([column for _, column in columns], over)
    return made


def by_difficulty(tasks: Sequence[Task], scores: Scores) -> list[tuple[int, dict[str, float]]]:
    """Mean scores by leaf at each difficulty; empty below three difficulties or two leaves, where r says nothing."""
    levels = sorted({int(task.meta["difficulty"]) for task in tasks if "difficulty" in task.meta})
    columns = []
    for level in levels:
        pairs = [(task, each) for task, each in zip(tasks, scores, strict=True) if task.meta.get("difficulty") == level]
        found, _ = measured([task for task, _ in pairs], [each for _, each in pairs])
        columns.append((level, {key: sum(values) / len(values) for key, values in found.items()}))
    known = {key for _, column in columns for key in column} & BY_KEY.keys()
    return columns if len(columns) > 2 and len(known) > 1 else []
