"""tiny-vlm: cheap points, near numbers near, built and read back offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from assay.agents.chat import Chat
from assay.agents.engines.hf import HFPolicy
from assay.agents.models import load_model
from assay.agents.policy import Request, Sampling
from assay.agents.tiny_vlm import NUMBERS, tiny_vlm, tiny_vlm_tokenizer


@pytest.fixture(scope="module")
def built() -> tuple[Any, Any]:
    return tiny_vlm()


def ask(processor: Any, image: Image.Image) -> Request:
    messages = [
        {"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": "Click Save"}]}
    ]
    return Request(messages, Chat(processor).open(messages), 3, Sampling(12), (image,))


def test_a_point_is_six_tokens_and_any_text_comes_back(built: tuple[Any, Any]) -> None:
    tokenizer = built[1].tokenizer
    assert 1000 < len(tokenizer) <= 2000
    chat = Chat(built[1])
    assert len(chat.answer('[{"point_2d": [12, 345]}]')) == 6
    assert len(chat.answer('[{"point_2d": [12, 345]}, {"point_2d": [7, 999]}]')) == 10
    for text in ('[{"point_2d": [0, 100]}]', "Click “Schließen” at 1280x800, 007", "[ ]}{ point_2d 1.5"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    with pytest.raises(ValueError, match="at least"):
        tiny_vlm_tokenizer(1000)


def test_near_numbers_and_places_start_near(built: tuple[Any, Any]) -> None:
    model, processor = built
    numbers = processor.tokenizer.convert_tokens_to_ids([str(number) for number in range(NUMBERS)])
    rows = torch.nn.functional.normalize(model.get_input_embeddings().weight[torch.tensor(numbers)], dim=-1)
    like = rows @ rows.T
    assert like.diagonal(2).mean() > 0.9 > 0.5 > like.diagonal(200).mean()
    seeing = model.model.vision_model.embeddings
    places = torch.nn.functional.normalize(seeing.position_embedding.weight, dim=-1)
    side = seeing.num_patches_per_side
    assert (places[0] @ places[1]) > (places[0] @ places[side - 1])
    light = torch.full((1, 3, 16, 16), 0.8)
    assert seeing.patch_embedding.weight.sum((2, 3)).abs().max() < 1, "a patch's mean hardly counts"
    assert torch.isfinite(seeing.patch_embedding(light)).all()


def test_it_is_the_same_every_time_and_reads_back(built: tuple[Any, Any], tmp_path: Path) -> None:
    model, processor = built
    before = torch.random.get_rng_state()
    again, _ = tiny_vlm()
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    image = Image.new("RGB", (360, 300), "white")
    image.paste((0, 0, 0), (20, 20, 60, 40))
    pairs = ((model, processor), load_model(str(tmp_path), device="cpu"), load_model("tiny-vlm", device="cpu"))
    said = [HFPolicy(*pair).generate([ask(pair[1], image)])[0].ids for pair in pairs]
    assert said[0] == said[1] == said[2]


def test_sides_that_patches_do_not_fill_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        tiny_vlm(side=336, shuffle=2)
