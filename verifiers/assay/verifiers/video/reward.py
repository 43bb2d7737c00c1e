"""The reward arithmetic of keyframe-aware GRPO: accuracy, format, and what a group earns for needing its frames."""

from __future__ import annotations

from collections.abc import Sequence

RIGHT = 0.1
"""Accuracy above which a response counts as right, so that it shares in the bonus."""


def contrast_bonus(p: float, p_contrast: float | None, alpha: float = 0.3, mu: float = 0.8) -> float:
    """What every right response of a group earns if its frames were of use: ``alpha`` if p >= mu p' and p > 0, else 0.

    T-GRPO (Video-R1, arXiv 2503.21776, as its code has it). With ``mu`` below 1 a group that is slightly worse than
    its contrast still earns it.

    Args:
        p: mean accuracy of the group on its frames, in [0, 1].
        p_contrast: mean accuracy p' on the degraded view; None where there was none (an image, a single frame).
        alpha: the bonus.
        mu: how large a share of p' must be reached.
    """
    return alpha if p_contrast is not None and p > 0 and p >= mu * p_contrast else 0.0


def kf_reward(
    acc: float,
    fmt: float,
    p: float,
    p_contrast: float | None,
    saliency: float,
    alpha: float = 0.3,
    mu: float = 0.8,
    beta: float = 0.2,
) -> float:
    """The reward of one response in keyframe-aware GRPO (ChronoForge-RL, arXiv 2509.15800, as reconstructed).

    r = acc + fmt + [acc > 0.1] (alpha [p >= mu p' and p > 0] + beta saliency). Without a contrast (an image, a single
    frame) r = acc + fmt. T-GRPO is ``beta`` 0.

    Args:
        acc: accuracy of the response, in [0, 1].
        fmt: 1 if it is laid out as asked, else 0.
        p: mean accuracy of the group on its frames.
        p_contrast: mean accuracy on the degraded view; None where there was none.
        saliency: of the frames that the response saw, in [0, 1].
        alpha, mu: see :func:`contrast_bonus`.
        beta: weight of the saliency.
    """
    if p_contrast is None or acc <= RIGHT:
        return acc + fmt
    return acc + fmt + contrast_bonus(p, p_contrast, alpha, mu) + beta * saliency


def length_bonus(
    acc: Sequence[float], tokens: Sequence[int], bonus: float = 0.2, shortest: int = 320, longest: int = 512
) -> list[float]:
    """The optional length term of T-GRPO, by response.

    Right responses of ``shortest`` to ``longest`` tokens earn ``bonus`` when more than one response of the group is
    right.

    Args:
        acc: accuracy of each response of the group.
        tokens: how long each is.
        bonus, shortest, longest: see above; both ends are included.
    """
    right = [value > RIGHT for value in acc]
    if sum(right) <= 1:
        return [0.0] * len(right)
    return [bonus * (good and shortest <= n <= longest) for good, n in zip(right, tokens, strict=True)]


def keyframe_saliency(saliency: Sequence[float], indices: Sequence[int], k: int | None = None) -> float:
    """Saliency of a set of frames: its sum over that of the ``k`` most salient ones, in [0, 1]; 1 where that is 0.

    Args:
        saliency: of every candidate, at least 0.
        indices: the chosen candidates, distinct and in range.
        k: the budget; by default as many as were chosen. With fewer chosen than ``k`` the share is lower.
    """
    best = sum(sorted(saliency, reverse=True)[: len(indices) if k is None else k])
    return min(sum(saliency[i] for i in indices) / best, 1.0) if best > 0 else 1.0
