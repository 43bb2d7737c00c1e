"""A batch becomes optimiser steps: neither packing nor skipping changes the weights."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from assay.agents.rollout import Branch, Rollout, Segment
from assay.envs.episode import Episode, Outcome
from assay.training.batch import make_batch
from assay.training.config import OptimConfig
from assay.training.forward import Scorer
from assay.training.objectives.schedule import Plain
from assay.training.precision import Weights
from assay.training.recipes import get_recipe
from assay.training.update import Updater, learning_rate, make_optimizer
from assay.verifiers.score import Score


def tiny(seed=0):
    torch.manual_seed(seed)
    config = LlamaConfig(vocab_size=41, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True)  # fmt: skip
    return LlamaForCausalLM(config).double().eval()


def rollout(group, prompt, response, reward, outcome=Outcome.SCORED):
    score = Score(reward, parts={"exact": reward}, correct=reward > 0.5) if outcome.learnable else None
    episode = Episode("e-v0", f"task{group}", 0, [], outcome, score)
    branch = Branch((Segment(tuple(prompt), False), Segment(tuple(response), True, (-1.0,) * len(response))))
    return Rollout(episode, (branch,), group=group)


@pytest.fixture
def rollouts():
    rng = np.random.default_rng(3)
    made = []
    for group in range(5):
        prompt = [1, 2, 3, *rng.integers(4, 41, 4).tolist()]
        for i in range(4):
            reward = 1.0 if group == 0 else float(i % 2)  # group 0 is unanimous
            made.append(rollout(group, prompt, rng.integers(0, 5, rng.integers(1, 5)).tolist(), reward))
    return made


def updated(rollouts, recipe="dr-grpo", constants=None, **optim):
    model = tiny()
    start = copy.deepcopy(model)
    config = OptimConfig(**{"lr": 1e-2, **optim})
    chosen = get_recipe(recipe, constants or {})
    scorer = Scorer(model, share_prefix=config.share_prefix, budget=config.token_budget)
    weights = Weights(model)
    objective = chosen.objective(8)
    anchors = {name: Scorer(start) for name in objective.anchors}
    updater = Updater(scorer, objective, weights, make_optimizer(weights, config), config, anchors, chosen.schedule())
    metrics = updater(make_batch(rollouts, 0), config.lr)
    return torch.cat([p.detach().flatten() for p in model.parameters()]), metrics


def assert_same(a, b):
    # The log-probabilities are float32 inside a float64 model, and Adam divides by small moments.
    assert torch.linalg.norm(a - b) < 1e-4 * torch.linalg.norm(a - tiny_flat())


def tiny_flat():
    return torch.cat([p.detach().flatten() for p in tiny().parameters()])


@pytest.mark.parametrize(
    ("recipe", "constants"),
    [("grpo", {"kl_beta": 0.1}), ("dr-grpo", {}), ("dapo", {}), ("rloo", {}), ("reinforce++", {}), ("rover", {}),
     ("siren", {"anchor": 2.0, "coef": 3.0, "quantile": 0.3})],
)  # fmt: skip
def test_packing_and_micro_batches_change_nothing(rollouts, recipe, constants):
    whole, metrics = updated(rollouts, recipe, constants, token_budget=10**6, skip_zero_advantage=False)
    assert metrics["grad_norm"] > 0
    for share in (True, False):
        for budget in (1, 40):
            again, other = updated(rollouts, recipe, constants, token_budget=budget, share_prefix=share,
                                   skip_zero_advantage=False)  # fmt: skip
            assert_same(again, whole)
            assert other["loss"] == pytest.approx(metrics["loss"], abs=1e-6)


@pytest.mark.parametrize(("recipe", "constants"), [("rover", {}), ("siren", {"coef": 3.0, "quantile": 0.3})])
def test_readouts_of_the_policy_that_sampled_survive_packing(rollouts, recipe, constants):
    several = {"minibatches": 2, "epochs": 2, "lr": 1e-3}
    whole, metrics = updated(rollouts, recipe, constants, token_budget=10**6, **several)
    again, other = updated(rollouts, recipe, constants, token_budget=1, share_prefix=False, **several)
    assert_same(again, whole)
    assert other.keys() == metrics.keys()
    assert all(value == pytest.approx(metrics[name], rel=1e-3, abs=1e-5) for name, value in other.items())


def test_an_entropy_is_held_near_that_of_the_first_batch(rollouts):
    model, config = tiny(), OptimConfig(lr=1e-3)
    scorer, weights = Scorer(model), Weights(model)
    objective = get_recipe("siren", {"quantile": 0.3}).objective(8)
    updater = Updater(scorer, objective, weights, make_optimizer(weights, config), config, {}, Plain())
    first = updater(make_batch(rollouts, 0), config.lr)
    anchor = updater.objective.state()["batch_terms.0.anchor"]
    assert anchor == pytest.approx(first["entropy/peak"], abs=1e-6)
    assert first["entropy/anchor"] == pytest.approx(anchor)
    assert first["loss_siren"] == pytest.approx(0.0, abs=1e-9)
    second = updater(make_batch(rollouts[4:], 1), config.lr)
    assert updater.objective.state()["batch_terms.0.anchor"] == anchor
    assert second["entropy/peak"] != pytest.approx(anchor, abs=1e-6)
    stored = json.loads(json.dumps(updater.objective.state()))
    assert objective.restored(stored).state()["batch_terms.0.anchor"] == anchor


def test_rows_without_advantage_are_skipped_exactly(rollouts):
    kept, before = updated(rollouts, skip_zero_advantage=False)
    skipped, after = updated(rollouts)
    assert before["rows_skipped"] == 0.0
    assert after["rows_skipped"] == pytest.approx(4 / 20)
    assert_same(skipped, kept)


def test_a_term_that_acts_on_every_row_forbids_skipping(rollouts):
    _, metrics = updated(rollouts, "grpo", {"kl_beta": 0.1})
    assert metrics["rows_skipped"] == 0.0
    assert metrics["kl"] == pytest.approx(0.0, abs=1e-6)


def test_later_minibatches_use_the_policy_that_sampled(rollouts):
    _, one = updated(rollouts)
    _, many = updated(rollouts, minibatches=2, epochs=3)
    assert one["ratio_max"] == 1.0
    assert many["ratio_max"] > 1.01


def test_a_batch_that_teaches_nothing_moves_nothing(rollouts):
    flat, metrics = updated([r for r in rollouts if r.group == 0])
    assert torch.equal(flat, tiny_flat())
    assert metrics["rows_skipped"] == 1.0


def test_a_gradient_that_is_not_finite_is_not_applied(rollouts, monkeypatch):
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(math.nan))
    flat, metrics = updated(rollouts)
    assert torch.equal(flat, tiny_flat())
    assert metrics["steps_skipped"] == 1.0


def test_errors_never_become_rewards(rollouts):
    broken = [rollout(1, [1, 2], [3], 0.0, Outcome.INFRA_ERROR), rollout(1, [1, 2], [3], 0.0, Outcome.VERIFIER_ERROR)]
    assert len(make_batch([*rollouts, *broken], 0).rows) == len(rollouts)
    with pytest.raises(ValueError, match="no rollout ended in a score"):
        make_batch(broken, 0)


def test_make_batch_places_tokens_and_rewards():
    given, said, seen, again = ((5, 6), False), ((7, 8), True, (-0.1, -0.2)), ((9,), False), ((10,), True, (-0.3,))
    branch = Branch(tuple(Segment(*part) for part in (given, said, seen, again)))
    episode = Episode("e-v0", "t", 0, [], Outcome.TRUNCATED, Score(0.25, {"a": 2.0}, correct=None))
    batch = make_batch([Rollout(episode, (branch, branch), group=7), rollout(7, [5, 6], [7], 1.0)], 3)
    assert batch.data.action_mask.tolist() == [[1, 1, 0, 1], [1, 1, 0, 1], [1, 0, 0, 0]]
    assert batch.data.rollout_logp[0].tolist() == pytest.approx([-0.1, -0.2, 0.0, -0.3])
    assert batch.data.group_id.tolist() == [7, 7, 7]
    assert batch.data.rollout_id.tolist() == [0, 0, 1]
    assert batch.data.truncated.tolist() == [True, True, False]
    assert batch.data.reward_parts["a"].isnan().tolist() == [False, False, True]
    assert batch.data.correct.isnan().tolist() == [True, True, False]
    assert batch.rows[0].ids.tolist() == [5, 6, 7, 8, 9, 10]
    assert batch.rows[0].prompt == 2


@pytest.mark.parametrize(
    ("schedule", "step", "want"),
    [("constant", 0, 0.5), ("constant", 1, 1.0), ("constant", 9, 1.0), ("linear", 2, 1.0), ("linear", 6, 0.5),
     ("cosine", 2, 1.0), ("cosine", 6, 0.5), ("cosine", 10, 0.0)],
)  # fmt: skip
def test_learning_rate(schedule, step, want):
    config = OptimConfig(lr=1.0, schedule=schedule, warmup_steps=2)
    assert learning_rate(config, step, 10) == pytest.approx(want)


def test_bfloat16_weights_move_by_steps_smaller_than_their_spacing():
    model = torch.nn.Linear(4, 4, bias=False).bfloat16()
    model.weight.data.fill_(0.5)
    weights = Weights(model)
    optimizer = make_optimizer(weights, OptimConfig(lr=1e-5))
    for _ in range(400):  # 400 steps of 1e-5 pass the spacing of bfloat16 at 0.5, which is 0.002; none does alone
        model.weight.grad = torch.ones_like(model.weight)
        weights.lift()
        optimizer.step()
        weights.publish()
    mean = float(model.weight.detach().mean())
    assert mean == pytest.approx(0.496, abs=2e-3)
    assert mean < 0.5
    assert weights.split_masters().keys() == {"weight"}
