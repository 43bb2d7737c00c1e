"""A critic: a copy of the policy's network with a value head, and its own optimiser."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from assay.training import checkpoint
from assay.training.batch import Batch
from assay.training.forward import Row, Scorer
from assay.training.precision import Weights
from assay.training.value.heads import C51, last_layer, make_head
from assay.training.value.spec import CriticSpec

WEIGHT = "weight"
BETAS = (0.9, 0.95)


class ValueCritic:
    """What :class:`~assay.training.update.Updater` asks of a critic.

    The network starts as a copy of the policy's, and shares what the policy does not train (the base under adapters).
    Rows are packed as for the policy: shared prefixes are encoded once, micro-batches hold the token budget. The
    clipped value loss of PPO has no meaning for cross entropy and is left out for all heads.

    Args:
        policy: the scorer of the policy.
        spec: with its range set, unless the head has none.
    """

    def __init__(self, policy: Scorer, spec: CriticSpec) -> None:
        shared: dict[int, object] = {id(p): p for p in policy.model.parameters() if not p.requires_grad}
        model = copy.deepcopy(policy.model, shared)
        like = policy
        self.scorer = Scorer(model, share_prefix=like.share_prefix, budget=like.budget, processor=like.processor)
        embeddings = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
        if not any(self.scorer.head.weight is weight for weight in embeddings):
            self.scorer.head.requires_grad_(False)  # it predicts tokens, which nobody asks of a critic
        low, high = (0.0 if spec.low is None else spec.low), (1.0 if spec.high is None else spec.high)
        self.spec, self.head = spec, make_head(spec.head, low, high, spec.bins, spec.ratio, spec.pad_bins)
        self.last = last_layer(self.scorer.head.weight.shape[1], self.head).to(self.scorer.head.weight.device)
        self.weights = Weights(nn.ModuleDict({"model": model, "last": self.last}))
        self.optimizer = torch.optim.AdamW(
            list(self.weights.masters.values()), lr=spec.lr, betas=BETAS, weight_decay=0.0
        )

    @torch.no_grad()
    def values(self, batch: Batch) -> Tensor:
        """What the state is worth that each token was sampled in, float32 [B, T] on the CPU, 0 elsewhere."""
        return self._values(batch.rows, batch.width)

    @torch.no_grad()
    def end_values(self, batch: Batch) -> Tensor:
        """What the state after each row's last token is worth, float32 [B] on the CPU; 0 for rows that were not cut."""
        cut = torch.nonzero(batch.data.truncated).flatten().tolist()
        result = torch.zeros(len(batch.rows))
        if cut:
            one = np.ones(1, np.bool_)
            # A state is read where a token was sampled in it: any token will do, for it is not looked at.
            longer = [
                Row(np.append(row.ids, row.ids[-1]), len(row.ids), one, row.images)
                for row in (batch.rows[i] for i in cut)
            ]
            result[cut] = self._values(longer, 1).squeeze(-1)
        return result

    def learn(self, batch: Batch, returns: Tensor) -> dict[str, float]:
        """One optimiser step towards ``returns`` [B, T]; rows where they are NaN teach nothing.

        With ``c51`` these must be returns of one step, r + gamma V of the next state as in ``batch.data.values``: the
        rewards are read back from them, and the next state's distribution, as the critic sees it now, is moved by them.

        Returns:
            ``value_loss`` and ``value/clip_frac`` (share of targets outside the range), means over tokens, and
            ``value_grad_norm`` before clipping; nothing where no token has a target.
        """
        known = (batch.data.action_mask > 0) & ~returns.isnan()
        total = float(known.sum())
        live = torch.nonzero(known.any(-1)).flatten().tolist()
        if not live:
            return {}
        rows = [batch.rows[i] for i in live]
        loss_sum = 0.0
        for micro in self.scorer.plan(rows):
            index = torch.tensor([live[i] for i in micro.rows])
            logits, pick, _ = self._logits([rows[i] for i in micro.rows], micro.tries, batch.width)
            losses = self._losses(logits, pick, known[index], returns[index], batch.data.values, index)
            loss = losses.sum() / total
            (self.spec.coef * loss).backward()  # type: ignore[no-untyped-call]
            loss_sum += float(loss.detach())
        clipped = self.head.clipped(returns[known]).float().mean()
        return {"value_loss": loss_sum, "value/clip_frac": float(clipped), "value_grad_norm": self._step()}

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold: the weights that learn, and their moments."""
        own = {f"{name}|{WEIGHT}": p.detach().cpu().contiguous() for name, p in self.weights.own.items()}
        return own | checkpoint.moments(self.weights, self.optimizer)

    def restore(self, stored: Mapping[str, Tensor], path: Path) -> None:
        """Put back what :meth:`tensors` gave; ``path`` is where from.

        Raises:
            ValueError: if it is that of another critic.
        """
        own = {key.removesuffix(f"|{WEIGHT}"): key for key in stored if key.endswith(f"|{WEIGHT}")}
        fits = {name: tuple(stored[key].shape) for name, key in own.items()}
        if fits != {name: tuple(p.shape) for name, p in self.weights.own.items()}:
            raise ValueError(f"{path}: the critic stored there is not the one of this configuration")
        with torch.no_grad():
            for name, key in own.items():
                self.weights.own[name].copy_(stored[key])
        rest = {key: value for key, value in stored.items() if not key.endswith(f"|{WEIGHT}")}
        checkpoint.put_back(rest, self.weights, self.optimizer, path)

    def _logits(self, rows: Sequence[Row], tries: list[list[int]], width: int) -> tuple[Tensor, Tensor, Tensor]:
        """The head's outputs [S, outputs] in the states of one micro-batch, and which belong to which tokens."""
        states, pick, sampled = self.scorer.states(rows, tries, width)
        return self.last(states.float()), pick, sampled

    def _values(self, rows: Sequence[Row], width: int) -> Tensor:
        result = torch.zeros(len(rows), width)
        for micro in self.scorer.plan(rows):
            logits, pick, sampled = self._logits([rows[i] for i in micro.rows], micro.tries, width)
            if len(logits):
                found = self.head.value(logits)[pick].masked_fill(~sampled, 0.0)
                result[micro.rows] = found.cpu()
        return result

    def _losses(
        self, logits: Tensor, pick: Tensor, known: Tensor, returns: Tensor, values: Tensor | None, index: Tensor
    ) -> Tensor:
        """Losses of the tokens that have a target, one after the other."""
        device = logits.device
        here = logits[pick[known.to(device)]]
        if not isinstance(self.head, C51):
            return self.head.loss(here, returns[known].to(device))
        assert values is not None
        following = next_sampled(known)
        there, after = following >= 0, following.clamp(min=0)
        discount = self.spec.gamma * there
        reward = returns - discount * values[index].gather(-1, after)
        with torch.no_grad():
            probs = torch.softmax(logits, -1)[pick.gather(-1, after.to(device))[known.to(device)]]
            target = self.head.backup(reward[known].to(device), discount[known].to(device), probs)
        return self.head.loss_to(here, target)

    def _step(self) -> float:
        self.weights.lift()
        limit = self.spec.clip_norm if self.spec.clip_norm > 0 else math.inf
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights.masters.values(), limit))
        if math.isfinite(norm):
            self.optimizer.step()
            self.weights.publish()
        self.optimizer.zero_grad(set_to_none=True)
        return norm


def next_sampled(mask: Tensor) -> Tensor:
    """The position of the next True to the right of each position, -1 where there is none; int64 [B, T]."""
    positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    none = mask.shape[1]
    nearest = torch.where(mask, positions, none).flip(-1).cummin(-1).values.flip(-1)  # at or after each position
    following = torch.cat([nearest[:, 1:], nearest.new_full((len(mask), 1), none)], -1)
    return torch.where(following == none, -1, following)
