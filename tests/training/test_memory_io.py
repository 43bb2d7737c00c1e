"""What a schedule remembers survives a checkpoint: every number, every pixel."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from PIL import Image

from assay.agents.chat import image_key
from assay.agents.tiny import tiny_model
from assay.training import checkpoint
from assay.training.batch import Batch
from assay.training.config import OptimConfig
from assay.training.forward import Row
from assay.training.memory import Memory
from assay.training.memory_io import memory_from, memory_tensors
from assay.training.objectives.data import TrajectoryBatch
from assay.training.precision import Weights
from assay.training.update import make_optimizer


def picture(mode, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def memory(images):
    g = torch.Generator().manual_seed(0)
    rows = [Row(np.arange(3 + i), 2, np.arange(1 + i) % 2 == 0, seen) for i, seen in enumerate(images)]
    n = len(rows)
    values = torch.randn(4, n, n, generator=g)
    data = TrajectoryBatch.of(
        [1.0, float("nan"), 0.0][:n], [4, 4, 7][:n], n, old_logp=values[0], behaviour_logp=values[1],
        policy_version=torch.arange(n), rollout_id=torch.arange(n), correct=torch.tensor([1.0, float("nan"), 0.0][:n]),
        reward_parts={"exact.match": torch.ones(n)}, anchor_logp={"ref": values[2]},
    )  # fmt: skip
    return Memory(Batch(rows, data), values[3], values[3] * 2, torch.zeros(n, dtype=torch.bool))


def stored(given, folder):
    model, tokenizer = tiny_model(layers=1, hidden=32)
    weights = Weights(model)
    path = checkpoint.write(folder, 1, model, tokenizer, weights, make_optimizer(weights, OptimConfig()), {},
                            extra={"memory": memory_tensors(given)})  # fmt: skip
    return path, memory_from(checkpoint.read_extra(path, "memory"))


def assert_equal(a, b):
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype
        assert torch.equal(a.nan_to_num(-7.0), b.nan_to_num(-7.0))
    else:
        assert a == b


def test_comes_back_from_a_checkpoint_number_for_number(tmp_path):
    given = memory([(), (), ()])
    path, found = stored(given, tmp_path)
    assert (path / "memory.safetensors").is_file()
    for mine, theirs in zip(given.batch.rows, found.batch.rows, strict=True):
        assert (mine.ids.tolist(), mine.prompt, mine.mask.tolist(), mine.images) == (
            theirs.ids.tolist(), theirs.prompt, theirs.mask.tolist(), theirs.images)  # fmt: skip
        assert (mine.ids.dtype, mine.mask.dtype) == (theirs.ids.dtype, theirs.mask.dtype)
    for item in fields(TrajectoryBatch):
        a, b = getattr(given.batch.data, item.name), getattr(found.batch.data, item.name)
        if isinstance(a, dict):
            assert a.keys() == b.keys()
            for key in a:
                assert_equal(a[key], b[key])
        else:
            assert_equal(a, b)
    for name in ("advantage", "returns", "fresh"):
        assert_equal(getattr(given, name), getattr(found, name))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_images_come_back_pixel_for_pixel_and_are_stored_once(tmp_path, mode):
    one, two = picture(mode, 1), picture(mode, 2)
    given = memory([(one, two), (), (two.copy(), "/pictures/ä.png")])
    tensors = memory_tensors(given)
    assert len(tensors["image.lengths"]) == 3
    _, found = stored(given, tmp_path)
    for mine, theirs in zip(given.batch.rows, found.batch.rows, strict=True):
        assert list(map(image_key, mine.images)) == list(map(image_key, theirs.images))


def test_an_empty_memory_is_no_file(tmp_path):
    path, found = stored(Memory(), tmp_path)
    assert not (path / "memory.safetensors").exists()
    assert len(found) == 0


def test_bytes_that_are_no_picture_are_refused():
    tensors = memory_tensors(memory([(picture("RGB", 1),)]))
    tensors["image.bytes"][:8] = 0
    with pytest.raises(ValueError, match="no PNG"):
        memory_from(tensors)
