"""Questions that are answered in a sentence: what it must say, and what would be false."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from assay.envs.spatial_tree.question import Question


def caption(
    text: str,
    images: Sequence[Image.Image],
    slots: Sequence[tuple[str, Sequence[str]]],
    gold: str,
    ask: str,
    recheck: Callable[[], bool],
    words: Mapping[str, Sequence[str]],
    captions: Sequence[str] = (),
    ordered: bool = False,
) -> Question:
    """A question whose answer is a sentence.

    Args:
        text: the question.
        images: its pictures.
        slots: for each thing that the sentence must say, what is so, and all that could have been (which may hold
            what is so).
        gold: a sentence that says it all.
        ask: how to answer; must tell the words.
        recheck: see :class:`Question`.
        words: the words by which a value may be said; a value without an entry is said by its own name.
        captions: see :class:`Question`.
        ordered: whether the order counts in which the sentence says them.
    """
    right = [list(words.get(so, (so,))) for so, _ in slots]
    wrong = [[word for value in values if value != so for word in words.get(value, (value,))] for so, values in slots]
    truth = {"keywords": right, "wrong": wrong, **({"ordered": True} if ordered else {})}
    return Question(text, images, truth, gold, ask, recheck, (), "caption", tuple(captions))
