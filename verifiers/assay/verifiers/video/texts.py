"""How alike two texts are: the word error rate, and ROUGE (Lin 2004)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from assay.verifiers.parse.fold import fold
from assay.verifiers.video.sequences import common_length, edit_distance

MOST_WORDS = 4096
"""Words that a reference may have."""
LONGEST = 32
"""An answer of more than this many times the reference's words is worth 0 (its ROUGE would be below 0.061)."""
_ASCII = re.compile(r"[a-z0-9]+")
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def word_error_rate(reference: Sequence[str], answer: Sequence[str]) -> float:
    """Edit distance in words over the reference's words; taken as 1 where it cannot be below 1.

    Args:
        reference: at least one word.
        answer: any number of words; of twice the reference's and more the distance is not worked out.
    """
    if len(answer) >= 2 * len(reference):
        return 1.0
    return edit_distance(reference, answer) / len(reference)


def words(text: str, parity: bool = False) -> list[str]:
    """The words of a text as ROUGE counts them.

    Letters and digits of any script, folded, each Chinese character and kana on its own; with ``parity`` those of
    ASCII alone, in lower case, as the rouge-score package has it without its stemmer.
    """
    return _ASCII.findall(text.lower()) if parity else _WORDS.findall(fold(text))


def rouge(reference: Sequence[str], answer: Sequence[str]) -> tuple[float, float, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L, the F1 of each, in [0, 1]; all 0 for an answer beyond :data:`LONGEST`."""
    if not reference or not answer or len(answer) > LONGEST * len(reference):
        return 0.0, 0.0, 0.0
    pairs = [list(pairwise(each)) for each in (reference, answer)]
    longest = common_length(reference, answer)
    return _overlap(reference, answer), _overlap(*pairs), 2 * longest / (len(reference) + len(answer))


def _overlap(ours: Sequence[object], theirs: Sequence[object]) -> float:
    if not ours or not theirs:
        return 0.0
    same = (Counter(ours) & Counter(theirs)).total()
    return 2 * same / (len(ours) + len(theirs))
