"""Which tokens a step may draw: a set chosen by the scores of a policy, often another one than is sampled from.

The sampler and the trainer call the same function on the same policy's logits, so that both know the same set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from assay.agents.engines.vocabulary import banned_ids, end_ids

if TYPE_CHECKING:
    from torch import Tensor

    from assay.agents.chat import Chat
    from assay.agents.engines.decode import State

MaskKind = Literal["learned_top_p", "learned_top_k", "topk"]


class OutsideMaskError(RuntimeError):
    """A token was drawn that its mask forbids: a defect of the sampler, never of the input."""


@dataclass(frozen=True)
class ActionMask:
    """A rule that turns the scores of the mask policy into a set of tokens; NLPO (arXiv:2210.01241, section 4).

    Attributes:
        kind: ``learned_top_p`` and ``learned_top_k`` look at a frozen policy of that name; ``topk`` looks at the
            sampling policy itself.
        top_p: probability mass of the set (``learned_top_p``); the token that crosses it is in. 1 keeps all.
        top_k: size of the set (the other kinds).
        min_tokens: the set has at least this many of the likeliest tokens.
        keep_special: whether end, begin and padding tokens are always in the set.
        against: name of the mask policy.
        always: token ids in every set; see :meth:`fitted`.
        never: token ids in no set, as if the mask policy gave them no probability.

    Raises:
        ValueError: if a number is out of range.
    """

    kind: MaskKind = "learned_top_p"
    top_p: float = 0.9
    top_k: int = 100
    min_tokens: int = 100
    keep_special: bool = True
    against: str = "mask"
    always: tuple[int, ...] = ()
    never: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(MaskKind):
            raise ValueError(f"unknown mask {self.kind!r}; one of {', '.join(get_args(MaskKind))}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"the mask's top_p must be above 0 and at most 1, got {self.top_p:g}")
        if self.top_k < 1 or self.min_tokens < 1:
            raise ValueError(f"a mask keeps one token or more, got top_k {self.top_k} and min_tokens {self.min_tokens}")

    @property
    def learned(self) -> bool:
        """Whether the sampler looks at another policy than its own."""
        return self.kind != "topk"

    def fitted(self, special: Iterable[int], banned: Iterable[int]) -> ActionMask:
        """The rule for one vocabulary: ``banned`` tokens never, ``special`` ones always, if they are to be kept."""
        never = frozenset(banned)
        always = frozenset(special) - never if self.keep_special else frozenset()
        return replace(self, always=tuple(sorted(always)), never=tuple(sorted(never)))

    def allowed(self, scores: Tensor) -> Tensor:
        """The set of each position.

        Args:
            scores: [R, V]; logits of the mask policy. Equal ones are ranked by token id.

        Returns:
            bool [R, V]; at least one token a row.
        """
        with torch.no_grad():
            scores = scores.detach().float()
            never = torch.tensor(self.never, device=scores.device, dtype=torch.long)
            ranked, order = scores.index_fill(-1, never, -torch.inf).sort(dim=-1, descending=True, stable=True)
            kept = torch.empty_like(order, dtype=torch.bool).scatter_(-1, order, self._kept(ranked))
            kept[:, list(self.always)] = True
            return kept.index_fill(-1, never, False)

    def _kept(self, ranked: Tensor) -> Tensor:
        ranks = torch.arange(ranked.shape[-1], device=ranked.device).expand_as(ranked)
        if self.kind != "learned_top_p":
            return ranks < max(self.top_k, self.min_tokens)
        if self.top_p >= 1.0:  # the rounded sum may reach 1 before the last token
            return torch.ones_like(ranks, dtype=torch.bool)
        mass = torch.softmax(ranked, -1).cumsum(-1)
        before = torch.nn.functional.pad(mass[:, :-1], (1, 0))
        return (before <= self.top_p) | (ranks < self.min_tokens)


def special_ids(model: Any, tokenizer: Any, chat: Chat | None) -> frozenset[int]:
    """End, begin and padding tokens: what ends a completion, and the tokenizer's own."""
    inner = getattr(tokenizer, "tokenizer", tokenizer)
    own = (inner.eos_token_id, inner.bos_token_id, inner.pad_token_id)
    return end_ids(model, tokenizer, chat) | {token for token in own if token is not None}


def unsampled_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Tokens that no sampler may draw, ascending (:func:`~assay.agents.engines.vocabulary.banned_ids`)."""
    return banned_ids(model, tokenizer, model.get_output_embeddings().weight.shape[0])


class MaskedState:
    """Lanes of a policy with, beside them, the same lanes of the policy that masks them.

    Args:
        mask: the rule.
        policy: what is sampled from.
        beside: the mask policy on the same contexts; None where the policy masks itself.
    """

    def __init__(self, mask: ActionMask, policy: State, beside: State | None) -> None:
        self.mask, self.policy, self.beside = mask, policy, beside

    @property
    def logits(self) -> Tensor:
        """[L, V] of the policy."""
        return self.policy.logits

    @property
    def allowed(self) -> Tensor:
        """Bool [L, V]."""
        return self.mask.allowed((self.beside or self.policy).logits)

    def keep(self, rows: list[int]) -> None:
        """Go on with these lanes only, in this order."""
        for state in self._both:
            state.keep(rows)

    def step(self, tokens: Tensor) -> None:
        """Append one token [L] to each lane."""
        for state in self._both:
            state.step(tokens)

    @property
    def _both(self) -> tuple[State, ...]:
        return (self.policy,) if self.beside is None else (self.policy, self.beside)
