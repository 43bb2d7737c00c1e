"""What the environment can be told: the data, how a screenshot is shown, and what a point is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions

SourceName = Literal[
    "qt", "web", "jsonl", "screenspot", "screenspot-v2", "screenspot-pro", "ui-vision", "mmbench-gui", "ui-i2e"
]
FamilyName = Literal[
    "infigui-g1", "qwen2.5-vl", "qwen3-vl", "qwen2-vl", "holo1.5", "os-atlas", "uground", "seeclick", "showui",
    "smolvlm",
]  # fmt: skip
CoordName = Literal["abs_resized", "abs_original", "rel1", "rel1000"]


@dataclass(frozen=True)
class Options(BaseOptions):
    """Data first, then the protocol, then the reward."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data; benchmarks have test only."""
    source: SourceName = "qt"
    """qt: windows drawn by seed. web: pages drawn by seed. jsonl: what assay-mint gui wrote. Others: benchmarks."""
    path: str = ""
    """jsonl: the file or its folder. Benchmarks: a folder with the published files; empty fetches them from the hub."""
    seed: int = 0
    """Of the qt and web sources."""
    count: int = 500
    """Tasks that the qt and web sources draw for a split."""
    apps: tuple[str, ...] = ()
    """Only these kinds of window or page; empty takes all."""
    kinds: tuple[str, ...] = ()
    """Only these kinds of instruction: literal, functional, spatial; empty takes all."""
    hard: Literal["mixed", "only", "none"] = "mixed"
    """Tasks with look-alikes of the target on the screen: among the others, only those, or none."""
    per_window: int = 4
    """qt, web: tasks on each window or page, at most about 16; few have more."""
    compact: bool = False
    """qt: windows as small as they go (about 400 x 330 pixels), in small type and light colours: for small models."""
    limit: int = 0
    """At most this many tasks, the first ones; 0 takes all."""
    test_share: float = 0.2
    """Share of screens held out where the source has no split of its own; 1 makes everything a test."""
    dev_share: float = 0.0
    """Share of screens set aside for development."""
    language: Literal["en", "cn"] = "en"
    """Language of ScreenSpot-Pro's instructions."""
    family: FamilyName = "infigui-g1"
    """Model family whose conventions hold: resizing, coordinates, parser. The following override one of them."""
    coord: Literal["auto", "abs_resized", "abs_original", "rel1", "rel1000"] = "auto"
    """What coordinates count: pixels of the image shown, of the original, 0 to 1, or 0 to 1000; auto: the family's."""
    max_image_tokens: int = -1
    """Tokens that an image may take; larger ones are scaled down. 0: no limit; -1: the family's."""
    max_side: int = -1
    """Longest side of the image shown, pixels. 0: no limit; -1: the family's."""
    think: bool = True
    """Ask for a thought in <think> tags first, and insist on it."""
    multi_answer: bool = True
    """Let the model list several points, likeliest first; off asks for exactly one."""
    system_prompt: str = ""
    """Replaces the system turn; "none" leaves it out."""
    prompt_template: str = ""
    """Replaces the wording of the user turn; {instruction}, {width}, {height}, {space} and {request} are filled in."""
    aer: Literal["full", "no_rank", "naive"] = "full"
    """Worth of a list of N points, first hit at rank k: 1/sqrt(N k), 1/sqrt(N), or 1 (and -1/N or -1 for a miss)."""
    reward_variant: Literal["code", "paper"] = "code"
    """A malformed list, or three points on a line, earns -1 as in the authors' program, or 0 as in the paper."""
    collinear: bool = True
    """Whether three points on a line are a failure."""
    parity: bool = False
    """Read responses exactly as the authors' program does, quirks included."""
