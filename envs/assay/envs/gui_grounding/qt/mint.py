"""Grounding tasks from a Qt program that the user has: its windows are shown in a worker, off screen, and harvested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.candidates import seeded
from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.instructions import KINDS, write_instructions
from assay.envs.gui_grounding.qt.worker import QtWorker
from assay.envs.gui_grounding.records import Record, record_id

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Minted = tuple[Record, "Picture"]


def mint_qt(
    target: str,
    *,
    count: int = 100,
    seed: int = 0,
    kinds: Sequence[str] = KINDS,
    folder: str | Path = ".",
    patience: float = 60.0,
) -> list[Minted]:
    """Tasks on every window that ``module:function`` shows, at most ``count``, with their screenshots.

    The function is called without arguments after a ``QApplication`` was made; it shows its windows, or returns one or
    a list of them. It runs with the user's rights in a process of its own: it is the user's program. Open menus and
    lists of choices are shown one by one, so that their entries are harvested too.

    Args:
        target: ``module:function``; the module is looked for in ``folder`` first.
        count: tasks at most.
        seed: decides which, and their wording.
        kinds: kinds of instruction.
        folder: goes first on the module path.
        patience: seconds that showing and harvesting may take.

    Raises:
        ImportError: one line; PySide6 is not installed.
        ValueError: one line; there is no such module or function, it failed, it shows no window, or nothing on its
            windows can be clicked.
        InfraError: the program died or took too long.
    """
    module, _, function = target.partition(":")
    if not module or not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"--qt takes MODULE:FUNCTION, such as my_program.windows:main; got {target!r}")
    with QtWorker() as worker:
        views, blobs = worker.call(
            "assay.envs.gui_grounding.qt.programs:views_of",
            patience=patience,
            module=module,
            function=function,
            folder=os.path.abspath(folder),
        )
    minted: list[Minted] = []
    share = -(-count // max(1, len(views)))
    for number, (view, blob) in enumerate(zip(views, blobs, strict=True)):
        elements = [Element.from_dict(each) for each in view["elements"]]
        rng = seeded("qt-mint", seed, target, number)
        made = write_instructions(elements, rng, share, kinds)
        minted.extend(_minted(view, blob, made, target))
    if not minted:
        raise ValueError(f"{target}: no element on its windows can be clicked and told apart from the others")
    return minted[:count]


def _minted(view: dict[str, Any], blob: bytes, made: Sequence[Any], target: str) -> Iterator[Minted]:
    import hashlib

    from PIL import Image

    width, height = view["size"]
    picture = Image.frombytes("RGB", (width, height), blob)
    digest = hashlib.sha256(blob).hexdigest()[:16]
    for each in made:
        record = Record(
            image=f"{digest}.png",
            size=(width, height),
            instruction=each.text,
            box=each.element.box,
            role=each.element.role,
            kind=each.kind,
            hard=each.hard,
            source={"type": "qt", "app": target, "window": each.element.window},
            truth_from="widget geometry",
            id=record_id(digest, each.text, each.element.box),
        )
        yield record, picture
