"""The benchmarks' own tables: accuracy by group, what was never read, and whose video could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.envs.results import Column, ResultTable
from assay.envs.tasks import Task
from assay.verifiers.score import Score

Groups = Mapping[str, tuple[str, ...]]
OWN: Groups = {"kind": ()}
GROUPS: Mapping[str, Groups] = {
    "videomme": {
        "duration": ("short", "medium", "long"),
        "domain": ("Knowledge", "Film & Television", "Sports Competition", "Artistic Performance", "Life Record",
                   "Multilingual"),
        "sub_category": (),
        "task_type": ("Temporal Perception", "Spatial Perception", "Attribute Perception", "Action Recognition",
                      "Object Recognition", "OCR Problems", "Counting Problem", "Temporal Reasoning",
                      "Spatial Reasoning", "Action Reasoning", "Object Reasoning", "Information Synopsis"),
    },
    "lvbench": {
        "question_type": ("entity recognition", "event understanding", "key information retrieval",
                          "temporal grounding", "reasoning", "summarization"),
        "video_type": (),
    },
}  # fmt: skip
"""What each benchmark groups by, and the groups in the order in which they are published; others follow by name."""
HEADS = (Column("right"), Column("n", "count"))

Judged = Sequence[tuple[Task, Sequence[Score]]]


def tables(source: str, tasks: Sequence[Task], scores: Sequence[Sequence[Score]]) -> list[ResultTable]:
    """A benchmark's tables: overall, then by each of its groups; of our own sources by kind of question.

    Every question counts once (the mean of its samples), also one whose video cannot be read, which is wrong; one of
    several question types counts in each. Questions without a score are left out.

    Args:
        source: its name.
        tasks: what was played.
        scores: of each task, one for each sample that was scored.
    """
    judged = [(task, each) for task, each in zip(tasks, scores, strict=True) if each]
    found = [_by(source, name, order, judged) for name, order in GROUPS.get(source, OWN).items()]
    return [_overall(source, judged), *(table for table in found if table is not None)]


def _overall(source: str, judged: Judged) -> ResultTable:
    every = [score for _, each in judged for score in each]
    heads = (Column("", "text"), *HEADS, Column("not read", "count"), Column("video lost", "count"))
    lost = sum(bool(score.parts.get("lost")) for score in every)
    unread = sum(not score.parsed and not score.parts.get("lost") for score in every)
    return ResultTable(source, heads, ((source, _mean(judged), len(judged), unread, lost),))


def _by(source: str, name: str, order: Sequence[str], judged: Judged) -> ResultTable | None:
    cells: dict[str, list[tuple[Task, Sequence[Score]]]] = {}
    for task, each in judged:
        value = task.meta.get(name) or "-"
        for group in value if isinstance(value, list | tuple) else (value,):
            cells.setdefault(str(group), []).append((task, each))
    if not set(cells) - {"-"}:
        return None
    place = {group.casefold(): number for number, group in enumerate(order)}
    names = sorted(cells, key=lambda group: (place.get(group.casefold(), len(order)), group))
    rows = tuple((group, _mean(cells[group]), len(cells[group])) for group in names)
    return ResultTable(f"{source} by {name.replace('_', ' ')}", (Column(name.replace("_", " "), "text"), *HEADS), rows)


def _mean(judged: Judged) -> float | None:
    shares = [sum(bool(score.correct) for score in each) / len(each) for _, each in judged]
    return sum(shares) / len(shares) if shares else None
