"""How much of a text is a run of increasing numbers: the reward of a synthetic task whose optimum is known.

Not a registered verifier: every task has the same right answers, so that there is no truth to audit it against.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def initial_run(numbers: Sequence[int]) -> int:
    """How many numbers from the first on are each larger than the one before; 0 if there is none."""
    run = min(len(numbers), 1)
    while 0 < run < len(numbers) and numbers[run] > numbers[run - 1]:
        run += 1
    return run


def increasing_share(text: str, min_tokens: int = 20) -> float:
    """Length of the first run of increasing whole numbers as a share of a text (RL4LMs, arXiv:2210.01241).

    run / max(tokens, min_tokens / 2), in [0, 1]. Tokens are what white space parts; the run is over those that are
    whole numbers in ASCII digits (at most 18), from the first of them on, whatever words stand between.

    Args:
        text: any text.
        min_tokens: twice the number of tokens below which a text is too short for full reward.

    Raises:
        ValueError: if ``min_tokens`` is below 1.
    """
    if min_tokens < 1:
        raise ValueError(f"min_tokens must be at least 1, got {min_tokens}")
    tokens = text.split()
    run = initial_run([int(token) for token in tokens if _WHOLE.fullmatch(token)])
    return run / max(len(tokens), min_tokens / 2)
