"""Which column is meant: the one that was named, whatever its case, or the one that is called as such columns are."""

from __future__ import annotations

from collections.abc import Sequence

from assay.envs.tables import tell

USUAL = {
    "text": ("text", "sentence", "content", "body", "message", "review", "review text", "comment", "tweet", "utterance",
             "question", "query", "document", "input", "headline", "description", "title", "prompt"),
    "label": ("label", "labels", "category", "class", "intent", "target", "sentiment", "topic", "tag", "department",
              "output", "y"),
    "image": ("image", "img", "picture", "photo", "file", "filename", "file_name", "path", "image_path"),
}  # fmt: skip
"""What columns are called, the likeliest first."""


def find_column(columns: Sequence[str], named: str, role: str, where: str) -> str:
    """The column of a ``role`` (text, label or image).

    Args:
        columns: those that exist.
        named: the one that was asked for, exact or but for case and outer spaces; ``""`` for the one with a usual name,
            of several the one whose name comes first in :data:`USUAL`.
        role: what it holds.
        where: the file, for messages.

    Raises:
        ValueError: one line that names the columns that exist.
    """
    folded = [column.strip().casefold() for column in columns]
    if named:
        if named in columns:
            return named
        near = [column for column, each in zip(columns, folded, strict=True) if each == named.strip().casefold()]
        if len(near) == 1:
            return near[0]
    else:
        for usual in USUAL[role]:
            found = [column for column, each in zip(columns, folded, strict=True) if each == usual]
            if len(found) == 1:
                if usual != USUAL[role][0]:
                    tell(f"{where}: {found[0]!r} is taken as the {role} column (--{role} names another)")
                return found[0]
    wanted = f"no column {named or USUAL[role][0]!r}"
    raise ValueError(f"{where} has {wanted}; it has: {', '.join(columns)}")
