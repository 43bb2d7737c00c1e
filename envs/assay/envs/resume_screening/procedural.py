"""Applications made by seed: no file, no network, and the right decision known by rule."""

from __future__ import annotations

import random
from functools import lru_cache

from assay.envs.resume_screening.facts import draw_facts
from assay.envs.resume_screening.forms import HELD_OUT, TRAINING
from assay.envs.resume_screening.records import Record
from assay.envs.resume_screening.wording import worded

COUNTS = {"train": 3000, "dev": 600, "test": 600}
_DEV_FORMS = 2


def forms_of(split: str) -> range:
    """The numbers of the resume forms of a split: six are for training, two for dev, four for test."""
    edge = len(TRAINING) - _DEV_FORMS
    return {
        "train": range(edge),
        "dev": range(edge, len(TRAINING)),
        "test": range(len(TRAINING), len(TRAINING) + len(HELD_OUT)),
    }[split]


@lru_cache(maxsize=8)
def procedural_records(split: str, count: int, seed: int, short: bool) -> tuple[Record, ...]:
    """Distinct applications of a split, half of them SELECTED; the same for the same arguments.

    Args:
        split: train, dev or test; no job and no form is in two of them.
        count: how many, at least 2; 0 takes 3,000 for training and 600 else.
        seed: of everything drawn.
        short: the short form.
    """
    wanted = count or COUNTS[split]
    records: dict[str, Record] = {}
    for number, facts in enumerate(draw_facts(split, wanted, seed, short, forms_of(split))):
        rng = random.Random(f"resume-words:{split}:{seed}:{short}:{number}")
        record = worded(facts, short, rng)
        while record.id in records:
            record = worded(facts, short, rng)
        records[record.id] = record
    return tuple(records.values())
