"""Rules that look at every evaluation and may end a run with its best weights put back.

Rules decide and never copy. They are immutable and their state is JSON, so that a resumed run decides alike.
:class:`Guarded` does what they ask for: it keeps the weights of the best evaluation on disk while there is a rule.

    checkpoints/best-000040/   the trained weights after 40 steps
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch

from assay.training import checkpoint
from assay.training.precision import Weights

if TYPE_CHECKING:
    from assay.training.evaluate import Evaluation
    from assay.training.recipes import Recipe


class Guard(Protocol):
    """A rule on the evaluations of a run."""

    def after_evaluation(self, step: int, found: Evaluation) -> tuple[Self, str | None]:
        """Asked after each evaluation, the first before the first step (after the warm-up).

        Returns:
            Its successor, and why to stop and put the best weights back; None: go on.

        Raises:
            ValueError: one line, for an evaluation that it can make nothing of.
        """
        return self, None

    def state(self) -> dict[str, Any]:
        """What it has seen so far, as JSON."""
        return {}

    def restored(self, state: Mapping[str, Any]) -> Self:
        """The rule with the state of :meth:`state`."""
        return self


class Best:
    """The weights of the best evaluation so far, on disk.

    Older ones stay until a checkpoint that knows of the newer one is written (:meth:`prune`), so that a run killed in
    between finds what its checkpoint speaks of.

    Args:
        folder: where they are kept.
        weights: what is kept: the trained weights, float32 masters where there are any.

    Attributes:
        step: steps done when they were kept; None: nothing was kept yet.
        merit: of that evaluation.
    """

    def __init__(self, folder: Path, weights: Weights) -> None:
        self.folder, self.weights = folder, weights
        self.step: int | None = None
        self.merit = -math.inf

    def offer(self, step: int, merit: float) -> bool:
        """Keep the weights if they are better than those kept; of equals the first. NaN is worse than any number."""
        merit = -math.inf if math.isnan(merit) else merit
        if self.step is not None and not merit > self.merit:
            return False
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.weights.masters.items()}
        checkpoint.write_tensors(self._path(step), tensors)
        self.step, self.merit = step, merit
        return True

    @torch.no_grad()
    def put_back(self) -> int:
        """Make them the current weights; returns the step they are of.

        Raises:
            ValueError: if nothing was kept, or its file is gone.
        """
        stored = {} if self.step is None else checkpoint.read_extra(self._path(self.step), "tensors")
        if self.step is None or stored.keys() != self.weights.masters.keys():
            raise ValueError(f"{self.folder} does not hold the best weights any more: start a new run")
        for name, value in stored.items():
            self.weights.masters[name].copy_(value)
        self.weights.publish()
        return self.step

    def prune(self) -> None:
        """Delete all but the current best."""
        keep = None if self.step is None else self._path(self.step)
        for path in self.folder.glob("best-*"):
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self.folder / f"best-{step:06d}"


class Guarded:
    """The rules of a run at work.

    Args:
        rules: what the recipe asks for; without any, nothing is kept and nothing happens.
        best: keeps the weights.

    Attributes:
        tripped: why the run was ended, once it was.
    """

    def __init__(self, rules: Sequence[Guard], best: Best) -> None:
        self.rules, self.best = tuple(rules), best
        self.tripped: str | None = None

    def check(self, found: Evaluation) -> None:
        """Show every rule an evaluation and forget it, so that what it cannot judge is said before any work.

        Raises:
            ValueError: one line, whatever a rule raises.
        """
        for rule in self.rules:
            rule.after_evaluation(0, found)

    def look(self, step: int, found: Evaluation, merit: float) -> str | None:
        """Show an evaluation to every rule; returns why to stop, the first reason there is."""
        if not self.rules or self.tripped:
            return None
        self.best.offer(step, merit)
        successors, reasons = zip(*(rule.after_evaluation(step, found) for rule in self.rules), strict=True)
        self.rules = successors
        self.tripped = next((reason for reason in reasons if reason), None)
        return self.tripped

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        rules = [rule.state() for rule in self.rules]
        merit = self.best.merit if math.isfinite(self.best.merit) else None
        return {"rules": rules, "step": self.best.step, "merit": merit, "tripped": self.tripped}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what a checkpoint kept.

        Raises:
            ValueError: if it was written with other rules.
        """
        if len(state["rules"]) != len(self.rules):
            raise ValueError("the checkpoint was written with other guards: start a new run with another --out")
        self.rules = tuple(rule.restored(own) for rule, own in zip(self.rules, state["rules"], strict=True))
        self.best.step, self.tripped = state["step"], state["tripped"]
        self.best.merit = -math.inf if state["merit"] is None else state["merit"]


class Passes:
    """The passes of a warm-up, of which the best is kept.

    Args:
        folder: where weights lie meanwhile; gone afterwards.
        weights: what is kept.
        recipe: says which evaluation is better.
    """

    def __init__(self, folder: Path, weights: Weights, recipe: Recipe) -> None:
        self.best, self.recipe, self.count = Best(folder, weights), recipe, 0
        self.found: Evaluation | None = None

    def offer(self, found: Evaluation) -> dict[str, Any]:
        """Keep the weights after another pass if they are the best so far; returns what is logged."""
        self.count += 1
        merit = self.recipe.merit(found)
        if self.best.offer(self.count, merit):
            self.found = found
            self.best.prune()
        return {"pass": self.count, "merit": merit, "eval": found.to_metrics()}

    def put_back(self) -> Evaluation | None:
        """Make the best weights the current ones; returns their evaluation."""
        if self.found is not None and self.best.step != self.count:
            self.best.put_back()
        shutil.rmtree(self.best.folder, ignore_errors=True)
        return self.found
