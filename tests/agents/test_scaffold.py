"""Chat as a scaffold: thoughts stay out of the action where thinking is the scaffold's business."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.agents.chat import Chat
from assay.agents.policy import Completion
from assay.agents.scaffolds.chat import ChatScaffold, Scaffold, without_thoughts


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("<think>a</think>\n\nyes", "yes"),
        ("no opening tag</think> yes ", "yes"),
        ("<think>a</think>b<think>c</think>yes", "yes"),
        ("  <think>never ends: yes", ""),
        ("yes", "yes"),
        ("I <think> so", "I <think> so"),
    ],
)
def test_thoughts_are_cut(text: str, action: str) -> None:
    assert without_thoughts(text) == action


def test_modes(make_family: Callable[..., Chat]) -> None:
    tokenizer = make_family("qwen3").tokenizer
    said = Completion("<think>a</think>yes")
    user = [{"role": "user", "content": "?"}]
    endings = {}
    for mode, action in (("auto", said.text), ("on", "yes"), ("off", "yes")):
        scaffold: Scaffold = ChatScaffold(tokenizer, think=mode)  # type: ignore[arg-type]
        assert scaffold.action(said) == action
        transcript = scaffold.transcript()
        transcript.open(user)
        endings[mode] = tokenizer.decode(transcript.ids).split("assistant\n")[-1]
    assert endings == {"auto": "", "on": "", "off": "<think>\n\n</think>\n\n"}
    assert ChatScaffold().transcript().chat is None
