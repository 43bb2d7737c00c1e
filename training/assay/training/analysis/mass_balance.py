"""Where probability goes in one policy-gradient step on a softmax, and what hundreds of rollouts change about it.

BroRL (arXiv:2510.01180), section 3. With V tokens of probabilities p, some of them right, N drawn, reward Rc for drawn
right ones, Rw for drawn wrong ones and 0 for the rest, the surrogate (1 / N) sum of R_i p_i over the drawn tokens moves
the logits by dz_i = (eta / N) p_i (R_i - S) with S = Rc P_right + Rw P_wrong over the drawn mass. To first order in eta
the mass of right tokens changes by three terms: the drawn right and the drawn wrong tokens always add to it, the
tokens that were not drawn may take from it. A token of probability p stays undrawn with chance (1 - p)^N, so the third
term vanishes as N grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Setting:
    """One step: float64 [V] probabilities, bool [V] masks, rewards of drawn tokens (``right`` >= 0 >= ``wrong``)."""

    p: Tensor
    correct: Tensor
    drawn: Tensor
    right: float = 1.0
    wrong: float = -1.0
    eta: float = 0.1
    draws: int = 1

    @property
    def reward(self) -> Tensor:
        """[V]; 0 where not drawn."""
        signed = torch.where(self.correct, self.right, self.wrong).double()
        return signed * self.drawn

    @property
    def baseline(self) -> float:
        """S: sum of reward times probability."""
        return float((self.reward * self.p).sum())


@dataclass(frozen=True)
class MassBalance:
    """First-order change of the probability of right tokens, by what brings it about.

    Attributes:
        right: drawn right tokens; never negative.
        wrong: drawn wrong tokens; never negative.
        undrawn: tokens that were not drawn; of either sign.
    """

    right: float
    wrong: float
    undrawn: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.right + self.wrong + self.undrawn


def mass_balance(step: Setting) -> MassBalance:
    """The identity of BroRL, section 3.1.

    (eta / N) [(Rc - S) Q_neg A2 + (S - Rw) Q_pos B2 + S (Q_pos U2_neg - Q_neg U2_pos)], where A2 and B2 are the sums of
    p^2 over drawn right and wrong tokens, U2 those over undrawn ones, and Q the mass of right and wrong tokens.
    """
    square = step.p.double() ** 2

    def over(mask: Tensor) -> float:
        return float(square[mask].sum())

    q = float(step.p[step.correct].sum())
    scale, s = step.eta / step.draws, step.baseline
    right = (step.right - s) * (1 - q) * over(step.drawn & step.correct)
    wrong = (s - step.wrong) * q * over(step.drawn & ~step.correct)
    undrawn = s * (q * over(~step.drawn & ~step.correct) - (1 - q) * over(~step.drawn & step.correct))
    return MassBalance(scale * right, scale * wrong, scale * undrawn)


def stepped(step: Setting) -> Tensor:
    """The probabilities after the logit step itself, float64 [V]."""
    p = step.p.double()
    move = step.eta / step.draws * p * (step.reward - step.baseline)
    return torch.softmax(p.log() + move, -1)


def undrawn_moment(p: float, draws: int) -> float:
    """p^2 (1 - p)^N: what a token of probability p is expected to add to the undrawn second moment."""
    return p**2 * (1 - p) ** draws


@dataclass(frozen=True)
class Simulated:
    """A simulated training run.

    Attributes:
        before, after: probability of all right tokens.
        improved: share of right tokens that ended above their first probability.
        worst: smallest change of the probability of a right token.
    """

    before: float
    after: float
    improved: float
    worst: float


def simulate(
    draws: int,
    *,
    vocab: int = 128_000,
    correct: int = 10_000,
    steps: int = 1_000,
    lr: float = 1e-3,
    seed: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> Simulated:
    """Train logits on their own draws; BroRL, section 3.3, whose setting the defaults are.

    Logits start at 0, those of right tokens at 3, one of them at 5. A step draws with replacement, pays 1 for right
    tokens and -1 for wrong ones less the mean of the batch, and descends -(1 / N) sum r p by AdamW.

    Args:
        draws: N, draws a step.
        vocab: tokens.
        correct: right ones among them.
        steps: optimiser steps.
        lr: learning rate.
        seed: of the draws.
        on_step: called with each step done, from 1.

    Raises:
        ValueError: if there is no wrong token, or no draw or right token.
    """
    if not 0 < correct < vocab or draws < 1:
        raise ValueError(f"needs 0 < correct < vocab and a draw, got {correct} of {vocab} and {draws} draws")
    logits = torch.zeros(vocab)
    logits[:correct], logits[0] = 3.0, 5.0
    logits.requires_grad_()
    reward = torch.where(torch.arange(vocab) < correct, 1.0, -1.0)
    start = torch.softmax(logits.detach(), -1)
    optimizer = torch.optim.AdamW([logits], lr=lr)
    generator = torch.Generator().manual_seed(seed)
    for step in range(1, steps + 1):
        p = torch.softmax(logits, -1)
        index = torch.multinomial(p.detach(), draws, replacement=True, generator=generator)
        advantage = reward[index] - reward[index].mean()
        optimizer.zero_grad()
        (-(advantage * p[index]).mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if on_step is not None:
            on_step(step)
    end = torch.softmax(logits.detach(), -1)
    change = (end - start)[:correct]
    return Simulated(
        float(start[:correct].sum()),
        float(end[:correct].sum()),
        float((change > 0).float().mean()),
        float(change.min()),
    )
