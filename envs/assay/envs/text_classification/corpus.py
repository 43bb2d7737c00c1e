"""From raw rows to splits that share no text, with a record of what was left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.envs.labels import check_labels, class_balance, without_held_out
from assay.envs.tasks import split_of
from assay.envs.text_classification.options import Options
from assay.envs.text_classification.sources import Row, Source

_SPLITS = ("train", "dev", "test")


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
            "dropped": {reason: count for reason, count in self.dropped.items() if count},
        } | class_balance((row.label for row in self.rows[split]), self.labels)


def build_corpus(source: Source, options: Options) -> Corpus:
    """Select labels, drop repeats, split, and refuse what cannot be evaluated honestly.

    Raises:
        ValueError: one line; labels that fold to one, a wanted label that is missing, fewer than two labels, a text in
            two given splits, or a held-out label that training does not have.
    """
    given = "all" not in source.parts
    present = {row.label for rows in source.parts.values() for row in rows}
    labels = check_labels(options.labels, sorted(present, key=lambda label: (label.casefold(), label)))
    wanted = set(labels)
    dropped = {"of other labels": 0, "repeated": 0, "with two labels": 0, "also held out": 0, "uncertain": 0}
    dropped["over per_label"] = 0
    parts: dict[str, list[Row]] = {}
    for split, rows in source.parts.items():
        chosen = [row for row in rows if row.label in wanted]
        dropped["of other labels"] += len(rows) - len(chosen)
        parts[split] = _distinct(chosen, dropped)
    splits = _given(parts, options, dropped) if given else _by_hash(parts["all"], options)
    if given and not options.dev_path and "dev" not in parts and options.dev_share:
        splits["dev"] = [row for row in splits["train"] if _split(row, 0.0, options.dev_share) == "dev"]
        splits["train"] = [row for row in splits["train"] if _split(row, 0.0, options.dev_share) != "dev"]
    if options.uncertainty == "exclude":
        kept = [row for row in splits["train"] if not row.uncertain]
        dropped["uncertain"] = len(splits["train"]) - len(kept)
        splits["train"] = kept
    if options.per_label:
        kept = few_per_label(splits["train"], options.per_label)
        dropped["over per_label"] = len(splits["train"]) - len(kept)
        splits["train"] = kept
    if given:
        unseen = {row.label for split in ("dev", "test") for row in splits[split]} - {r.label for r in splits["train"]}
        if unseen:
            raise ValueError(f"held-out rows have labels that training rows lack: {', '.join(sorted(unseen)[:5])}")
    return Corpus(splits, labels, dict(source.definitions), dropped, source.name, source.licence)


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


def _distinct(rows: Iterable[Row], dropped: dict[str, int]) -> list[Row]:
    labels: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    total = 0
    for row in rows:
        total += 1
        labels.setdefault(row.text, set()).add(row.label)
        first.setdefault(row.text, row)
    clear = [row for text, row in first.items() if len(labels[text]) == 1]
    dropped["with two labels"] += len(first) - len(clear)
    dropped["repeated"] += total - len(first)
    return clear


def _given(parts: dict[str, list[Row]], options: Options, dropped: dict[str, int]) -> dict[str, list[Row]]:
    """Splits as given, less what is also held out; texts that differ in case or spacing only are always dropped."""
    exact = without_held_out(parts, lambda row: row.text, options.overlap, "texts", dropped)
    return without_held_out(exact, lambda row: fold_text(row.text), "drop", "texts", dropped)


def _by_hash(rows: list[Row], options: Options) -> dict[str, list[Row]]:
    splits: dict[str, list[Row]] = {split: [] for split in _SPLITS}
    for row in rows:
        splits[_split(row, options.test_share, options.dev_share)].append(row)
    return splits


def _split(row: Row, test_share: float, dev_share: float) -> str:
    return split_of(fold_text(row.text), test_share, dev_share)
