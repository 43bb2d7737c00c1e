"""Checkpoints are whole or absent, and bring back every number."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from assay.agents.tiny import tiny_model
from assay.envs.tasks import Task, TaskSet
from assay.training import checkpoint
from assay.training.config import OptimConfig
from assay.training.curriculum import TaskStream, held_out
from assay.training.precision import Weights
from assay.training.update import make_optimizer


def trained(dtype, steps=3):
    model, tokenizer = tiny_model()
    for parameter in model.parameters():  # not the rotary buffers, which loading keeps in float32 too
        parameter.data = parameter.data.to(dtype)
    weights = Weights(model)
    optimizer = make_optimizer(weights, OptimConfig(lr=1e-3))
    step(model, weights, optimizer, steps)
    return model, tokenizer, weights, optimizer


def step(model, weights, optimizer, steps):
    for i in range(steps):
        loss = model(torch.arange(5)[None] + i).logits.float().square().mean()
        loss.backward()
        weights.lift()
        optimizer.step()
        weights.publish()
        optimizer.zero_grad()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_continues_as_if_it_had_not_stopped(tmp_path, dtype):
    model, tokenizer, weights, optimizer = trained(dtype)
    path = checkpoint.write(tmp_path, 3, model, tokenizer, weights, optimizer, {"position": 9})
    assert checkpoint.read_state(path) == {"step": 3, "position": 9}
    step(model, weights, optimizer, 2)
    again = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    weights_again = Weights(again)
    optimizer_again = make_optimizer(weights_again, OptimConfig(lr=1e-3))
    checkpoint.restore(path, weights_again, optimizer_again)
    step(again, weights_again, optimizer_again, 2)
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_write_that_dies_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    model, tokenizer, weights, optimizer = trained(torch.float32, 1)
    first = checkpoint.write(tmp_path, 1, model, tokenizer, weights, optimizer, {})

    def die(*_):
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_file", die)
        with pytest.raises(OSError, match="killed"):
            checkpoint.write(tmp_path, 2, model, tokenizer, weights, optimizer, {})
    assert checkpoint.latest(tmp_path) == first
    checkpoint.write(tmp_path, 2, model, tokenizer, weights, optimizer, {})
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["step-000001", "step-000002"]


def test_keeps_the_newest(tmp_path):
    model, tokenizer, weights, optimizer = trained(torch.float32, 1)
    for number in (1, 2, 3):
        checkpoint.write(tmp_path, number, model, tokenizer, weights, optimizer, {}, keep=2)
    assert [p.name for p in checkpoint.steps(tmp_path)] == ["step-000002", "step-000003"]


def test_refuses_moments_of_another_model(tmp_path):
    model, tokenizer, weights, optimizer = trained(torch.float32, 1)
    path = checkpoint.write(tmp_path, 1, model, tokenizer, weights, optimizer, {})
    other = Weights(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="does not train"):
        checkpoint.restore(path, other, make_optimizer(other, OptimConfig()))


def tasks(n):
    return TaskSet([Task(f"t{i}", [], {}) for i in range(n)])


def test_a_pass_shows_every_task_once_and_a_position_is_enough_to_continue():
    stream = TaskStream(tasks(10), seed=4)
    first = [task.id for task in stream.take(25)]
    assert sorted(first[:10]) == sorted(first[10:20]) == sorted(tasks(10).ids)
    assert first[:10] != first[10:20]
    late = TaskStream(tasks(10), seed=4, position=7)
    assert [task.id for task in late.take(18)] == first[7:]
    assert first[:10] != [task.id for task in TaskStream(tasks(10), seed=5).take(10)]


def test_held_out_tasks_are_the_same_for_every_run():
    assert held_out(tasks(9), 4) == held_out(tasks(9), 4)
    assert len(held_out(tasks(9), 0)) == len(held_out(tasks(9), 99)) == 9
