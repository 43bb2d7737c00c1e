"""A warm-up that goes on from its best pass, and warm-up steps of the learning rate as a share."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from assay.training.config import (
    EvalConfig,
    LogConfig,
    ModelConfig,
    OptimConfig,
    RolloutConfig,
    SFTConfig,
    TrainConfig,
)
from assay.training.configfile import differences
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.trainer import train
from assay.training.update import learning_rate

RECIPE = '''
from dataclasses import dataclass

from assay.training.recipes import recipe
from assay.training.recipes.dr_grpo import DrGRPO


@recipe("third-pass")
@dataclass(frozen=True)
class ThirdPass(DrGRPO):
    """Likes short answers."""

    def merit(self, found):
        return -abs(found.tokens - TOKENS)
'''


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "mine.py"
    path.write_text(RECIPE.replace("TOKENS", "2.0"), encoding="utf-8")
    return str(path)


def run(out, recipe, epochs, keep):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe=recipe,
        out=str(out),
        steps=0,
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=2, group_size=4, max_tokens=8),
        optim=OptimConfig(lr=1e-3),
        sft=SFTConfig(epochs=epochs, examples=16, batch_size=4, lr=3e-3, keep=keep),
        eval=EvalConfig(every=0, tasks=8),
        log=LogConfig(report=False, episodes=False),
    )
    return train(config, Display(0, quiet=True))


def test_the_best_pass_is_kept_and_measured_once(tmp_path, recipe):
    result = run(tmp_path / "best", recipe, 4, "best")
    lines = [line for line in read_metrics(tmp_path / "best", "sft") if "merit" in line]
    assert [line["pass"] for line in lines] == [1, 2, 3, 4]
    merits = [line["merit"] for line in lines]
    best = max(range(4), key=lambda i: (merits[i], -i))
    (first,) = read_metrics(tmp_path / "best", "eval")
    assert first["step"] == 0
    assert first["tokens"] == lines[best]["eval"]["tokens"] == result.after.tokens
    assert not (tmp_path / "best" / "warm-up").exists()
    assert len(set(merits)) > 1, "passes that are all alike would prove nothing"
    last = run(tmp_path / "last", recipe, 4, "last")
    assert "merit" not in read_metrics(tmp_path / "last", "sft")[-1]
    same = last.after.tokens == lines[-1]["eval"]["tokens"]
    assert same
    one, two = (load_file(tmp_path / n / "checkpoints/step-000000/model.safetensors") for n in ("best", "last"))
    assert all(torch.equal(one[key], two[key]) for key in one) == (best == 3)


def test_warm_up_steps_as_a_share():
    config = OptimConfig(lr=1.0, schedule="cosine", warmup_share=0.1)
    rates = [learning_rate(config, step, 300) for step in range(300)]
    assert rates[0] == pytest.approx(1 / 30)
    assert rates[29] == rates[30] == 1.0
    assert rates[165] == pytest.approx(0.5)
    assert rates[299] == pytest.approx(0.0, abs=1e-4)
    assert learning_rate(dataclasses.replace(config, warmup_steps=10), 9, 300) == 1.0
    constant = TrainConfig(optim=OptimConfig(warmup_share=0.1))
    assert differences(constant, dataclasses.replace(constant, steps=99))  # another number of steps, other rates
