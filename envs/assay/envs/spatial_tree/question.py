"""What a template makes: a question with its pictures, its truth, and a second way to work the truth out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, eq=False)
class Question:
    """A verified question.

    Attributes:
        text: the question alone: no options, and nothing on how to answer beyond what the question itself needs.
        images: what the agent sees, in order.
        truth: what the verifier ``spatial.<metric>`` compares with.
        gold: a response that earns full reward.
        ask: how to answer, one sentence, without the options.
        options: of a multiple-choice question: the texts without letters, in the order shown.
        metric: the verifier, without ``spatial.``.
        captions: a line above each image, such as "Frame 1:"; empty where there is one image.
        recheck: works the truth out again, from the render or a second simulation and not from the numbers the
            question was made of; True where both agree. For audits; never called in an episode.
        start: of a leaf with more than one turn: JSON-serialisable data from which an episode begins.
    """

    text: str
    images: Sequence[Image.Image]
    truth: Mapping[str, Any]
    gold: str
    ask: str
    recheck: Callable[[], bool]
    options: tuple[str, ...] = ()
    metric: str = "mcq"
    captions: tuple[str, ...] = ()
    start: Mapping[str, Any] = field(default_factory=dict)


class Template(Protocol):
    """Makes a question of one kind; its ``__name__`` is the kind, its docstring what is asked.

    ``None`` is a draw that would not be fair (hidden, tied, nearly tied): the next seed is tried.
    """

    __name__: str

    def __call__(self, rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
        """Make one.

        Args:
            rng: all that is random.
            difficulty: 1 (easiest) to 5.
            size: the longer side of a picture, pixels.
        """


def mcq(
    rng: np.random.Generator,
    text: str,
    images: Sequence[Image.Image],
    right: str,
    wrong: Sequence[str],
    recheck: Callable[[], bool],
    captions: Sequence[str] = (),
    shuffle: bool = True,
    start: Mapping[str, Any] | None = None,
) -> Question:
    """A multiple-choice question with its options in an order drawn by ``rng``.

    Args:
        rng: draws the order.
        text: the question.
        images: its pictures.
        right: the text of the right option.
        wrong: the texts of the others, all different from it and each other.
        recheck: see :class:`Question`.
        captions: see :class:`Question`.
        shuffle: False keeps ``[right, *wrong]``: for options that are letters in a picture and were drawn in order
            already (then ``right`` must have been put in its place by the caller).
        start: see :class:`Question`.

    Raises:
        ValueError: if two options are the same.
    """
    options = [right, *wrong]
    if len(set(options)) != len(options):
        raise ValueError(f"two options are the same: {options}")
    order = rng.permutation(len(options)) if shuffle else range(len(options))
    shown = tuple(options[place] for place in order)
    letter = LETTERS[shown.index(right)]
    truth = {"answer": letter, "choices": list(shown)}
    ask = "Answer with the letter of the right option only."
    return Question(text, images, truth, letter, ask, recheck, shown, "mcq", tuple(captions), dict(start or {}))


def numeric(
    text: str, images: Sequence[Image.Image], value: float, recheck: Callable[[], bool], captions: Sequence[str] = ()
) -> Question:
    """A question whose answer is a number, paid by mean relative accuracy; ``text`` says the unit."""
    said = f"{value:.2f}"
    return Question(
        text, images, {"answer": said}, said, "Answer with the number only.", recheck, (), "mra", tuple(captions)
    )


def few(template: Template) -> Template:
    """Marks a kind of question of which there are so few at the easy end that two seeds may make the same one.

    Then the question itself decides which part it is in, so that training never shows one of the test's.
    """
    template.__dict__["few"] = True
    return template
