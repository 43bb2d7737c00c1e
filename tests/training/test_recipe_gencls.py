"""GenCLS++: the recipe's arithmetic, cross-fitted doubts, and warm-up, rewards and decision rule at work."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.envs.registry import env_class
from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.objectives.advantage import GRPO
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.schedule import DynamicSampling, Plain
from assay.training.recipes import get_recipe
from assay.training.recipes.base import RunFacts
from assay.training.settings import configured
from assay.training.studies.gencls.crossfit import Doubt, cross_fit, fit_steps, folds, top_two
from assay.training.trainer import train

GROUP = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]


def test_a_group_of_half_right_answers():
    found = GRPO(0.0)(TrajectoryBatch.of(GROUP))[:, 0]
    assert found.tolist() == pytest.approx([0.9354 if reward else -0.9354 for reward in GROUP], abs=5e-5)
    assert float(torch.tensor(GROUP).std()) == pytest.approx(0.5345, abs=5e-5)
    assert float(found.sum()) == pytest.approx(0.0, abs=1e-6)


def test_a_group_of_equal_rewards_is_zero_and_dropped():
    recipe = get_recipe("gencls")
    assert GRPO(1e-6)(TrajectoryBatch.of([1.0] * 8)).abs().max() == 0
    schedule = recipe.schedule()
    assert schedule == DynamicSampling(1)
    assert schedule.keep_group(GROUP)
    assert not schedule.keep_group([1.0] * 8)
    assert not schedule.wants_more(kept=0, target=16, generated=1)  # nothing is sampled in their place
    assert get_recipe("gencls", {"drop_equal": "no"}).schedule() == Plain()
    assert recipe.kl_beta == 0.01
    for name in ("rloo", "reinforce++"):
        assert get_recipe("gencls", {"advantage": name}).objective(16)
    assert "2 or more" in recipe.refuses(RunFacts(group_size=1, max_length=16))


def test_the_settings_of_a_run_are_the_recipes_where_nobody_says_anything():
    config = configured({}, recipe="gencls")
    assert (config.sft.epochs, config.sft.batch_size, config.sft.lr) == (3, 32, 1e-5)
    assert (config.optim.lr, config.rollout.group_size, config.rollout.difficulty) == (1e-6, 8, 8)
    assert configured({"sft": {"epochs": 0}}, recipe="gencls").sft.epochs == 0  # the ablation without a warm-up


def test_folds_cover_every_row_once_and_spread_labels():
    labels = [random.Random(0).choice("abc") for _ in range(3)] + list("abcde" * 20)
    parts = folds(labels, 5, seed=1)
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for label, count in Counter(labels).items():
        shares = [sum(labels[i] == label for i in part) for part in parts]
        assert max(shares) - min(shares) <= 1
        assert sum(shares) == count
    assert folds(labels, 5, seed=1) == parts != folds(labels, 5, seed=2)
    for count in (1, 104):
        with pytest.raises(ValueError, match="folds must be from 2 to 103"):
            folds(labels, count, 0)


def test_a_row_is_uncertain_where_the_prediction_is_wrong_or_close():
    assert top_two([0.5, 0.45, 0.05]) == (0, pytest.approx(0.05))
    assert top_two([0.4, 0.4, 0.2]) == (0, 0.0)
    assert Doubt("t", "a", True, 0.05).uncertain()
    assert not Doubt("t", "a", True, 0.1).uncertain()
    assert Doubt("t", "a", False, 0.9).uncertain()
    assert not Doubt("t", "a", True, 0.05).uncertain(margin=0.01)


MINI = {"source": "synthetic", "list_labels": False, "instruction": "Topic?", "shuffle_labels": False}


def start(folder: Path, options) -> str:
    """Two layers of width 64, and a tokenizer of the training texts."""
    env = env_class("text_classification")
    corpus = [message["content"] for task in env(**options).tasks for message in task.prompt]
    model, tokenizer = tiny_model(768, layers=2, hidden=64, corpus=corpus + [env.gold(t) for t in env(**options).tasks])
    checkpoint.write_model(folder, model, tokenizer)
    return str(folder)


def run(out: Path, model: str, options, *, epochs=0, steps=0, tasks=0, examples=0, decoding="greedy", lr=1e-3):
    """The last evaluation of a run."""
    return train(
        TrainConfig(
            env_options=options,
            recipe="gencls",
            out=str(out),
            steps=steps,
            threads=1,
            model=ModelConfig(name=model),
            rollout=RolloutConfig(groups=16, group_size=8, max_tokens=8),
            optim=OptimConfig(lr=lr),
            sft=SFTConfig(epochs=epochs, batch_size=32, lr=3e-3, examples=examples),
            eval=EvalConfig(every=0, tasks=tasks, decoding=decoding),
            log=LogConfig(report=False, episodes=False),
        )
    ).after


def mini(tmp_path: Path, options, *, epochs: int, steps: int, tasks: int, examples: int = 0):
    """Evaluations of: supervised; and then rewards; rewards alone; supervised, answered by perplexity."""
    first = start(tmp_path / "start", options)
    supervised = run(tmp_path / "sft", first, options, epochs=epochs, tasks=tasks, examples=examples)
    warm = str(checkpoint.latest(tmp_path / "sft" / "checkpoints"))
    rewarded = run(tmp_path / "rl", warm, options, steps=steps, tasks=tasks, lr=3e-4)
    cold = run(tmp_path / "cold", first, options, steps=steps, tasks=tasks, lr=3e-4)
    chosen = run(tmp_path / "ppl", warm, options, tasks=tasks, decoding="ppl")
    return supervised, rewarded, cold, chosen


def test_warm_up_rewards_and_perplexity_in_miniature(tmp_path):
    options = {**MINI, "labels": ("sports", "music", "health", "travel")}
    supervised, rewarded, cold, chosen = mini(tmp_path, options, epochs=3, steps=6, tasks=60)
    assert supervised.accuracy > 0.6
    assert rewarded.accuracy >= supervised.accuracy - 0.05
    assert rewarded.parsed >= 0.95
    assert cold.accuracy < 0.3
    assert chosen.parsed == 1.0
    assert chosen.accuracy >= supervised.accuracy - 0.02


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_miniature_of_the_specification(tmp_path):
    """Eight labels, 2,000 training texts, 200 steps: rewards keep what was learnt, and without a warm-up learn nothing.

    A twentieth of the labels is noise, so that accuracy ends at about 95 %.
    """
    supervised, rewarded, cold, chosen = mini(tmp_path, MINI, epochs=8, steps=200, tasks=0)
    assert supervised.accuracy > 0.8
    assert rewarded.accuracy >= supervised.accuracy - 0.005
    assert rewarded.parsed >= 0.99
    assert cold.accuracy < 0.3
    assert chosen.parsed == 1.0
    assert chosen.accuracy >= supervised.accuracy - 0.01


def test_rows_that_contradict_their_text_are_doubted(tmp_path):
    options = {**MINI, "labels": ("sports", "music"), "per_label": 60}
    first = start(tmp_path / "start", options)
    config = TrainConfig(env_options=options, model=ModelConfig(name=first), threads=1,
                         sft=SFTConfig(epochs=8, batch_size=8, lr=3e-3))  # fmt: skip
    done = []
    doubts = cross_fit(config, 3, done.append)
    tasks = env_class("text_classification")(**options).tasks
    assert [each.task_id for each in doubts] == tasks.ids
    assert sum(done) == fit_steps(len(tasks), 3, 8, 8)
    assert all(0.0 <= each.margin <= 1.0 for each in doubts)
    for each, task in zip(doubts, tasks, strict=True):
        assert each.right == (each.predicted == task.truth["label"])
    assert sum(each.right for each in doubts) > 0.7 * len(doubts)
    assert any(each.uncertain() for each in doubts)  # a twentieth of the labels is wrong
