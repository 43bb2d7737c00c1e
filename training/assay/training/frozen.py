"""Frozen policies: copies of the current one, refreshed in place, on disk for as long as a checkpoint needs them.

A frozen policy is known by its origin, the number of steps that the policy had made when it was copied. With each
checkpoint those are written that it cannot do without, ahead of it, so that a kill at any moment leaves every
checkpoint complete; a copy of the very policy that is checkpointed is in the checkpoint already.

    reference/step-000150/   the policy after 150 steps, as from_pretrained reads it
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.training import checkpoint
from assay.training.forward import Scorer
from assay.training.remembered import RememberingScorer

REFERENCE = "reference"
"""The folder, in a run directory, of the frozen policies."""
STATE = "frozen"
"""Where a checkpoint's state says which frozen policy is a copy of which."""


class FrozenPolicies:
    """The frozen policies of a run.

    A refresh copies weights into the model that is there, so that whoever holds it (an engine that samples with it)
    sees the new ones. An adapter is copied as an adapter: the base that it sits on never changes.

    Args:
        live: the current policy.
        tokenizer: stored with the weights.
        folder: where they are kept.
        load: reads a model back.
        kind: what scores with them.

    Attributes:
        scorers: by name.
        origin: by name, the steps that the policy had made.
    """

    def __init__(
        self, live: Scorer, tokenizer: Any, folder: Path, load: Callable[[Path], Any], kind: type[Scorer] = Scorer
    ) -> None:
        self.live, self.tokenizer, self.folder, self.load, self.kind = live, tokenizer, folder, load, kind
        self.scorers: dict[str, Scorer] = {}
        self.origin: dict[str, int] = {}

    def begin(self, names: Iterable[str], step: int = 0) -> None:
        """Make copies of the current policy."""
        for name in sorted(names):
            self._add(name, copy.deepcopy(self.live.model), step)

    def restore(self, names: Iterable[str], origin: Mapping[str, int], saved: Path) -> None:
        """Read those that a checkpoint was written with.

        Args:
            names: which.
            origin: from the checkpoint's state.
            saved: the checkpoint.

        Raises:
            ValueError: if the checkpoint has none of that name.
            ModelError: one line, if its weights are gone.
        """
        own = checkpoint.read_state(saved)["step"]
        for name in sorted(names):
            if name not in origin:
                raise ValueError(f"{saved} has no frozen policy {name}: start a new run with another --out")
            self._add(name, self.load(saved if origin[name] == own else self._path(origin[name])), origin[name])

    def _add(self, name: str, model: Any, step: int) -> None:
        model.requires_grad_(False).eval()
        like = self.live
        self.scorers[name] = self.kind(
            model, share_prefix=like.share_prefix, budget=like.budget, processor=like.processor
        )
        self._came_from(name, step)

    def _came_from(self, name: str, step: int) -> None:
        self.origin[name] = step
        scorer = self.scorers[name]
        if isinstance(scorer, RememberingScorer):
            scorer.version = step

    def snapshot(self) -> dict[str, Tensor]:
        """The weights of the current policy as they are now, those that are trained."""
        return {name: value.detach().clone() for name, value in self._trained()}

    @torch.no_grad()
    def refresh(self, names: Iterable[str], step: int, weights: Mapping[str, Tensor] | None = None) -> None:
        """Copy into each of ``names`` the current policy, or ``weights``, which it had after ``step`` steps."""
        source = dict(self._trained()) if weights is None else weights
        for name in names:
            own = dict(self.scorers[name].model.named_parameters())
            for key, value in source.items():
                own[key].copy_(value)
            self._came_from(name, step)

    def _trained(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, value) for name, value in self.live.model.named_parameters() if value.requires_grad)

    def keep(self, step: int) -> None:
        """Write what a checkpoint of ``step``, which is about to be written, cannot do without.

        Raises:
            OSError: if the disk is full or not writable.
        """
        for name, origin in self.origin.items():
            if origin != step and not self._path(origin).exists():
                checkpoint.write_model(self._path(origin), self.scorers[name].model, self.tokenizer)

    def prune(self, checkpoints: Path) -> None:
        """Delete what no checkpoint in the folder refers to."""
        if not self.folder.exists():
            return
        states = [checkpoint.read_state(path) for path in checkpoint.steps(checkpoints)]
        wanted = {self._path(origin) for state in states for origin in state.get(STATE, {}).values()}
        for path in set(self.folder.glob("step-*")) - wanted:
            shutil.rmtree(path, ignore_errors=True)

    def _path(self, origin: int) -> Path:
        return self.folder / f"step-{origin:06d}"
