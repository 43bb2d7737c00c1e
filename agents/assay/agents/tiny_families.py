"""Random vision-language models of the published classes, a fraction of a megaparameter each, as folders on disk.

For trying out what a family needs (processor, image layout, position rule) without a download.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.agents.tiny import VISION_CHATML, tiny_tokenizer

QWEN_CHATML = VISION_CHATML.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
TEXT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 1024, "initializer_range": 0.2, "eos_token_id": 2,
    "bos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
KINDS = ("qwen2_5_vl", "qwen3_vl", "smolvlm")
"""``model_type`` of each."""


def save_tiny(kind: str, folder: Path) -> Path:
    """Write a model folder of a kind, laid out as a hub repository; returns it.

    Args:
        kind: one of :data:`KINDS`.
        folder: where.

    Raises:
        ValueError: naming the kinds there are.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind {kind!r}: use {', '.join(KINDS)}")
    model, tokenizer, pixels, files = _qwen(kind) if kind.startswith("qwen") else _smolvlm()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pixels.save_pretrained(folder)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def _qwen(kind: str) -> tuple[Any, Any, Any, dict[str, Any]]:
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
    )
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = tiny_tokenizer()
    more = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": more})
    tokenizer.chat_template = QWEN_CHATML
    start, end, image, video = tokenizer.convert_tokens_to_ids(more)
    marks = {
        "vision_start_token_id": start, "vision_end_token_id": end, "image_token_id": image, "video_token_id": video,
    }  # fmt: skip
    old = kind == "qwen2_5_vl"
    side = 14 if old else 16
    vision: dict[str, Any] = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64,
        "patch_size": side, "initializer_range": 0.2,
    }  # fmt: skip
    text: dict[str, Any] = {**TEXT, "vocab_size": len(tokenizer), "head_dim": 16}
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    if old:
        vision |= {"fullatt_block_indexes": [1], "window_size": 56}
        text["rope_parameters"] = rope
        config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **marks)
        made = Qwen2_5_VLForConditionalGeneration
    else:
        vision |= {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64}
        text["rope_parameters"] = {**rope, "mrope_interleaved": True}
        config = Qwen3VLConfig(text_config=text, vision_config=vision, **marks)
        made = Qwen3VLForConditionalGeneration
    model = _random(made, config)
    size = {"shortest_edge": 4 * side**2, "longest_edge": 400 * side**2}
    pixels = Qwen2VLImageProcessorPil(patch_size=side, size=size)
    return model, tokenizer, pixels, {"chat_template.json": {"chat_template": QWEN_CHATML}}


def _smolvlm() -> tuple[Any, Any, Any, dict[str, Any]]:
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    tokenizer = tiny_tokenizer()
    grid = [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
    more = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *grid]
    tokenizer.add_special_tokens({"additional_special_tokens": more})
    tokenizer.chat_template = VISION_CHATML
    config = SmolVLMConfig(
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(tokenizer)},
        vision_config={"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                       "image_size": 56, "patch_size": 14, "initializer_range": 0.2},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), scale_factor=2, pad_token_id=0,
    )  # fmt: skip
    model = _random(SmolVLMForConditionalGeneration, config)
    pixels = SmolVLMImageProcessorPil(
        do_image_splitting=True, size={"longest_edge": 112}, max_image_size={"longest_edge": 56}
    )
    return model, tokenizer, pixels, {"processor_config.json": {"image_seq_len": 4}}


def _random(kind: Any, config: Any) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(config)
