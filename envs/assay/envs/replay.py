"""Episodes again: the same actions in the same environment, or the same actions under today's verifier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym

from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.registry import env_class, id_of
from assay.verifiers.calibration.stated import with_stated
from assay.verifiers.score import Score

AnyEnv = gym.Env[dict[str, Any], str]


def play(
    env: AnyEnv, actions: Sequence[str], *, seed: int | None = None, task_id: str | None = None, view: str = ""
) -> Episode:
    """The episode that fixed ``actions`` make, in one of the environment's views; none are asked for after the end.

    Raises:
        ValueError: if the actions run out before the episode ends, or it ends before they do.
        InfraError: if something around the task died.
        VerifierError: if the verifier raised.
    """
    inner = env.unwrapped
    if not isinstance(inner, TaskEnv):
        raise ValueError(f"{type(inner).__name__} is not a TaskEnv: it has no tasks to replay")
    options = ({"task_id": task_id} if task_id is not None else {}) | ({"view": view} if view else {})
    observation, info = env.reset(seed=seed, options=options or None)
    turns: list[Turn] = []
    seen = 0
    for number, action in enumerate(actions, 1):
        new = observation["messages"][seen:]
        seen += len(new) + 1  # the action itself is not new to the agent
        observation, reward, terminated, truncated, info = env.step(action)
        turns.append(Turn(new, action, float(reward)))
        if terminated or truncated:
            if number < len(actions):
                raise ValueError(f"the episode ended after {number} of {len(actions)} actions")
            task = inner.current_task
            return Episode(
                env_id=inner.spec.id if inner.spec is not None else id_of(type(inner)),
                task_id=info["task_id"],
                seed=seed,
                turns=turns,
                outcome=Outcome.SCORED if terminated else Outcome.TRUNCATED,
                score=info["score"],
                truth=task.truth,
                meta=task.meta if inner.evidence is None else {**task.meta, "evidence": inner.evidence},
            )
    raise ValueError(f"the episode goes on after its {len(actions)} actions")


def replay(episode: Episode, env: AnyEnv) -> Episode:
    """Play ``episode``'s actions again in ``env``, which must have been made with the same options.

    With the same tasks and verifier the result equals the episode, apart from timings. What the completion stated is
    taken over.

    Raises:
        ValueError: if ``env`` lacks the task, or the episode takes another course.
    """
    again = play(
        env, episode.actions, seed=episode.seed, task_id=episode.task_id, view=str(episode.meta.get("view", ""))
    )
    kept = {key: episode.meta[key] for key in ("said", "stated", "view") if key in episode.meta}
    if again.score is not None:
        again.score = stated_again(episode, again.score)
    again.meta = {**again.meta, **kept}
    return again


def stated_again(episode: Episode, score: Score) -> Score:
    """A new score of an episode's actions, joined with what its last completion stated."""
    stored = episode.meta.get("stated")
    if not isinstance(stored, Mapping):
        return score
    stated = {str(k): float(v) for k, v in stored.items() if isinstance(v, int | float) and math.isfinite(v)}
    return with_stated(score, stated, episode.turns[-1].action if episode.turns else "")


def rescore(episode: Episode) -> Score:
    """The score that ``episode`` gets today, from its actions, stored truth and evidence; needs no task set.

    Raises:
        ValueError: if its environment is unknown, or it has no action or no truth.
    """
    if not episode.turns:
        raise ValueError(f"the episode of task {episode.task_id} has no action to score ({episode.outcome})")
    if not episode.truth:
        raise ValueError(f"the episode of task {episode.task_id} was stored without its truth")
    truth = episode.truth
    if episode.meta.get("evidence") is not None:
        truth = {**truth, "evidence": episode.meta["evidence"]}
    return stated_again(episode, env_class(episode.env_id).score(episode.actions, truth))
