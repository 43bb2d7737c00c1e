"""The small vision-language model of the study: words of its own prompts are single tokens, images are 16 of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SIDE, PATCH = 32, 8
"""Pixels of an image's side, and of a patch's."""


def small_vlm(texts: Iterable[str], seed: int = 0) -> tuple[Any, Any]:
    """A random model of about 0.8 million parameters and its processor.

    Args:
        texts: prompts and answers; every word of them becomes one token, and anything else is spelt in bytes.
        seed: of the weights.
    """
    from assay.agents.tiny_vlm import tiny_vlm

    return tiny_vlm(side=SIDE, patch=PATCH, vision_hidden=96, vision_layers=2, hidden=128, layers=3, seed=seed,
                    tokenizer=word_tokenizer(texts))  # fmt: skip


def word_tokenizer(texts: Iterable[str]) -> Any:
    """A byte-level BPE tokenizer with a chat template for images, in which each word of ``texts`` is a token."""
    from assay.agents.tiny import VISION_CHATML, tiny_tokenizer
    from assay.agents.tiny_vlm import with_marks

    made = tiny_tokenizer(2000, texts)
    made.chat_template = VISION_CHATML
    return with_marks(made)
