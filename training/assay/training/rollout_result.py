"""What a collection gives, and when it gives up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.agents.rollout import Rollout
from assay.envs.episode import Outcome


class CollectError(RuntimeError):
    """So many episodes failed that the batch cannot be used; one line that names the commonest error."""


@dataclass(slots=True)
class CollectResult:
    """What one collection gave.

    Attributes:
        rollouts: in the order of the specs, failed ones included (their outcome says so).
        outcomes: how many rollouts had each outcome.
        restarts: times that an episode was started again.
        seconds: wall time.
        policy_calls: calls of ``policy.generate``; 0 for a policy with ``agenerate``.
        policy_seconds: wall time of those calls.
        tokens: tokens that were sampled.
    """

    rollouts: list[Rollout]
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    restarts: int = 0
    seconds: float = 0.0
    policy_calls: int = 0
    policy_seconds: float = 0.0
    tokens: int = 0

    @property
    def learnable(self) -> list[Rollout]:
        """The rollouts that may reach an advantage."""
        return [rollout for rollout in self.rollouts if rollout.episode.outcome.learnable]


class Tally:
    """Rollouts as they come in, and the point at which too many of them failed."""

    def __init__(self, wanted: int, max_failed: float, on_done: Callable[[Rollout], None] | None) -> None:
        self._rollouts: list[Rollout | None] = [None] * wanted
        self._max_failed = max_failed
        self._on_done = on_done
        self._outcomes: Counter[Outcome] = Counter()
        self._errors: Counter[str] = Counter()
        self._restarts = 0
        self.policy_calls, self.policy_seconds = 0, 0.0

    def add(self, position: int, rollout: Rollout, restarts: int) -> None:
        """Take in one rollout.

        Raises:
            CollectError: as soon as more than the allowed share has failed.
        """
        self._rollouts[position] = rollout
        self._restarts += restarts
        episode = rollout.episode
        self._outcomes[episode.outcome] += 1
        if not episode.outcome.learnable:
            self._errors[f"{episode.outcome}: {episode.error}"] += 1
            failed, wanted = self._errors.total(), len(self._rollouts)
            if failed > self._max_failed * wanted:
                what, times = self._errors.most_common(1)[0]
                raise CollectError(
                    f"{failed} of {wanted} episodes ended without a score, more than {self._max_failed:.0%}; "
                    f"commonest ({times}x): {what}"
                )
        if self._on_done is not None:
            self._on_done(rollout)

    def result(self, seconds: float) -> CollectResult:
        """The sum of it."""
        rollouts = [rollout for rollout in self._rollouts if rollout is not None]
        return CollectResult(
            rollouts,
            self._outcomes,
            self._restarts,
            seconds,
            self.policy_calls,
            self.policy_seconds,
            tokens=sum(rollout.sampled_tokens for rollout in rollouts),
        )
