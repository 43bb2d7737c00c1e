"""What a recipe says of the selector that learns beside the policy; no torch, so that configurations stay cheap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.video_keyframes.options import Options

if TYPE_CHECKING:
    from assay.training.selection.beside import SelectorBeside

FILE = "selector.npz"
"""The scorer, in the folder of a run."""


@dataclass(frozen=True)
class SelectorSpec:
    """A scorer of frames, drawn from at a temperature that falls over the run.

    Attributes:
        lr: Adam's learning rate.
        tau: first and last temperature.
    """

    lr: float = 1e-2
    tau: tuple[float, float] = (1.0, 0.1)

    @staticmethod
    def wanted(options: Any) -> bool:
        """Whether these options of an environment ask for a trained scorer and bring none."""
        chosen = isinstance(options, Options) and options.selector == "tad-learned" and options.mode == "answer"
        return chosen and not options.head

    def options(self, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Training draws the frames, evaluation takes the likeliest."""
        head = str(folder / FILE)
        return {"head": head, "draw": True}, {"head": head, "draw": False}

    def build(self, folder: Path, options: Any, steps: int, seed: int) -> SelectorBeside:
        """A scorer that begins with TAD's own order."""
        from assay.envs.video_keyframes.features import DIMENSIONS
        from assay.training.selection.beside import SelectorBeside
        from assay.training.selection.head import FrameScorer, FrameSelector

        scorer = FrameScorer(DIMENSIONS, seed=seed)
        return SelectorBeside(FrameSelector(scorer, folder / FILE, self.lr, self.tau, max(1, steps)), options)
