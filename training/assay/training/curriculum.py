"""Which tasks come next: a fixed shuffle for each pass, so that a position is all there is to remember."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.envs.tasks import Task, TaskSet


class TaskStream:
    """Endless training tasks; a pass shows each once, in an order that ``seed`` and the pass decide.

    Args:
        tasks: what is trained on.
        seed: of the order.
        position: where to begin.
        neighbours: so many tasks that follow each other in ``tasks`` stay together.

    Attributes:
        position: tasks handed out so far; setting it resumes there.
    """

    def __init__(self, tasks: TaskSet, seed: int, position: int = 0, neighbours: int = 1) -> None:
        self.tasks = tasks
        self.seed = seed
        self.position = position
        self.neighbours = neighbours

    def take(self, count: int, admits: Callable[[Task], bool] = lambda _: True) -> list[Task]:
        """The next ``count`` tasks, those that are not admitted passed over.

        Raises:
            ValueError: in one line, if no task is admitted.
        """
        taken: list[Task] = []
        passed = 0
        while len(taken) < count:
            lap, at = divmod(self.position, len(self.tasks))
            task = self.tasks[int(self._order(lap)[at])]
            self.position += 1
            if admits(task):
                taken.append(task)
                passed = 0
                continue
            passed += 1
            if passed > 2 * len(self.tasks):
                raise ValueError("no task may appear at this step: let one of the domains begin at step 0")
        return taken

    def _order(self, lap: int) -> np.typing.NDArray[np.int64]:
        cached = getattr(self, "_lap", None)
        if cached is None or cached[0] != lap:
            blocks = np.random.default_rng([self.seed, lap]).permutation(-(-len(self.tasks) // self.neighbours))
            order = (blocks[:, None] * self.neighbours + np.arange(self.neighbours)).reshape(-1)
            cached = (lap, order[order < len(self.tasks)])
            self._lap = cached
        return cached[1]


def held_out(tasks: TaskSet, count: int) -> list[Task]:
    """The first ``count`` tasks (0: all) of a shuffle that is the same for every run and seed."""
    order = np.random.default_rng(0).permutation(len(tasks))
    return [tasks[int(i)] for i in (order[:count] if count else order)]
