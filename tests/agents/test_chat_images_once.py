"""Prompts with images are put into tokens once a size, as plain prompts are put into tokens once."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

from PIL import Image

from assay.agents.chat import Chat
from assay.agents.tiny_vlm import tiny_vlm


def test_rollouts_that_open_alike_are_encoded_once_and_other_sizes_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    _, processor = tiny_vlm(side=64, hidden=32, layers=1, vision_hidden=32, vision_layers=1)
    chat = Chat(processor)
    calls: list[tuple[int, int]] = []
    whole = type(processor).__call__

    def counted(self: Any, **given: Any) -> Any:
        calls.extend(image.size for image in given["images"][0])
        return whole(self, **given)

    monkeypatch.setattr(type(processor), "__call__", counted)

    def ask(colour: str, size: tuple[int, int], words: str = "Where?") -> tuple[int, ...]:
        image = Image.new("RGB", size, colour)
        parts = [{"type": "image", "image": image}, {"type": "text", "text": words}]
        return chat.open([{"role": "user", "content": parts}])

    first = ask("red", (64, 48))
    assert ask("blue", (64, 48)) == first
    assert calls == [(64, 48)]
    assert first.count(processor.tokenizer.convert_tokens_to_ids("<image>")) == 16
    ask("red", (48, 64))
    assert ask("red", (64, 48), "Why?") != first
    assert calls == [(64, 48), (48, 64), (64, 48)]
