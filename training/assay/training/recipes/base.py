"""What a recipe is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from assay.training.offline.spec import OfflineSpec
from assay.training.value.spec import CriticSpec

if TYPE_CHECKING:  # reading a configuration should not cost the import of torch
    from assay.envs.tasks import Task
    from assay.training.companion import CompanionSpec
    from assay.training.evaluate import Evaluation
    from assay.training.guards import Guard
    from assay.training.measures import Measure
    from assay.training.objectives.anchors import Anchors
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule

Data = Literal["fresh", "logged", "either"]


@dataclass(frozen=True)
class RunFacts:
    """What a recipe may want to know of a run before anything is loaded.

    Attributes:
        group_size: rollouts of each task.
        max_length: longest response in sampled tokens.
        temperature, top_p, top_k: of the sampler.
        minibatches, epochs: optimiser steps that a batch is cut into, and passes over it.
        logged: whether the run learns from stored episodes instead of sampling.
        scaffold: what stands between environment and model.
        whole_groups: whether the rows of a group may be kept in one micro-batch.
        engine: what samples.
        multi_turn: whether something answers the policy within an episode.
        steps, groups: of the run, and sampled at each step; 0 where that is not known.
        views: poorer views that the environment has of its tasks.
    """

    group_size: int
    max_length: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    minibatches: int = 1
    epochs: int = 1
    logged: bool = False
    scaffold: str = "chat"
    whole_groups: bool = True
    engine: str = "hf"
    multi_turn: bool = False
    steps: int = 0
    groups: int = 0
    views: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A method: a frozen dataclass whose fields are its constants, each with a docstring below it.

    The first line of the class docstring is what ``train-agent recipes`` prints.
    """

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    data: ClassVar[Data] = "fresh"
    """What it learns from: rollouts of its own, stored episodes (``--data``), or either."""
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Run settings of the paper, by the names of their flags (``"optim.lr"``), for where a user says nothing.

    ``env.X`` counts only where the environment has such an option. They are no constants: another value of them is
    still the same method. What a :class:`TrainConfig` made by hand holds is never replaced.
    """

    def objective(self, max_length: int) -> Objective:
        """The objective for responses of at most ``max_length`` sampled tokens.

        Raises:
            ValueError: in one line, where constants contradict each other.
        """
        raise NotImplementedError(f"{type(self).__name__} has no objective")

    def schedule(self) -> Schedule:
        """Which experience a step sees."""
        from assay.training.objectives.schedule import Plain

        return Plain()

    def anchors(self) -> Anchors:
        """When the frozen policies of the objective are replaced by the current one."""
        from assay.training.objectives.anchors import Frozen

        return Frozen()

    def critic(self) -> CriticSpec | None:
        """The critic that the objective needs, if it needs one."""
        return None

    def companion(self, options: Any) -> CompanionSpec | None:
        """What is to learn beside the policy in an environment with these options, if anything."""
        return None

    def offline(self) -> OfflineSpec:
        """How it learns from stored episodes, where ``data`` is not ``"fresh"``."""
        return OfflineSpec()

    def refuses(self, run: RunFacts) -> str | None:
        """Why it cannot work in a run, as the end of a sentence that begins with its name; None: it can."""
        return None

    def refuses_tasks(self, tasks: Sequence[Task]) -> str | None:
        """Why it cannot learn from a run's training tasks, as the end of such a sentence; None: it can."""
        return None

    def measures(self) -> Mapping[str, Measure]:
        """Numbers of a rollout that the objective reads as ``reward_parts`` beside those of its score, by key."""
        return {}

    def cautions(self, run: RunFacts) -> str | None:
        """What a user should know of it in a run that it does not refuse, as the end of such a sentence."""
        return None

    def guards(self) -> Sequence[Guard]:
        """What looks at every evaluation on held-out tasks and may end the run and put the best weights back."""
        return ()

    def merit(self, found: Evaluation) -> float:
        """What makes one evaluation better than another, where weights are kept for it: the higher, the better."""
        return found.accuracy
