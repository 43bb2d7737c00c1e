"""What an oracle says: the right answer, and the frames that show what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.video_keyframes.tad import evenly
from assay.verifiers.video.layout import tagged
from assay.verifiers.video.problems import reference_of


def said(answer: str, truth: Mapping[str, Any]) -> str:
    """An answer in the form that the truth's options ask for."""
    options = truth.get("options", {})
    return tagged(answer, options.get("layout", "any"), options.get("format_weight", 0.0))


def gold_answer(truth: Mapping[str, Any]) -> str:
    """The right answer in that form."""
    return said(reference_of(truth)[1], truth)


def telling_frames(events: Sequence[Sequence[float]], seconds: Sequence[float], k: int) -> list[int]:
    """Up to ``k`` candidates, ascending, that show the events, those before and after each where there is room.

    A first frame of each event goes first, in the order of the events; then its last one, then its neighbours.
    Without events: evenly.

    Args:
        events: [begin, end) in seconds, the most needed first.
        seconds: of the candidates, ascending.
        k: how many.
    """
    inside = [[i for i, at in enumerate(seconds) if begin <= at < max(end, begin + 1e-6)] for begin, end in events]
    shown = [each for each in inside if each]
    wanted = [each[0] for each in shown] + [each[-1] for each in shown]
    wanted += [each[0] - 1 for each in shown] + [each[-1] + 1 for each in shown]
    order = [each for each in dict.fromkeys(wanted) if 0 <= each < len(seconds)]
    return sorted(order[:k]) if order else list(evenly(len(seconds), k))
