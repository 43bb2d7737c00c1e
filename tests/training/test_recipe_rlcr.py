"""RLCR: the numbers of arXiv:2507.16806, and a table of answers and confidences that learns."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from assay.training.objectives.calibrated import RLCRReward, confidence_penalty
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import Plain, Pool
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.verifiers.calibration import ece
from assay.verifiers.calibration.reward import penalty, reward

NAN = math.nan


def batch_of(correct, q, kept, **given):
    parts = {"confidence": torch.tensor(q), "format": torch.tensor(kept)}
    rewards = [7.0] * len(correct)  # what the environment pays is replaced
    return TrajectoryBatch.of(rewards, correct=torch.tensor(correct), reward_parts=parts, **given)


def transform(name="rlcr", **constants):
    (found,) = get_recipe(name, constants).objective(8).transforms
    return found


@pytest.mark.parametrize(
    ("form", "expected"), [("paper", [0.96, -0.64, -0.01, 0.0]), ("code", [1.48, 0.68, 0.995, 0.0])]
)
def test_rewards(form, expected):
    batch = batch_of([1.0, 0.0, 0.0, 0.0], [0.8, 0.8, 0.1, 0.0], [1.0, 1.0, 1.0, 0.0])
    assert transform(form=form)(batch).tolist() == pytest.approx(expected, abs=1e-6)


def test_rows_without_parts_or_verdict():
    batch = batch_of([1.0, NAN, 1.0, 0.0], [NAN, 0.5, 0.5, 0.5], [NAN, 1.0, 0.0, 1.0])
    found = transform(form="paper")(batch)
    assert found[0] == 0
    assert torch.isnan(found[1])
    assert found[2:].tolist() == [0.0, -0.25]
    objective = get_recipe("rlcr").objective(1)
    advantage = objective.prepare(batch)
    assert advantage[1] == 0
    assert not torch.isnan(advantage).any()
    with pytest.raises(ValueError, match="--scaffold confidence"):
        RLCRReward()(TrajectoryBatch.of([1.0, 0.0], correct=torch.ones(2)))
    with pytest.raises(ValueError, match="whether it is right"):
        RLCRReward()(batch_of([NAN, NAN], [0.5, 0.5], [1.0, 1.0]))


@pytest.mark.parametrize(("form", "scoring"), itertools.product(("code", "paper"), ("brier", "spherical", "log")))
@pytest.mark.filterwarnings("ignore:rlcr with the log score")
def test_tensors_and_the_verifier_agree(form, scoring):
    grid = [(k / 20, ok) for k in range(21) for ok in (0.0, 1.0)]
    q, ok = (torch.tensor(column, dtype=torch.float64) for column in zip(*grid, strict=True))
    expected = [penalty(a, b, scoring) for a, b in grid]
    assert confidence_penalty(q, ok, scoring).tolist() == pytest.approx(expected, abs=1e-12)
    weights = {"format_weight": 0.3, "accuracy_weight": 0.7, "brier_weight": 0.2}
    batch = batch_of([b for _, b in grid], [a for a, _ in grid], [1.0] * len(grid))
    paid = [reward(a, b, form=form, scoring=scoring, weights=(0.3, 0.7, 0.2)) for a, b in grid]
    assert transform(form=form, score=scoring, **weights)(batch).tolist() == pytest.approx(paid, abs=1e-5)
    with pytest.raises(ValueError, match="spherical"):
        confidence_penalty(q, ok, "linear")


def test_all_right_groups_still_teach_calibration():
    batch = batch_of([1.0, 1.0, 1.0], [0.9, 0.5, 0.1], [1.0] * 3)
    advantage = get_recipe("rlcr").objective(1).prepare(batch)[:, 0]
    assert advantage[0] > advantage[1] > advantage[2]
    assert advantage.sum().item() == pytest.approx(0.0, abs=1e-6)
    same = batch_of([1.0, 1.0], [0.9, 0.9], [1.0, 1.0])
    assert get_recipe("rlcr").objective(1).prepare(same).abs().max() == 0
    assert get_recipe("rlcr").schedule() == Plain()


def test_composition():
    objective = get_recipe("rlcr").objective(64)
    assert repr(objective.advantage) == "DrGRPO()"
    assert repr(objective.surrogate) == "PPOClip(low=0.2, high=0.2, dual=None)"
    assert (objective.aggregation, objective.anchors, objective.keeps) == ("seq-sum-norm", frozenset(), ())
    batch = batch_of([1.0, 0.0], [0.5, 0.5], [1.0, 1.0], truncated=torch.tensor([False, True]))
    masked = get_recipe("rlcr", {"mask_truncated": True}).objective(1)
    assert masked.keep(batch, masked.prepare(batch))[:, 0].tolist() == [1.0, 0.0]


def test_first_step_coefficient():
    batch = batch_of([1.0, 0.0, 0.0, 1.0], [0.8, 0.8, 0.1, 0.3], [1.0] * 4)
    objective = get_recipe("rlcr", {"form": "paper"}).objective(1)
    advantage = objective.prepare(batch)
    logp = torch.zeros(4, 1, requires_grad=True)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    loss.backward()
    paid = torch.tensor([0.96, -0.64, -0.01, 0.51])
    assert torch.allclose(-4 * logp.grad[:, 0], paid - paid.mean(), atol=1e-6)


def test_mistakes_are_one_line_before_a_model_is_loaded():
    facts = RunFacts(group_size=8, max_length=16)
    with pytest.raises(ValueError, match=r"recipe rlcr rewards .* add --scaffold confidence$") as error:
        check_recipe(get_recipe("rlcr"), facts)
    assert "\n" not in str(error.value)
    for scaffold in ("confidence", "confidence-long", "confidence-ac"):
        check_recipe(get_recipe("rlcr"), RunFacts(group_size=8, max_length=16, scaffold=scaffold))
    with pytest.raises(ValueError, match="recipe rlcr: weights must not be negative"):
        check_recipe(get_recipe("rlcr", {"brier_weight": -1}), facts)
    with pytest.warns(UserWarning, match="log score"):
        get_recipe("rlcr", {"score": "log"}).objective(8)


QUESTIONS, ANSWERS, BINS, SAMPLES = 30, 3, 11, 32


def miniature(constants, steps, lr=0.05, seed=0):
    """Accuracy and ECE of a table of logits over (answer, confidence), and the best accuracy possible.

    An answer is right by chance, with a probability of its own; ``constants`` None trains on the verdict alone.
    """
    g = torch.Generator().manual_seed(seed)
    p = torch.rand(QUESTIONS, ANSWERS, generator=g)
    logits = torch.zeros(QUESTIONS, ANSWERS * BINS, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=lr)
    objective = get_recipe("dr-grpo" if constants is None else "rlcr", constants or {}).objective(1)
    question = torch.arange(QUESTIONS).repeat_interleave(SAMPLES)
    groups, kept = question.tolist(), torch.ones(QUESTIONS * SAMPLES)
    for step in range(steps):
        logp = torch.log_softmax(logits, -1)
        arm = torch.multinomial(logp.detach().exp(), SAMPLES, replacement=True, generator=g).flatten()
        answer, q = arm // BINS, (arm % BINS) / (BINS - 1)
        correct = (torch.rand(len(arm), generator=g) < p[question, answer]).float()
        batch = TrajectoryBatch.of(correct, groups, correct=correct, reward_parts={"confidence": q, "format": kept})
        advantage = objective.prepare(batch)
        (index,) = Plain().recompose(Pool.of(batch, advantage), step, 1, 0).minibatches
        totals = objective.totals(batch, advantage)
        out = PolicyOutputs(logp[question, arm].unsqueeze(-1))
        loss, _ = objective.loss(out, batch.rows(index), advantage[index], totals)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    share = torch.softmax(logits.detach(), -1).view(QUESTIONS, ANSWERS, BINS)
    accuracy = float((share.sum(-1) * p).sum(-1).mean())
    gap = 0.0
    for b in range(10):
        mine = share[..., b] if b < 9 else share[..., 9:].sum(-1)
        stated = share[..., b] * b / 10 if b < 9 else share[..., 9] * 0.9 + share[..., 10]
        gap += abs(float((mine * p - stated).sum())) / QUESTIONS
    return accuracy, gap, float(p.max(-1).values.mean())


def test_the_miniature_learns_to_be_honest():
    accuracy, gap, best = miniature({}, 200, lr=0.2)
    assert accuracy > best - 0.005
    assert gap < 0.09
    binary, blind, _ = miniature(None, 200, lr=0.2)
    assert binary > best - 0.005
    assert blind > 0.2


def test_the_gap_of_the_miniature_is_an_ece():
    """On draws of a known table, the exact gap is what the metric estimates."""
    g = torch.Generator().manual_seed(3)
    p, share = torch.rand(4, generator=g), torch.rand(4, BINS, generator=g)
    share = share / share.sum()
    arm = torch.multinomial(share.flatten(), 200_000, replacement=True, generator=g)
    q, ok = (arm % BINS) / (BINS - 1), (torch.rand(len(arm), generator=g) < p[arm // BINS]).float()
    exact = 0.0
    for b in range(10):
        here = slice(b, b + 1) if b < 9 else slice(9, 11)
        exact += abs(float((share[:, here] * (p[:, None] - torch.arange(BINS)[here] / 10)).sum()))
    assert ece([round(x, 6) for x in q.tolist()], ok.tolist()) == pytest.approx(exact, abs=0.005)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:rlcr with the log score")
def test_the_miniature_in_full():
    accuracy, gap, best = miniature({"form": "paper"}, 3000)
    assert accuracy > best - 0.005
    assert gap < 0.05
    logged, _, _ = miniature({"form": "paper", "score": "log"}, 3000)
    assert logged < accuracy
    binary, blind, _ = miniature(None, 3000)
    assert binary > best - 0.005
    assert blind > 0.2
