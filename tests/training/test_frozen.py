"""Frozen policies: refreshed between steps, kept with the checkpoints that need them, and resumed exactly."""

from __future__ import annotations

import copy

import pytest
import torch

from assay.agents.models import load_model
from assay.agents.tiny import tiny_model
from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.forward import Scorer
from assay.training.frozen import FrozenPolicies
from assay.training.logs import read_metrics
from assay.training.trainer import train

RECIPE = '''
from dataclasses import dataclass, replace

from assay.training.objectives.anchors import Every, OnStall, Together
from assay.training.objectives.entropy import EntropyBonus
from assay.training.objectives.kl import KLLoss
from assay.training.recipes import get_recipe, recipe
from assay.training.recipes.base import Recipe


@recipe("two-anchors")
@dataclass(frozen=True)
class TwoAnchors(Recipe):
    """Entropy pulls, a KL term to a reference that is reset and another to the policy before hold."""

    period: int = 3
    """Steps between resets."""

    def objective(self, max_length):
        plain = get_recipe("dr-grpo").objective(max_length)
        return replace(plain, regularisers=(EntropyBonus(0.1), KLLoss(0.5), KLLoss(0.5, anchor="prev")))

    def anchors(self):
        reset = OnStall(period=self.period, cooldown=0, on_stall=False)
        return Together((reset, Every("prev", lagging=True)))
'''


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "mine.py"
    path.write_text(RECIPE, encoding="utf-8")
    return str(path)


def run(out, recipe, *, steps, resume=False, save_every=2, keep=2, **model):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe=recipe,
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=save_every,
        keep=keep,
        model=ModelConfig(name="tiny", **model),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3),
        sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=0, tasks=6),
        log=LogConfig(report=False, episodes=False),
    )
    return train(config, Display(steps, quiet=True))


def numbers(run_dir):
    drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s")
    return [{k: v for k, v in line.items() if k not in drop} for line in read_metrics(run_dir, "train")]


def weights(run_dir, name):
    return (checkpoint.latest(run_dir / "checkpoints") / name).read_bytes()


@pytest.fixture(scope="module")
def whole(recipe_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    run(out, recipe_file, steps=8)
    return out


def test_a_run_resumed_across_a_refresh_is_the_unbroken_one(tmp_path, recipe_file, whole):
    run(tmp_path / "broken", recipe_file, steps=4)  # the reset after step 3 lies between two checkpoints
    run(tmp_path / "broken", recipe_file, steps=8, resume=True)
    assert numbers(tmp_path / "broken") == numbers(whole)
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert weights(tmp_path / "broken", name) == weights(whole, name)
    lines = read_metrics(tmp_path / "broken", "refresh")
    assert [(line["step"], line["names"]) for line in lines] == [(3, ["prev", "ref"]), (6, ["prev", "ref"])]
    kept = sorted(path.name for path in (tmp_path / "broken" / "reference").iterdir())
    assert kept == ["step-000005", "step-000006", "step-000007"]  # prev of checkpoint 6, ref and prev of 8


def test_adapters_are_resumed_across_a_refresh_too(tmp_path, recipe_file):
    run(tmp_path / "broken", recipe_file, steps=2, save_every=1, lora_rank=4)
    run(tmp_path / "broken", recipe_file, steps=5, resume=True, save_every=1, lora_rank=4)
    run(tmp_path / "whole", recipe_file, steps=5, save_every=1, lora_rank=4)
    assert numbers(tmp_path / "broken") == numbers(tmp_path / "whole")
    name = "adapter_model.safetensors"
    assert weights(tmp_path / "broken", name) == weights(tmp_path / "whole", name)


def test_after_a_reset_the_divergence_is_exactly_zero(whole):
    kl = {line["step"]: line["kl"] for line in read_metrics(whole, "train")}
    assert [step for step, value in kl.items() if value == 0] == [1, 4, 7]
    assert all(kl[step] > 1e-6 for step in (2, 3, 5, 6, 8))


def test_a_kill_before_the_checkpoint_leaves_nothing_wrong(tmp_path, recipe_file, whole, monkeypatch):
    out = tmp_path / "killed"

    def die(folder, step, *args, **kwargs):
        if step == 4:
            raise KeyboardInterrupt
        return write(folder, step, *args, **kwargs)

    write = checkpoint.write
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "write", die)
        with pytest.raises(KeyboardInterrupt):
            run(out, recipe_file, steps=8)
    assert (out / "reference" / "step-000003").exists()  # written ahead of the checkpoint that never came
    (out / "reference" / "step-000003" / "model.safetensors").write_bytes(b"of another life")
    run(out, recipe_file, steps=8, resume=True)
    assert weights(out, "model.safetensors") == weights(whole, "model.safetensors")


def test_the_policy_of_a_checkpoint_is_not_stored_twice(tmp_path):
    run(tmp_path / "run", "grpo", steps=0)
    assert not (tmp_path / "run" / "reference").exists()
    run(tmp_path / "run", "grpo", steps=3, resume=True, save_every=1)
    assert [path.name for path in (tmp_path / "run" / "reference").iterdir()] == ["step-000000"]
    assert load_model(str(tmp_path / "run" / "reference" / "step-000000"))


def moved(model, by=0.25):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(by)


def test_a_refresh_keeps_the_model_object_and_never_the_live_tensors(tmp_path):
    live, _ = tiny_model()
    frozen = FrozenPolicies(Scorer(live), None, tmp_path, lambda folder: load_model(str(folder))[0])
    frozen.begin({"ref", "mask"})
    held = frozen.scorers["mask"].model
    before = frozen.snapshot()
    moved(live)
    frozen.refresh({"mask"}, 1)
    assert frozen.scorers["mask"].model is held
    assert all(torch.equal(a, b) for a, b in zip(held.parameters(), live.parameters(), strict=True))
    ref = dict(frozen.scorers["ref"].model.named_parameters())
    assert all(torch.equal(ref[name], value) for name, value in before.items())
    now = copy.deepcopy(held.state_dict())
    moved(live)
    assert all(torch.equal(now[name], value) for name, value in held.state_dict().items())
    frozen.refresh({"mask"}, 0, before)
    assert all(torch.equal(dict(held.named_parameters())[name], value) for name, value in before.items())
    assert frozen.origin == {"mask": 0, "ref": 0}


def test_an_adapter_is_refreshed_as_an_adapter(tmp_path):
    live, _ = load_model("tiny", lora_rank=2)
    frozen = FrozenPolicies(Scorer(live), None, tmp_path, lambda folder: load_model(str(folder))[0])
    frozen.begin({"ref"})
    base = {name: p.detach().clone() for name, p in live.named_parameters() if not p.requires_grad}
    moved(live)
    ids = torch.arange(3, 9)[None]
    view = frozen.scorers["ref"].model
    assert not torch.allclose(view(ids).logits, live(ids).logits)
    frozen.refresh({"ref"}, 1)
    assert torch.equal(view(ids).logits, live(ids).logits)
    for model in (live, view):
        own = dict(model.named_parameters())
        assert all(torch.equal(own[name], value) for name, value in base.items())


def test_a_checkpoint_without_the_policy_is_refused_in_one_line(tmp_path):
    run(tmp_path / "run", "dr-grpo", steps=0)
    live, _ = tiny_model()
    frozen = FrozenPolicies(Scorer(live), None, tmp_path, lambda folder: load_model(str(folder))[0])
    with pytest.raises(ValueError, match="no frozen policy ref: start a new run"):
        frozen.restore({"ref"}, {}, checkpoint.latest(tmp_path / "run" / "checkpoints"))
