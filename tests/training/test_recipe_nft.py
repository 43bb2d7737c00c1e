"""NFT: the numbers of arXiv:2505.18116, and a table of logits that learns."""

from __future__ import annotations

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.nft import NFT, CentredVerdict
from assay.training.objectives.schedule import DynamicSampling, Plain
from assay.training.recipes import get_recipe


def one_token(advantage, ratio, **constants):
    """Loss and its derivative by the token's log-probability."""
    logp = torch.tensor([[float(torch.tensor(ratio).log())]], requires_grad=True)
    batch = TrajectoryBatch.of([0.0], old_logp=torch.zeros(1, 1))
    loss = NFT(**constants)(PolicyOutputs(logp), batch, torch.tensor([[advantage]]))
    (grad,) = torch.autograd.grad(loss.sum(), logp)
    return float(loss.detach()), float(grad)


@pytest.mark.parametrize(
    ("weight", "right", "wrong"),
    [("none", 1.0, -1 / 3), ("one-minus-p", 0.75, -0.25), ("sqrt-odds", 1.732051, -0.577350)],
)
def test_coefficients_at_the_sampling_policy(weight, right, wrong):
    loss, grad = one_token(0.75, 1.0, weight=weight)  # y - p with y = 1, p = .25
    assert (loss, -grad) == pytest.approx((0.0, right), abs=1e-6)
    loss, grad = one_token(-0.25, 1.0, weight=weight)
    assert (loss, -grad) == pytest.approx((0.0, wrong), abs=1e-6)


@pytest.mark.parametrize(
    ("ratio", "floor", "loss", "grad"),
    [
        (1.2, 1.0, 0.0, 0.4),
        (1.2, 0.5, 0.068993, 0.428571),
        (1.2, 0.1, 0.068993, 0.428571),
        (0.8, 1.0, -0.064539, 0.25),
        (0.8, 0.1, -0.064539, 0.25),
        (5.0, 1.0, 0.0, 1.666667),
    ],
)
def test_wrong_answers_away_from_the_sampling_policy(ratio, floor, loss, grad):
    assert one_token(-0.25, ratio, weight="none", floor_wrong=floor) == pytest.approx((loss, grad), abs=1e-5)


def test_first_step_is_dr_grpo_or_grpo():
    correct = torch.tensor([1.0, 0, 0, 0])
    batch = TrajectoryBatch.of(correct, correct=correct)
    centred = CentredVerdict()(batch)
    assert centred[:, 0].tolist() == pytest.approx([0.75, -0.25, -0.25, -0.25])
    population = centred / correct.std(correction=0)
    for weight, expected in (("one-minus-p", centred), ("sqrt-odds", population)):
        logp = torch.zeros(4, 1, requires_grad=True)
        (grad,) = torch.autograd.grad(NFT(weight)(PolicyOutputs(logp), batch, centred).sum(), logp)
        assert torch.allclose(-grad, expected, atol=1e-6)


def test_groups_that_agree_are_left_out_and_p_is_clamped():
    agreeing = TrajectoryBatch.of([1.0] * 4, correct=torch.ones(4))
    assert CentredVerdict()(agreeing).abs().max() == 0
    assert one_token(0.0, 1.3) == (0.0, 0.0)
    assert one_token(-0.999, 0.9, weight="none") == pytest.approx(one_token(-0.98, 0.9, weight="none"))


def test_a_group_that_agrees_costs_nothing_where_it_could_not_be_sampled_away():
    """Dynamic sampling removes p = 0 and p = 1. What it could not replace is left out, where the authors' code stops:
    the loss of such a group is 0 at every ratio, and the others' is what it is without it."""
    objective = get_recipe("nft", {"prompt_weight": "none"}).objective(1)
    assert not get_recipe("nft").schedule().keep_group([1.0] * 4)
    verdicts, groups = torch.tensor([1.0, 0, 0, 0, 1, 1, 0, 0]), [0] * 4 + [1, 1, 2, 2]
    logp = torch.linspace(-0.4, 0.3, 8).unsqueeze(-1).requires_grad_()
    batch = TrajectoryBatch.of(verdicts, groups, correct=verdicts, old_logp=torch.zeros(8, 1))
    advantage = objective.prepare(batch)
    (grad,) = torch.autograd.grad(objective.surrogate(PolicyOutputs(logp), batch, advantage).sum(), logp)
    assert grad[4:].abs().max() == 0
    few = batch.rows(torch.arange(4))
    assert torch.equal(objective.prepare(few), advantage[:4])
    assert objective.inert(batch, advantage).tolist() == [False] * 4 + [True] * 4


def test_a_token_of_a_wrong_answer_never_loses_its_gradient():
    ratio = 0.5  # beyond ppo's clip
    assert one_token(-0.25, ratio)[1] > 0.05
    logp = torch.tensor([[ratio]]).log().requires_grad_()
    batch = TrajectoryBatch.of([0.0], old_logp=torch.zeros(1, 1))
    clipped = get_recipe("dapo").objective(8).surrogate(PolicyOutputs(logp), batch, torch.tensor([[-0.25]]))
    assert torch.autograd.grad(clipped.sum(), logp)[0] == 0


def test_the_sequence_form_has_one_ratio():
    logp = torch.tensor([[0.1, 0.1]], requires_grad=True)
    batch = TrajectoryBatch.of([0.0], length=2, old_logp=torch.zeros(1, 2))
    loss = NFT("none", sequence=True)(PolicyOutputs(logp), batch, torch.tensor([[0.75, 0.75]]))
    assert float(loss.detach().sum()) == pytest.approx(-0.2, abs=1e-6)
    (grad,) = torch.autograd.grad(loss.sum(), logp)
    assert grad.tolist()[0] == pytest.approx([-1.0, -1.0])


def test_the_recipe():
    assert get_recipe("nft").schedule() == DynamicSampling(10)
    assert get_recipe("nft", {"dynamic_sampling": False}).schedule() == Plain()
    assert get_recipe("rft").objective(8).surrogate.negative == 0
    with pytest.raises(ValueError, match="p_clamp"):
        get_recipe("nft", {"p_low": 0.99}).objective(8)
    with pytest.raises(ValueError, match="neg_weight"):
        get_recipe("nft", {"neg_weight": -1.0}).objective(8)
