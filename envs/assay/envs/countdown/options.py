"""What the environment can be told: which instances, how they are put, and what demonstrations look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from assay.envs.answers import ThinkMode
from assay.envs.base import BaseOptions


class Level(NamedTuple):
    """Instances of ``numbers`` numbers from 1 to ``limit``, with targets from 1 to ``highest``."""

    numbers: int
    limit: int
    highest: int


LEVELS = {
    1: Level(2, 9, 20),
    2: Level(3, 9, 50),
    3: Level(4, 9, 99),
    4: Level(4, 25, 100),
    5: Level(5, 50, 200),
    6: Level(6, 100, 999),
}
"""The levels of difficulty; the last is the game as it is shown on television, but for its choice of numbers."""


@dataclass(frozen=True)
class Options(BaseOptions):
    """Instances first, then the prompt, then the demonstrations."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the instances, decided by the hash of numbers and target."""
    levels: tuple[int, ...] = (1, 2)
    """Difficulties, in even shares: 1 (two numbers below 10) to 6 (six numbers up to 100)."""
    numbers: int = 0
    """Numbers of an instance, 2 to 6, at every level; 0: as the level says."""
    limit: int = 0
    """Largest number at every level; 0: as the level says."""
    highest: int = 0
    """Largest target at every level; 0: as the level says."""
    instances: int = 2000
    """Instances made, all splits together; fewer where fewer exist."""
    test_share: float = 0.2
    """Share of instances held out."""
    dev_share: float = 0.0
    """Share of instances set aside for development."""
    seed: int = 0
    """Of the instances and of the demonstrations."""
    use: Literal["any", "all"] = "any"
    """any: numbers may be left over. all: every number must be used."""
    terse: bool = False
    """Put an instance as `3 4 5 = 17` without a word: for small models that are warmed up on demonstrations."""
    think_mode: ThinkMode = "none"
    """none (the last line answers), think (before the answer), after (it), or adaptive."""
    format_weight: float = 0.1
    """Reward for the right layout where thinking is on."""
    tries: int = 0
    """Wrong tries that a demonstration shows at most, each with its value, before the right one; 0: the answer only."""
