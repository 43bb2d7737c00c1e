"""Whole runs in the other ways: adapters, recomputed activations, another engine, a frozen reference."""

import copy

import pytest
import torch

from assay.agents.models import load_model
from assay.training.assemble import load_policy
from assay.training.checkpoint import latest
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.trainer import train


def run(out, *, steps=2, resume=False, recipe="dr-grpo", recipe_options=None, epochs=1, **model):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe=recipe,
        recipe_options=recipe_options or {},
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=1,
        threads=1,
        model=ModelConfig(name="tiny", **model),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3),
        sft=SFTConfig(epochs=epochs, examples=64, lr=5e-3),
        eval=EvalConfig(every=0, tasks=6),
        log=LogConfig(report=False),
    )
    return train(config, Display(steps, quiet=True))


def test_adapters_are_trained_saved_resumed_and_loaded_alone(tmp_path):
    run(tmp_path / "broken", lora_rank=4)
    run(tmp_path / "broken", steps=4, resume=True, lora_rank=4)
    run(tmp_path / "whole", steps=4, lora_rank=4)
    one, two = (latest(tmp_path / name / "checkpoints") for name in ("broken", "whole"))
    assert (one / "adapter_model.safetensors").read_bytes() == (two / "adapter_model.safetensors").read_bytes()
    model, _ = load_model(str(one))
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in trained)
    assert any(float(p.detach().abs().max()) > 0 for name, p in trained.items() if "lora_B" in name)
    base = load_model("tiny")[0].state_dict()
    frozen = model.get_base_model().state_dict()
    name = "model.layers.0.self_attn.q_proj"
    assert torch.equal(frozen[f"{name}.base_layer.weight"], base[f"{name}.weight"])


def test_recomputed_activations_give_the_same_gradients(monkeypatch):
    ids = torch.arange(3, 13)[None]
    grads, passes = [], []
    for checkpointing in (False, True):
        model, _ = load_policy(TrainConfig(model=ModelConfig(name="tiny", gradient_checkpointing=checkpointing)))
        calls = []
        layer = model.model.layers[0].mlp
        monkeypatch.setattr(layer, "forward", lambda x, old=layer.forward, calls=calls: (calls.append(1), old(x))[1])
        model(input_ids=ids, use_cache=False).logits.square().mean().backward()
        grads.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
        passes.append(len(calls))
    assert passes == [1, 2]
    assert torch.allclose(*grads, atol=1e-7)


def test_continuous_batching_trains(tmp_path):
    result = run(tmp_path / "run", engine="hf-cb")
    assert result.after is not None
    lines = read_metrics(tmp_path / "run", "train")
    assert [line["step"] for line in lines] == [1, 2]
    gaps = [line["logprob_gap"] for line in lines if "logprob_gap" in line]
    assert all(gap < 1e-3 for gap in gaps)


def test_a_frozen_reference_stays_where_the_policy_began(tmp_path):
    run(tmp_path / "run", recipe="grpo", recipe_options={"kl_beta": 0.1}, steps=6, epochs=6)
    kl = [line["kl"] for line in read_metrics(tmp_path / "run", "train")]
    assert kl[0] == pytest.approx(0.0, abs=1e-6)
    assert kl[-1] > 1e-5
    began = load_model(str(tmp_path / "run" / "reference" / "step-000000"))[0].state_dict()
    ended = load_model(str(latest(tmp_path / "run" / "checkpoints")))[0].state_dict()
    untrained = copy.deepcopy(load_model("tiny")[0].state_dict())
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(began[name], untrained[name])  # it is the policy after the warm-up
    assert not torch.equal(began[name], ended[name])
