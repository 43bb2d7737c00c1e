"""Which stored responses a step sees; everything random is a hash of the seed and a position."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.agents.rollout import Rollout
from assay.training.batch import Batch, make_batch, row_of
from assay.training.errors import UserError
from assay.training.experience import Experience, describe
from assay.training.offline.advantages import Floats, draw_probabilities, share_above
from assay.training.offline.data import LoggedData
from assay.training.offline.prepare import PREPARED, Prepared, Reference, ShowPhase, prepare
from assay.training.offline.rows import rollout_of
from assay.training.offline.spec import OfflineSpec
from assay.training.remembered import RememberingScorer

if TYPE_CHECKING:
    from assay.training.assemble import Parts
    from assay.training.config import TrainConfig
    from assay.training.forward import Row
    from assay.training.objectives.schedule import RolloutPlan
    from assay.training.rollout import Collector

ANCHORS = "offline"
"""The folder, in a run directory, of what frozen policies said of logged rows."""
OF_THE_SAMPLER = ("entropy", "repetition", "truncated", "parsed")
"""What rollouts say of the policy that sampled them, which is not the one that learns."""


class LoggedFeed:
    """Steps from stored episodes.

    Attributes:
        position: units handed out so far; setting it resumes there.
        data: the index.
    """

    def __init__(self, parts: Parts, config: TrainConfig, folder: Path, data: LoggedData) -> None:
        self.parts, self.config, self.folder, self.data = parts, config, folder, data
        self.spec: OfflineSpec = parts.recipe.offline()
        self.env = parts.env(tasks=parts.train, **parts.env_options)
        self.position = 0
        self.too_long = 0
        self._laps: tuple[int, np.typing.NDArray[np.int64]] | None = None
        self._chances: Floats | None = None
        self._prepared = Prepared(data.fingerprint())
        self._share = 1.0

    def prepare(self, collector: Collector, show: ShowPhase, note: Callable[[str], None], begun: bool) -> None:
        """Work out, or read back, what the recipe wants to know of the data before the first step.

        Raises:
            UserError: if no response is worth learning from, or the data has changed since the run began.
        """
        path, spec, config = self.folder / PREPARED, self.spec, self.config
        found = Prepared.read(path, self.data)
        if found is None and begun:
            raise UserError(f"{path} is gone, and the starting policy with it: start anew with another --out")
        for name, scorer in self.parts.frozen.scorers.items():
            if isinstance(scorer, RememberingScorer):
                scorer.load(self._anchor_file(name))
        if found is None:
            from assay.training.assemble import sampling

            reference = Reference(collector, self.parts.scorer, self.parts.train, sampling(config), config.seed)
            found = prepare(self.data, spec, reference, self._prompts, show)
            found.write(path)
        self._prepared = found
        if spec.value is not None:
            advantage = found.rewards(self.data.reward) - np.array(found.values)[self.data.prompt]
            self._share = share_above(advantage)
            if spec.draw == "none":
                draw_probabilities(advantage, "good_random")  # refuses data of which nothing is good
            else:
                self._chances = draw_probabilities(advantage, spec.draw)
        self._tell(note)

    def _tell(self, note: Callable[[str], None]) -> None:
        found = self._prepared
        if found.rewards.changes:
            note(f"rewards lie outside [0, {self.spec.reward_max:g}]: mapped by {found.rewards.scale:.4g} R + "
                 f"{found.rewards.shift:.4g} (stored in {PREPARED})")  # fmt: skip
        if found.values:
            source = "the starting policy's own answers" if found.source == "rollouts" else "the logged rewards"
            note(f"value of the prompts learned from {source}: mean {np.mean(found.values):.3f}, squared error "
                 f"{min(found.errors):.3g}; {100 * self._share:.0f} % of the responses are above it")  # fmt: skip

    def steps(self, configured: int) -> int:
        """How many steps the run takes."""
        return max(1, round(configured * self._share)) if self.spec.scale_steps else configured

    def gather(
        self, collector: Collector, plan: RolloutPlan, step: int, on_done: Callable[[Rollout], None]
    ) -> Experience:
        """The responses of a step as rollouts; those that outgrow the context are left out and counted."""
        began = time.perf_counter()
        if self.spec.unit == "prompts":
            chosen = self._by_prompt(plan.groups, plan.group_size)
        else:
            chosen = list(enumerate(self._single(plan.groups * plan.group_size)))
        limit, kept = self.parts.max_context(self.config), []
        self._chosen: list[int] = []
        for group, response in chosen:
            rollout = self._rollout(response, group)
            on_done(rollout)
            if max((len(branch.ids) for branch in rollout.branches), default=limit + 1) <= limit:
                kept.append(rollout)
                self._chosen.append(response)
        self.too_long = len(chosen) - len(kept)
        return Experience(kept, kept, time.perf_counter() - began, logged=True)

    def describe(self, experience: Experience) -> dict[str, float]:
        """Numbers of a step: of the data it saw, not of the policy."""
        found = {name: value for name, value in describe(experience.sampled).items() if name not in OF_THE_SAMPLER}
        if self.spec.unit == "responses":
            found.pop("dead_groups", None)
        lap = len(self.data) if self.spec.unit == "responses" else self.data.prompts
        found |= {"epoch": self.position / lap, "rows_too_long": float(self.too_long)}
        return found if self.spec.value is None else {**found, "share_above": self._share}

    def batch(self, experience: Experience, version: int) -> Batch:
        """The rows of a step: rewards mapped, values filled in, no log-probabilities of whoever sampled."""
        made = make_batch(experience.kept, version)
        data = made.data
        assert data.rollout_id is not None
        of_row = data.rollout_id.tolist()
        rewards = self._prepared.rewards(self.data.reward[self._chosen])
        reward = torch.tensor(rewards[of_row], dtype=torch.float32)
        values = data.values
        if self._prepared.values:
            worth = np.array(self._prepared.values)[self.data.prompt[self._chosen]]
            values = torch.tensor(worth[of_row], dtype=torch.float32).unsqueeze(-1) * data.action_mask
        return Batch(made.rows, replace(data, reward=reward, values=values, rollout_logp=None))

    def save(self) -> None:
        """Store what frozen policies have said, ahead of a checkpoint."""
        for name, scorer in self.parts.frozen.scorers.items():
            if isinstance(scorer, RememberingScorer):
                scorer.save(self._anchor_file(name))

    def _anchor_file(self, name: str) -> Path:
        return self.folder / ANCHORS / f"{name}.logp"

    def _rollout(self, response: int, group: int) -> Rollout:
        return rollout_of(self.data.read(response), self.parts.chat, self.parts.scaffold, self.env, group)

    def _prompts(self) -> list[Row]:
        limit, rows = self.parts.max_context(self.config), []
        for prompt in range(self.data.prompts):
            row = row_of(self._rollout(int(self.data.members(prompt)[0]), 0).branches[0])
            rows.append(
                row if row.prompt < limit else replace(row, ids=row.ids[:limit], prompt=limit, mask=row.mask[:0])
            )
        return rows

    def _by_prompt(self, groups: int, size: int) -> list[tuple[int, int]]:
        """(group, response) of the next prompts, at most ``size`` responses each, in the order of the data."""
        chosen: list[tuple[int, int]] = []
        for group in range(groups):
            members = self.data.members(self._next(self.data.prompts))
            if len(members) > size:
                rng = np.random.default_rng([self.config.seed, 6, self.position])
                members = np.sort(rng.choice(members, size, replace=False))
            chosen += [(group, int(response)) for response in members]
        return chosen

    def _single(self, count: int) -> Sequence[int]:
        if self._chances is None:
            return [self._next(len(self.data)) for _ in range(count)]
        rng = np.random.default_rng([self.config.seed, 7, self.position])
        self.position += count
        return [int(i) for i in rng.choice(len(self.data), count, p=self._chances)]

    def _next(self, units: int) -> int:
        """The next of ``units``, in a new order every pass."""
        lap, at = divmod(self.position, units)
        if self._laps is None or self._laps[0] != lap:
            self._laps = (lap, np.random.default_rng([self.config.seed, 8, lap]).permutation(units))
        self.position += 1
        return int(self._laps[1][at])
