"""One line of logged data, read and checked: it comes from somebody else, and nothing in it is trusted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.tasks import Message
from assay.verifiers.score import Score

ROLES = ("system", "user", "assistant", "tool")


def parse_line(raw: bytes) -> list[Episode]:
    """The episodes of a line: one, where it is a stored episode; one a response, where it is of a prompt's responses.

    The second form is ``{"prompt": text or chat messages, "responses": [text, ...], "rewards": [number or null, ...]}``
    with ``"correct": [true, false or null, ...]`` and ``"task_id": text`` if wanted. Its episodes have no environment;
    a response without a reward is an episode without a score.

    Raises:
        ValueError: saying what is wrong with it, in few words.
    """
    try:
        text = raw.decode("utf-8")
        data = json.loads(text)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(data, Mapping):
        raise ValueError("not a JSON object")
    if "responses" in data:
        return _of_prompt(data)
    if "turns" not in data:
        raise ValueError("neither a stored episode nor {prompt, responses, rewards}")
    episode = Episode.from_json(text)
    _check_episode(episode)
    return [episode]


def _of_prompt(data: Mapping[str, Any]) -> list[Episode]:
    prompt, responses, rewards = data.get("prompt"), data["responses"], data.get("rewards")
    messages: Any = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    _check_messages(messages, "prompt")
    if not isinstance(responses, list) or not all(isinstance(each, str) for each in responses):
        raise ValueError("responses must be a list of texts")
    verdicts = data.get("correct", [None] * len(responses))
    for name, values in (("rewards", rewards), ("correct", verdicts)):
        if not isinstance(values, list) or len(values) != len(responses):
            raise ValueError(f"{name} must be a list with one entry for each of the {len(responses)} responses")
    task_id = data.get("task_id", "")
    if not isinstance(task_id, str):
        raise ValueError("task_id must be a text")
    return [
        _answered(messages, response, reward, verdict, task_id)
        for response, reward, verdict in zip(responses, rewards or [], verdicts, strict=True)
    ]


def _answered(messages: list[Message], response: str, reward: Any, correct: Any, task_id: str) -> Episode:
    if correct is not None and not isinstance(correct, bool):
        raise ValueError(f"correct must be true, false or null, got {correct!r}")
    turns = [Turn(messages, response)]
    if reward is None:
        return Episode("", task_id, None, turns, Outcome.VERIFIER_ERROR, error="no reward")
    if isinstance(reward, bool) or not isinstance(reward, int | float) or not _finite(reward):
        raise ValueError(f"a reward must be a finite number or null, got {str(reward)[:40]}")
    return Episode("", task_id, None, turns, Outcome.SCORED, Score(float(reward), correct=correct))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def _check_episode(episode: Episode) -> None:
    """Refuse what :meth:`Episode.from_json` lets through.

    Raises:
        ValueError: naming the field.
    """
    for name in ("env_id", "task_id"):
        if not isinstance(getattr(episode, name), str):
            raise ValueError(f"{name} must be a text")
    if episode.outcome.learnable and not episode.turns:
        raise ValueError("a scored episode has at least one turn")
    for number, turn in enumerate(episode.turns, 1):
        if not isinstance(turn.action, str):
            raise ValueError(f"turn {number}: the action must be a text")
        _check_messages(turn.messages, f"turn {number}")
    score = episode.score
    if score is not None and score.correct is not None and not isinstance(score.correct, bool):
        raise ValueError("score.correct must be true, false or null")


def _check_messages(messages: Any, where: str) -> None:
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"{where}: messages must be a list that is not empty (or one text, in a prompt)")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ValueError(f"{where}: a message has a role: {', '.join(ROLES)}")
        content = message.get("content")
        if not isinstance(content, str) and not _parts(content):
            raise ValueError(f"{where}: the content of a message is a text, or a list of text and image parts")


def _parts(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(part, dict)
        and (part.get("type") == "image" or (part.get("type") == "text" and isinstance(part.get("text"), str)))
        for part in content
    )


def opening(turns: Sequence[Turn]) -> list[Message]:
    """The messages before anybody answered: those of the first turn up to its first answer.

    A scaffold that sends an answer back stores it, with what it said to it, among the messages of the turn.
    """
    first = turns[0].messages
    said = next((i for i, message in enumerate(first) if message["role"] == "assistant"), len(first))
    return first[:said] or first


def has_images(messages: Sequence[Message]) -> bool:
    """Whether a message has an image part."""
    return any(
        part["type"] == "image"
        for message in messages
        if not isinstance(message["content"], str)
        for part in message["content"]
    )
