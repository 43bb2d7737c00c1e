"""Images through the hf engine: a tiny Idefics3 with its real processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from assay.agents.chat import Chat
from assay.agents.engines.hf import HFPolicy
from assay.agents.policy import Request, Sampling
from assay.agents.rollout import check_images
from assay.agents.tiny import tiny_vision_model

PER_IMAGE = 16


@pytest.fixture(scope="module")
def vision() -> tuple[Any, Any]:
    return tiny_vision_model()


def picture(shade: int) -> Image.Image:
    return Image.new("RGB", (112, 112), (shade, 255 - shade, shade // 2))


def question(*images: Any) -> list[dict[str, Any]]:
    parts = [{"type": "image", "image": image} for image in images]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "what is this?"}]}]


def ask(policy: HFPolicy, seed: int, *images: Any) -> Request:
    messages = question(*images)
    assert policy.contexts.chat is not None
    return Request(messages, policy.contexts.chat.open(messages), seed, Sampling(10), tuple(images))


def test_logprobs_match_a_whole_forward_pass_and_groups_share_the_image(vision: tuple[Any, Any]) -> None:
    model, processor = vision
    policy = HFPolicy(model, processor)
    dark, light = picture(10), picture(240)
    requests = [ask(policy, seed, image) for image in (dark, light) for seed in range(3)]
    requests += [ask(policy, 9, dark, light), Request([{"role": "user", "content": "no image"}], sampling=Sampling(5))]
    encoded: list[int] = []
    hook = model.model.vision_model.register_forward_hook(
        lambda _module, _inputs, out: encoded.append(len(out.last_hidden_state))
    )
    completions = policy.generate(requests)
    hook.remove()
    assert encoded == [4], "dark, light, and both again: an image that a group shares is encoded once"
    for request, completion in zip(requests[:-1], completions, strict=False):
        pixels = processor.image_processor([list(request.images)], return_tensors="pt")
        ids = torch.tensor([[*request.ids, *completion.ids]])
        with torch.no_grad():
            logits = model(input_ids=ids, **{k: v for k, v in pixels.items() if k.startswith("pixel")}).logits
        plain = logits[0, len(request.ids) - 1 : -1].log_softmax(-1).gather(-1, ids[0, len(request.ids) :, None])
        assert completion.logprobs == pytest.approx(plain[:, 0].tolist(), abs=1e-4)
    assert [one.ids for one in completions[:3]] != [one.ids for one in completions[3:6]], "the image plays no part"


def test_the_placeholder_is_banned_and_counted(vision: tuple[Any, Any]) -> None:
    model, processor = vision
    policy = HFPolicy(model, processor)
    assert model.config.image_token_id in policy.vocabulary.banned
    image = picture(100)
    transcript = Chat(processor).transcript()
    transcript.open(question(image))
    transcript.add(policy.generate([transcript.request(seed=1, sampling=Sampling(6))])[0])
    transcript.observe(question(image, image))
    assert len(transcript.images) == 3
    transcript.add(policy.generate([transcript.request(seed=2, sampling=Sampling(6))])[0])
    (branch,) = transcript.branches()
    assert len(branch.images) == 3
    check_images(branch, [model.config.image_token_id], PER_IMAGE)


def test_paths_are_read_and_bad_files_named(vision: tuple[Any, Any], tmp_path: Path) -> None:
    policy = HFPolicy(*vision)
    file = tmp_path / "a.png"
    picture(7).save(file)
    assert policy.generate([ask(policy, 0, str(file))])[0].ids == policy.generate([ask(policy, 0, picture(7))])[0].ids
    (tmp_path / "b.png").write_text("not an image")
    with pytest.raises(ValueError, match="cannot read the image"):
        ask(policy, 0, str(tmp_path / "b.png"))


def test_a_text_model_refuses_images(tiny: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="need a vision-language model"):
        HFPolicy(*tiny).generate([Request([], ids=(5, 6), images=(picture(1),))])


def test_a_vision_model_survives_saving(vision: tuple[Any, Any], tmp_path: Path) -> None:
    from assay.agents.models import load_model

    model, processor = vision
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    policy, again = HFPolicy(model, processor), HFPolicy(*load_model(str(tmp_path), device="cpu"))
    image = picture(50)
    assert again.generate([ask(again, 4, image)])[0].ids == policy.generate([ask(policy, 4, image)])[0].ids
