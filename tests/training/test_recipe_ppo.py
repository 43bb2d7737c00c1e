"""PPO: constants, the controller's numbers, the critic's warm-up, and whole runs that learn and resume exactly."""

from __future__ import annotations

import pytest
import torch

from assay.envs.base import TaskEnv
from assay.training import cli
from assay.training.checkpoint import latest
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.objectives.data import TrajectoryBatch
from assay.training.objectives.kl import AdaptiveKL, FixedKL, KLReward, RolloutKL
from assay.training.objectives.schedule import RolloutPlan, SeveralPasses
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.training.trainer import train


def test_the_constants_are_those_of_rl4lms():
    recipe = get_recipe("ppo")
    objective, critic = recipe.objective(32), recipe.critic()
    advantage = objective.advantage
    assert (advantage.gamma, advantage.lam, advantage.normalise, advantage.bootstrap) == (
        0.99,
        0.95,
        "minibatch",
        False,
    )
    assert (objective.surrogate.low, objective.surrogate.high, objective.surrogate.dual) == (0.2, 0.2, None)
    assert objective.token_rewards == (KLReward(0.1, "k1", RolloutKL(0.1, 0.1, 0.2)),)
    assert (objective.anchors, objective.regularisers, objective.aggregation) == ({"ref"}, (), "token-mean")
    assert (critic.head, critic.bins, critic.ratio, critic.pad_bins, critic.coef) == ("hl-gauss", 51, 0.75, 3, 0.5)
    assert get_recipe("ppo", {"kl_beta": 0}).objective(32).anchors == frozenset()
    assert get_recipe("ppo", {"value_head": "c51"}).objective(32).advantage.critic_lam == 0.0
    assert get_recipe("ppo", {"bootstrap_truncated": "yes"}).objective(32).needs_end_value
    assert check_recipe(recipe, RunFacts(1, 32)).needs_critic  # no groups


@pytest.mark.parametrize(("kl", "expected"), [(0.2, 0.102), (0.05, 0.098), (0.1, 0.1), (9.0, 0.102), (-9.0, 0.098)])
def test_the_controller_of_rl4lms(kl, expected):
    assert RolloutKL(0.1)(0.1, kl, 7) == pytest.approx(expected)


@pytest.mark.parametrize(("gap", "expected"), [(0.2, 0.102), (0.05, 0.098)])
def test_beta_follows_each_batch_of_rollouts_and_no_optimiser_step(gap, expected):
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    logp = torch.full((2, 3), -1.0)
    batch = TrajectoryBatch.of([1.0, 0.0], action_mask=mask, rollout_logp=logp, anchor_logp={"ref": logp - gap})
    objective = get_recipe("ppo").objective(8)
    after = objective.collected(batch)
    assert after.token_rewards[0].beta == pytest.approx(expected)
    assert after.updated({"kl": 5.0}, 100).token_rewards[0].beta == pytest.approx(expected)
    assert objective.restored(after.state()).token_rewards[0].beta == pytest.approx(expected)
    fixed = get_recipe("ppo", {"kl_control": "fixed"}).objective(8)
    assert fixed.collected(batch).updated({"kl": 5.0}, 100).token_rewards[0] == KLReward(0.1, "k1", FixedKL())
    steered = get_recipe("ppo", {"kl_control": "update"}).objective(8)
    assert steered.collected(batch).token_rewards[0] == KLReward(0.1, "k1", AdaptiveKL(0.1))
    assert steered.updated({"kl": 5.0}, 100).token_rewards[0].beta > 0.1


def test_the_signed_divergence_is_charged_to_each_token():
    mask = torch.tensor([[1.0, 1.0, 0.0]])
    batch = TrajectoryBatch.of([1.0], action_mask=mask, values=torch.zeros(1, 3),
                               rollout_logp=torch.tensor([[-1.0, -2.0, 0.0]]),
                               anchor_logp={"ref": torch.tensor([[-1.5, -1.0, 0.0]])})  # fmt: skip
    objective = get_recipe("ppo", {"gamma": 0.5, "lam": 1.0, "normalise": "none"}).objective(8)
    assert objective.prepare(batch)[0].tolist() == pytest.approx([-0.05 + 0.5 * 1.1, 1.1, 0.0])
    assert objective.returns(batch)[0].tolist() == pytest.approx([0.5, 1.1, 0.0])


def test_passes_are_a_default_that_the_configuration_overrides():
    schedule = get_recipe("ppo", {"epochs": 3}).schedule()
    assert [schedule.epochs(configured) for configured in (1, 2, 8)] == [3, 2, 8]
    assert SeveralPasses(1).epochs(1) == 1


def test_the_policy_stands_still_in_the_warm_up_of_the_critic():
    schedule = get_recipe("ppo", {"value_warmup": 2}).schedule()
    plan = RolloutPlan(4, 2, 1.0)
    assert [schedule.plan(step, plan).lr_scale for step in range(4)] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--recipe.value-low", "1", "--recipe.value-high", "0"], "value_low 1 is not below value_high 0"),
        (["--recipe.value-low", "7"], "value_low 7 is not below value_high"),
        (["--recipe.value-bins", "1"], "at least 2 bins, got 1"),
        (["--recipe.value-bins", "6"], "6 bins leave none inside"),
        (["--recipe.value-head", "huber"], "hl-gauss"),
        (["--recipe.value-lr", "0"], "positive lr"),
        (["--recipe.lam", "1.5"], "lam must be between 0 and 1"),
        (["--recipe.epochs", "0"], "epochs must be at least 1"),
        (["--recipe.kl-target", "0"], "positive target"),
        (["--recipe.clip-low", "2"], "upside down"),
    ],
)
def test_mistakes_are_one_line_before_a_model_is_loaded(flags, words, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("too late"))
    assert cli.train(["--recipe", "ppo", "--model", "tiny", "--out", str(tmp_path / "x"), *flags]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert words in shown


def test_an_environment_that_declares_no_range_asks_for_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("assay.training.assemble.load_policy", lambda *_: pytest.fail("too late"))
    monkeypatch.setattr("assay.envs.text_classification.env.TextClassificationEnv.reward_range", TaskEnv.reward_range)
    assert cli.train(["--recipe", "ppo", "--model", "tiny", "--out", str(tmp_path / "x")]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "--recipe.value-low and --recipe.value-high" in shown


def run(out, *, steps, resume=False, recipe_options=None, lora=0):
    config = TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe="ppo",
        recipe_options=recipe_options or {},
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=1,
        model=ModelConfig(name="tiny", lora_rank=lora),
        rollout=RolloutConfig(groups=2, group_size=2, max_tokens=3),
        optim=OptimConfig(lr=1e-3, minibatches=2),
        sft=SFTConfig(epochs=1, examples=16, lr=5e-3),
        eval=EvalConfig(every=0, tasks=2),
        log=LogConfig(report=False),
    )
    return train(config, Display(steps, quiet=True))


@pytest.mark.parametrize(
    ("options", "lora"),
    [({"value_head": "c51", "value_warmup": 2}, 0), ({"bootstrap_truncated": True, "epochs": 2}, 4)],
)
def test_a_resumed_run_is_the_unbroken_one(tmp_path, options, lora):
    run(tmp_path / "broken", steps=1, recipe_options=options, lora=lora)
    run(tmp_path / "broken", steps=3, resume=True, recipe_options=options, lora=lora)
    run(tmp_path / "whole", steps=3, recipe_options=options, lora=lora)
    one, two = (latest(tmp_path / name / "checkpoints") for name in ("broken", "whole"))
    names = {path.name for path in one.glob("*.safetensors")}
    assert {"critic.safetensors", "optimizer.safetensors"} < names
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    first, second = (read_metrics(tmp_path / name, "train") for name in ("broken", "whole"))
    timed = {key for key in first[0] if "second" in key or key.endswith("_per_s")}
    assert [{k: v for k, v in line.items() if k not in timed} for line in first] == [
        {k: v for k, v in line.items() if k not in timed} for line in second
    ]
    assert {"value_loss", "explained_variance", "value/clip_frac"} <= second[-1].keys()


def test_a_checkpoint_without_its_critic_is_refused(tmp_path):
    run(tmp_path / "run", steps=1)
    (latest(tmp_path / "run" / "checkpoints") / "critic.safetensors").unlink()
    with pytest.raises(ValueError, match="critic stored there"):
        run(tmp_path / "run", steps=2, resume=True)


def test_it_learns_what_pays(tmp_path):
    """Nine of ten answers are yes; a policy that was taught both alike finds out, and its critic follows."""
    data = tmp_path / "mail.csv"
    rows = [f"letter {i},{'no' if i % 10 == 0 else 'yes'}" for i in range(300)]
    data.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    words = ["--recipe", "ppo", "--recipe.kl-beta", "0", "--recipe.value-lr", "1e-3", "--recipe.epochs", "2", "--model",
             "tiny", "--dataset", str(data), "--steps", "8", "--rollout.groups", "6", "--rollout.group-size", "4",
             "--rollout.max-tokens", "4", "--lr", "1e-3", "--sft.per-label", "6", "--sft.epochs", "12",
             "--sft.lr", "5e-3", "--eval.tasks", "10", "--eval.every", "0", "--out", str(tmp_path / "run")]  # fmt: skip
    assert cli.train(words) == 0
    lines = read_metrics(tmp_path / "run", "train")
    reward = [line["reward"] for line in lines]
    assert reward[0] < 0.6
    assert sum(reward[2:]) / 6 > 0.8
    assert lines[-1]["value_loss"] < 0.8 * lines[0]["value_loss"]
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Explained variance" in html
    assert "Loss of the critic" in html
