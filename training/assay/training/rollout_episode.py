"""Plays one episode: reset, ask the policy, step, until the environment or a budget ends it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.agents.chat import Chat, Transcript
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.rollout import Branch, Rollout
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.tasks import Message, Task
from assay.training.rollout_batcher import Ask
from assay.training.rollout_lanes import EnvFailure, Lane, Mailbox
from assay.verifiers.score import Score


def derive_seed(*parts: int | str) -> int:
    """A seed in [0, 2**63) that is a hash of ``parts``: independent streams from one number, the same everywhere."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """One episode wanted.

    Attributes:
        task: what to play; the environments must know its id.
        group: which rollouts are compared with each other.
        index: position within the group.
        seed: decides everything random: the environment's reset, and with the turn number each completion.
    """

    task: Task
    group: int = 0
    index: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Play:
    """What all episodes of a collection share.

    Attributes:
        sampling: how completions are drawn.
        chat: renders messages to exact token ids; None for policies that read messages.
        max_turns: turns an episode may take; None leaves that to the environment.
        max_context: tokens that context and completion may fill together; None is no limit.
        context: fills :attr:`Request.context` for scripted policies.
        retries: times that an episode is started again after an infrastructure error.
        retry_delay: seconds before the first new start; doubles each time.
    """

    sampling: Sampling = field(default_factory=Sampling)
    chat: Chat | None = None
    max_turns: int | None = None
    max_context: int | None = None
    context: Callable[[RolloutSpec, TaskEnv], dict[str, Any]] | None = None
    retries: int = 2
    retry_delay: float = 0.5
