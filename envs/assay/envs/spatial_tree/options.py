"""What the environment can be told: which abilities, how hard, how it is asked and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions

Level = Literal["all", "L1", "L2", "L3", "L4"]


@dataclass(frozen=True)
class Options(BaseOptions):
    """The data first, then the pictures, then the question and the reward."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data; the benchmark has test only."""
    source: Literal["scenes", "bench"] = "scenes"
    """scenes: rendered by seed. bench: records in the format of SpatialTree-Bench."""
    path: str = ""
    """bench: the folder of the records and their media, or the hub name of a dataset."""
    level: Level = "all"
    """Only the abilities of this level."""
    leaf: tuple[str, ...] = ()
    """Only these abilities, such as distance or detection_3d; empty takes all of the level."""
    template: tuple[str, ...] = ()
    """Only these kinds of question; empty takes all of each ability."""
    difficulty: tuple[int, ...] = (1, 2, 3, 4, 5)
    """From 1 (easiest) to 5; tasks are spread evenly over those named."""
    count: int = 2700
    """scenes: tasks of a split, spread evenly over abilities; each is drawn when it is needed, and kept in a cache."""
    seed: int = 0
    """scenes: of all that is drawn."""
    size: int = 320
    """Longer side of a rendered picture, pixels."""
    shuffle: bool = True
    """Options of a choice in an order drawn by seed; otherwise sorted by their words, which is easier to learn."""
    max_turns: int = 0
    """Turns of the abilities that act (L4); 0 takes each ability's own."""
    frame: Literal["parity", "body"] = "body"
    """Moves: body turns them into the world as a camera would, parity does not, as the official scorer."""
    weights: Literal["published", "paper", "json"] = "published"
    """Weights of levels and branches in the roll-up of an evaluation."""
    think: bool = False
    """Ask for a thought in <think> tags and the answer in <answer> tags, and count nothing else."""
    format_weight: float = 0.0
    """What that layout earns besides the answer."""
    parity: bool = False
    """Read and pay as the benchmark's program does, quirks included."""
