"""What can be had without a model: a guess, the words of the question, and a program that reads the signs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.envs.results import Baseline
from assay.envs.tasks import content_id
from assay.envs.video_keyframes.oracle import said
from assay.envs.video_keyframes.records import letters_for

if TYPE_CHECKING:
    from assay.envs.tasks import Task


def at_random(task: Task, images: Sequence[Any], seed: int) -> str:
    """A letter drawn uniformly; where the problem has no letters, a one-digit number."""
    rng = random.Random(seed)
    letters = letters_for(len(task.meta.get("options", ())))
    return said(rng.choice(letters) if letters else str(rng.randrange(10)), task.truth)


def by_words(task: Task, images: Sequence[Any], seed: int) -> str:
    """The option that is most like the others, by its words: it is right where the others were made from it."""
    options = [str(each) for each in task.meta.get("options", ())]
    if not options:
        return at_random(task, images, seed)
    words = [each.replace(",", " ,").split() for each in options]
    alike = [sum(_same(mine, other) for other in words) for mine in words]
    best = [index for index, value in enumerate(alike) if value == max(alike)]
    return said(letters_for(len(options))[random.Random(seed).choice(best)], task.truth)


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=False)) + len(set(one) & set(other))


def by_signs(task: Task, images: Sequence[Any], seed: int) -> str:
    """Reads the signs on the frames shown and answers from them; guesses where they do not tell.

    Frames carry their second in ``info``; without one they count from 0.
    """
    import numpy as np

    from assay.envs.video_keyframes.events.answerer import Asked, answered, glimpses_of

    options = [str(each) for each in task.meta.get("options", ())]
    if not options:
        return at_random(task, images, seed)
    frames = [np.asarray(image.convert("RGB")) for image in images]
    seconds = [float(image.info.get("seconds", number)) for number, image in enumerate(images)]
    asked = Asked(str(task.meta.get("kind", "")), str(task.meta.get("about", "")), options)
    rng = random.Random(int(content_id(task.id, seed), 16))
    index = answered(asked, glimpses_of(frames, seconds), sorted(seconds), rng)
    return said(letters_for(len(options))[index], task.truth)


BASELINES = {
    "random": Baseline(at_random),
    "words": Baseline(by_words),
    "reader": Baseline(by_signs, sees=True),
}
"""Answers by name, for ``eval-agent --model NAME``."""
