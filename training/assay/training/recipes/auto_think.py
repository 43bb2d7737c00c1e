"""auto-think: thinking is charged for where a look is enough, and paid for where a plan is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from assay.training.recipes.base import RunFacts
from assay.training.recipes.grpo import GRPO
from assay.training.recipes.ranges import Count, NonNegative, Steps
from assay.training.recipes.registry import recipe
from assay.verifiers.spatial.tree import LEVELS

if TYPE_CHECKING:
    from assay.agents.rollout import Rollout
    from assay.envs.tasks import Task
    from assay.training.measures import Measure
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule
    from assay.training.thinking import Decode


@recipe("auto-think")
@dataclass(frozen=True)
class AutoThink(GRPO):
    """GRPO whose reward charges for thought on perception (L1) and pays for it on reasoning and acting (L3, L4).

    SpatialTree 2025 (arXiv:2512.20617), the hierarchy-aware reward; its coefficients are unpublished, these are our
    reading. The reward replaces the environment's and is made of its verdict, the part ``format`` of its score and the
    tokens sampled between the think tags. It works with every environment whose tasks have ``meta["level"]``. Prompts
    whose rollouts all earn the same are dropped from the loss.
    """

    paper: ClassVar[str] = "arXiv:2512.20617"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"env.think": True, "env.think_mode": "think", "rollout.group_size": 8, "rollout.max_tokens": 640}
    )

    mode: Literal["auto", "think", "off"] = "auto"
    """auto: by level. think: any thought earns .5, everywhere. off: right or wrong alone."""
    levels: tuple[str, ...] = ()
    """Which of L1 to L4 the environment's own names of levels are, such as easy=L1 hard=L3."""
    lam_len: NonNegative = 0.2
    """What a thought of t_max tokens or more costs on L1."""
    t_free: Steps = 32
    """Tokens of thought that cost nothing there."""
    t_max: Count = 512
    """Tokens of thought from which it costs no more."""
    lam_fmt: NonNegative = 0.1
    """What the layout earns on L2 to L4."""
    lam_think: NonNegative = 0.2
    """What a thought of t_target tokens or more earns a right answer on L3 and L4."""
    t_target: Count = 256
    """Tokens of thought from which it earns no more."""

    def objective(self, max_length: int) -> Objective:
        """GRPO's, with the reward by level."""
        from dataclasses import replace

        from assay.training.objectives.auto_think import AutoThinkReward

        self.names()
        whole = super().objective(max_length)
        reward = AutoThinkReward(
            self.mode, self.lam_len, self.t_free, self.t_max, self.lam_fmt, self.lam_think, self.t_target
        )
        return replace(whole, transforms=(reward, *whole.transforms))

    def schedule(self) -> Schedule:
        """Plain, without prompts that teach nothing."""
        from assay.training.objectives.auto_think import WithoutTies

        return WithoutTies()

    def names(self) -> dict[str, int]:
        """Level names to 1..4.

        Raises:
            ValueError: one line, for an entry that is no NAME=LEVEL.
        """
        known = {name: number for number, name in enumerate(LEVELS, 1)}
        for entry in self.levels:
            name, _, level = entry.rpartition("=")
            if not name or "=" in name or level not in LEVELS:
                raise ValueError(f"levels wants NAME=L1 to NAME=L4, got {entry!r}")
            known[name] = LEVELS.index(level) + 1
        return known

    def cautions(self, run: RunFacts) -> str | None:
        """Where no thought can be long enough."""
        if self.mode != "auto" or run.max_length >= self.t_target:
            return None
        return f"pays in full for {self.t_target} tokens of thought, and no response is longer than {run.max_length}"

    def refuses_tasks(self, tasks: Sequence[Task]) -> str | None:
        """Tasks without a level, or with one of another name; some 32 all over the set are looked at."""
        found = {str(task.meta.get("level", "")) for task in tasks[:: max(1, len(tasks) // 32)]}
        if "" in found:
            return "pays by level, and this environment's tasks have none: take one whose tasks have meta['level']"
        if unknown := sorted(found - self.names().keys()):
            told = " ".join(f"{name}=L1" for name in unknown)
            return f"knows the levels L1 to L4, and not {', '.join(unknown)}: --recipe.levels {told} says what they are"
        return None

    def measures(self) -> Mapping[str, Measure]:
        """The level of a rollout's task, and its thoughts."""
        from assay.training.objectives.auto_think import LEVEL, THINK_TOKENS, THOUGHT, level_of
        from assay.training.thinking import think_tokens, thinks

        def level(names: Mapping[str, int], rollout: Rollout, task: Task, decode: Decode) -> float:
            return level_of(names, str(task.meta.get("level", "")))

        return {
            LEVEL: partial(level, self.names()),
            THINK_TOKENS: lambda rollout, task, decode: float(think_tokens(rollout, decode)),
            THOUGHT: lambda rollout, task, decode: float(thinks(rollout, decode)),
        }
