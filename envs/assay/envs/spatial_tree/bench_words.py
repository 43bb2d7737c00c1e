"""What a reference description says, as slots of words: the offline stand-in for a language model that judges."""

from __future__ import annotations

import re

MOST = 24
"""Slots of one description; later words are passed over."""
_OPPOSITES = (
    (("left", "leftward", "leftwards"), ("right", "rightward", "rightwards")),
    (("up", "upward", "upwards", "rises"), ("down", "downward", "downwards", "falls")),
    (("forward", "forwards", "ahead"), ("backward", "backwards", "back")),
    (("clockwise",), ("counterclockwise", "counter-clockwise", "anticlockwise")),
    (("zoom in", "zooms in", "zooming in"), ("zoom out", "zooms out", "zooming out")),
    (("dolly in", "dollies in", "approaches"), ("dolly out", "dollies out", "recedes")),
    (("fast", "quickly", "rapidly"), ("slow", "slowly")),
    (("above",), ("below", "beneath")),
    (("behind",), ("in front",)),
)
_EVERYDAY = """about after also along and are around away been before being both but does doing each first followed
following for from have having her his into its just keeps later more most moves moving next off only onto other over
same shot shows side slightly some such than that the their them then there these they thing this those through
throughout toward towards very video view was were when where which while will with without your camera scene frame
image picture"""


def slots_in(reference: str) -> tuple[list[list[str]], list[list[str]]]:
    """Synonyms and wrong words of every slot, as the verifier ``spatial.caption`` takes them.

    A direction, speed or turn is a slot whose opposite is wrong, unless the reference says both; every other telling
    word is a slot of its own.
    """
    text = " ".join(reference.lower().split())
    everyday, used = set(_EVERYDAY.split()), set[str]()
    right: list[list[str]] = []
    wrong: list[list[str]] = []
    for first, second in _OPPOSITES:
        for said, other in ((first, second), (second, first)):
            if _says(text, said):
                right.append(list(said))
                wrong.append([] if _says(text, other) else list(other))
                used |= {word for name in said for word in name.split()}
    for word in re.findall(r"[a-z]+(?:-[a-z]+)*", text):
        if len(word) > 2 and word not in used and word not in everyday:
            used.add(word)
            right.append([word])
            wrong.append([])
    return right[:MOST], wrong[:MOST]


def _says(text: str, names: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)
