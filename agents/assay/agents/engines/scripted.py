"""Policies without a model: for tests, for baselines, and to find out what an environment gives for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay.agents.policy import Completion, Policy, Request


class OraclePolicy:
    """Answers with ``request.context["gold"]``, a text or a function that gives the next one: the most that a task can
    earn.
    """

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request.

        Raises:
            ValueError: if a request carries no gold answer.
        """
        golds = [request.context.get("gold") for request in requests]
        golds = [gold() if callable(gold) else gold for gold in golds]
        if any(not isinstance(gold, str) for gold in golds):
            raise ValueError("an oracle needs the gold answer in request.context['gold']; this task may have none")
        return [Completion(str(gold)) for gold in golds]


class RandomLabelPolicy:
    """Answers with a label drawn uniformly by the request's seed.

    Args:
        labels: the answers to draw from; by default each request's own ``context["labels"]``.
    """

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self.labels = tuple(labels)

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request.

        Raises:
            ValueError: if there are no labels.
        """
        return [Completion(self._draw(request)) for request in requests]

    def _draw(self, request: Request) -> str:
        labels = self.labels or tuple(request.context.get("labels", ()))
        if not labels:
            raise ValueError("a random policy needs labels: give them to it or in request.context['labels']")
        unit = np.random.Generator(np.random.Philox(key=request.seed % 2**128)).random()
        return str(labels[int(unit * len(labels))])


class ConstantPolicy:
    """Always answers the same."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def majority(cls, answers: Sequence[str]) -> ConstantPolicy:
        """The most frequent of some answers, the first seen among equals.

        Raises:
            ValueError: if there are none.
        """
        if not answers:
            raise ValueError("a majority needs answers to count")
        return cls(Counter(answers).most_common(1)[0][0])

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request."""
        return [Completion(self.text) for _ in requests]


class TaskPolicy:
    """Answers ``request.context["task"]`` by a function of the task, the images shown and the request's seed.

    Args:
        answer: (task, images in the order of the conversation, seed) -> response.
    """

    def __init__(self, answer: Callable[[Any, Sequence[Any], int], str]) -> None:
        self.answer = answer

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request."""
        return [Completion(self.answer(r.context["task"], _images(r.messages), r.seed)) for r in requests]


def _images(messages: Sequence[Any]) -> list[Any]:
    parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    return [part["image"] for part in parts if part["type"] == "image" and "image" in part]


class ActionsPolicy:
    """Plays a fixed sequence: its n-th action in the n-th turn, the last one from then on.

    The turn is read off the conversation (assistant messages beyond those of the opening), so episodes may interleave.

    Args:
        actions: at least one.
        opening: assistant messages that the prompt already holds, as demonstrations.

    Raises:
        ValueError: if there are no actions.
    """

    def __init__(self, actions: Sequence[str], *, opening: int = 0) -> None:
        if not actions:
            raise ValueError("a scripted policy needs at least one action")
        self.actions = tuple(actions)
        self.opening = opening

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request."""
        turns = [sum(one["role"] == "assistant" for one in request.messages) - self.opening for request in requests]
        return [Completion(self.actions[min(max(turn, 0), len(self.actions) - 1)]) for turn in turns]


class InLayout:
    """Says what another policy says, laid out as a scaffold wants it.

    Args:
        policy: a scripted one; tokens and log-probabilities are dropped.
        lay_out: (answer, key) to text, such as a scaffold's ``demonstration``; the key is the request's seed.
    """

    def __init__(self, policy: Policy, lay_out: Callable[[str, str], str]) -> None:
        self.policy, self.lay_out = policy, lay_out

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request."""
        said = self.policy.generate(requests)
        return [Completion(self.lay_out(one.text, str(r.seed))) for r, one in zip(requests, said, strict=True)]
