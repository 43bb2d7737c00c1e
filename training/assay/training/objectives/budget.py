"""How much a step samples, as a function of the step; and what the learning rate makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assay.training.objectives.schedule import DynamicSampling, RolloutPlan


def sqrt_scale(responses: int, base: int) -> float:
    """What multiplies the learning rate when an update sees ``responses`` instead of ``base`` of them: the root of
    their ratio (BroRL, arXiv:2510.01180, section 4.1)."""
    return math.sqrt(responses / base)


def from_steps(entries: Sequence[str]) -> dict[str, int]:
    """``WHAT@STEP`` entries as WHAT -> STEP.

    Raises:
        ValueError: for an entry of another form.
    """
    found = {}
    for entry in entries:
        what, at, step = entry.rpartition("@")
        if not at or not what or not step.isdigit():
            raise ValueError(f"{entry!r} is not of the form VALUE@STEP, such as 32@1500")
        found[what] = int(step)
    return found


def step_table(first: int, later: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """(from step, value) pairs in the order of the steps: ``first`` from step 0, then ``VALUE@STEP`` entries.

    Raises:
        ValueError: for an entry of another form, a value below 1, or two values from one step on.
    """
    table = [(0, first)]
    for entry in later:
        ((value, step),) = from_steps([entry]).items()
        if not value.isdigit() or int(value) < 1:
            raise ValueError(f"{entry!r} is not of the form VALUE@STEP with a whole number above 0, such as 32@1500")
        table.append((step, int(value)))
    if len({step for step, _ in table}) < len(table):
        raise ValueError(f"two values from one step on: {', '.join(later)}")
    return tuple(sorted(table))


@dataclass(frozen=True)
class Budget(DynamicSampling):
    """Its own numbers of tasks and rollouts, temperature and learning rate, and tasks of more domains as it goes.

    Attributes:
        n_samples: (from step, rollouts of each task) pairs by step; 0 rollouts: as configured.
        prompts: tasks a step; 0: as configured.
        temperature: of the sampler; 0: as configured.
        base_batch: responses of an update for which the configured learning rate is meant; 0: for any number.
        since: domain -> steps that must be done before its tasks appear; others appear from the start.
        dynamic: whether groups that agree are sampled again.

    Raises:
        ValueError: for a negative number.
    """

    n_samples: tuple[tuple[int, int], ...] = ((0, 0),)
    prompts: int = 0
    temperature: float = 0.0
    base_batch: int = 0
    since: Mapping[str, int] = field(default_factory=dict)
    dynamic: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        least = min(self.prompts, self.temperature, self.base_batch, *(value for _, value in self.n_samples))
        if least < 0:
            raise ValueError(f"n_samples, prompts_per_step, temperature and base_batch must not be negative: {least}")

    def plan(self, step: int, configured: RolloutPlan) -> RolloutPlan:
        """The numbers of the step."""
        size = [value for since, value in self.n_samples if since <= step][-1]
        plan = replace(
            configured,
            groups=self.prompts or configured.groups,
            group_size=size or configured.group_size,
            temperature=self.temperature or configured.temperature,
        )
        if not self.base_batch:
            return plan
        return replace(plan, lr_scale=sqrt_scale(plan.groups * plan.group_size, self.base_batch))

    @property
    def domains(self) -> frozenset[str]:
        """Those that join later."""
        return frozenset(self.since)

    def admits(self, step: int, domain: str | None) -> bool:
        """Once the steps of the domain are done."""
        return domain is None or step >= self.since.get(domain, 0)

    def keep_group(self, rewards: Sequence[float]) -> bool:
        """Whether two rewards differ; any group, if sampling is not dynamic."""
        return super().keep_group(rewards) if self.dynamic else True

    def wants_more(self, kept: int, target: int, generated: int) -> bool:
        """Until the target or the limit is reached; once, if sampling is not dynamic."""
        return super().wants_more(kept, target, generated) if self.dynamic else generated == 0
