"""What the trainer and the evaluator ask of anything that acts: requests in, completions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from assay.envs.tasks import Message

if TYPE_CHECKING:
    from assay.agents.engines.action_mask import ActionMask


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw a completion.

    Attributes:
        max_tokens: the longest completion, in tokens, end token included.
        temperature: softmax temperature; 0 is greedy.
        top_p: keep the smallest set of tokens whose probabilities sum to at least this.
        top_k: keep the k likeliest tokens; 0 keeps all.
        stop: strings that end a completion; the text is cut before the first one found.
        mask: restricts every token, before temperature, top-p and top-k; None restricts nothing.
    """

    max_tokens: int = 64
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    mask: ActionMask | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One completion wanted.

    ``messages`` is the whole conversation. ``ids`` is the exact token context where the caller keeps one (policies with
    a tokenizer use it and never re-tokenise). ``seed`` alone decides the randomness, so a completion does not depend on
    what else is in the batch. ``images`` are in the order of their placeholders. ``context`` is free for scripted
    policies (a test oracle reads the truth there); model policies ignore it.
    """

    messages: list[Message]
    ids: tuple[int, ...] = ()
    seed: int = 0
    sampling: Sampling = Sampling()
    images: tuple[Any, ...] = ()
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion.

    Attributes:
        text: what the environment sees: decoded, without the end token or anything from a stop string on.
        ids: the sampled tokens, the end token included where one was sampled; empty for policies without tokens.
        logprobs: the log-probability of each sampled token under the distribution it was drawn at temperature 1 from
            (before an action mask, top-p and top-k), same length as ``ids``.
        finish: ``"stop"`` (end token or stop string) or ``"length"``.

    Raises:
        ValueError: if ``logprobs`` and ``ids`` differ in length.
    """

    text: str
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    finish: str = "stop"

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.logprobs):
            raise ValueError(f"{len(self.ids)} ids but {len(self.logprobs)} logprobs")


@runtime_checkable
class Policy(Protocol):
    """Anything that acts. ``generate`` is blocking and batched; it is called from one worker thread at a time."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order. Equal ``ids`` in one call share their prefill."""
        ...
