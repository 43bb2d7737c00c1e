"""The scorer of the selector ``tad-learned`` while it learns: a few thousand weights beside the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from assay.envs.video_keyframes.heads import NAMES, save_head
from assay.training.objectives.plackett_luce import ordered_logp


class FrameScorer(torch.nn.Module):
    """Logits z_t = w q_t + b + MLP(e_t) of the candidates of a video (ChronoForge-RL, as reconstructed).

    It begins as TAD's own order: w is ``start``, and the last layer of the MLP is zero.

    Args:
        width: D, numbers of an embedding.
        hidden: of the MLP, one layer with ReLU.
        start: w at the beginning.
        seed: of the hidden layer. The global random state is left as it was.
    """

    def __init__(self, width: int, hidden: int = 32, start: float = 4.0, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.w, self.b = torch.nn.Parameter(torch.tensor(start)), torch.nn.Parameter(torch.zeros(()))
        self.hidden_weight = torch.nn.Parameter(torch.randn(hidden, width, generator=rng) / width**0.5)
        self.hidden_bias = torch.nn.Parameter(torch.zeros(hidden))
        self.out_weight = torch.nn.Parameter(torch.zeros(hidden))
        self.out_bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, e: Tensor, q: Tensor) -> Tensor:
        """Logits [N] of embeddings [N, D] and priorities [N]."""
        mlp = torch.relu(e @ self.hidden_weight.T + self.hidden_bias) @ self.out_weight + self.out_bias
        return self.w * q + self.b + mlp

    def arrays(self, temperature: float = 1.0) -> dict[str, np.ndarray]:
        """What :func:`~assay.envs.video_keyframes.heads.save_head` writes, with logits divided by ``temperature``."""
        found = {name: getattr(self, name).detach().double().numpy() for name in NAMES}
        return {name: value if name.startswith("hidden") else value / temperature for name, value in found.items()}


@dataclass(frozen=True)
class Draw:
    """Frames that an episode was shown, and what drawing them earned.

    Attributes:
        e: embeddings of the N candidates, float [N, D].
        q: their priorities, [N].
        order: candidates in the order in which they were drawn.
        advantage: how much better than expected the episode went.
    """

    e: Tensor
    q: Tensor
    order: Sequence[int]
    advantage: float


class FrameSelector:
    """Learns from draws by policy gradient, and writes itself where environments read it.

    Environments draw from softmax(z / tau) with what :meth:`publish` wrote; tau falls linearly over the run.

    Args:
        scorer: what learns.
        path: .npz file that the option ``head`` of the environments names.
        lr: Adam's learning rate.
        tau: first and last temperature.
        steps: of the run.
    """

    def __init__(
        self, scorer: FrameScorer, path: Path, lr: float = 1e-2, tau: tuple[float, float] = (1.0, 0.1), steps: int = 100
    ) -> None:
        if min(tau) <= 0 or lr <= 0 or steps < 1:
            raise ValueError(f"lr, tau and steps must be positive, got {lr:g}, {tau} and {steps}")
        self.scorer, self.path, self.tau, self.steps, self.step = scorer, Path(path), tau, steps, 0
        self.optimizer = torch.optim.Adam(scorer.parameters(), lr=lr)

    @property
    def temperature(self) -> float:
        """tau of the step under way."""
        done = min(1.0, self.step / max(1, self.steps - 1))
        return self.tau[0] + (self.tau[1] - self.tau[0]) * done

    def publish(self, temperature: float | None = None) -> None:
        """Write the scorer, whole or not at all, with ``temperature`` (by default that of the step) in its logits."""
        save_head(self.path, self.scorer.arrays(self.temperature if temperature is None else temperature))

    def learn(self, draws: Sequence[Draw]) -> dict[str, float]:
        """One step on -mean(advantage x log-probability of the draw), then the next temperature, and publish.

        Returns:
            ``selector/loss``, ``selector/logp`` and ``selector/entropy`` (of a draw, and of the chances of its first
            frame; means, nats), ``selector/w`` and ``selector/tau``.
        """
        tau = self.temperature
        logits = [self.scorer(d.e, d.q) / tau for d in draws]
        logp = [ordered_logp(z, torch.tensor(list(d.order))) for z, d in zip(logits, draws, strict=True)]
        measured = {"selector/w": float(self.scorer.w.detach()), "selector/tau": tau}
        if logp:
            weight = torch.tensor([d.advantage for d in draws])
            loss = -(weight * torch.stack(logp)).mean()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            mean = float(torch.stack(logp).detach().mean())
            sure = [torch.log_softmax(z.detach(), -1) for z in logits]
            measured |= {"selector/loss": float(loss.detach()), "selector/logp": mean}
            measured["selector/entropy"] = -sum(float((each.exp() * each).sum()) for each in sure) / len(sure)
        self.step += 1
        self.publish()
        return measured

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold: weights, moments and the step."""
        found = {f"scorer.{name}": value.detach().clone() for name, value in self.scorer.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            found |= {f"adam.{index}.{name}": torch.as_tensor(value).clone() for name, value in state.items()}
        return found | {"step": torch.tensor(self.step)}

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`tensors` gave, and publish it."""
        self.scorer.load_state_dict(
            {name.removeprefix("scorer."): value for name, value in stored.items() if name.startswith("scorer.")}
        )
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in stored.items():
            if name.startswith("adam."):
                _, index, field = name.split(".")
                state.setdefault(int(index), {})[field] = value.clone()
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.step = int(stored["step"])
        self.publish()
