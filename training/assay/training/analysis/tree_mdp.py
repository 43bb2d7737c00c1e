"""Deterministic trees with a reward at the leaves: exact values of the random policy, and the policy they imply.

ROVER (arXiv:2509.24981) rests on them: with rewards of 0 and 1, the Q of the uniformly random policy is positive
exactly for the actions that some right leaf lies behind, so that its greedy policy is optimal (theorem 1), and a
softmax over it reaches every right leaf (theorem 2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

Tree: TypeAlias = "float | tuple[Tree, ...]"
"""A reward, or the subtree behind each action."""


def tree_of(goals: Iterable[str], actions: str) -> Tree:
    """The tree of all strings over some letters, as long as the goals; a leaf is 1 where its string is a goal.

    Raises:
        ValueError: if there is no goal, or goals differ in length or use other letters.
    """
    wanted = set(goals)
    lengths = {len(goal) for goal in wanted}
    if len(lengths) != 1 or not set("".join(wanted)) <= set(actions):
        raise ValueError(f"goals must be strings of one length over {actions!r}, got {sorted(wanted)}")

    def grown(prefix: str, left: int) -> Tree:
        return tuple(grown(prefix + action, left - 1) for action in actions) if left else float(prefix in wanted)

    return grown("", lengths.pop())


def value(tree: Tree) -> float:
    """Expected reward of the uniformly random policy."""
    return tree if isinstance(tree, float) else sum(map(value, tree)) / len(tree)


def q_values(tree: Tree) -> tuple[float, ...]:
    """Q of each action at the root, under the random policy afterwards; none at a leaf."""
    return () if isinstance(tree, float) else tuple(map(value, tree))


def best(tree: Tree) -> float:
    """The largest reward of any leaf."""
    return tree if isinstance(tree, float) else max(map(best, tree))


def greedy(tree: Tree) -> float:
    """The reward that always taking the first action of largest Q ends in."""
    while not isinstance(tree, float):
        q = q_values(tree)
        tree = tree[q.index(max(q))]
    return tree


def softmax_policy(q: Sequence[float], rho: float) -> list[float]:
    """exp(Q / rho), normalised."""
    top = max(q)
    weights = [math.exp((each - top) / rho) for each in q]
    return [weight / sum(weights) for weight in weights]


def leaves(tree: Tree, rho: float) -> Iterator[tuple[tuple[int, ...], float, float]]:
    """Every leaf: its actions, its reward, and the probability that the softmax over Q / rho ends there."""
    if isinstance(tree, float):
        yield (), tree, 1.0
        return
    for action, chance in enumerate(softmax_policy(q_values(tree), rho)):
        for path, reward, probability in leaves(tree[action], rho):
            yield (action, *path), reward, chance * probability


def success(tree: Tree, rho: float) -> float:
    """Expected reward of the softmax over Q / rho."""
    return sum(reward * probability for _, reward, probability in leaves(tree, rho))


def success_bound(tree: Tree, rho: float) -> float:
    """Theorem 2's lower bound on :func:`success`, for rewards of 0 and 1.

    best (1 - sum over states s with zero and positive Q of Pr(s) N(s) / (N(s) + exp(max Q / rho))), with N(s) the
    number of zeros and Pr(s) the probability that the softmax comes through s.
    """

    def lost(node: Tree) -> float:
        if isinstance(node, float):
            return 0.0
        q = q_values(node)
        zeros = sum(each == 0 for each in q)
        here = zeros / (zeros + math.exp(max(q) / rho)) if 0 < zeros < len(q) else 0.0
        return here + sum(p * lost(child) for p, child in zip(softmax_policy(q, rho), node, strict=True))

    return best(tree) * (1.0 - lost(tree))
