"""A task is one row: what the agent is told, and what only the verifier may see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
"""A chat message: ``{"role": "system"|"user"|"assistant", "content": str | list[part]}``, where a part is
``{"type": "text", "text": str}`` or ``{"type": "image", "image": path | PIL.Image}``."""


def content_id(*values: Any) -> str:
    """A 16-digit hexadecimal hash of JSON-serialisable values: the id of a task made of them."""
    blob = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return hashlib.sha256(blob).hexdigest()[:16]


def split_of(key: str, test_share: float = 0.2, dev_share: float = 0.0) -> str:
    """``"train"``, ``"dev"`` or ``"test"``, decided by the hash of ``key`` alone, so that re-ordering moves nothing."""
    unit = int(hashlib.sha256(b"split:" + key.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16) / 16**12
    if unit < test_share:
        return "test"
    return "dev" if unit < test_share + dev_share else "train"


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        id: a content hash (:func:`content_id`), equal for equal tasks.
        prompt: the chat messages that open the episode.
        truth: what the verifier compares with; it never reaches a prompt or an observation.
        meta: level, split, source, licence and the like; safe to show.
    """

    id: str
    prompt: list[Message]
    truth: Mapping[str, Any]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The task as JSON-serialisable data (images must be paths)."""
        return {"id": self.id, "prompt": self.prompt, "truth": dict(self.truth), "meta": dict(self.meta)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Task:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: if ``id``, ``prompt`` or ``truth`` is missing.
        """
        missing = [key for key in ("id", "prompt", "truth") if key not in data]
        if missing:
            raise ValueError(f"a task needs id, prompt and truth; missing: {', '.join(missing)}")
        return cls(str(data["id"]), list(data["prompt"]), dict(data["truth"]), dict(data.get("meta", {})))


class TaskSet(Sequence[Task]):
    """An ordered set of tasks with unique ids.

    Raises:
        ValueError: if it is empty or an id occurs twice.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = list(tasks)
        if not self._tasks:
            raise ValueError("the task set is empty: check the source and the split")
        self._index = {task.id: i for i, task in enumerate(self._tasks)}
        if len(self._index) != len(self._tasks):
            raise ValueError(f"{len(self._tasks) - len(self._index)} tasks share an id with another")

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index: Any) -> Any:
        return self._tasks[index]

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def get(self, task_id: str) -> Task:
        """The task of that id.

        Raises:
            KeyError: if there is none.
        """
        if task_id not in self._index:
            raise KeyError(f"no task {task_id!r} among the {len(self)} of this set")
        return self._tasks[self._index[task_id]]

    @property
    def ids(self) -> list[str]:
        """Task ids in order."""
        return [task.id for task in self._tasks]

    @classmethod
    def from_jsonl(cls, path: str | Path) -> TaskSet:
        """Read one :meth:`Task.to_dict` a line.

        Raises:
            ValueError: naming the line that is not a task.
        """
        tasks = []
        with Path(path).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        tasks.append(Task.from_dict(json.loads(line)))
                    except (ValueError, TypeError) as error:
                        raise ValueError(f"{path}:{number}: {error}") from None
        return cls(tasks)

    def to_jsonl(self, path: str | Path) -> None:
        """Write one :meth:`Task.to_dict` a line."""
        with Path(path).open("w", encoding="utf-8") as out:
            for task in self:
                out.write(json.dumps(task.to_dict(), ensure_ascii=False) + "\n")
