"""What the environment can be told: the data, and the settings of CLS-RL (arXiv 2503.16188)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.answers import ThinkMode
from assay.envs.base import BaseOptions

SourceName = Literal["shapes", "digits", "fashion-mnist", "folder", "csv", "hub", "coop", "idx"]


@dataclass(frozen=True)
class Options(BaseOptions):
    """Data first, then the protocol, then how a task is put."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data."""
    source: SourceName = "shapes"
    """shapes: drawn by seed. digits: scikit-learn's 1,797 scanned digits. fashion-mnist: Debian's package
    dataset-fashion-mnist, or its files at path. csv: a table. coop: a folder in the layout of CoOp. idx: MNIST's."""
    path: str = ""
    """folder: one sub-folder a class, or train and test (and dev) folders of such. csv: a .csv, .jsonl or .parquet
    file. hub: the name. coop: the folder with split_zhou_NAME.json, or that file. idx: the folder of the four files."""
    config: str = ""
    """Configuration of a hub data set."""
    image: str = ""
    """Column of the image, a path relative to the table or the bytes of a file; empty takes one of a usual name."""
    label: str = ""
    """Column of the label; empty takes one that is called label, category, class and so on."""
    labels: tuple[str, ...] = ()
    """Keep only these classes, in this order; empty keeps all."""
    classes: int = 40
    """Classes of the shapes source, 2 to 100."""
    test_share: float = 0.2
    """Share of images held out where the source has no test split."""
    dev_share: float = 0.0
    """Share of images set aside for development where the source has no such split."""
    overlap: Literal["refuse", "drop"] = "refuse"
    """An image that stands in two given splits: refuse the data, or drop it from the one used for training."""
    protocol: Literal["few-shot", "base-to-new", "cross"] = "few-shot"
    """few-shot: all classes. base-to-new: train on half of the classes. cross: hold out another data set."""
    part: Literal["base", "new", "both"] = "base"
    """Half of the classes that base-to-new is evaluated on, or both, each with lists of its own; training sees base."""
    to: SourceName = "digits"
    """Source that cross evaluates on."""
    to_path: str = ""
    """Path of that source."""
    shots: int = 4
    """Training images of each class; 0 takes all."""
    few: Literal["refuse", "take"] = "refuse"
    """A class with fewer training images than shots: refuse the data, or take all that it has."""
    seed: int = 0
    """Of shots, candidates and the shapes source."""
    think_mode: ThinkMode = "none"
    """none, think (before the answer), after (it), or adaptive."""
    candidates: str = "auto"
    """Classes named for each image, the true one among them: auto (40 %, at least 30, at most 100), all or a number."""
    list_labels: bool = True
    """Name the candidate classes in the prompt; off is the open variant."""
    image_size: int = 384
    """Side of the square that images are resized to (Lanczos), pixels; 0 keeps their size."""
    question: str = "What is shown in this image?"
    """The question before the list."""
    prompt_template: str = ""
    """Replaces the wording; {question}, {labels} and {request} are filled in."""
    equality: Literal["auto", "folded", "strip", "strict"] = "auto"
    """How an answer must match: folded (case and spacing are free), strip (exact but for outer whitespace), strict
    (exact). auto is strip without thinking, folded with it."""
    parity: bool = False
    """Score as the paper's own code does, quirks included."""
