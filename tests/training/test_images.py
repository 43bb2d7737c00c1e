"""Rows with images: one encoding a group, gradients of the padded way, and a whole run on a vision-language model."""

import numpy as np
import pytest
import torch
from PIL import Image

from assay.agents.chat import Chat, images_of, with_images
from assay.agents.tiny import tiny_vision_model
from assay.training.config import EvalConfig, LogConfig, ModelConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.forward import Row, Scorer, sharing_error
from assay.training.logs import read_metrics
from assay.training.trainer import train


@pytest.fixture(scope="module")
def vision():
    return tiny_vision_model()


def picture(shade):
    return Image.new("RGB", (112, 112), (shade, 255 - shade, 40))


def rows_of(chat, shades=(10, 10, 240), size=3):
    rng = np.random.default_rng(0)
    rows = []
    for number, shade in enumerate(shades):
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": f"what? {number}"}]}]
        for _ in range(size):  # every row has its own copy of the picture, as environments hand out
            shown = with_images(messages, [picture(shade)])
            prompt = chat.open(shown)
            response = rng.integers(3, 90, 3)
            rows.append(Row(np.array([*prompt, *response]), len(prompt), np.ones(3, bool), images_of(shown)))
    return rows


def test_with_images_fills_parts_in_order_and_refuses_a_miscount():
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}, {"type": "image"}]}]
    one, two = picture(1), picture(2)
    assert list(images_of(with_images(messages, [one, two]))) == [one, two]
    assert "image" not in messages[0]["content"][0]
    with pytest.raises(ValueError, match="more image parts"):
        with_images(messages, [one])
    with pytest.raises(ValueError, match="have no part"):
        with_images(messages, [one, two, one])


def test_a_group_encodes_its_image_once_with_the_gradients_of_the_padded_way(vision, monkeypatch):
    model, processor = vision
    rows = rows_of(Chat(processor))
    results, passes = [], []
    for share in (True, False):
        scorer = Scorer(model, share_prefix=share, processor=processor)
        model.zero_grad()
        plan = scorer.plan(rows)
        passes.append(len(plan))
        logp = torch.zeros(len(rows), 3)
        for micro in plan:
            out = scorer([rows[i] for i in micro.rows], micro.tries, 3)
            (out.logp * torch.arange(1.0, 4.0)).sum().backward()
            logp[micro.rows] = out.logp.detach()
        grads = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        results.append((logp, grads))
    assert passes == [1, 1]
    (shared, shared_grads), (padded, padded_grads) = results
    assert torch.allclose(shared, padded, atol=1e-4)
    assert torch.linalg.norm(shared_grads - padded_grads) < 1e-4 * torch.linalg.norm(padded_grads)
    seeing = [p.grad for name, p in model.named_parameters() if "vision" in name and p.grad is not None]
    assert max(float(grad.abs().max()) for grad in seeing) > 0


def test_the_image_matters(vision):
    model, processor = vision
    chat = Chat(processor)
    dark, light = rows_of(chat, (10,), 1), rows_of(chat, (240,), 1)
    scorer = Scorer(model, processor=processor)
    assert not torch.allclose(scorer.score(dark, 3).logp, scorer.score(light, 3).logp, atol=1e-3)
    assert sharing_error(model, dark * 2, processor) < 1e-4


def test_a_whole_run_on_pictures(tmp_path):
    config = TrainConfig(
        env="image_classification",
        env_options={"source": "shapes", "image_size": 112},
        out=str(tmp_path / "run"),
        steps=2,
        model=ModelConfig(name="tiny-vision"),
        rollout=RolloutConfig(groups=2, group_size=2, max_tokens=4),
        sft=SFTConfig(epochs=1, examples=8),
        eval=EvalConfig(tasks=4),
        log=LogConfig(report=False),
    )
    result = train(config, Display(2, quiet=True))
    assert result.after is not None
    assert result.after.n == 4
    losses = [line["loss"] for line in read_metrics(tmp_path / "run", "sft")]
    assert all(np.isfinite(losses))
    resumed = train(TrainConfig(**{**vars(config), "steps": 3, "resume": True}), Display(3, quiet=True))
    assert resumed.stopped is None
    assert [line["step"] for line in read_metrics(tmp_path / "run", "train")] == [1, 2, 3]
