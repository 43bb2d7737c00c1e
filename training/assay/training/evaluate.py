"""Measures a policy on tasks by the task's own verdict, never by the shaped reward."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.progress import Progress

from assay.agents.policy import Completion, Request
from assay.agents.rollout import Rollout
from assay.envs.base import TaskEnv
from assay.envs.episode import Outcome
from assay.envs.results import Answer
from assay.envs.tasks import Task, TaskSet
from assay.training.calibration import Calibration, calibration_of
from assay.training.classes import class_rates
from assay.training.counterparts import Swap, swaps
from assay.training.rollout import Collector, RolloutSpec, derive_seed, specs_for
from assay.training.stats import macro_f1, pass_at_k, wilson

_Respond = Callable[[Task], "str | Callable[[int], str]"]

Confusion = dict[str, dict[str, int]]
"""truth -> answer -> how often; an answer that could not be read is ``NO_ANSWER``."""

NO_ANSWER = "(none)"
_MOST_VALUES = 20
_TWO = 2  # classes: few enough that the rates of each are told apart, beside the confusion matrix
_QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Rates are shares in [0, 1] and NaN where nothing was measured. Episodes that ended in an error are in no rate; they
    are counted apart. With several samples a task, the interval counts tasks, not samples, as independent trials.

    Attributes:
        n: tasks with a verdict.
        samples: rollouts a task.
        accuracy: mean over tasks of the share of samples that are right (``Score.correct``).
        low, high: Wilson's 95 % interval of it.
        pass_at: k -> unbiased estimate of the chance that one of k samples is right, mean over tasks.
        parsed: share of responses that an answer could be read out of; ``parsed_low``, ``parsed_high``: Wilson's 95 %
            interval of it, over responses.
        reward: mean reward.
        tokens: mean tokens sampled an episode.
        truncated: share that hit a token or turn budget.
        no_verdict: scored episodes without a verdict.
        infra_errors, verifier_errors: episodes without a score.
        by: meta key -> value -> (accuracy, tasks), for keys that split the tasks into a few kinds.
        confusion: for environments that classify; empty otherwise.
        calibration: of the confidences stated; None where none were asked for.
        swaps: how often an answer changed with what must not matter; empty where the environment knows no counterparts.
        rollouts: everything that was played, in the order of the tasks.
    """

    n: int
    samples: int
    accuracy: float
    low: float
    high: float
    pass_at: Mapping[int, float]
    parsed: float
    reward: float
    tokens: float
    truncated: float
    no_verdict: int
    infra_errors: int
    verifier_errors: int
    by: Mapping[str, Mapping[str, tuple[float, int]]]
    confusion: Confusion
    rollouts: list[Rollout] = field(repr=False)
    calibration: Calibration | None = None
    parsed_low: float = math.nan
    parsed_high: float = math.nan
    swaps: tuple[Swap, ...] = ()

    @property
    def macro_f1(self) -> float | None:
        """The mean of the classes' F1 scores; None where the environment does not classify."""
        return macro_f1(self.confusion) if self.confusion else None

    def to_metrics(self) -> dict[str, Any]:
        """The numbers as JSON-serialisable data: what metrics.jsonl holds."""
        metrics: dict[str, Any] = {
            "n": self.n,
            "samples": self.samples,
            "accuracy": self.accuracy,
            "low": self.low,
            "high": self.high,
            "parsed": self.parsed,
            "parsed_low": self.parsed_low,
            "parsed_high": self.parsed_high,
            "reward": self.reward,
            "tokens": self.tokens,
            "truncated": self.truncated,
            "no_verdict": self.no_verdict,
            "infra_errors": self.infra_errors,
            "verifier_errors": self.verifier_errors,
        }
        metrics |= {f"pass@{k}": value for k, value in self.pass_at.items()}
        metrics |= self.calibration.to_metrics() if self.calibration is not None else {}
        if self.by:
            metrics["by"] = {
                key: {value: {"accuracy": accuracy, "n": n} for value, (accuracy, n) in rows.items()}
                for key, rows in self.by.items()
            }
        if self.confusion:
            metrics["macro_f1"] = self.macro_f1
            metrics["confusion"] = self.confusion
        if self.swaps:
            metrics["counterfactual"] = {each.kind: each.to_metrics() for each in self.swaps}
        if len(self.confusion) == _TWO:
            metrics["classes"] = {name: each.to_metrics() for name, each in class_rates(self.confusion).items()}
        return metrics


def evaluate(
    collector: Collector,
    tasks: Sequence[Task],
    *,
    samples: int = 1,
    k: Sequence[int] = (),
    seed: int = 0,
    on_done: Callable[[Rollout], None] | None = None,
    counterparts: bool = True,
    view: str = "",
) -> Evaluation:
    """Play every task ``samples`` times and measure.

    Args:
        collector: plays them; its environments must know the tasks.
        tasks: what to play.
        samples: rollouts a task; more than one only tells something above temperature 0.
        k: for which pass@k is estimated, each at most ``samples``.
        seed: decides every completion.
        on_done: called with each rollout as it ends; default: a progress bar, if it takes more than two seconds.
        counterparts: whether the tasks' counterparts, where there are any, are played beside them, once each.
        view: one of the environment's poorer views of a task, or "" for the usual one.

    Raises:
        ValueError: if there is no task, or a ``k`` is not in [1, samples].
        CollectError: if most episodes fail.
    """
    if not tasks:
        raise ValueError("nothing to evaluate: the split has no tasks")
    if samples < 1 or any(not 1 <= each <= samples for each in k):
        raise ValueError(f"pass@k needs 1 <= k <= samples, got k = {list(k)} of {samples} samples")
    specs = [replace(spec, view=view) for spec in specs_for(tasks, samples, seed)]
    bar = _Bar(len(specs))
    try:
        found = collector.collect(specs, on_done or bar)
    finally:
        bar.close()
    measured = measure(found.rollouts, tasks, samples=samples, k=k, env=collector.env_type)
    if view or not counterparts or collector.env_type is None:
        return measured
    swapped = swaps(collector.env_type, tasks, found.rollouts, samples, seed, lambda more: _play(collector, more))
    return replace(measured, swaps=swapped)


def _play(collector: Collector, specs: Sequence[RolloutSpec]) -> list[Rollout]:
    bar = _Bar(len(specs))
    try:
        return collector.collect(specs, bar).rollouts
    finally:
        bar.close()


def measure(
    rollouts: Sequence[Rollout],
    tasks: Sequence[Task],
    *,
    samples: int = 1,
    k: Sequence[int] = (),
    env: type[TaskEnv] | None = None,
) -> Evaluation:
    """The numbers of rollouts that are ordered by task, ``samples`` of each; ``env`` gives the confusion matrix.

    Raises:
        ValueError: if there are not ``samples`` rollouts of each task.
    """
    if len(rollouts) != samples * len(tasks):
        raise ValueError(f"{len(rollouts)} rollouts are not {samples} of each of {len(tasks)} tasks")
    verdicts = [_verdicts(rollouts[i * samples : (i + 1) * samples]) for i in range(len(tasks))]
    judged = [(task, right) for task, right in zip(tasks, verdicts, strict=True) if right]
    shares = [sum(right) / len(right) for _, right in judged]
    accuracy = wilson(min(sum(shares), len(shares)), len(shares))
    scored = [(r, r.episode.score) for r in rollouts if r.episode.score is not None]
    outcomes = Counter(rollout.episode.outcome for rollout in rollouts)
    parsed = wilson(sum(score.parsed for _, score in scored), len(scored))
    return Evaluation(
        n=len(judged),
        samples=samples,
        accuracy=accuracy.mean,
        low=accuracy.low,
        high=accuracy.high,
        pass_at={each: _pass_at(verdicts, each) for each in k},
        parsed=parsed.mean,
        reward=_mean([score.reward for _, score in scored]),
        tokens=_mean([float(rollout.sampled_tokens) for rollout, _ in scored]),
        truncated=_mean([float(rollout.episode.outcome is Outcome.TRUNCATED) for rollout, _ in scored]),
        no_verdict=sum(score.correct is None for _, score in scored),
        infra_errors=outcomes[Outcome.INFRA_ERROR],
        verifier_errors=outcomes[Outcome.VERIFIER_ERROR],
        by=_by_meta([task for task, _ in judged], shares),
        confusion=confusion(rollouts, tasks, samples, env) if env is not None else {},
        rollouts=list(rollouts),
        calibration=calibration_of(rollouts),
        parsed_low=parsed.low,
        parsed_high=parsed.high,
    )


def trivial_baselines(
    env: type[TaskEnv], train: TaskSet | None, tasks: Sequence[Task], **options: Any
) -> dict[str, Evaluation]:
    """What answers that need no model score on ``tasks``.

    The environment's own baselines that look at no image. Where it has none: each constant of ``env.trivial(train)``
    under its name, and ``random``: for each task the gold response of a training task drawn at random, that is a guess
    that follows the frequencies of the training answers.

    Args:
        env: the environment.
        train: what the answers are taken from; not needed where the environment has baselines of its own.
        tasks: what they are measured on.
        options: of the environment.
    """
    blind = {name: each.answer for name, each in env.baselines().items() if not each.sees}
    answers: dict[str, _Respond] = {name: _blind(name, answer) for name, answer in blind.items()}
    if not answers and train is not None:
        answers = {name: _always(response) for name, response in env.trivial(train).items()}
        if env.gold(train[0]) is not None and "random" not in answers:
            answers["random"] = lambda task: env.gold(train[derive_seed("random", task.id) % len(train)]) or ""
    held_out, found = TaskSet(tasks), {}
    for name, answer in answers.items():

        def context(spec: RolloutSpec, _: TaskEnv, answer: _Respond = answer) -> dict[str, Any]:
            return {"response": answer(spec.task)}

        turns = None if name in blind else 1
        with Collector(lambda: env(tasks=held_out, **options), _Told(), max_turns=turns, context=context) as collector:
            found[name] = evaluate(collector, tasks, counterparts=False)
    return found


def _always(response: str) -> Callable[[Task], str]:
    return lambda task: response


def _blind(name: str, answer: Answer) -> Callable[[Task], Callable[[int], str]]:
    return lambda task: lambda turn: answer(task, (), derive_seed(name, task.id, turn))


class _Told:
    """Says what the request's context says: a text, or a function of the turn."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        return [Completion(self._said(request)) for request in requests]

    @staticmethod
    def _said(request: Request) -> str:
        response = request.context["response"]
        turn = sum(message["role"] == "assistant" for message in request.messages)
        return str(response(turn) if callable(response) else response)


class _Bar:
    """A progress bar on standard error that appears once the work has taken two seconds, on terminals only."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._began = total, 0, time.monotonic()
        self._progress: Progress | None = None

    def __call__(self, rollout: Rollout) -> None:
        self._done += 1
        if self._progress is None:
            if time.monotonic() - self._began < _QUIET_SECONDS or not sys.stderr.isatty():
                return
            self._progress = Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task("evaluating", total=self._total)
            self._progress.start()
        self._progress.update(self._task, completed=self._done)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def confusion(rollouts: Sequence[Rollout], tasks: Sequence[Task], samples: int, env: type[TaskEnv]) -> Confusion:
    """How often each true class was answered with each class, in order of first appearance, sorted by name.

    Both are read by ``env.predicted``, the true class out of ``env.gold(task)``; empty where the environment has no
    classes.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, task in enumerate(tasks):
        gold = env.gold(task)
        truth = None if gold is None else env.predicted([gold], task.truth)
        if truth is None:
            return {}
        for rollout in rollouts[number * samples : (number + 1) * samples]:
            if rollout.episode.score is not None and rollout.episode.turns:
                answer = env.predicted(rollout.episode.actions, task.truth)
                counts[truth][NO_ANSWER if answer is None else answer] += 1
    return {truth: dict(sorted(counts[truth].items())) for truth in sorted(counts)}


def _verdicts(rollouts: Sequence[Rollout]) -> list[bool]:
    scores = [rollout.episode.score for rollout in rollouts]
    return [score.correct for score in scores if score is not None and score.correct is not None]


def _pass_at(verdicts: Sequence[Sequence[bool]], k: int) -> float:
    return _mean([pass_at_k(len(right), sum(right), k) for right in verdicts if len(right) >= k])


def _by_meta(tasks: Sequence[Task], shares: Sequence[float]) -> dict[str, dict[str, tuple[float, int]]]:
    """Accuracy by each meta key that every task has and that takes a few values, each on several tasks."""
    keys = set.intersection(*(set(task.meta) for task in tasks)) if tasks else set()
    tables = {}
    for key in sorted(keys):
        groups: dict[str, list[float]] = defaultdict(list)
        for task, share in zip(tasks, shares, strict=True):
            value = task.meta[key]
            if not isinstance(value, str | int | float | bool):
                break
            groups[str(value)].append(share)
        else:
            if 2 <= len(groups) <= min(_MOST_VALUES, len(tasks) // 2):
                tables[key] = {value: (_mean(rows), len(rows)) for value, rows in sorted(groups.items())}
    return tables


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
