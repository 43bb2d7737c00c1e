"""The decoding loop: rows draw tokens until an end token, a stop string or their budget, and leave when done.

Rows that stand at the same place, because they continue one context and have drawn the same tokens so far, share a lane
of the model's batch: each draws its own next token from the one distribution. A group's rows begin on one lane, and the
more certain a policy is, the fewer lanes it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from assay.agents.engines.action_mask import OutsideMaskError
from assay.agents.engines.sampling import draw, uniforms
from assay.agents.policy import Completion, Sampling

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class State(Protocol):
    """Lanes that share work, each at the end of its context."""

    @property
    def logits(self) -> Tensor:
        """[L, V], of the next token of each lane."""
        ...

    @property
    def allowed(self) -> Tensor | None:
        """Bool [L, V], the tokens that each lane may draw; None: every one."""
        ...

    def keep(self, rows: list[int]) -> None:
        """Go on with these lanes only, in this order; one may occur many times."""
        ...

    def step(self, tokens: Tensor) -> None:
        """Append one token [L] to each lane and renew :attr:`logits`."""
        ...


@dataclass(slots=True)
class Row:
    """One completion being drawn."""

    seed: int
    sampling: Sampling
    budget: int
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    units: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.units = uniforms(self.seed, self.budget)


@dataclass(frozen=True)
class Vocabulary:
    """How tokens end and become text."""

    tokenizer: Any
    ends: frozenset[int]
    banned: tuple[int, ...]

    def text(self, ids: Sequence[int]) -> str:
        """Text of tokens, special ones left out."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def stopped(self, ids: list[int], stop: tuple[str, ...]) -> bool:
        """Whether a stop string has just been completed."""
        if not stop:
            return False
        tail = max(len(text.encode()) for text in stop) + 8  # a token is a byte or more
        found = any(text in self.text(ids[-tail:]) for text in stop)
        return found and any(text in self.text(ids) for text in stop)

    def ended(self, row: Row) -> bool:
        """Whether a row draws no further token."""
        return row.ids[-1] in self.ends or len(row.ids) >= row.budget or self.stopped(row.ids, row.sampling.stop)

    def completion(self, ids: list[int], logprobs: list[float], stop: tuple[str, ...]) -> Completion:
        """Of finished ids: the text is cut before the first stop string and leaves out the end token."""
        closed = bool(ids) and ids[-1] in self.ends
        text = self.text(ids[:-1] if closed else ids)
        cuts = [at for at in (text.find(one) for one in stop) if at >= 0]
        finish = "stop" if closed or cuts else "length"
        return Completion(text[: min(cuts)] if cuts else text, tuple(ids), tuple(logprobs), finish)


def decode(state: State, rows: Sequence[Row], lanes: Sequence[int], vocabulary: Vocabulary) -> None:
    """Fill every row, changing it in place; row i starts on lane ``lanes[i]`` of ``state``.

    Raises:
        OutsideMaskError: if a token was drawn that ``state`` does not allow.
    """
    live, lane = list(rows), list(lanes)
    banned = torch.tensor(vocabulary.banned, device=state.logits.device, dtype=torch.long)
    while True:
        tokens, logprobs = _draw(state.logits, state.allowed, lane, live, banned)
        for row, token, logprob in zip(live, tokens, logprobs, strict=True):
            row.ids.append(token)
            row.logprobs.append(logprob)
        going = [i for i, row in enumerate(live) if not vocabulary.ended(row)]
        if not going:
            return
        places: dict[tuple[int, int], int] = {}
        before = len(state.logits)
        lane = [places.setdefault((lane[i], tokens[i]), len(places)) for i in going]
        live = [live[i] for i in going]
        parents = [parent for parent, _ in places]
        if parents != list(range(before)):
            state.keep(parents)
        state.step(torch.tensor([token for _, token in places], device=state.logits.device))


def _draw(
    logits: Tensor, mask: Tensor | None, lanes: list[int], rows: list[Row], banned: Tensor
) -> tuple[list[int], list[float]]:
    logits = logits.float()
    if lanes != list(range(len(logits))):
        index = torch.tensor(lanes, device=logits.device)
        logits, mask = logits[index], None if mask is None else mask[index]
    normaliser = logits.logsumexp(-1)
    allowed = logits.index_fill(-1, banned, -torch.inf) if banned.numel() else logits
    allowed = allowed if mask is None else allowed.masked_fill(~mask, -torch.inf)
    units = torch.from_numpy(np.array([row.units[len(row.ids)] for row in rows]))
    if logits.device.type != "mps":
        units = units.to(logits.device)
    tokens = draw(allowed, units, [row.sampling for row in rows])
    if mask is not None and not bool(mask.gather(-1, tokens.unsqueeze(-1)).all()):
        raise OutsideMaskError("a token was drawn that the action mask forbids")
    logprobs = logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - normaliser
    return tokens.tolist(), logprobs.tolist()
