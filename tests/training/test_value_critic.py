"""The critic reads the states that tokens were sampled in, learns what it is told, and comes back from a checkpoint."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.training.batch import Batch
from assay.training.forward import Row, Scorer
from assay.training.objectives.data import TrajectoryBatch
from assay.training.update import explained
from assay.training.value.critic import ValueCritic, next_sampled
from assay.training.value.spec import CriticSpec

NAN = float("nan")
LINES = [([5, 6, 7, 8, 9], 2, [1, 0, 1]), ([5, 6, 7, 4], 2, [1, 1]), ([5, 6, 4], 2, [1]), ([9, 8, 4, 4], 1, [0, 1, 1])]


def batch_of(reward=(1.0, 0.0, 1.0, 0.5), **given):
    rows = [Row(np.array(ids), prompt, np.array(mask, bool)) for ids, prompt, mask in LINES]
    mask = torch.zeros(4, 3)
    for i, (_, _, sampled) in enumerate(LINES):
        mask[i, : len(sampled)] = torch.tensor(sampled, dtype=torch.float32)
    return Batch(rows, TrajectoryBatch.of(list(reward), action_mask=mask, **given))


def policy(**how):
    return Scorer(tiny_model(layers=1, hidden=32)[0], **how)


def stirred(critic):
    """With a last layer that is not 0."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        critic.last.weight.copy_(torch.randn(critic.last.weight.shape, generator=generator) / 4)
    return critic


def slowly(critic, row, position):
    """The value of the state before ``row.ids[position]``, from the whole model on the bare prefix."""
    with torch.no_grad():
        ids = torch.from_numpy(row.ids[:position])[None]
        hidden = critic.scorer.model(ids, output_hidden_states=True).hidden_states[-1][0, -1]
        return float(critic.head.value(critic.last(hidden.float())))


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("head", ["mse", "hl-gauss"])
def test_values_are_those_of_the_states_before_each_token(share, head):
    critic = stirred(ValueCritic(policy(share_prefix=share), CriticSpec(head)))
    batch = batch_of(truncated=torch.tensor([True, False, False, True]))
    values, ends = critic.values(batch), critic.end_values(batch)
    assert values.shape == (4, 3)
    for i, row in enumerate(batch.rows):
        want = [slowly(critic, row, row.prompt + t) if on else 0.0 for t, on in enumerate(row.mask)]
        assert values[i, : len(want)].tolist() == pytest.approx(want, abs=1e-5)
        assert float(ends[i]) == pytest.approx(slowly(critic, row, len(row.ids)) if i in (0, 3) else 0.0, abs=1e-5)
    assert values.unique().numel() > 4


def test_the_first_value_is_the_middle_of_the_range_and_the_policy_is_left_alone():
    scorer = policy()
    before = copy.deepcopy(scorer.model.state_dict())
    critic = ValueCritic(scorer, CriticSpec(low=-1.0, high=3.0, lr=1e-2))
    batch = batch_of()
    assert critic.values(batch)[batch.data.action_mask > 0].tolist() == pytest.approx([1.0] * 7, abs=1e-5)
    critic.learn(batch, torch.ones(4, 3))
    assert all(torch.equal(value, before[name]) for name, value in scorer.model.state_dict().items())
    assert float(critic.last.weight.detach().abs().max()) > 0


@pytest.mark.parametrize("head", ["mse", "two-hot", "hl-gauss", "c51"])
def test_it_learns_and_neither_packing_nor_micro_batches_change_how(head):
    returns = torch.tensor([[0.1, NAN, 0.9], [0.2, 0.3, NAN], [0.8, NAN, NAN], [NAN, 0.5, 0.6]]).nan_to_num(0.0)
    found = []
    for share, budget in ((True, 10**6), (True, 1), (False, 1)):
        critic = ValueCritic(policy(share_prefix=share, budget=budget), CriticSpec(head, lr=1e-2, gamma=0.9))
        losses = []
        for _ in range(3):
            batch = batch_of(values=torch.zeros(4, 3))
            losses.append(critic.learn(batch, returns)["value_loss"])
        found.append((losses, critic.values(batch_of())))
    for losses, values in found[1:]:
        assert losses == pytest.approx(found[0][0], rel=1e-4)
        assert torch.allclose(values, found[0][1], atol=1e-3)
    assert found[0][0][-1] < found[0][0][0]


def test_the_loss_is_a_mean_over_tokens_with_a_target():
    critic = stirred(ValueCritic(policy(), CriticSpec("mse", lr=1e-9)))
    batch = batch_of()
    values = critic.values(batch)
    returns = torch.full((4, 3), 2.0)
    returns[1] = NAN
    kept = batch.data.action_mask > 0
    kept[1] = False
    measured = critic.learn(batch, returns)
    assert measured["value_loss"] == pytest.approx(float(((values - 2.0) ** 2)[kept].mean()), rel=1e-4)
    assert measured["value/clip_frac"] == 0.0
    assert critic.learn(batch, torch.full((4, 3), NAN)) == {}


def test_clipped_targets_are_counted():
    critic = ValueCritic(policy(), CriticSpec("hl-gauss", 0.0, 1.0))
    returns = torch.tensor([[0.0, 9.0, 1.0], [1.5, 0.5, 0.0], [-0.1, 0.0, 0.0], [0.0, 1.0, 1.0]])
    assert critic.learn(batch_of(), returns)["value/clip_frac"] == pytest.approx(2 / 7)


def test_c51_learns_from_the_distribution_of_the_next_state():
    spec = CriticSpec("c51", 0.0, 1.0, bins=5, gamma=0.5, lr=1e-9)
    critic = stirred(ValueCritic(policy(), spec))
    batch = batch_of()
    old = torch.rand(4, 3, generator=torch.Generator().manual_seed(1)) * batch.data.action_mask
    batch.data.values = old
    reward = torch.tensor([[0.1, 0.0, 0.3], [0.2, 0.0, 0.0], [0.4, 0.0, 0.0], [0.0, 0.1, 0.7]])
    following = torch.tensor([[2, -1, -1], [1, -1, -1], [-1, -1, -1], [-1, 2, -1]])  # by hand, from LINES
    after = torch.where(following >= 0, old.gather(-1, following.clamp(min=0)), 0.0)
    logits = {}
    for i, row in enumerate(batch.rows):
        for t in np.flatnonzero(row.mask):
            ids = torch.from_numpy(row.ids[: row.prompt + t])[None]
            with torch.no_grad():
                hidden = critic.scorer.model(ids, output_hidden_states=True).hidden_states[-1][0, -1]
                logits[i, int(t)] = critic.last(hidden)
    losses = []
    for (i, t), mine in logits.items():
        target, nxt = torch.zeros(5), int(following[i, t])
        for j, mass in enumerate(torch.softmax(logits[i, nxt], -1) if nxt >= 0 else [1.0]):
            moved = float(reward[i, t]) + (0.5 * 0.25 * j if nxt >= 0 else 0.0)
            for k in range(5):
                target[k] += float(mass) * max(0.0, 1.0 - abs(min(moved, 1.0) * 4 - k))
        losses.append(float(-(target * torch.log_softmax(mine, -1)).sum()))
    measured = critic.learn(batch, (reward + 0.5 * after) * batch.data.action_mask)
    assert measured["value_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_a_frozen_base_is_shared_and_only_the_adapter_learns():
    from assay.agents.models import load_model

    model, _ = load_model("tiny", lora_rank=4)
    critic = ValueCritic(Scorer(model), CriticSpec())
    own, theirs = dict(critic.scorer.model.named_parameters()), dict(model.named_parameters())
    assert all((own[name] is p) == (not p.requires_grad) for name, p in theirs.items())
    assert all("lora_" in name or name.startswith("last.") for name in critic.weights.own)
    assert {"last.weight", "last.bias"} < critic.weights.own.keys()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_goes_on_where_it_was(tmp_path, dtype):
    scorer = policy()
    scorer.model.to(dtype)
    batch, returns = batch_of(), torch.rand(4, 3, generator=torch.Generator().manual_seed(3))
    spec = CriticSpec(lr=1e-2)
    critic = ValueCritic(scorer, spec)
    critic.learn(batch, returns)
    stored = {name: value.clone() for name, value in critic.tensors().items()}
    critic.learn(batch, returns)
    again = ValueCritic(scorer, spec)
    again.restore(stored, tmp_path)
    again.learn(batch, returns)
    for name, value in critic.tensors().items():
        assert torch.equal(value, again.tensors()[name]), name
    with pytest.raises(ValueError, match="not the one of this configuration"):
        ValueCritic(scorer, CriticSpec("mse")).restore(stored, tmp_path)
    with pytest.raises(ValueError, match="not the one of this configuration"):
        ValueCritic(scorer, spec).restore({}, tmp_path)


def test_the_next_sampled_position():
    mask = torch.tensor([[True, False, True, True], [False, False, False, False], [False, True, False, False]])
    assert next_sampled(mask).tolist() == [[2, 2, 3, -1], [-1] * 4, [1, -1, -1, -1]]


def test_explained_variance():
    returns, mask = torch.tensor([[1.0, 2.0, 3.0, NAN]]), torch.ones(1, 4)
    assert explained(returns.nan_to_num(9.0), returns, mask) == {"explained_variance": 1.0}
    assert explained(torch.full((1, 4), 7.0), returns, mask) == {"explained_variance": 0.0}
    assert explained(-returns.nan_to_num(0.0), returns, mask) == {"explained_variance": -3.0}
    assert explained(torch.tensor([[1.5, 2.0, 2.5, 0.0]]), returns, mask) == {"explained_variance": 0.75}
    assert explained(returns, torch.ones(1, 4), mask) == {}
    assert explained(returns, returns, torch.tensor([[1.0, 0, 0, 0]])) == {}


@pytest.mark.parametrize(
    ("spec", "declared", "length", "low", "high"),
    [
        (CriticSpec(low=None, high=None), (0.0, 1.0), 8, 0.0, 1.0),
        (CriticSpec(low=None, high=None), (0.25, 2.0), 8, 0.25, 2.0),
        (CriticSpec(low=None, high=None, gamma=0.9), (0.25, 2.0), 8, 0.0, 2.0),
        (CriticSpec(low=-4.0, high=None), (0.0, 1.0), 8, -4.0, 1.0),
        (CriticSpec(low=-4.0, high=5.0), None, 8, -4.0, 5.0),
        (CriticSpec(low=None, high=None, kl_beta=0.1, kl_target=0.25), (0.0, 1.0), 8, -0.8, 1.4),
        (CriticSpec(low=None, high=None, kl_beta=0.1, kl_target=1.0, gamma=0.5), (0.0, 1.0), 2, -0.669615, 1.369615),
    ],
)  # fmt: skip
def test_the_range_comes_from_the_environment(spec, declared, length, low, high):
    found = spec.within(declared, length)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_no_range_is_ever_guessed():
    with pytest.raises(ValueError, match="give --recipe"):
        CriticSpec(low=None, high=1.0).within(None, 8)
    assert CriticSpec("mse", low=None, high=None).within(None, 8).low is None
