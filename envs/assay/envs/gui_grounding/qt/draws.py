"""Tasks of the ``qt`` source, drawn inside a worker: the first scene of a stream that falls into a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.instructions import Instruction, write_instructions
from assay.envs.gui_grounding.qt.frames import RefusedError
from assay.envs.gui_grounding.qt.scenes import layout_of, shown, survey
from assay.envs.tasks import content_id, split_of

_ATTEMPTS = 300


def state_key(kind: str, elements: Sequence[Element]) -> str:
    """What a window shows, whatever it looks like and wherever it stands: the key by which scenes are split."""
    return content_id("state", kind, sorted({(e.role, e.name, e.label, e.path) for e in elements}))


def draw_scene(
    seed: int,
    split: str,
    number: int,
    count: int,
    apps: Sequence[str],
    kinds: Sequence[str],
    hard: str,
    test_share: float,
    dev_share: float,
    compact: bool = False,
) -> dict[str, Any]:
    """Scene ``number`` of a split: the window and ``count`` tasks on it.

    A stream of windows depends on ``(seed, split, number)`` alone; the first one is taken whose state falls into the
    split and that has enough tasks. Half of the windows are hard ones unless ``hard`` says otherwise.

    Returns:
        ``kind``, ``seed`` and ``hard`` of the window, its ``size``, ``layout`` and ``tasks``.

    Raises:
        RefusedError: if no window of the stream has them.
    """
    rng = seeded("qt-source", seed, split, number)
    for _ in range(_ATTEMPTS):
        kind, scene = rng.choice(list(apps)), rng.getrandbits(48)
        difficult = hard == "only" or (hard == "mixed" and rng.random() < 0.5)
        with shown(kind, scene, difficult, compact) as window:
            elements, size = survey(window.main)
        if split_of(state_key(kind, elements), test_share, dev_share) != split:
            continue
        tasks = _instructions(elements, seeded("qt-words", kind, scene, number), count, kinds, hard, difficult)
        if len(tasks) == count:
            layout = layout_of(elements, size)
            return {"kind": kind, "seed": scene, "hard": difficult, "size": list(size), "layout": layout} | {
                "tasks": [_task(each) for each in tasks]
            }
    raise RefusedError(f"source qt draws no {split} windows with such tasks: check kinds, hard, apps and test_share")


def _instructions(
    elements: Sequence[Element], rng: Any, count: int, kinds: Sequence[str], hard: str, difficult: bool
) -> list[Instruction]:
    """In a difficult window of a mixed set, half of the tasks are on look-alikes where there are any."""
    if not (hard == "mixed" and difficult):
        return write_instructions(elements, rng, count, kinds, hard)
    first = write_instructions(elements, rng, (count + 1) // 2, kinds, "only")
    taken = {(each.kind, each.element.key) for each in first}
    texts = {each.text for each in first}
    others = write_instructions(elements, rng, count, kinds, "mixed")
    fresh = [each for each in others if (each.kind, each.element.key) not in taken and each.text not in texts]
    return (first + fresh)[:count]


def _task(made: Instruction) -> dict[str, Any]:
    return {
        "instruction": made.text,
        "kind": made.kind,
        "hard": made.hard,
        "box": list(made.element.box),
        "role": made.element.role,
        "name": made.element.name,
    }
