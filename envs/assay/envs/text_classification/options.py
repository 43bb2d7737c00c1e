"""What the environment can be told: the data, and the strategy record of GenCLS++ (arXiv 2504.19898)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from assay.envs.answers import ThinkMode
from assay.envs.base import BaseOptions


@dataclass(frozen=True)
class Options(BaseOptions):
    """Data first, then how a task is put."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data."""
    source: Literal["docstrings", "synthetic", "csv", "jsonl", "parquet", "hub"] = "docstrings"
    """docstrings: standard-library documentation by topic. synthetic: made by seed. A file, or a hub data set."""
    path: str = ""
    """The file of a file source (its training rows if test_path is given), or the name of a hub data set."""
    test_path: str = ""
    """Held-out rows. Without it, rows are split by the hash of their text."""
    dev_path: str = ""
    """Development rows."""
    config: str = ""
    """Configuration of a hub data set."""
    text: str = ""
    """Column of the text; empty takes one that is called text, sentence, review and so on."""
    label: str = ""
    """Column of the label; empty takes one that is called label, category, intent and so on."""
    labels: tuple[str, ...] = ()
    """Keep only rows of these labels, listed in this order; empty keeps all."""
    per_label: int = 0
    """Training rows kept of each label, chosen by hash; 0 keeps all."""
    test_share: float = 0.2
    """Share of rows held out where the source has no test split."""
    dev_share: float = 0.0
    """Share of rows set aside for development where the source has no such split."""
    overlap: Literal["refuse", "drop"] = "refuse"
    """A text that stands in two given splits: refuse the data, or drop it from the one used for training."""
    seed: int = 0
    """Of demonstrations, label order, candidates, the numeric mapping and the synthetic source."""
    icl: Literal["none", "fixed", "random", "similar", "diverse", "per-class-1"] = "none"
    """How demonstrations are chosen, from the training rows only."""
    k: int = 3
    """Demonstrations."""
    definitions: bool = False
    """Explain each label by a line of the prompt."""
    definitions_path: str = ""
    """JSON file of definitions: {label: text} or [{"name": label, "definition": text}]."""
    uncertainty: Literal["off", "label", "exclude"] = "off"
    """label: uncertain training rows get a suffix. exclude: they are dropped."""
    uncertain: str = "uncertain"
    """Column of the uncertainty flag (true or false, 1 or 0)."""
    separator: str = " | "
    """Stands between a label and the word uncertain."""
    numeric: bool = False
    """Answer with a number that stands for the label, by a mapping drawn from numeric_seed."""
    numeric_seed: int = -1
    """Seed of that mapping; another seed is another task. -1 takes seed."""
    think_mode: ThinkMode = "none"
    """none, think (before the answer), after (it), or adaptive."""
    list_labels: bool = True
    """Name the labels in the prompt."""
    candidates: str = "all"
    """Labels named for each text, the true one among them: all, auto (40 %, at least 30, at most 100) or a number."""
    shuffle_labels: bool = True
    """Order the labels anew for each training text. They are in a fixed order for evaluation."""
    max_chars: int = 4000
    """Longer texts lose their middle (70 % of what is kept is the start, 30 % the end); 0 keeps all."""
    instruction: str = ""
    """Replaces the first line of the prompt."""
    equality: Literal["folded", "strip", "strict"] = "folded"
    """How an answer must match: folded (first line; case, quotes and a final period are free), strip (exact but for
    outer whitespace), strict (exact)."""
    format_weight: float = 0.1
    """Reward for the right layout where thinking is on."""
    parity: bool = False
    """Score as the papers' own code does, quirks included."""


STRATEGY = ("icl", "k", "definitions", "uncertainty", "numeric", "think_mode")
"""The options that say how a task is put, and not what it is: they may differ between training and inference."""


def strategy_record(options: Options) -> dict[str, Any]:
    """How a task is put. With numeric labels the seed of the mapping belongs to it: another seed is another task."""
    record = {name: getattr(options, name) for name in STRATEGY if name != "k" or options.icl != "none"}
    if options.numeric:
        record["numeric_seed"] = options.seed if options.numeric_seed < 0 else options.numeric_seed
    return record
