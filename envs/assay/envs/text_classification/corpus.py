"""From raw rows to splits that share no text, with a record of what was left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.envs.labels import (
    carve,
    check_label_column,
    check_labels,
    class_balance,
    count,
    distinct,
    told_unseen,
    without_held_out,
)
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.sources import Row, Source


@dataclass
class Corpus:
    """Clean data.

    Attributes:
        rows: by split.
        labels: the closed label list, in its fixed order.
        definitions: by label; only those that were given.
        dropped: why rows were left out, counted.
    """

    rows: dict[str, list[Row]]
    labels: list[str]
    definitions: dict[str, str]
    dropped: dict[str, int]
    name: str
    licence: str

    def summary(self, split: str) -> dict[str, Any]:
        """Rows by split, what was dropped, and the class balance of one split."""
        return {
            "source": self.name,
            "licence": self.licence,
            "rows": {name: len(rows) for name, rows in self.rows.items()},
            "dropped": self.dropped,
        } | class_balance((row.label for row in self.rows[split]), self.labels)


def build_corpus(source: Source, options: Options) -> Corpus:
    """Select labels, drop repeats, split, and refuse what cannot be evaluated honestly.

    Raises:
        ValueError: one line; labels that fold to one, a wanted label that is missing, fewer than two labels, a text in
            two given splits, or a held-out label that training does not have.
    """
    every = [row.label for rows in source.parts.values() for row in rows]
    check_label_column(every, source.name)
    present = set(every)
    labels = check_labels(options.labels, sorted(present, key=lambda label: (label.casefold(), label)))
    dropped: dict[str, int] = {}
    parts = {split: _clean(rows, set(labels), dropped) for split, rows in source.parts.items()}
    parts = without_held_out(parts, lambda row: row.text, options.overlap, "texts", dropped)
    # What differs in case or spacing only is no other text: it never counts as held out.
    parts = without_held_out(parts, lambda row: fold_text(row.text), "drop", "texts", dropped)
    splits = carve(parts, lambda row: fold_text(row.text), options.test_share, options.dev_share)
    splits["train"] = _training_rows(splits["train"], options, dropped)
    known = {row.label for row in splits["train"]}
    unseen = {row.label for split in ("dev", "test") for row in parts.get(split, ())} - known
    if unseen:
        raise ValueError(
            f"held-out rows have labels that training rows lack: {', '.join(sorted(unseen)[:5])}; add such rows, or "
            "name the labels to keep (--env.labels)"
        )
    told_unseen(splits, lambda row: row.label, source.name)
    return Corpus(splits, labels, dict(source.definitions), dropped, source.name, source.licence)


def _clean(rows: Sequence[Row], labels: set[str], dropped: dict[str, int]) -> list[Row]:
    chosen = [row for row in rows if row.label in labels]
    count(dropped, "of other labels", len(rows) - len(chosen))
    return distinct(chosen, lambda row: row.text, lambda row: row.label, dropped)


def _training_rows(rows: list[Row], options: Options, dropped: dict[str, int]) -> list[Row]:
    sure = [row for row in rows if not row.uncertain] if options.uncertainty == "exclude" else rows
    count(dropped, "uncertain", len(rows) - len(sure))
    kept = few_per_label(sure, options.per_label) if options.per_label else sure
    count(dropped, "over per_label", len(sure) - len(kept))
    return kept


def few_per_label(rows: Sequence[Row], count: int) -> list[Row]:
    """At most ``count`` rows of each label, the smallest by hash (so that fewer are a subset of more), in order."""
    ranked: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).digest()):
        ranked.setdefault(row.label, []).append(row)
    kept = {row for group in ranked.values() for row in group[:count]}
    return [row for row in rows if row in kept]


def fold_text(text: str) -> str:
    """What makes two texts the same for splitting: case and spacing do not count."""
    return " ".join(text.casefold().split())
