"""The value pass: what each logged prompt is worth to the starting policy, worked out once and kept with the run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assay.agents.policy import Sampling
from assay.training.batch import row_of
from assay.training.display import Phase
from assay.training.errors import UserError
from assay.training.forward import Row, Scorer
from assay.training.offline.advantages import Floats, RewardMap
from assay.training.offline.data import LoggedData
from assay.training.offline.spec import OfflineSpec, ValueSpec
from assay.training.rollout import Collector, RolloutSpec, derive_seed

if TYPE_CHECKING:
    from assay.envs.tasks import TaskSet

PREPARED = "offline.json"
"""The file, in a run directory, of what was worked out before the first step."""
CHUNK = 64
"""Prompts whose hidden states are in memory at a time."""
ShowPhase = Callable[[str, int | None], AbstractContextManager[Phase]]


@dataclass(frozen=True)
class Prepared:
    """What a run on logged data knows before its first step.

    Attributes:
        fingerprint: of the data.
        rewards: how stored rewards are mapped.
        values: of each prompt, in mapped rewards; empty where no value is learned.
        source: what the values were learned from: ``rollouts`` of the starting policy, or ``logged`` rewards.
        errors: mean squared error after each epoch of the value's head.
    """

    fingerprint: str
    rewards: RewardMap = field(default_factory=RewardMap)
    values: list[float] = field(default_factory=list)
    source: str = ""
    errors: list[float] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """As JSON, atomically."""
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        os.replace(temporary, path)

    @classmethod
    def read(cls, path: Path, data: LoggedData) -> Prepared | None:
        """What a run has stored; None where there is nothing yet.

        Raises:
            UserError: if the data is not what it was then.
        """
        if not path.exists():
            return None
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["fingerprint"] != data.fingerprint():
            raise UserError(
                "the files of --data are not what they were when this run began: start anew with another --out"
            )
        return cls(**{**held, "rewards": RewardMap(**held["rewards"])})


@dataclass(frozen=True)
class Reference:
    """The starting policy, as far as the value pass needs it.

    Attributes:
        collector: plays training tasks with it.
        scorer: its hidden states.
        tasks: the training tasks.
        sampling: how its answers are drawn.
        seed: of which tasks, which answers, and the head.
    """

    collector: Collector
    scorer: Scorer
    tasks: TaskSet
    sampling: Sampling
    seed: int


def prepare(
    data: LoggedData, spec: OfflineSpec, reference: Reference, prompts: Callable[[], Sequence[Row]], show: ShowPhase
) -> Prepared:
    """Everything that is worked out of the data before the first step.

    The head learns from the starting policy's own answers to training tasks, those first that the data does not
    hold; where some prompt of the data is no task of the environment, from the mean logged reward of each prompt.

    Args:
        data: the index.
        spec: what the recipe wants.
        reference: the policy before the first step.
        prompts: renders the prompts of the data, one row each.
        show: shows progress.
    """
    low, high = float(data.reward.min()), float(data.reward.max())
    if spec.value is None:
        return Prepared(data.fingerprint(), RewardMap.onto(low, high, spec.reward_max))
    from assay.training.offline.value import fit, prompt_states, values_of

    own = prompts()
    if set(data.tasks) <= set(reference.tasks.ids):
        source = "rollouts"
        rows, scores = _answers(data, spec.value, reference, show)
        low, high = min(low, float(scores.min())), max(high, float(scores.max()))
    else:
        source = "logged"
        chosen = np.random.default_rng([reference.seed, 4]).permutation(data.prompts)[: spec.value.prompts]
        counts = np.bincount(data.prompt, minlength=data.prompts)
        scores = (np.bincount(data.prompt, weights=data.reward, minlength=data.prompts) / counts)[chosen]
        rows = [own[int(i)] for i in chosen]
    rewards = RewardMap.onto(low, high, spec.reward_max)
    with show("value", spec.value.epochs) as phase:
        fitted = fit(
            prompt_states(reference.scorer, rows),
            rewards(scores).tolist(),
            top=float(spec.reward_max or 1.0),
            epochs=spec.value.epochs,
            lr=spec.value.lr,
            seed=derive_seed(reference.seed, "value"),
            on_epoch=phase.advance,
        )
    values: list[float] = []
    with show("prompts", len(own)) as phase:
        for start in range(0, len(own), CHUNK):
            states = prompt_states(reference.scorer, own[start : start + CHUNK], phase.advance)
            values += values_of(fitted.head, states)
    return Prepared(data.fingerprint(), rewards, values, source, fitted.errors)


def _answers(data: LoggedData, spec: ValueSpec, reference: Reference, show: ShowPhase) -> tuple[list[Row], Floats]:
    """Prompts that the starting policy answered, and its mean score on each."""
    order = np.random.default_rng([reference.seed, 4]).permutation(len(reference.tasks))
    logged = set(data.tasks)
    tasks = sorted((reference.tasks[int(i)] for i in order), key=lambda task: task.id in logged)[: spec.prompts]
    specs = [
        RolloutSpec(task, group, index, derive_seed(reference.seed, "value", group, index))
        for group, task in enumerate(tasks)
        for index in range(spec.rollouts)
    ]
    with show("reference", len(specs)) as phase:
        found = reference.collector.collect(specs, lambda _: phase.advance(), sampling=reference.sampling).learnable
    rows: dict[int, Row] = {}
    scores: dict[int, list[float]] = {}
    for rollout in found:
        if rollout.episode.score is not None and rollout.branches:
            rows.setdefault(rollout.group, row_of(rollout.branches[0]))
            scores.setdefault(rollout.group, []).append(rollout.episode.score.reward)
    if not rows:
        raise UserError("the starting policy's answers all ended without a score: see the environment's errors")
    return list(rows.values()), np.array([float(np.mean(scores[group])) for group in rows])
