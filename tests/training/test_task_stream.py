"""The order of training tasks."""

from __future__ import annotations

from assay.envs.tasks import Task, TaskSet
from assay.training.curriculum import TaskStream


def tasks(count: int) -> TaskSet:
    return TaskSet([Task(str(i), [{"role": "user", "content": str(i)}], {"answer": i}) for i in range(count)])


def numbers(stream: TaskStream, count: int) -> list[int]:
    return [int(task.id) for task in stream.take(count)]


def test_a_pass_shows_each_task_once_and_the_next_in_another_order() -> None:
    stream = TaskStream(tasks(10), 3)
    first, second = numbers(stream, 10), numbers(stream, 10)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert numbers(TaskStream(tasks(10), 3, position=4), 6) == first[4:]


def test_neighbours_stay_together_and_none_is_lost() -> None:
    order = numbers(TaskStream(tasks(11), 0, neighbours=4), 11)
    assert sorted(order) == list(range(11))
    starts = [i for i in order if i % 4 == 0]
    assert starts != sorted(starts) or len(starts) < 3
    for start in starts:
        block = order[order.index(start) : order.index(start) + min(4, 11 - start)]
        assert block == list(range(start, min(start + 4, 11)))
