"""What a model is told of the layout with a stated confidence, and layouts already filled in."""

from __future__ import annotations

import hashlib

_BLOCKS = {
    "t": "<think> your reasoning </think>",
    "a": "<answer> the answer, in the form asked for above, and nothing else </answer>",
    "b": "<analysis> how sure you can be of the answer, and why </analysis>",
    "c": "<confidence> a number from 0 to 1: how probable it is that the answer is right </confidence>",
}
_LAYOUT = "Whatever was said of the form of the answer holds for the inside of <answer>. Write your whole response so:"
_CONFIDENCE = """\
The confidence is judged too: of all the answers that you give 0.7, seven in ten should turn out right. 0 means \
certainly wrong, 1 certainly right, and an honest low number is better than a wrong high one."""
_ANALYSIS = """\
In the analysis, point at the places where the answer may be wrong: a step that was guessed, a word that can be read \
in two ways, a fact that you recall only vaguely, another answer that would fit. Say how much each of them weighs. The \
answer stands as it is: do not solve the task again, and do not mend it there. Where nothing speaks against it, one \
sentence will do. The confidence follows from the analysis."""
_DOUBT = "Another answer might fit as well."


def instruction(pattern: str, long: bool = False) -> str:
    """How to lay out a response.

    Args:
        pattern: blocks in order, see :mod:`assay.verifiers.calibration.parse`.
        long: with guidance for the analysis.
    """
    lines = [_LAYOUT, *(_BLOCKS[letter] for letter in pattern)]
    text = "\n".join(lines)
    if "c" in pattern:
        text += f"\n\n{_CONFIDENCE}"
    return f"{text}\n\n{_ANALYSIS}" if long and "b" in pattern else text


def filled_in(answer: str, pattern: str, confidence: float) -> str:
    """A response with an answer and a confidence, laid out."""
    blocks = {
        "t": "<think>This fits best.</think>",
        "a": f"<answer>{answer}</answer>",
        "b": f"<analysis>{_DOUBT}</analysis>",
        "c": f"<confidence>{confidence:g}</confidence>",
    }
    return "\n".join(blocks[letter] for letter in pattern)


def drawn(key: str) -> float:
    """A confidence from 0.1 to 0.9 in tenths, drawn by a hash of ``key``."""
    return (1 + hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()[0] % 9) / 10
