"""What happened between one reset and the end: one JSON line, replayable and re-scorable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from assay.envs.tasks import Message
from assay.verifiers.score import Score


class Outcome(StrEnum):
    """How an episode ended. Only ``SCORED`` and ``TRUNCATED`` ever reach an advantage."""

    SCORED = "scored"
    TRUNCATED = "truncated"
    INFRA_ERROR = "infra_error"
    VERIFIER_ERROR = "verifier_error"

    @property
    def learnable(self) -> bool:
        """Whether an advantage may be computed from it."""
        return self in (Outcome.SCORED, Outcome.TRUNCATED)


@dataclass(slots=True)
class Turn:
    """One exchange: the messages that were new to the agent, its action, and the reward of that step.

    ``seconds`` holds wall-clock timings by name (``"policy"``, ``"env"``).
    """

    messages: list[Message]
    action: str
    reward: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Episode:
    """One episode of one task.

    ``seed`` is what ``reset`` was given: (``env_id``, ``task_id``, ``seed``, actions) replays it.
    ``truth`` is kept so that stored episodes can be re-scored without the task set; it is written after the fact and
    never shown to a policy. ``meta`` may hold ``said``, the whole last completion of which the action is a part, and
    ``stated``, the parts of the score that were read out of it.

    Raises:
        ValueError: if a learnable outcome has no score, or an error outcome has one.
    """

    env_id: str
    task_id: str
    seed: int | None
    turns: list[Turn]
    outcome: Outcome
    score: Score | None = None
    error: str = ""
    truth: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome.learnable != (self.score is not None):
            raise ValueError(
                f"an episode that is {self.outcome} must {'' if self.outcome.learnable else 'not '}be scored"
            )

    @property
    def actions(self) -> list[str]:
        """What the agent did, turn by turn."""
        return [turn.action for turn in self.turns]

    def to_json(self) -> str:
        """One JSON line."""
        data = {
            "env_id": self.env_id,
            "task_id": self.task_id,
            "seed": self.seed,
            "outcome": self.outcome.value,
            "score": None if self.score is None else self.score.to_dict(),
            "error": self.error,
            "turns": [
                {"messages": t.messages, "action": t.action, "reward": t.reward, "seconds": t.seconds}
                for t in self.turns
            ],
            "truth": dict(self.truth),
            "meta": dict(self.meta),
        }
        return json.dumps(data, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, line: str) -> Episode:
        """The inverse of :meth:`to_json`.

        Raises:
            ValueError: if the line is not an episode.
        """
        try:
            data = json.loads(line)
            return cls(
                env_id=data["env_id"],
                task_id=data["task_id"],
                seed=data["seed"],
                turns=[Turn(t["messages"], t["action"], t["reward"], t["seconds"]) for t in data["turns"]],
                outcome=Outcome(data["outcome"]),
                score=None if data["score"] is None else Score.from_dict(data["score"]),
                error=data.get("error", ""),
                truth=data.get("truth", {}),
                meta=data.get("meta", {}),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an episode: {error!r}") from None
