"""Leaves with more than one turn: what an episode does with an action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from PIL import Image

    from assay.verifiers.score import Score


class Sight(NamedTuple):
    """What the agent gets back for an action.

    Attributes:
        text: told with the picture.
        images: the new view; one placeholder each stands before the text.
        over: the episode ends here and nothing is shown.
    """

    text: str = ""
    images: Sequence[Image.Image] = ()
    over: bool = False


class Activity(Protocol):
    """One running episode; made of ``start`` and the picture's size alone, so that it replays bit for bit.

    ``start`` is ``Question.start`` with what the options say: ``frame``, ``turns``, ``layout`` and ``format_weight``.
    Between turns it holds no more than that data: pictures are rendered when they are asked for.
    """

    turns: ClassVar[int]
    """Turns where nobody says otherwise."""

    def __init__(self, start: Mapping[str, Any], size: int) -> None: ...

    @staticmethod
    def rules(start: Mapping[str, Any]) -> str:
        """How to act and for how many turns; stands below the question."""

    def act(self, action: str, left: int) -> Sight:
        """Carry out an action; any string is legal. ``left``: turns that remain after this one; 0 ends the episode."""

    def expert(self) -> str:
        """What a planner that knows the truth does next."""

    @staticmethod
    def score(actions: Sequence[str], truth: Mapping[str, Any]) -> Score:
        """The verdict on the whole episode, from its actions alone."""
