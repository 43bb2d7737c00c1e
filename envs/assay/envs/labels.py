"""What any labelled data must satisfy before anything is measured on it, and how even its classes are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from assay.envs.tables import tell
from assay.envs.tasks import split_of
from assay.verifiers.classify.labels import label_key

T = TypeVar("T")
SPLITS = ("train", "dev", "test")


def check_labels(wanted: Sequence[str], present: Sequence[str]) -> list[str]:
    """The closed label list: ``wanted`` in its order, or all that are ``present``.

    Raises:
        ValueError: one line; a wanted label is missing or named twice, two labels look the same to the parser, or there
            are fewer than two.
    """
    labels = list(wanted) or list(present)
    missing = [label for label in labels if label not in set(present)]
    if missing:
        known = f"the {len(present)} labels begin with: {', '.join(list(present)[:10])}"
        raise ValueError(f"no row has the label {missing[0]!r}; {known}")
    folded: dict[str, str] = {}
    for label in labels:
        key = label_key(label)
        if key in folded:
            raise ValueError(f"the labels {folded[key]!r} and {label!r} are one label once case and spacing are folded")
        folded[key] = label
    if len(labels) < 2:
        raise ValueError(f"classification needs at least two labels; there is {', '.join(map(repr, labels)) or 'none'}")
    return labels


_MANY = 20


def check_label_column(labels: Sequence[str], where: str) -> None:
    """Refuse a column in which nearly every row has a label of its own: it holds texts or numbers, not classes.

    Raises:
        ValueError: one line.
    """
    kinds = len(set(labels))
    if kinds > _MANY and 2 * kinds > len(labels):
        raise ValueError(f"{where}: {len(labels)} rows have {kinds} different labels: is that the label column?")


def label_text(value: Any, column: str, number: int, where: str) -> str:
    """The label that a cell holds, on one line with single spaces; ``""`` where it holds none.

    Raises:
        ValueError: one line, if the cell holds several values.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():  # integers that met an empty cell became floats
        return str(int(value))
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())
    raise ValueError(f"{where}, row {number}: one label a row is needed; {column!r} holds {type(value).__name__}")


def told_unusable(lacking: Mapping[str, Sequence[int]], total: int, where: str) -> None:
    """Warn of rows that were left out, by the column in which they have nothing.

    Raises:
        ValueError: one line, if all rows lack the same.
    """
    for column, numbers in lacking.items():
        if numbers and len(numbers) == total:
            raise ValueError(f"{where}: the column {column!r} is empty in all {total} rows")
        if numbers:
            tell(
                f"{where}: {len(numbers)} of {total} rows have no {column!r} (the first is row {numbers[0]}); left out"
            )


def told_unseen(splits: Mapping[str, Sequence[T]], label: Callable[[T], str], where: str) -> None:
    """Warn of labels whose few rows were all held out by hash, so that training never shows them."""
    known = {label(item) for item in splits["train"]}
    for split in ("dev", "test"):
        unseen = sorted({label(item) for item in splits[split]} - known)
        if unseen and known:
            shown = ", ".join(map(repr, unseen[:3])) + (" and others" if len(unseen) > 3 else "")
            tell(f"{where}: all rows of {len(unseen)} labels fell into {split} ({shown}): training never shows them")


def class_balance(labels: Iterable[str], classes: Sequence[str]) -> dict[str, Any]:
    """Rows of each class, the majority's share (what a constant answer gets right) and largest / smallest."""
    counts = Counter(dict.fromkeys(classes, 0))
    counts.update(labels)
    largest, smallest = max(counts.values()), min(counts.values())
    return {
        "labels": len(classes),
        "per_label": dict(counts),
        "majority_share": largest / max(1, counts.total()),
        "imbalance": largest / smallest if smallest else float("inf"),
    }


def distinct(
    items: Sequence[T], key: Callable[[T], Hashable], label: Callable[[T], str], dropped: dict[str, int]
) -> list[T]:
    """The first item of each key, in order; a key that has two labels is left out. ``dropped`` counts both."""
    first: dict[Hashable, T] = {}
    labels: dict[Hashable, set[str]] = {}
    for item in items:
        first.setdefault(key(item), item)
        labels.setdefault(key(item), set()).add(label(item))
    clear = [item for each, item in first.items() if len(labels[each]) == 1]
    count(dropped, "repeated", len(items) - len(first))
    count(dropped, "with two labels", len(first) - len(clear))
    return clear


def carve(
    parts: Mapping[str, Sequence[T]], key: Callable[[T], str], test_share: float, dev_share: float
) -> dict[str, list[T]]:
    """Splits ``train``, ``dev`` and ``test``: as given, the missing ones cut out of training by the hash of ``key``.

    Data without any split is one part, ``train``.
    """
    splits = {split: list(parts.get(split, ())) for split in SPLITS}
    shares = (0.0 if "test" in parts else test_share, 0.0 if "dev" in parts else dev_share)
    rows, splits["train"] = splits["train"], []
    for row in rows:
        splits[split_of(key(row), *shares)].append(row)
    return splits


def count(dropped: dict[str, int], reason: str, number: int) -> None:
    """Add to the tally of rows left out; a reason without rows stays unnamed."""
    if number:
        dropped[reason] = dropped.get(reason, 0) + number


def without_held_out(
    parts: Mapping[str, Sequence[T]],
    key: Callable[[T], Hashable],
    overlap: Literal["refuse", "drop"],
    what: str,
    dropped: dict[str, int],
) -> dict[str, list[T]]:
    """Given splits without what stands in two of them: refused, or dropped from the one that is nearer to training.

    Raises:
        ValueError: one line with the count, if ``overlap`` is ``"refuse"``.
    """
    splits = {split: list(rows) for split, rows in parts.items()}
    for later, earlier in (("test", "dev"), ("test", "train"), ("dev", "train")):
        if later not in splits or earlier not in splits:
            continue
        held = {key(item) for item in splits[later]}
        kept = [item for item in splits[earlier] if key(item) not in held]
        same = len(splits[earlier]) - len(kept)
        if same and overlap == "refuse":
            raise ValueError(
                f"{same} {what} stand in both {earlier} and {later}; overlap='drop' drops them from {earlier}"
            )
        count(dropped, "also held out", same)
        splits[earlier] = kept
    return splits
