"""Qwen2.5-VL, Qwen3-VL and SmolVLM from folders: loaded, sampled from and scored, with their own image layouts."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from assay.agents.chat import Chat
from assay.agents.engines.features import image_features, places
from assay.agents.engines.hf import HFPolicy
from assay.agents.engines.pictures import Pictures, check_count
from assay.agents.models import ModelError, load_model
from assay.agents.policy import Request, Sampling
from assay.agents.processors import QWEN, ImageProcessor
from assay.agents.tiny_families import KINDS, save_tiny


@pytest.fixture(scope="module", params=KINDS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Any, Path]:
    folder = save_tiny(request.param, tmp_path_factory.mktemp(request.param))
    return (request.param, *load_model(str(folder), device="cpu"), folder)


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def ask(chat: Chat, *images: Image.Image, words: str = "where?", seed: int = 0) -> Request:
    parts = [{"type": "image", "image": image} for image in images]
    messages = [{"role": "user", "content": [*parts, {"type": "text", "text": words}]}]
    return Request(messages, chat.open(messages), seed, Sampling(8), tuple(images))


def plain_logprobs(model: Any, processor: Any, request: Request, drawn: tuple[int, ...]) -> list[float]:
    """The stock way: one row, the processor's own tensors, positions counted by the model."""
    made = processor.image_processor([list(request.images)], return_tensors="pt")
    ids = torch.tensor([[*request.ids, *drawn]])
    inputs = {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
    if "image_grid_thw" in inputs:
        inputs["mm_token_type_ids"] = (ids == model.config.image_token_id).long()
    with torch.no_grad():
        logits = model(input_ids=ids, **inputs).logits
    return (
        logits[0, len(request.ids) - 1 : -1].log_softmax(-1).gather(-1, ids[0, len(request.ids) :, None])[:, 0].tolist()
    )


def test_a_folder_loads_without_what_videos_need(loaded: tuple[str, Any, Any, Path]) -> None:
    kind, model, processor, _ = loaded
    assert model.config.model_type == kind
    assert isinstance(processor, ImageProcessor) == (find_spec("torchvision") is None)


def test_placeholders_are_as_many_as_features(loaded: tuple[str, Any, Any, Path]) -> None:
    _, model, processor, _ = loaded
    chat, pictures = Chat(processor), Pictures(processor)
    for images in ([picture(60, 40)], [picture(130, 70), picture(50, 90, 1)]):
        ids, seen = ask(chat, *images).ids, [pictures(image) for image in images]
        check_count(ids, model.config.image_token_id, seen)
        assert sum(one.tokens for one in seen) > 0
        with pytest.raises(ValueError, match="image placeholder tokens, but the"):
            check_count((*ids[:-1], model.config.image_token_id), model.config.image_token_id, seen)


def test_sampling_gives_the_logprobs_of_the_stock_forward(loaded: tuple[str, Any, Any, Path]) -> None:
    _, model, processor, _ = loaded
    policy, chat = HFPolicy(model, processor), Chat(processor)
    wide, high = picture(130, 70), picture(50, 90, 1)
    requests = [ask(chat, image, seed=seed) for image in (wide, high) for seed in range(2)]
    requests += [ask(chat, wide, high, words="both?", seed=5), Request([{"role": "user", "content": "none"}])]
    completions = policy.generate(requests)
    assert policy.shares
    for request, completion in zip(requests[:-1], completions, strict=False):
        assert model.config.image_token_id not in completion.ids
        wanted = plain_logprobs(model, processor, request, completion.ids)
        assert completion.logprobs == pytest.approx(wanted, abs=2e-4)
    alone = [policy.generate([request])[0].ids for request in requests]
    assert alone == [completion.ids for completion in completions]


def test_images_change_what_is_said(loaded: tuple[str, Any, Any, Path]) -> None:
    _, model, processor, _ = loaded
    policy, chat = HFPolicy(model, processor), Chat(processor)
    a, b = (policy.generate([ask(chat, picture(100, 60, seed))])[0] for seed in (0, 1))
    assert a.logprobs != b.logprobs


def test_saved_and_loaded_again_it_says_the_same(loaded: tuple[str, Any, Any, Path], tmp_path: Path) -> None:
    _, model, processor, _ = loaded
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again, reader = load_model(str(tmp_path), device="cpu")
    image = picture(100, 60)
    requests = [ask(Chat(one), image, seed=3) for one in (processor, reader)]
    assert requests[0].ids == requests[1].ids
    first, second = (HFPolicy(*pair).generate([requests[0]])[0] for pair in ((model, processor), (again, reader)))
    assert first.ids == second.ids


def test_positions_of_a_prefix_hold_for_all_that_follows(loaded: tuple[str, Any, Any, Path]) -> None:
    kind, model, processor, _ = loaded
    chat, images = Chat(processor), [picture(130, 70), picture(50, 90, 1)]
    ids = [*ask(chat, *images).ids, 5, 6, 7]
    rule = places(model, processor, ids, images)
    if kind not in QWEN:
        assert rule is None
        return
    inputs = image_features(model, processor, [ids], [images])
    stock, _ = model.model.get_rope_index(
        torch.tensor([ids]), mm_token_type_ids=inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    assert rule is not None
    assert np.array_equal(rule.at(np.arange(len(ids))), stock[:, 0].numpy())


def test_a_tokenizer_without_placeholder_is_one_line(loaded: tuple[str, Any, Any, Path], tmp_path: Path) -> None:
    from assay.agents.tiny import tiny_tokenizer

    _, model, processor, _ = loaded
    if not isinstance(processor, ImageProcessor):
        pytest.skip("the stock processor reads it")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        (tmp_path / name).unlink(missing_ok=True)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has no <"):
        load_model(str(tmp_path), device="cpu")


def test_tokens_and_tensors_are_those_of_the_stock_processor(loaded: tuple[str, Any, Any, Path]) -> None:
    """The stock classes are tried without their video half, which is what needs torchvision."""
    from transformers import Qwen2_5_VLProcessor, Qwen3VLProcessor

    kind, _, processor, _ = loaded
    if kind not in QWEN or not isinstance(processor, ImageProcessor):
        pytest.skip("SmolVLM's also needs num2words; where the stock processor is whole, it is the one in use")
    stock: Any = Qwen2_5_VLProcessor if kind == "qwen2_5_vl" else Qwen3VLProcessor

    class Still(stock):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return ["image_processor", "tokenizer"]

        def __init__(self, pixels: Any, tokenizer: Any) -> None:
            self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
            self.vision_start_token, self.vision_end_token = "<|vision_start|>", "<|vision_end|>"
            self.chat_template = None
            self.image_processor, self.tokenizer = pixels, tokenizer

    images = [picture(130, 70), picture(50, 90, 1)]
    text = "look <|vision_start|><|image_pad|><|vision_end|> and <|vision_start|><|image_pad|><|vision_end|>."
    ours = processor(text=[text], images=[images], add_special_tokens=False)
    theirs = Still(processor.image_processor, processor.tokenizer)(text=[text], images=images, return_tensors="pt")
    assert ours["input_ids"] == theirs["input_ids"].tolist()
    assert torch.equal(ours["pixel_values"], theirs["pixel_values"])
    assert torch.equal(ours["image_grid_thw"], theirs["image_grid_thw"])
