"""From raw rows to splits that share no text, with a record of what was left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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

    def summary(self) -> dict[str, Any]:
        """Sizes and class balance: rows by split, and for training rows the majority share and largest/smallest."""
        counts = Counter(dict.fromkeys(self.labels, 0))
        counts.update(row.label for row in self.rows["train"])
        largest, smallest = max(counts.values()), min(counts.values())
        return {
            "source": self.name,
            "licence": self.licence,
            "rows": {split: len(rows) for split, rows in self.rows.items()},
            "labels": len(self.labels),
            "train_per_label": dict(counts),
            "majority_share": largest / max(1, counts.total()),
            "imbalance": largest / smallest if smallest else float("inf"),
            "dropped": {reason: count for reason, count in self.dropped.items() if count},
        }


def build_corpus(source: Source, options: Options) -> Corpus:
    """Select labels, drop repeats, split, and refuse what cannot be evaluated honestly.

    Raises:
        ValueError: one line; labels that fold to one, a wanted label that is missing, fewer than two labels, a text in
            two given splits, or a held-out label that training does not have.
    """
    given = "all" not in source.parts
    labels = _labels(source, options)
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


def fold_label(label: str) -> str:
    """What makes two labels the same for the parser."""
    return " ".join(label.strip().strip("\"'").casefold().split()).rstrip(".")


def _labels(source: Source, options: Options) -> list[str]:
    present = {row.label for rows in source.parts.values() for row in rows}
    labels = list(options.labels) or sorted(present, key=lambda label: (label.casefold(), label))
    missing = [label for label in labels if label not in present]
    if missing:
        some = ", ".join(sorted(present)[:10])
        raise ValueError(f"no row has the label {missing[0]!r}; the {len(present)} labels begin with: {some}")
    folded: dict[str, str] = {}
    for label in labels:
        first = folded.setdefault(fold_label(label), label)
        if first is not label:
            raise ValueError(
                f"the labels {first!r} and {label!r} cannot be told apart once case and spacing are folded"
            )
    if len(labels) < 2:
        raise ValueError(f"classification needs at least two labels; there is {', '.join(map(repr, labels)) or 'none'}")
    return labels


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
    """Splits as given. A text in two of them is refused or dropped; one that differs in case or spacing is dropped."""
    splits = {split: list(parts.get(split, [])) for split in _SPLITS}
    for later, earlier in (("test", "dev"), ("test", "train"), ("dev", "train")):
        exact = {row.text for row in splits[later]}
        folded = {fold_text(text) for text in exact}
        same = sum(row.text in exact for row in splits[earlier])
        if same and options.overlap == "refuse":
            raise ValueError(
                f"{same} texts stand in both {earlier} and {later}; overlap='drop' drops them from {earlier}"
            )
        kept = [row for row in splits[earlier] if fold_text(row.text) not in folded]
        dropped["also held out"] += len(splits[earlier]) - len(kept)
        splits[earlier] = kept
    return splits


def _by_hash(rows: list[Row], options: Options) -> dict[str, list[Row]]:
    splits: dict[str, list[Row]] = {split: [] for split in _SPLITS}
    for row in rows:
        splits[_split(row, options.test_share, options.dev_share)].append(row)
    return splits


def _split(row: Row, test_share: float, dev_share: float) -> str:
    return split_of(fold_text(row.text), test_share, dev_share)
