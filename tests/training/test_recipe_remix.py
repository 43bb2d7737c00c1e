"""ReMix: the numbers of arXiv:2507.06892 through the real recipe, and its window step by step."""

from __future__ import annotations

import pytest
import torch

from assay.training.memory import Memory
from assay.training.objectives.anchors import AtStep, Every, Together
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.kl import kl_estimate
from assay.training.objectives.remix import KLConvex, MovingClip, NotTooStale
from assay.training.objectives.replay import ReplayWindow
from assay.training.objectives.schedule import Pool, RolloutPlan
from assay.training.objectives.surrogate import PPOClip
from assay.training.recipes import RunFacts, check_recipe, get_recipe


def moving(rho, r, advantage=1.0, eps=0.2):
    """q clipped, by the surrogate of the recipe: the loss is -min(q, clip(q)) A."""
    old = torch.tensor([[0.0]], dtype=torch.float64)
    behaviour = old - torch.tensor(rho, dtype=torch.float64).log()
    batch = TrajectoryBatch.of([0.0], old_logp=old, behaviour_logp=behaviour)
    out = PolicyOutputs(torch.tensor([[r]], dtype=torch.float64).log())
    surrogate = get_recipe("remix", {"clip": eps}).objective(8).surrogate
    return -float(surrogate(out, batch, torch.tensor([[advantage]], dtype=torch.float64))) / advantage


@pytest.mark.parametrize(("r", "clipped"), [(0.7, 1.1), (1.0, 1.3), (1.3, 1.5)])
def test_the_clip_moves_with_the_ratio_that_a_token_starts_from(r, clipped):
    rho, eps = 1.3, 0.2
    assert rho * min(max(r, 1 - eps / rho), 1 + eps / rho) == pytest.approx(clipped, abs=1e-12)
    # -A q is the maximum on one side of the clip for either sign of A: together they show the clipped value
    q = rho * r
    assert moving(rho, r, 1.0) == pytest.approx(min(q, clipped), abs=1e-12)
    assert moving(rho, r, -1.0) == pytest.approx(max(q, clipped), abs=1e-12)


def random_ratios(rho=True):
    g = torch.Generator().manual_seed(0)
    old, logp, behaviour, advantage = (torch.randn(50, 7, generator=g, dtype=torch.float64) for _ in range(4))
    return TrajectoryBatch.of(torch.zeros(50), length=7, group=list(range(50)), old_logp=old,
                              behaviour_logp=behaviour if rho else None), PolicyOutputs(logp), advantage  # fmt: skip


def test_fresh_rows_have_the_clip_of_ppo():
    batch, out, advantage = random_ratios(rho=False)
    mine, ppo = MovingClip(0.2), PPOClip(0.2, 0.2, None)
    assert torch.allclose(mine(out, batch, advantage), ppo(out, batch, advantage), rtol=0, atol=1e-12)
    assert torch.equal(mine.clipped(out, batch, advantage), ppo.clipped(out, batch, advantage))
    batch.behaviour_logp = batch.old_logp
    assert torch.allclose(mine(out, batch, advantage), ppo(out, batch, advantage), rtol=0, atol=1e-12)


def test_stale_rows_have_the_clip_of_ppo_at_another_width_and_weight():
    batch, out, advantage = random_ratios()
    rho = torch.exp(batch.old_logp - batch.behaviour_logp)
    r = torch.exp(out.logp - batch.old_logp)
    width = 0.2 / rho
    expected = rho * torch.maximum(-advantage * r, -advantage * torch.clamp(r, 1 - width, 1 + width))
    assert torch.allclose(MovingClip(0.2)(out, batch, advantage), expected, rtol=1e-12, atol=1e-12)


def test_lambda_has_its_own_clock():
    convex = get_recipe("remix").objective(8).regularisers[0]
    for step, share in ((1, 1.0), (50, 1.0), (51, 0.9), (60, 0.9), (61, 0.8), (80, 0.7), (100, 0.5), (200, 0.5)):
        assert convex.at(step).share == pytest.approx(share, abs=1e-12)
    moved = get_recipe("remix").objective(8).at(61)
    assert moved.regularisers[0].share == pytest.approx(0.8)


@pytest.mark.parametrize(("step", "value"), [(1, 0.106531), (100, 0.055684)])
def test_kl_convex(step, value):
    batch = TrajectoryBatch.of([0.0], anchor_logp={"ref": torch.tensor([[-1.5]]), "prev": torch.tensor([[-1.1]])})
    out = PolicyOutputs(torch.tensor([[-1.0]]))
    convex = get_recipe("remix", {"kl_beta": 1.0}).objective(8).at(step).regularisers[0]
    assert float(convex(out, batch)) == pytest.approx(value, abs=1e-6)
    assert float(kl_estimate(out.logp, batch.anchor_logp["prev"], "k3")) == pytest.approx(0.004837, abs=1e-6)


def step_of(version, groups, first, agreeing=()):
    """Fresh rows of two for each group; those of ``agreeing`` groups have no advantage."""
    group = [first + i for i in range(groups) for _ in range(2)]
    advantage = torch.tensor([0.0 if g - first in agreeing else (-1.0) ** i for i, g in enumerate(group)])
    data = TrajectoryBatch.of(torch.zeros(len(group)), group, policy_version=torch.full((len(group),), version))
    return data, advantage.unsqueeze(-1)


def play(schedule, versions, groups=5, agreeing=()):
    """The compositions of a run, with the versions and groups of what each step replays and remembers."""
    kept, history = None, []
    for step in range(versions):
        data, advantage = step_of(step, groups, 100 * step, agreeing)
        fresh = torch.ones(len(data), dtype=torch.bool)
        if kept is not None:
            old, was = kept
            joined = {
                name: torch.cat([getattr(old, name), getattr(data, name)])
                for name in (
                    "action_mask",
                    "group_id",
                    "reward",
                    "correct",
                    "truncated",
                    "rollout_logp",
                    "policy_version",
                )
            }
            data = TrajectoryBatch(**joined)  # fmt: skip
            advantage = torch.cat([was, advantage])
            fresh = torch.cat([torch.zeros(len(old), dtype=torch.bool), fresh])
        pool = Pool(data, advantage, fresh, step)
        found = schedule.recompose(pool, step, 1, seed=step)
        used = torch.cat(found.minibatches)
        replayed = used[~fresh[used]]
        history.append((found, data.rows(replayed), data.rows(found.keep)))
        kept = (data.rows(found.keep), advantage[found.keep]) if len(found.keep) else None
    return history


def test_only_the_last_two_versions_are_replayed_and_as_whole_groups():
    schedule = get_recipe("remix", {"reincarnate_at": 20}).schedule()
    history = play(schedule, 9)
    assert len(history[0][1]) == 0
    assert set(history[7][2].policy_version.tolist()) == {6, 7}
    seen = set()
    for step, (found, replayed, _) in enumerate(history):
        assert found.epochs == 2
        versions = set(replayed.policy_version.tolist())
        assert versions <= {step - 1, step - 2}
        seen |= {step - version for version in versions}
        for group in replayed.group_id.unique():
            assert int((replayed.group_id == group).sum()) == 2
        if step >= 1:
            assert len(replayed) == 2 * round(5 * 0.4 / 0.6)
    assert seen == {1, 2}
    assert set(history[7][1].policy_version.tolist()) <= {5, 6}


def test_versions_are_drawn_alike_however_many_groups_they_have():
    schedule = ReplayWindow(fraction=0.5, until=None)
    a, b = step_of(1, 20, 0), step_of(2, 2, 100)
    new = step_of(3, 1, 200)
    data = TrajectoryBatch.of(torch.zeros(46), torch.cat([x[0].group_id for x in (a, b, new)]).tolist(),
                              policy_version=torch.cat([x[0].policy_version for x in (a, b, new)]))  # fmt: skip
    fresh = torch.arange(46) >= 44
    pool = Pool(data, torch.ones(46, 1), fresh, 3)
    drawn = [int(data.policy_version[schedule.recompose(pool, 5, 1, seed).minibatches[0][0]]) for seed in range(400)]
    assert drawn.count(2) == pytest.approx(200, abs=45)


def test_at_step_t_the_window_is_empty_and_batches_are_fresh_and_seen_once():
    schedule = get_recipe("remix", {"reincarnate_at": 4}).schedule()
    history = play(schedule, 7)
    assert [found.epochs for found, _, _ in history] == [2, 2, 2, 2, 1, 1, 1]
    assert [len(replayed) > 0 for _, replayed, _ in history] == [False, True, True, True, False, False, False]
    assert [len(kept) > 0 for _, _, kept in history] == [True, True, True, False, False, False, False]
    configured = RolloutPlan(10, 8, 1.0)
    assert [schedule.plan(step, configured).groups for step in range(6)] == [10, 6, 6, 6, 10, 10]


def test_groups_that_agree_are_never_remembered():
    history = play(get_recipe("remix").schedule(), 3, agreeing=(0, 3))
    for step, (_, _, kept) in enumerate(history):
        own = kept.group_id[kept.policy_version == step] - 100 * step
        assert set(own.tolist()) == {1, 2, 4}


def test_minibatches_hold_both_kinds():
    data, advantage = step_of(2, 4, 100)
    old, was = step_of(1, 4, 0)
    both = TrajectoryBatch.of(torch.zeros(16), [*old.group_id.tolist(), *data.group_id.tolist()],
                              policy_version=torch.cat([old.policy_version, data.policy_version]))  # fmt: skip
    fresh = torch.arange(16) >= 8
    pool = Pool(both, torch.cat([was, advantage]), fresh, 2)
    found = ReplayWindow(fraction=0.5).recompose(pool, 3, 2, 0)
    assert [(int((~fresh[rows]).sum()), int(fresh[rows].sum())) for rows in found.minibatches] == [(4, 4), (4, 4)]
    assert found.metrics["replay_share"] == 0.5
    assert found.metrics["replay_age"] == 1.0


def test_tokens_that_are_too_stale_leave_the_loss_and_are_counted():
    objective = get_recipe("remix", {"kl_beta": 0, "entropy_coef": 0}).objective(4)
    behaviour = torch.tensor([[0.0, -3.0, 3.0, 1.0]])
    batch = TrajectoryBatch.of([1.0], length=4, old_logp=torch.zeros(1, 4), behaviour_logp=behaviour)
    advantage = torch.ones(1, 4)
    assert objective.keep(batch, advantage).tolist() == [[1.0, 0.0, 0.0, 1.0]]
    totals = objective.totals(batch, advantage)
    assert totals.tokens == 2
    out = PolicyOutputs(torch.zeros(1, 4, requires_grad=True))
    loss, metrics = objective.loss(out, batch, advantage, totals)
    assert float(loss.detach()) == pytest.approx(-(1 + torch.tensor(-1.0).exp().item()) / 2)
    assert metrics.result()["tokens_dropped"] == 0.5
    assert torch.autograd.grad(loss, out.logp)[0][0, 1:3].abs().max() == 0
    assert NotTooStale()(TrajectoryBatch.of([1.0]), advantage).tolist() == [[1.0]]


def test_a_fall_in_length_shows_until_step_t():
    objective = get_recipe("remix", {"kl_beta": 0, "reincarnate_at": 3}).objective(8)
    found = []
    for step, length in ((1, 8), (2, 6), (3, 4), (4, 2)):
        objective, noticed = objective.at(step).seen(TrajectoryBatch.of([0.0, 1.0], length=length))
        found.append(noticed.get("length_fall"))
        objective = get_recipe("remix", {"kl_beta": 0, "reincarnate_at": 3}).objective(8).restored(objective.state())
    assert found == [0.0, 0.25, 0.5, None]


def test_prev_lags_a_step_and_ref_is_replaced_at_t():
    rules = get_recipe("remix", {"reincarnate_at": 3}).anchors()
    assert rules == Together((Every("prev", lagging=True), AtStep(3)))
    wanted = [rules.after_step(step, {})[1] for step in (1, 2, 3, 4)]
    assert [sorted(refresh.names) for refresh in wanted] == [["prev"], ["prev"], ["prev", "ref"], ["prev"]]
    assert all(refresh.lagging == {"prev"} for refresh in wanted)
    assert get_recipe("remix", {"reincarnate_at": "none"}).anchors() == Every("prev", lagging=True)
    assert get_recipe("remix", {"kl_beta": 0}).objective(8).anchors == frozenset()


def test_the_ppo_form():
    recipe = get_recipe("remix-ppo")
    objective = check_recipe(recipe, RunFacts(1, 8, steps=10, groups=4))
    assert objective.needs_critic
    assert recipe.critic().head == "hl-gauss"
    assert recipe.schedule().until == 100
    assert recipe.schedule().scores_again
    assert get_recipe("remix-grpo").objective(8) == get_recipe("remix").objective(8)


@pytest.mark.parametrize(
    ("constants", "word"),
    [
        ({"off_policy_fraction": 1.0}, "off_policy_fraction"),
        ({"window": 0}, "window"),
        ({"utd": 0}, "utd"),
        ({"reincarnate_at": 0}, "reincarnate_at"),
        ({"rho_min": 2.0}, "rho_min"),
        ({"clip": 0.0}, "clip"),
        ({"lambda_floor": 2.0}, "lambda_floor"),
        ({"kl_beta": -1}, "kl_beta"),
    ],
)
def test_what_cannot_work_is_one_line(constants, word):
    with pytest.raises(ValueError, match=word) as error:
        check_recipe(get_recipe("remix", constants), RunFacts(8, 8, steps=10, groups=4))
    assert "\n" not in str(error.value)


def test_one_group_cannot_be_mixed():
    with pytest.raises(ValueError, match=r"rollout\.groups 2 or more"):
        check_recipe(get_recipe("remix"), RunFacts(8, 8, steps=10, groups=1))
    check_recipe(get_recipe("remix", {"off_policy_fraction": 0}), RunFacts(8, 8, steps=10, groups=1))


def test_an_empty_memory_is_all_fresh():
    data, advantage = step_of(0, 3, 0)
    found = get_recipe("remix").schedule().recompose(Pool.of(data, advantage), 0, 1, 0)
    assert [rows.tolist() for rows in found.minibatches] == [list(range(6))]
    assert found.metrics["replay_share"] == 0.0
    assert len(Memory()) == 0
    assert KLConvex(0.0).anchors == frozenset()
