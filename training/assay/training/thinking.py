"""How long a rollout thought: its tokens between the think tags, counted as they were sampled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from assay.agents.rollout import Rollout

OPENS, CLOSES = "<think>", "</think>"
_LOOK_BACK = 16
"""Given tokens before a turn among which a template may have opened the thought."""

Decode = Callable[[Sequence[int]], str]
"""Token ids to their text, special tokens and white space included."""


def thoughts_of(ids: Sequence[int], decode: Decode, opened: bool = False) -> list[Sequence[int]]:
    """The thoughts of a turn, each the sampled tokens between two tags, in order.

    One lasts from behind the first token with which ``<think>`` is complete to before the first one that has a part of
    ``</think>``: a token that holds something of a tag is none of the thought. One that is never closed lasts to the
    end of the turn.

    Args:
        ids: the sampled tokens of a turn.
        decode: see :data:`Decode`.
        opened: whether the prompt ends with ``<think>``.
    """
    found: list[Sequence[int]] = []
    rest = ids
    while opened or OPENS in decode(rest):
        rest = rest if opened else rest[_complete(rest, OPENS, decode) :]
        opened = False
        if CLOSES not in decode(rest):
            return [*found, rest]
        end = _complete(rest, CLOSES, decode)
        # The latest token from which the whole tag can still be read is the first that has a part of it.
        found.append(rest[: bisect_left(range(end), True, key=lambda k: CLOSES not in decode(rest[k + 1 : end]))])
        rest = rest[end:]
    return found


def _complete(ids: Sequence[int], tag: str, decode: Decode) -> int:
    """How many tokens it takes until the text has ``tag``, which it has."""
    return bisect_left(range(len(ids) + 1), True, key=lambda k: tag in decode(ids[:k]))


def thoughts(rollout: Rollout, decode: Decode) -> list[Sequence[int]]:
    """The thoughts of all turns of a rollout, in order: of each its sampled tokens."""
    found: list[Sequence[int]] = []
    for branch in rollout.branches:
        given: Sequence[int] = ()
        for segment in branch.segments:
            if segment.sampled:
                opened = decode(given[-_LOOK_BACK:]).rstrip().endswith(OPENS)
                found += thoughts_of(segment.ids, decode, opened)
            given = segment.ids
    return found


def think_tokens(rollout: Rollout, decode: Decode) -> int:
    """T: tokens of all thoughts of a rollout."""
    return sum(len(ids) for ids in thoughts(rollout, decode))


def thinks(rollout: Rollout, decode: Decode) -> bool:
    """Whether some thought is more than white space."""
    return any(decode(ids).strip() for ids in thoughts(rollout, decode))
