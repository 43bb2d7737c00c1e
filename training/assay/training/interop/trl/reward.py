"""A verifier as a TRL reward function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.verifiers import registry
from assay.verifiers.score import Score

RewardFunction = Callable[..., list[float | None]]

_TRAINER_KEYS = frozenset(
    {"prompts", "prompt", "completion_ids", "completion", "trainer_state", "log_extra", "log_metric", "environments"}
)


def reward_func(verifier: str, *, truth: str | Mapping[str, str] | None = None, **options: Any) -> RewardFunction:
    """A callable for ``GRPOTrainer(reward_funcs=...)`` that scores completions with one of our verifiers.

    The dataset's columns hold the truth: one column named ``truth`` (a mapping, or one as JSON, as
    :func:`~assay.training.interop.trl.prompt_dataset` writes it), or a column for each of its keys. ``options`` inside
    the truth are options of the verifier for that row. Of a conversation the last assistant message is scored. A group
    verifier sees all completions of one prompt together. Each part of the score, and the share of correct answers, is
    logged as ``verifier/part``.

    Args:
        verifier: its registered name, such as ``classify.label``.
        truth: the column that holds the truth, if it is not called ``truth``; or ``{key of the truth: column}``.
        options: options of the verifier, for all rows.

    Raises:
        KeyError: if no verifier has that name.
        ValueError: if it has no such option; while training, one line for a row without a usable truth.
    """
    found = registry.get(verifier)
    found.check(options)

    def reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        responses = [response_of(completion) for completion in completions]
        truths = _truths(columns, truth, len(responses))
        scores: list[Score | None] = [None] * len(responses)
        for rows in _groups(columns.get("prompts"), truths) if found.group else [[i] for i in range(len(responses))]:
            settings = {**truths[rows[0]].get("options", {}), **options}
            group = [responses[row] for row in rows]
            for row, score in zip(rows, found.score_group(group, truths[rows[0]], **settings), strict=True):
                scores[row] = score
        done = [score for score in scores if score is not None]
        _log(columns.get("log_metric"), verifier, done)
        return [score.reward for score in done]

    reward.__name__ = verifier.replace(".", "_")  # the name of its column in TRL's logs
    return reward


def response_of(completion: Any) -> str:
    """The text that a completion answers with: itself, or its last assistant message.

    ``""`` if a conversation has no assistant message with text, for example one that ended in a tool call.
    """
    if isinstance(completion, str):
        return completion
    for message in reversed(completion):
        if message.get("role") == "assistant":
            content = message.get("content") or ""
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return ""


def _truths(columns: Mapping[str, Any], source: str | Mapping[str, str] | None, rows: int) -> list[dict[str, Any]]:
    if isinstance(source, Mapping):
        missing = sorted(set(source.values()) - columns.keys())
        if missing:
            raise ValueError(f"the dataset has no column {', '.join(missing)}, where the truth should be")
        return [{key: columns[column][i] for key, column in source.items()} for i in range(rows)]
    name = source or "truth"
    if name in columns:
        return [_read(value, name) for value in columns[name]]
    if source is not None:
        raise ValueError(f"the dataset has no column {source!r}, where the truth should be")
    names = [key for key, values in columns.items() if key not in _TRAINER_KEYS and isinstance(values, list)]
    return [{key: value for key in names if (value := columns[key][i]) is not None} for i in range(rows)]


def _read(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError(f"column {name!r} holds text that is not JSON: {value[:60]!r}") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"column {name!r} holds a {type(value).__name__}, not a mapping")
    return _without_none(value)


def _without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    """A column of mappings gives each row the keys of all others, as None: drop them."""
    return {
        key: _without_none(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item is not None
    }


def _groups(prompts: Sequence[Any] | None, truths: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Rows of each prompt."""
    groups: dict[str, list[int]] = {}
    for row, truth in enumerate(truths):
        key = json.dumps([prompts[row] if prompts is not None else None, truth], sort_keys=True, default=repr)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _log(log_metric: Callable[[str, float], None] | None, verifier: str, scores: Sequence[Score]) -> None:
    if log_metric is None or not scores:
        return
    for name in dict.fromkeys(part for score in scores for part in score.parts):
        values = [score.parts[name] for score in scores if name in score.parts]
        log_metric(f"{verifier}/{name}", sum(values) / len(values))
    verdicts = [score.correct for score in scores if score.correct is not None]
    if verdicts:
        log_metric(f"{verifier}/correct", sum(verdicts) / len(verdicts))
