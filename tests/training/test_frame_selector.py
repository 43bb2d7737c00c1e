"""The learned selector: TAD's order at first, what pays later, the same in the environment, exact after a restart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.envs.video_keyframes.features import DIMENSIONS
from assay.envs.video_keyframes.heads import load_head
from assay.envs.video_keyframes.selectors import gumbel_top_k, pick
from assay.training.selection.head import Draw, FrameScorer, FrameSelector
from assay.training.selection.learn import group_advantages, learn_selector

WIDTH = 6


def video(seed, frames=12):
    """Embeddings and priorities of a video; frame ``good`` has a sign that TAD does not care about."""
    rng = np.random.default_rng(seed)
    e, q = rng.normal(0, 0.3, (frames, WIDTH)), rng.random(frames)
    good = int(rng.integers(frames))
    e[good, 0] += 3.0
    q[good] = 0.0
    return torch.from_numpy(e).float(), torch.from_numpy(q).float(), good


def trained(tmp_path, steps, selector=None, seed=0):
    selector = selector or FrameSelector(FrameScorer(WIDTH, 8), tmp_path / "head.npz", 3e-2, steps=60)
    selector.publish()
    rates = []
    for step in range(selector.step, steps):
        draws, hits = [], []
        for number in range(4):
            e, q, good = video(1000 * step + number)
            logits = load_head(selector.path)(e.double().numpy(), q.double().numpy())
            orders = [gumbel_top_k(logits, 3, 1.0, 97 * step + 10 * number + i + seed) for i in range(6)]
            rewards = [float(good in order) for order in orders]
            advantages = group_advantages([(0, reward) for reward in rewards])
            draws += [Draw(e, q, order, value) for order, value in zip(orders, advantages, strict=True)]
            hits += rewards
        selector.learn(draws)
        rates.append(sum(hits) / len(hits))
    return selector, rates


def test_it_begins_with_the_order_of_tad_and_is_the_same_in_torch_and_numpy(tmp_path):
    selector = FrameSelector(FrameScorer(WIDTH, 8), tmp_path / "head.npz")
    selector.publish(1.0)
    e, q, _ = video(0)
    head = load_head(tmp_path / "head.npz")
    assert head(e.double().numpy(), q.double().numpy()) == pytest.approx(4.0 * q.numpy())
    chosen = pick("tad-learned", e.numpy(), 4, head=head)
    assert len(chosen.indices) == 4
    with torch.no_grad():
        selector.scorer.out_weight.normal_()
        selector.scorer.b.fill_(0.5)
    for tau in (1.0, 0.25):
        selector.publish(tau)
        wanted = selector.scorer(e, q).detach().numpy() / tau
        assert load_head(tmp_path / "head.npz")(e.double().numpy(), q.double().numpy()) == pytest.approx(
            wanted, rel=1e-4
        )


def test_the_temperature_falls_from_its_first_value_to_its_last(tmp_path):
    selector = FrameSelector(FrameScorer(WIDTH), tmp_path / "head.npz", tau=(1.0, 0.1), steps=4)
    found = [selector.learn([])["selector/tau"] for _ in range(5)]
    assert found == pytest.approx([1.0, 0.7, 0.4, 0.1, 0.1])
    for wrong in ({"tau": (1.0, 0.0)}, {"lr": 0.0}, {"steps": 0}):
        with pytest.raises(ValueError, match="must be positive"):
            FrameSelector(FrameScorer(WIDTH), tmp_path / "x.npz", **wrong)


def test_a_step_is_the_gradient_of_advantage_times_log_probability(tmp_path):
    e, q, _ = video(3)
    scorer = FrameScorer(WIDTH, 8)
    selector = FrameSelector(scorer, tmp_path / "head.npz", steps=2, tau=(0.5, 0.5))
    z = (scorer(e, q) / 0.5).tolist()
    left, logp = list(range(len(z))), 0.0
    for item in (4, 1):
        logp += float(torch.log_softmax(torch.tensor([z[i] for i in left]), 0)[left.index(item)])
        left.remove(item)
    measured = selector.learn([Draw(e, q, (4, 1), 2.0), Draw(e, q, (4, 1), -0.5)])
    assert measured["selector/logp"] == pytest.approx(logp, abs=1e-5)
    assert measured["selector/loss"] == pytest.approx(-0.75 * logp, abs=1e-5)


def test_it_learns_to_show_what_pays(tmp_path):
    _, rates = trained(tmp_path, 60)
    assert sum(rates[:10]) / 10 < 0.35
    assert sum(rates[-10:]) / 10 > 0.8


def test_a_restored_selector_goes_on_to_the_same_weights(tmp_path):
    whole, _ = trained(tmp_path, 12)
    half, _ = trained(tmp_path, 6)
    stored = half.tensors()
    again = FrameSelector(FrameScorer(WIDTH, 8, seed=5), tmp_path / "again.npz", 3e-2, steps=60)
    again.restore(stored)
    assert again.step == 6
    trained(tmp_path, 12, again)
    for name, value in whole.tensors().items():
        assert torch.equal(value, again.tensors()[name]), name


def test_advantages_compare_within_a_group():
    found = group_advantages([(0, 1.0), (1, 0.3), (0, 0.0), (1, 0.3), (2, 5.0)])
    assert found == pytest.approx([0.7070, 0.0, -0.7070, 0.0, 0.0], abs=1e-3)
    assert found[1] == found[3] == found[4] == 0.0


class Reader:
    """Answers with the program that reads signs on the frames it is shown."""

    def generate(self, requests):
        from assay.agents.chat import images_of
        from assay.agents.policy import Completion
        from assay.envs.video_keyframes.baselines import by_signs

        return [Completion(by_signs(r.context["task"], images_of(r.messages), r.seed)) for r in requests]


def real(tmp_path, steps, groups, size, count):
    pytest.importorskip("av")
    from assay.envs.registry import env_class
    from assay.training.curriculum import TaskStream
    from assay.training.rollout import Collector

    path = tmp_path / "head.npz"
    selector = FrameSelector(FrameScorer(DIMENSIONS), path, 3e-2, steps=steps)
    selector.publish()
    given = {"kinds": ("shown",), "K": 2, "seconds": 24.0, "width": 64, "height": 64, "hidden_from": 0, "count": count,
             "selector": "tad-learned", "draw": True, "head": str(path)}  # fmt: skip
    env = env_class("video_keyframes")
    tasks = env(**given).tasks
    with Collector(
        lambda: env(tasks=tasks, **given), Reader(), context=lambda spec, _: {"task": spec.task}, concurrency=4
    ) as collector:
        history = learn_selector(collector, TaskStream(tasks, 0), env(tasks=tasks, **given).options, selector,
                                 groups=groups, size=size)  # fmt: skip
    return selector, history


def test_real_episodes_carry_their_draws(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    selector, history = real(tmp_path, steps=2, groups=2, size=4, count=2)
    assert selector.step == 2
    assert all(np.isfinite(step["selector/logp"]) and step["selector/logp"] < 0 for step in history)
    assert all(0 <= step["accuracy"] <= 1 for step in history)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_real_episodes_teach_it_to_show_the_signs(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    _, history = real(tmp_path, steps=40, groups=4, size=8, count=24)
    first, last = ([step["accuracy"] for step in part] for part in (history[:5], history[-5:]))
    assert sum(last) / 5 > sum(first) / 5 + 0.1
