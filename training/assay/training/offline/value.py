"""What a prompt is worth to the starting policy: a head on its hidden states of the prompt, learned from its scores."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from assay.training.forward import Row, Scorer

HEADS = 8
DROPOUT = 0.1
BATCH = 16
"""Prompts an optimiser step of the head."""


class PromptValue(nn.Module):
    """V(x) = top * sigmoid(linear(attention of a learned query over the states of x)); A-LoL (arXiv:2305.14718), 3.1.

    Args:
        width: size of a hidden state.
        top: largest reward.
        start: what it says of every prompt before it has learned anything, strictly between 0 and ``top``.
    """

    def __init__(self, width: int, top: float, start: float) -> None:
        super().__init__()
        heads = max(n for n in range(1, HEADS + 1) if width % n == 0)
        self.top = top
        self.query = nn.Parameter(torch.randn(1, 1, width) / width**0.5)
        self.attention = nn.MultiheadAttention(width, heads, dropout=DROPOUT, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(width, 1)
        nn.init.normal_(self.linear.weight, std=0.1 / width**0.5)
        share = min(max(start / top, 0.01), 0.99)
        nn.init.constant_(self.linear.bias, float(np.log(share / (1 - share))))

    def forward(self, states: Tensor, real: Tensor) -> Tensor:
        """Values [B] of prompts whose states [B, T, H] are real where bool [B, T] says so; padding is not looked at."""
        query = self.query.expand(len(states), -1, -1)
        pooled, _ = self.attention(query, states, states, key_padding_mask=~real, need_weights=False)
        value: Tensor = self.top * torch.sigmoid(self.linear(self.dropout(pooled[:, 0]))).squeeze(-1)
        return value


@dataclass(frozen=True)
class Fitted:
    """A head, and how it was learned.

    Attributes:
        head: as it was after the epoch of lowest error.
        errors: mean squared error over the prompts after each epoch.
    """

    head: PromptValue
    errors: list[float]


def prompt_states(
    scorer: Scorer, prompts: Sequence[Row], on_done: Callable[[int], None] = lambda count: None
) -> list[Tensor]:
    """The last layer's states [length, H] of the prompt of each row, float32 on the CPU, no gradient."""
    # Every prompt token but the first, and one token more, is taken for sampled: the states that predict them.
    rows = [_all_of_it(row) for row in prompts]
    found: list[Tensor] = [torch.zeros(0)] * len(rows)
    with torch.no_grad():
        for micro in scorer.plan(rows):
            chosen = [rows[i] for i in micro.rows]
            states, where, real = scorer.states(chosen, micro.tries, max(len(row.mask) for row in chosen))
            for position, row in enumerate(micro.rows):
                found[row] = states[where[position][real[position]]].float().cpu()
            on_done(len(chosen))
    return found


def fit(
    states: Sequence[Tensor],
    targets: Sequence[float],
    *,
    top: float,
    epochs: int,
    lr: float,
    seed: int,
    on_epoch: Callable[[], None] = lambda: None,
) -> Fitted:
    """Learn the mean score of each prompt by squared error, and keep the head of the best epoch.

    Args:
        states: of each prompt (:func:`prompt_states`).
        targets: its mean score, in [0, top].
        top: largest score.
        epochs: passes.
        lr: of AdamW.
        seed: of the head, its dropout and the order; the global random state is left as it was.
        on_epoch: called after each.
    """
    wanted = torch.tensor(list(targets), dtype=torch.float32)
    width = states[0].shape[-1]
    rng = np.random.default_rng([seed, 5])
    errors: list[float] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = PromptValue(width, top, float(wanted.mean()))
        optimizer = torch.optim.AdamW(head.parameters(), lr=lr)
        best = head
        for _ in range(epochs):
            head.train()
            order = rng.permutation(len(states))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH].tolist()
                loss = (head(*_padded([states[i] for i in chosen])) - wanted[chosen]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            errors.append(float((torch.tensor(values_of(head, states)) - wanted).square().mean()))
            if errors[-1] == min(errors):
                best = copy.deepcopy(head)
            on_epoch()
    return Fitted(best.eval(), errors)


@torch.no_grad()
def values_of(head: PromptValue, states: Sequence[Tensor]) -> list[float]:
    """The value of each prompt, without dropout."""
    head.eval()
    found: list[float] = []
    for start in range(0, len(states), BATCH):
        found += head(*_padded(states[start : start + BATCH])).tolist()
    return found


def _padded(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    padded = nn.utils.rnn.pad_sequence(list(states), batch_first=True)
    lengths = torch.tensor([len(one) for one in states])
    return padded, torch.arange(padded.shape[1]) < lengths.unsqueeze(-1)


def _all_of_it(row: Row) -> Row:
    ids = row.ids[: row.prompt]
    return Row(np.append(ids, ids[-1]), 1, np.ones(len(ids), np.bool_), row.images)
