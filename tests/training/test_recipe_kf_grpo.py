"""KF-GRPO and T-GRPO: the numbers of the reward, when alpha matters, the divergence, and what is refused."""

from __future__ import annotations

import math
import random

import pytest
import torch

from assay.training.objectives.contrast import CONTRAST, Contrasted
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.keyframes import ClampedKL, KFReward
from assay.training.objectives.kl import KLLoss
from assay.training.objectives.schedule import Plain
from assay.training.recipes import RunFacts, check_recipe, get_recipe

VIDEO = RunFacts(8, 32, steps=10, groups=4, views=("shuffled", "uniform", "low_saliency"))


def batch_of(acc, fmt=1.0, contrast=math.nan, saliency=0.0, group=None, **given):
    acc = torch.tensor(acc)
    full = {
        name: torch.as_tensor(value, dtype=torch.float32).expand(len(acc)).clone()
        for name, value in (("format", fmt), (CONTRAST, contrast), ("saliency", saliency))
    }
    parts = {"accuracy": acc, **full}
    return TrajectoryBatch.of(acc, group, correct=(acc > 0.5).float(), reward_parts=parts, **given)


def advantages(batch, name="kf-grpo", **constants):
    return get_recipe(name, {"kl_beta": 0, **constants}).objective(32).prepare(batch)[:, 0]


def test_three_of_eight_right_and_the_poorer_view_is_worse():
    batch = batch_of([1.0, 1, 0, 0, 0, 0, 0, 1], contrast=0.25, saliency=0.75)
    assert KFReward()(batch).tolist() == pytest.approx([2.45, 2.45, 1, 1, 1, 1, 1, 2.45])
    found = advantages(batch)
    assert found[0].item() == pytest.approx(1.2075, abs=1e-4)
    assert found[2].item() == pytest.approx(-0.7245, abs=1e-4)


def test_one_of_eight_right_and_the_poorer_view_is_better():
    batch = batch_of([1.0, 0, 0, 0, 0, 0, 0, 0], contrast=0.5, saliency=0.75)
    assert KFReward()(batch).tolist() == pytest.approx([2.15] + [1.0] * 7)
    assert KFReward(mu=0.25)(batch)[0].item() == pytest.approx(2.45)  # .125 reaches .25 x .5


def test_rounding_takes_no_bonus_away():
    batch = batch_of([1.0, 1, 1, 0, 0], contrast=0.75)  # .8 x .75 is .6000000000000001
    assert KFReward()(batch)[0].item() == pytest.approx(2.3)
    assert KFReward()(batch_of([0.1, 0.0], contrast=0.0))[0].item() == pytest.approx(1.1)  # .1 is not above .1


def test_a_group_that_agrees_teaches_nothing():
    for acc in ([0.0] * 8, [1.0] * 8):
        assert torch.equal(advantages(batch_of(acc, contrast=0.25, saliency=0.75)), torch.zeros(8))


def slow_reward(rows, alpha, mu, beta):
    """The formula of the specification, row by row."""
    out = []
    for group, acc, fmt, other, saliency in rows:
        same = [each[1] for each in rows if each[0] == group]
        p = sum(same) / len(same)
        r = acc + fmt
        if not math.isnan(other) and acc > 0.1:
            r += (alpha if p >= mu * other - 1e-9 and p > 0 else 0.0) + beta * saliency
        out.append(r)
    return out


def test_rewards_are_those_of_the_formula_row_by_row():
    rng = random.Random(0)
    for _ in range(50):
        other = {g: rng.choice([math.nan, 0.0, 0.25, 0.5, 1.0]) for g in range(4)}
        rows = [
            (g, rng.choice([0.0, 0.05, 0.1, 0.3, 1.0]), rng.choice([0.0, 1.0]), other[g], rng.random())
            for g in range(4)
            for _ in range(rng.randrange(1, 6))
        ]
        rng.shuffle(rows)
        group, acc, fmt, contrast, saliency = (list(column) for column in zip(*rows, strict=True))
        alpha, mu, beta = rng.random(), 1.2 * rng.random(), rng.random()
        batch = batch_of(acc, fmt, contrast, saliency, group)
        found = KFReward(alpha, mu, beta)(batch)
        assert found.tolist() == pytest.approx(slow_reward(rows, alpha, mu, beta), abs=1e-5)


def test_one_picture_is_never_compared_and_earns_accuracy_and_format():
    single = batch_of([1.0, 0, 1, 0], fmt=[1.0, 1, 0, 0], saliency=1.0)
    assert KFReward()(single).tolist() == [2.0, 1.0, 1.0, 0.0]
    del single.reward_parts[CONTRAST]
    assert KFReward()(single).tolist() == [2.0, 1.0, 1.0, 0.0]
    mixed = batch_of([1.0, 0, 1, 0], contrast=[math.nan, math.nan, 0.0, 0.0], group=[0, 0, 1, 1], saliency=1.0)
    assert KFReward()(mixed).tolist() == pytest.approx([2.0, 1.0, 2.5, 1.0])


def test_without_contrast_rollouts_saliency_is_still_paid():
    batch = batch_of([1.0, 0.0], saliency=[0.5, 1.0])
    assert KFReward(0.0, 0.8, 0.2, compared=False)(batch).tolist() == pytest.approx([2.1, 1.0])


def test_what_was_not_judged_part_by_part_has_failed_and_stays_in_its_group():
    nan = math.nan
    batch = TrajectoryBatch.of(
        [1.0, 0.0, nan], correct=torch.tensor([1.0, 0.0, nan]), reward_parts={
            "accuracy": torch.tensor([1.0, nan, nan]), "format": torch.tensor([1.0, nan, nan]),
            CONTRAST: torch.full((3,), 0.0)},
    )  # fmt: skip
    found = KFReward()(batch)
    assert found[:2].tolist() == pytest.approx([2.3, 0.0])  # p = 1/2 of the two that have a reward
    assert torch.isnan(found[2])
    verdicts = TrajectoryBatch.of([5.0, -5.0], correct=torch.tensor([1.0, 0.0]))  # no parts at all
    assert KFReward()(verdicts).tolist() == [1.0, 0.0]


def test_branches_of_a_rollout_count_once():
    plain = batch_of([1.0, 0.0, 0.0], contrast=0.45)
    forked = batch_of([1.0, 1.0, 1.0, 0.0, 0.0], contrast=0.45, rollout_id=torch.tensor([0, 0, 0, 1, 2]))
    assert KFReward()(plain)[0].item() == pytest.approx(2.0)  # 1/3 < .8 x .45; 3 of 5 rows would earn alpha
    assert KFReward()(forked)[0].item() == pytest.approx(2.0)


def test_a_fitting_length_is_paid_where_several_are_right():
    mask = torch.zeros(4, 600)
    for row, length in enumerate((319, 320, 512, 513)):
        mask[row, :length] = 1.0
    several = batch_of([1.0, 1, 1, 1], action_mask=mask)
    assert KFReward(length=0.2)(several).tolist() == pytest.approx([2.0, 2.2, 2.2, 2.0])
    alone = batch_of([0.0, 1, 0, 0], action_mask=mask)
    assert KFReward(length=0.2)(alone).tolist() == [1.0, 2.0, 1.0, 1.0]
    ids = torch.tensor([0, 0, 1, 2])  # the first rollout has branches of 319 and 320 tokens
    assert KFReward(length=0.2)(batch_of([1.0, 1, 1, 0], action_mask=mask, rollout_id=ids)).tolist() == pytest.approx(
        [2.2, 2.2, 2.2, 1.0]
    )


@pytest.mark.parametrize("right", range(1, 8))
def test_alpha_changes_no_scaled_advantage_of_answers_that_are_right_or_wrong(right):
    batch = batch_of([1.0] * right + [0.0] * (8 - right), contrast=0.1)
    assert advantages(batch, alpha=0.3).tolist() == pytest.approx(advantages(batch, alpha=0).tolist(), abs=5e-4)
    plain, paid = (advantages(batch, alpha=alpha, advantage="dr_grpo") for alpha in (0, 0.3))
    assert paid.tolist() == pytest.approx((1.3 * plain).tolist(), abs=1e-6)


def test_alpha_changes_scaled_advantages_where_formats_or_accuracies_differ():
    failed = batch_of([1.0, 1.0, 0.0, 0.0], fmt=[1.0, 1.0, 1.0, 0.0], contrast=0.1)
    assert (advantages(failed, alpha=0.3) - advantages(failed, alpha=0)).abs().max() > 0.01
    graded = batch_of([1.0, 0.5, 0.0, 0.0], contrast=0.1)
    assert (advantages(graded, alpha=0.3) - advantages(graded, alpha=0)).abs().max() > 0.01


def test_t_grpo_is_kf_grpo_without_saliency():
    batch = batch_of([1.0, 0.0, 1.0, 0.0], contrast=0.25, saliency=[0.1, 0.2, 0.9, 0.4])
    assert torch.equal(advantages(batch, "t-grpo"), advantages(batch, beta=0.0))
    assert not torch.equal(advantages(batch, "t-grpo"), advantages(batch))
    assert get_recipe("t-grpo").schedule() == Contrasted("shuffled", 0.5)


def test_groups_that_earn_alpha_are_counted():
    batch = batch_of([1.0, 0, 0, 0, 1, 1], contrast=[0.2, 0.2, 0.9, 0.9, math.nan, math.nan], group=[0, 0, 1, 1, 2, 2])
    _, noticed = get_recipe("kf-grpo").objective(8).seen(batch)
    assert noticed == {"contrast/paid": 0.5}
    _, noticed = get_recipe("kf-grpo", {"alpha": 0, "contrast_ratio": 0}).objective(8).seen(batch)
    assert noticed == {}


def test_the_divergence_is_cut_in_the_log_ratio():
    logp = torch.tensor([[-1.0, -5.0, -30.0]], requires_grad=True)
    batch = TrajectoryBatch.of([0.0], length=3, anchor_logp={"ref": torch.tensor([[-1.5, -1.0, -1.0]])})
    found = ClampedKL(0.04)(PolicyOutputs(logp), batch)
    wanted = [0.04 * (math.exp(-d) - 1 + d) for d in (0.5, -4.0, -10.0)]
    assert found[0].tolist() == pytest.approx(wanted)
    (grad,) = torch.autograd.grad(found.sum(), logp)
    assert grad[0].tolist() == pytest.approx([0.04 * (1 - math.exp(-0.5)), 0.04 * (1 - math.exp(4.0)), 0.0])
    near = KLLoss(0.04)(PolicyOutputs(logp), batch)
    assert near[0, 0].item() == pytest.approx(wanted[0])


def test_what_cannot_work_is_one_line():
    for constants, message in [
        ({"contrast": "mirrored"}, "compares with view 'mirrored' .* it has shuffled, uniform, low_saliency"),
        ({"contrast_ratio": 0}, "alpha is paid for beating the poorer view"),
        ({"length_low": 9, "length_high": 8}, "length_low 9 is above length_high 8"),
        ({"contrast": ""}, "a contrast needs a view"),
    ]:
        with pytest.raises(ValueError, match=f"^recipe kf-grpo.*{message}") as error:
            check_recipe(get_recipe("kf-grpo", constants), VIDEO)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="which this environment does not have: it has none"):
        check_recipe(get_recipe("t-grpo"), RunFacts(8, 32))
    assert get_recipe("kf-grpo", {"contrast_ratio": 0, "alpha": 0}).schedule() == Plain()
    assert "none is longer than 32" in str(get_recipe("kf-grpo", {"length_bonus": 0.2}).cautions(VIDEO))
