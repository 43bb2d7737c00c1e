"""What the environment can be told: the data, how an application is shown, and what a decision is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions


@dataclass(frozen=True)
class Options(BaseOptions):
    """Data first, then the prompt, then the reward."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data; no job and, in procedural data, no resume template is in two of them."""
    source: Literal["procedural", "jsonl"] = "procedural"
    """procedural: applications made by seed. jsonl: what assay-mint resume wrote, or records of that form."""
    path: str = ""
    """jsonl: the file or its folder."""
    seed: int = 0
    """Of the procedural source."""
    count: int = 0
    """procedural: applications of a split; 0: 3,000 for training, 600 for the others."""
    test_share: float = 0.2
    """jsonl: share of the jobs held out; 1 makes everything a test."""
    dev_share: float = 0.0
    """jsonl: share of the jobs set aside for development."""
    split_by: Literal["auto", "job", "resume"] = "auto"
    """jsonl: what never stands in two splits: a job, or a resume; auto: jobs where there are 10 or more."""
    length: Literal["short", "full"] = "full"
    """short: a few lines and five demands, about 200 tokens, for very small models. full: a resume with sections."""
    answer: Literal["json", "decision"] = "json"
    """json: decision, score, skills and reason. decision: one word, which earns less under the rubric."""
    redact: bool = True
    """Leave names, pronouns, ages, addresses and contacts out of the prompt."""
    max_turns: Literal[1, 2, 3] = 1
    """More than one: the resume is hidden, and the policy may ask for one of its sections in each turn but the last."""
    think: bool = False
    """Ask for a thought in <think> tags first."""
    reward: Literal["gentle", "aggressive"] = "gentle"
    """Preset of penalties; aggressive teaches a model to reject everyone, and is kept to show it."""
    weights: tuple[float, ...] = ()
    """Of decision, skills, adequacy and structure, summing to 1; empty: .5, .2, .15, .15."""
    penalties: tuple[float, ...] = ()
    """Of a false accept, a false reject and an unreadable response; empty: the preset's."""
    max_chars: int = 12000
    """Longer resumes lose their middle; 0 keeps all."""
