"""How well a pose was reached: the scores of SpatialTree's L4, on poses alone.

They take poses, however those came about: from one response, or from an episode of many turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from assay.verifiers.spatial.poses import Pose
from assay.verifiers.spatial.quaternions import angle

STILL = 1e-6
"""Metres below which something has not moved."""
NEAR, TURNED = 0.2, 10.0
"""Strict success: closer than this, metres, and turned by less off, degrees."""
FINEST, FINEST_TURN = 0.01, 1.0
"""No success asks for less than this, metres and degrees: half a default step, and two."""
WEIGHTS = (0.40, 0.35, 0.25)
"""Of direction, position and rotation."""


def _between(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    return (b[0] - a[0], b[1] - a[1], b[2] - a[2])


def _length(v: Sequence[float]) -> float:
    return math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


def _cosine(wanted: Sequence[float], made: Sequence[float]) -> float:
    """Of the angle between two moves; 1 where both are still, 0 where one is."""
    long, short = _length(wanted), _length(made)
    if long < STILL and short < STILL:
        return 1.0
    if long > STILL and short > STILL:
        return (wanted[0] * made[0] + wanted[1] * made[1] + wanted[2] * made[2]) / (long * short)
    return 0.0


def nav_score(start: Pose, goal: Pose, reached: Pose) -> dict[str, float]:
    """How well ``reached`` is the goal of somebody who began at ``start``.

    ``score = 0.40 max(0, cos) + 0.35 exp(-13.863 e) + 0.25 exp(-0.0154 (deg / 5)^2)``, in [0, 1]: the cosine between
    the move wanted and made, the distance e left in metres (0.05 m is worth a half) and the geodesic angle left in
    degrees. Standing still where there is far to go still earns the rotation's share.

    Returns:
        ``score``; its terms ``direction``, ``position`` and ``rotation``, each in [0, 1]; ``error_m``; ``error_deg``.
    """
    error = _length(_between(goal, reached))
    degrees = math.degrees(angle(reached[3:], goal[3:]))
    direction = max(0, _cosine(_between(start, goal), _between(start, reached)))
    position, rotation = math.exp(-13.863 * error), math.exp(-0.0154 * (degrees / 5) ** 2)
    total = WEIGHTS[0] * direction + WEIGHTS[1] * position + WEIGHTS[2] * rotation
    # In this order a total that is not a number becomes 1, as in the benchmark's program.
    return {
        "score": max(0.0, min(1.0, total)), "direction": float(direction), "position": position, "rotation": rotation,
        "error_m": error, "error_deg": degrees,
    }  # fmt: skip


def succeeded(start: Pose, goal: Pose, reached: Pose, floor: bool = True) -> bool:
    """The strict success: e < 0.2 m and less than 10 degrees off.

    With ``floor`` also closer than half of the goal's distance and off by less than half of its angle (no less than
    0.01 m and 1 degree are asked for), so that standing still is no success where the goal is near; without, as the
    benchmark has it.
    """
    error, off = _length(_between(goal, reached)), math.degrees(angle(reached[3:], goal[3:]))
    near, turned = NEAR, TURNED
    if floor:
        near = min(near, max(_length(_between(start, goal)) / 2, FINEST))
        turned = min(turned, max(math.degrees(angle(start[3:], goal[3:])) / 2, FINEST_TURN))
    return error < near and off < turned


def turned_in_all(path: Sequence[Pose]) -> float:
    """The angles between one pose and the next, summed, radians."""
    total = 0.0
    for a, b in pairwise(path):  # not sum(), whose rounding differs from one Python to the next
        total += angle(a[3:], b[3:])
    return total


def manipulate_score(goals: Sequence[Pose], path: Sequence[Pose], goal: Pose | None = None) -> dict[str, float]:
    """:func:`nav_score` of the pose at the end of ``path``, less where the hand did not do what was needed.

    Times 0.7 if the goal is farther than 0.10 m and the hand ended less than 0.03 m from where it began; times 0.5 if
    the poses of the truth turn by more than 5 degrees in all, and those of the path by 2 or less.

    Args:
        goals: the poses of the truth, from the start over the end of each segment to the goal; two or more.
        path: the poses of the hand, the start first.
        goal: where to end; the last of ``goals`` where nothing is given.

    Returns:
        As :func:`nav_score`, and ``penalty``, the product of the factors.
    """
    start, goal, reached = goals[0], goal or goals[-1], path[-1]
    found = nav_score(start, goal, reached)
    penalty = 1.0
    if _length(_between(start, goal)) > 0.1 and _length(_between(start, reached)) < 0.03:
        penalty *= 0.7
    if turned_in_all(goals) > math.radians(5) and not turned_in_all(path) > math.radians(2):
        penalty *= 0.5
    total = WEIGHTS[0] * found["direction"] + WEIGHTS[1] * found["position"] + WEIGHTS[2] * found["rotation"]
    return {**found, "score": max(0.0, min(1.0, total * penalty)), "penalty": penalty}


def paper_move(wanted: Sequence[float], made: Sequence[float]) -> float:
    """The paper's score of one move, ``max(0, 1 - |made - wanted| / |wanted|) * max(0, cos)``; x, y, z in metres.

    Where nothing was to be moved it is 1 if nothing was, else 0.
    """
    cosine, size = _cosine(wanted, made), _length(wanted)
    if size < STILL:
        return max(0.0, cosine)
    return max(0.0, 1 - _length(_between(wanted, made)) / size) * max(0.0, cosine)


def paper_score(
    goals: Sequence[Pose], path: Sequence[Pose], grips: Sequence[bool] = (), held: Sequence[bool] = ()
) -> dict[str, float]:
    """The score of the paper's text: the mean over segments of move, turn (1 - angle / pi) and grip (equal or not).

    The paper leaves the weights of the three open; they are equal here. Without ``grips`` the first two count. A
    segment that is missing from the path is worth 0.

    Args:
        goals: the poses of the truth, start first.
        path: the poses of the hand, start first.
        grips: whether the hand should be closed after each segment.
        held: whether it was.

    Returns:
        ``score``, ``move``, ``turn`` and, with ``grips``, ``grip``, each in [0, 1].
    """
    count = len(goals) - 1
    moves, turns = [0.0] * count, [0.0] * count
    pairs = zip(pairwise(goals), pairwise(path), strict=False)
    for place, ((wanted_from, wanted_to), (made_from, made_to)) in enumerate(pairs):
        moves[place] = paper_move(_between(wanted_from, wanted_to), _between(made_from, made_to))
        turns[place] = 1 - angle(wanted_to[3:], made_to[3:]) / math.pi
    found = {"move": sum(moves) / count, "turn": sum(turns) / count}
    if grips:
        found["grip"] = sum(a == b for a, b in zip(grips, held, strict=False)) / len(grips)
    return {"score": sum(found.values()) / len(found), **found}
