"""Signs that a run is collapsing, checked every step against limits that warn or stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.training.config import MonitorConfig


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit that was passed for long enough.

    Attributes:
        name: the monitor, which is also its field of :class:`MonitorConfig` (``"not_finite"`` has none).
        value: what was measured at the step of the alert.
        limit: what it was compared with.
        message: one line: what it is a sign of, and what to try.
    """

    name: str
    value: float
    limit: float
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One monitor: which metric, which side of the limit is bad, and what that means.

    Attributes:
        name: the field of :class:`MonitorConfig` that holds the limit.
        metric: the name among a step's metrics; a step without it is not judged.
        low: True where values below the limit are bad, False where values above it are.
        sign: what it is a sign of, and what to try.
        read: from the metric to the value that is compared.
    """

    name: str
    metric: str
    low: bool
    sign: str
    read: Callable[[float], float] = float


RULES = (
    Rule("dead_groups", "dead_groups", False,
         "almost every group earned one and the same reward, so nothing is learned: the tasks are all solved or all "
         "too hard; change the tasks, raise --rollout.group-size or --rollout.temperature, or warm up (--sft.epochs)"),
    Rule("entropy_low", "entropy", True,
         "the policy has all but stopped exploring: lower --optim.lr, raise --rollout.temperature, or add an entropy "
         "or KL term; harmless where accuracy is near 1"),
    Rule("kl_high", "kl", False,
         "the policy has moved far from where it started: lower --optim.lr or raise the KL coefficient"),
    Rule("truncated", "truncated", False,
         "most completions are cut before they end: raise --rollout.max-tokens or set --rollout.stop"),
    Rule("repetition", "repetition", False,
         "completions repeat themselves, a degenerate policy: lower --optim.lr, or go back to an earlier checkpoint"),
    Rule("unparsed", "parsed", False,
         "hardly any response holds a readable answer: look at episodes/, then warm up with --sft.epochs or make the "
         "prompt's format easier", lambda parsed: 1.0 - parsed),
    Rule("logprob_gap", "logprob_gap", False,
         "the sampler and the trainer disagree about the same tokens, so gradients are biased: use the same dtype for "
         "both, or --model.engine hf"),
    Rule("value_clip", "value/clip_frac", False,
         "returns lie outside the range of the critic and are clipped: widen --recipe.value-low and "
         "--recipe.value-high"),
    Rule("confidence_std", "confidence_std", True,
         "the model states one and the same confidence whatever the task: raise --rollout.temperature, or mix tasks of "
         "different difficulty"),
    Rule("length_fall", "length_fall", False,
         "responses have become short while old ones are replayed, whose ratios favour short ones: lower "
         "--recipe.off-policy-fraction or --recipe.utd, or set an earlier --recipe.reincarnate-at"),
)  # fmt: skip

_FINITE = ("loss", "grad_norm")


class Monitors:
    """Watches a run.

    A limit raises an alert once it has been passed ``grace`` steps in a row (at least one), none of them among the
    first ``grace`` steps of the run; it may do so again only after a step within the limit. A loss or gradient norm
    that is not finite is an alert at once.
    """

    def __init__(self, config: MonitorConfig) -> None:
        self.config = config
        self._streak: dict[str, int] = {}
        self._stop = False

    @property
    def stop(self) -> bool:
        """Whether an alert was raised and the configuration says to stop."""
        return self._stop

    def check(self, step: int, metrics: Mapping[str, Any]) -> list[Alert]:
        """The alerts of one step.

        Args:
            step: optimisation steps done, the first being 1.
            metrics: the step's values by name, a missing or None value is not judged.
        """
        if self.config.action == "off":
            return []
        alerts = [alert for name in _FINITE if (alert := _not_finite(name, metrics.get(name))) is not None]
        alerts += [alert for rule in RULES if (alert := self._judge(rule, step, metrics)) is not None]
        self._stop = self._stop or (bool(alerts) and self.config.action == "stop")
        return alerts

    def _judge(self, rule: Rule, step: int, metrics: Mapping[str, Any]) -> Alert | None:
        raw = metrics.get(rule.metric)
        if raw is None or not math.isfinite(raw) or step <= self.config.grace:
            return None
        value, limit = rule.read(float(raw)), float(getattr(self.config, rule.name))
        passed = value < limit if rule.low else value > limit
        streak = self._streak.get(rule.name, 0) + 1 if passed else 0
        self._streak[rule.name] = streak
        if streak != max(1, self.config.grace):
            return None
        side = "below" if rule.low else "above"
        lasted = f" for {streak} steps" if streak > 1 else ""
        message = f"{rule.name.replace('_', ' ')} {value:.3g} is {side} {limit:g}{lasted}: {rule.sign}"
        return Alert(rule.name, value, limit, message)

    def state_dict(self) -> dict[str, Any]:
        """JSON data that :meth:`load_state_dict` continues from."""
        return {"streak": dict(self._streak), "stop": self._stop}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self._streak = {str(name): int(count) for name, count in state["streak"].items()}
        self._stop = bool(state["stop"])


def _not_finite(name: str, value: Any) -> Alert | None:
    if value is None or math.isfinite(value):
        return None
    words = name.replace("_", " ")
    return Alert("not_finite", float(value), math.inf,
                 f"the {words} is {value}: the weights are lost from here on; resume from the last checkpoint with a "
                 "lower --optim.lr or --optim.clip-norm")  # fmt: skip


def repetition(ids: Sequence[int], n: int = 4) -> float:
    """Share of a completion's n-grams that occurred in it before, in [0, 1).

    A collapsing policy falls into loops, and this is what rises first: 0 for text without a repeated n-gram,
    towards 1 for one token said over and over.

    Args:
        ids: the sampled tokens.
        n: length of the n-grams.
    """
    total = len(ids) - n + 1
    if total < 2:
        return 0.0
    return 1.0 - len({tuple(ids[i : i + n]) for i in range(total)}) / total
