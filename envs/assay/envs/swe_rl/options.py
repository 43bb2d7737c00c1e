"""What the environment can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.envs.base import BaseOptions

Source = Literal[
    "fixture",
    "minted",
    "jsonl",
    "swebench-verified",
    "swebench-lite",
    "swebench-full",
    "swe-gym",
    "r2e-gym",
    "swe-smith",
]
Backend = Literal["auto", "native", "docker", "bubblewrap", "local-unsafe"]


@dataclass(frozen=True)
class Options(BaseOptions):
    """Which tasks, what the agent does, how it is paid, and in what its commands run."""

    split: Literal["train", "dev", "test"] = "train"
    """Part of the data. Published sets keep their own; others are split by the hash of the repository's name."""
    task: Literal["edit", "repo"] = "edit"
    """edit: one answer of SEARCH/REPLACE edits to the files shown. repo: bash in the repository until submit."""
    source: Source = "fixture"
    """fixture: twenty small bundled repositories. minted, jsonl: a file of rows. The others: published data sets."""
    path: str = ""
    """File of rows (.jsonl, .json, .parquet), or a folder with one; for a published set instead of the hub."""
    repos: str = ""
    """Folder of git repositories (owner+name, owner/name; bare or not) from which rows take their files."""
    reward: Literal["default", "similarity", "tests", "tests-partial", "hybrid"] = "default"
    """similarity to the reference; tests: 1 if resolved; tests-partial: share of mended tests while none breaks;
    hybrid: 0.8 tests + 0.2 similarity. default: similarity for edit, tests for repo."""
    format_penalty: bool = False
    """A patch that cannot be applied costs 1, under the rewards with tests (under similarity it always does)."""
    backend: Backend = "auto"
    """What commands and tests run in. local-unsafe has no walls and is never chosen by auto."""
    timeout: float = 1800.0
    """Seconds for the tests of one grading."""
    command_timeout: float = 120.0
    """Seconds for one command of the agent."""
    max_turns: int = 40
    """Turns of a repo episode; then what is there is graded."""
    boxes: int = 64
    """Sandboxes alive at once in this process, over all environments with this backend."""
    strict_empty_search: bool = True
    """An empty SEARCH is an error unless the file is new. Off: as in the official code, it matches every line."""
    max_context_chars: int = 60_000
    """Characters of files in the prompt of an edit task. Tasks whose changed files alone show more are left out."""
    show: Literal["files", "functions"] = "files"
    """What an edit task shows: whole files, or of those to change only the functions to change, which tells where the
    problem is, for models with little room."""
    distractors: int = 2
    """Unchanged files shown beside those to change, as far as max_context_chars allows; none with show=functions."""
    prompt_template: str = ""
    """Replaces the user message: text, or a file of it, with {issue} and, for edit, {files}, for repo {tree}."""
    observation_chars: int = 10_000
    """Characters of a command's output that the agent sees: the first and the last half of them."""
    test_share: float = 0.2
    """Share of repositories held out where the source has no splits of its own."""
    dev_share: float = 0.0
    """Share of repositories set aside for development where the source has no splits of its own."""
