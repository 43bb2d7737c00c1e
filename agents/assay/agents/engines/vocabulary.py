"""Which tokens end a completion, and which may never be sampled."""

from __future__ import annotations

from typing import Any

from assay.agents.chat import Chat

_MODALITY = ("image_token", "video_token", "audio_token", "vision_start_token", "vision_end_token", "vision_token")


def end_ids(model: Any, tokenizer: Any, chat: Chat | None) -> frozenset[int]:
    """End tokens: the tokenizer's, the generation configuration's, and the one that the chat template closes with.

    The last matters for base models under a chat template, whose own end token is another.
    """
    inner = getattr(tokenizer, "tokenizer", tokenizer)
    found: set[int] = set()
    for value in (inner.eos_token_id, getattr(getattr(model, "generation_config", None), "eos_token_id", None)):
        found.update(value if isinstance(value, list | tuple) else [value] if value is not None else [])
    if chat is not None and chat.closing and chat.closing[0] in inner.all_special_ids:
        found.add(chat.closing[0])
    return frozenset(found)


def banned_ids(model: Any, tokenizer: Any, vocab: int) -> tuple[int, ...]:
    """Tokens that may not be sampled, ascending.

    Placeholders of images, videos and sound, which a later forward pass would take for a real one; and rows of a padded
    embedding that stand for no token at all.

    Args:
        model: its configuration names placeholder ids.
        tokenizer: a tokenizer or processor.
        vocab: the width of the logits.
    """
    inner = getattr(tokenizer, "tokenizer", tokenizer)
    found = set(range(len(inner), vocab))
    for stem in _MODALITY:
        for owner in (model.config, tokenizer, inner):
            for name in (f"{stem}_id", f"{stem}_index"):
                value = getattr(owner, name, None)
                if isinstance(value, int) and 0 <= value < vocab:
                    found.add(value)
    return tuple(sorted(found))
