"""Tasks of several domains in one run: who is in at a step, and one score for all.

A mixture is the concatenation of its domains, so each weighs by its size, and a domain is what the environment put
under ``domain`` in the meta data of its tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.envs.tasks import Task
from assay.training.objectives.schedule import Schedule

DOMAIN = "domain"


def domain_of(task: Task) -> str | None:
    """The domain of a task, if its environment names one."""
    found = task.meta.get(DOMAIN)
    return None if found is None else str(found)


def blended(accuracy: float, by: Mapping[str, Mapping[str, tuple[float, int]]]) -> float:
    """The mean over domains of the accuracy in each, or where there are no domains, ``accuracy``.

    Args:
        accuracy: over all tasks.
        by: meta key -> value -> (accuracy, tasks).
    """
    domains = by.get(DOMAIN, {})
    return sum(found for found, _ in domains.values()) / len(domains) if domains else accuracy


def check_domains(schedule: Schedule, tasks: Iterable[Task]) -> None:
    """Refuse a schedule of domains that the tasks do not have, or one that begins with none.

    Raises:
        ValueError: in one line.
    """
    if not schedule.domains:
        return
    found = {domain_of(task) for task in tasks}
    if unknown := sorted(schedule.domains - found):
        there = ", ".join(sorted(name for name in found if name is not None))
        raise ValueError(f"no training task is of the domain {unknown[0]!r}; there are {there or 'no domains'}")
    if not any(schedule.admits(0, name) for name in found):
        raise ValueError("no task may appear at the first step: let one of the domains begin at step 0")
