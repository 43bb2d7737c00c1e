"""A selector of frames that learns beside the policy, in whole runs on real video files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from assay.agents.rollout import Branch, Rollout, Segment
from assay.agents.tiny_vlm import tiny_vlm
from assay.envs.episode import Episode, Outcome
from assay.envs.registry import env_class
from assay.envs.video_keyframes.features import DIMENSIONS
from assay.envs.video_keyframes.heads import NAMES, load_head, save_head
from assay.training import checkpoint, trainer
from assay.training.batch import make_batch
from assay.training.companion import by_rollout, served
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.objectives.plackett_luce import ordered_logp
from assay.training.recipes import get_recipe
from assay.training.selection.learn import candidates_of
from assay.training.stored import environments, read_episodes
from assay.training.trainer import train
from assay.verifiers.score import Score

pytest.importorskip("av")

EVENTS = {"kinds": ("shown",), "K": 2, "seconds": 24.0, "width": 64, "height": 64, "hidden_from": 0, "count": 4}
LEARNED = {**EVENTS, "selector": "tad-learned"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    made, processor = tiny_vlm(side=32, patch=8, shuffle=2, vision_hidden=32, vision_layers=1, hidden=32, layers=1)
    made.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def config(out, model, steps=3, resume=False, env_options=LEARNED, recipe="kf-grpo", **options):
    return TrainConfig(
        env="video_keyframes", env_options=env_options, recipe=recipe, recipe_options=options, out=str(out),
        steps=steps, resume=resume, save_every=1, threads=1, model=ModelConfig(name=model, device="cpu"),
        sft=SFTConfig(epochs=0), rollout=RolloutConfig(groups=2, group_size=4, max_tokens=2),
        optim=OptimConfig(lr=1e-3), eval=EvalConfig(every=0, tasks=2), log=LogConfig(report=False),
    )  # fmt: skip


def graded(monkeypatch, sign=1):
    """Saliency (or its lack) is paid whatever the answer, so that beside a model that knows nothing there is something
    to learn."""
    real = env_class("video_keyframes")._judged

    def judged(self, task, evidence):
        score = real(self, task, evidence)
        return type(score)(
            score.reward,
            {**score.parts, "accuracy": evidence["saliency"] if sign > 0 else 1 - evidence["saliency"]},
            correct=score.correct,
        )

    monkeypatch.setattr(env_class("video_keyframes"), "_judged", judged)


def play(*given, **named):
    return train(config(*given, **named), Display(3, quiet=True))


def numbers(out):
    """Of every step, without what shows in its last bits in which order videos were decoded."""
    drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s", "entropy", "logprob_gap",
            "logprob_gap_max")  # fmt: skip
    return [{k: v for k, v in line.items() if k not in drop} for line in read_metrics(out, "train")]


def test_a_resumed_run_is_the_unbroken_one(tmp_path, model, monkeypatch):
    graded(monkeypatch)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    play(whole, model)
    lines = numbers(whole)
    assert [line["selector/tau"] for line in lines] == pytest.approx([1.0, 0.55, 0.1])
    assert all(line["selector/logp"] < 0 < line["selector/entropy"] for line in lines)
    assert any(line["selector/loss"] != 0 for line in lines)

    class Killed(Exception):
        pass

    real = trainer.Run._one_step

    def dies(self, collector):
        if self.step == 2:
            raise Killed
        return real(self, collector)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Run, "_one_step", dies)
        with pytest.raises(Killed):
            play(broken, model)
    (broken / "selector.npz").write_bytes(b"of another life")
    play(broken, model, resume=True)
    assert numbers(broken) == lines
    assert (broken / "selector.npz").read_bytes() == (whole / "selector.npz").read_bytes()
    for name in ("model.safetensors", "optimizer.safetensors", "companion.safetensors"):
        one, two = (checkpoint.latest(out / "checkpoints") / name for out in (whole, broken))
        assert one.read_bytes() == two.read_bytes()


def test_frames_are_drawn_by_the_scorer_of_now_and_their_chances_learn_from_advantages(tmp_path, model, monkeypatch):
    graded(monkeypatch)
    heads, seen = [], []
    real = trainer.by_rollout

    def spy(rollouts, batch, advantage):
        heads.append(load_head(tmp_path / "run" / "selector.npz"))
        seen.append(real(rollouts, batch, advantage))
        return seen[-1]

    monkeypatch.setattr(trainer, "by_rollout", spy)
    play(tmp_path / "run", model, steps=2, selector_lr=0.1, tau_start=0.5, tau_end=0.5)
    training, evaluation = served(config(tmp_path / "run", model))
    env = env_class("video_keyframes")(**training)
    for head, worth, line in zip(heads, seen, numbers(tmp_path / "run"), strict=True):
        chances, shown = [], {}
        for rollout, _ in worth:
            evidence = rollout.episode.meta["evidence"]
            assert sorted(evidence["drawn"]) == evidence["frames"]
            shown.setdefault(rollout.episode.task_id, set()).add(tuple(evidence["frames"]))
            e, q = candidates_of(env.tasks.get(rollout.episode.task_id), env.options)
            logits = torch.from_numpy(np.asarray(head(e.double().numpy(), q.double().numpy())))
            chances.append(float(ordered_logp(logits, torch.tensor(evidence["drawn"]))))
        assert any(len(each) > 1 for each in shown.values())  # a group's rollouts see frames of their own
        assert line["selector/logp"] == pytest.approx(sum(chances) / len(chances), abs=1e-4)
        products = [advantage * logp for (_, advantage), logp in zip(worth, chances, strict=True)]
        assert line["selector/loss"] == pytest.approx(-sum(products) / len(products), abs=1e-4)
    assert any(advantage for worth in seen for _, advantage in worth)
    assert evaluation["draw"] is False
    for kind, drawn in (("train-000001", True), ("eval-000002", False)):
        for episode in read_episodes([tmp_path / "run" / "episodes" / f"{kind}.jsonl"]):
            assert ("drawn" in episode.meta["evidence"]) == drawn
    shutil.copytree(tmp_path / "run", tmp_path / "moved")
    held, own = environments(tmp_path / "moved")
    assert held.options.head == own.options.head == str(tmp_path / "moved" / "selector.npz")
    assert own.options.draw
    assert not held.options.draw


def test_what_pays_is_shown_more_often_whichever_way_that_is(tmp_path, model, monkeypatch):
    graded(monkeypatch, -1)
    play(tmp_path / "run", model, steps=10, selector_lr=0.2, tau_end=1.0, beta=0.0)
    shown = [line["part/saliency"] for line in numbers(tmp_path / "run")]
    assert sum(shown[:3]) / 3 > sum(shown[-3:]) / 3 + 0.1
    assert numbers(tmp_path / "run")[-1]["selector/w"] < 4.0


def test_an_open_environment_reads_a_scorer_that_has_changed(tmp_path):
    path = tmp_path / "head.npz"

    def publish(w):
        shapes = {"hidden_weight": (1, DIMENSIONS), "hidden_bias": (1,), "out_weight": (1,)}
        save_head(path, {name: np.zeros(shapes.get(name, ())) for name in NAMES} | {"w": np.array(w)})

    env = env_class("video_keyframes")
    publish(1.0)
    made = env(**LEARNED, head=str(path))
    task = made.tasks[0].id

    def frames():
        made.reset(seed=0, options={"task_id": task})
        made.step("A")
        return made.evidence["frames"]

    first = frames()
    publish(-1.0)
    assert frames() != first
    publish(1.0)
    assert frames() == first


def test_who_trains_a_selector_and_who_does_not(tmp_path, model):
    asks = env_class("video_keyframes").Options(selector="tad-learned")
    spec = get_recipe("t-grpo", {"selector_lr": 0.5, "tau_end": 0.2}).companion(asks)
    assert (spec.lr, spec.tau) == (0.5, (1.0, 0.2))
    brings = env_class("video_keyframes").Options(selector="tad-learned", head="mine.npz")
    for options in (brings, env_class("video_keyframes").Options(), env_class("countdown").Options()):
        assert get_recipe("kf-grpo").companion(options) is None
    assert get_recipe("grpo").companion(asks) is None
    with pytest.raises(ValueError, match=r"^selector tad-learned needs head, .* kf-grpo trains one$"):
        play(tmp_path / "run", model, recipe="grpo")
    given = config(tmp_path / "run", model, env_options={**LEARNED, "head": "mine.npz"})
    assert [options["head"] for options in served(given)] == ["mine.npz"] * 2
    assert "draw" not in served(given)[0]
    gone = TrainConfig(env="video_keyframes", env_options=LEARNED, recipe="gone.py:mine")
    assert served(gone)[0] == LEARNED


def test_advantages_are_those_of_the_first_sampled_token_of_each_rollout():
    def rollout(*branches, outcome=Outcome.SCORED):
        score = Score(1.0) if outcome is Outcome.SCORED else None
        return Rollout(Episode("env", "task", 0, [], outcome, score), tuple(branches))

    def branch(*lengths):
        kinds = [Segment((1,) * n, i % 2 == 1, (-0.5,) * n if i % 2 else ()) for i, n in enumerate(lengths)]
        return Branch(tuple(kinds))

    lost = rollout(outcome=Outcome.INFRA_ERROR)
    forked, plain = rollout(branch(3, 2), branch(2, 1)), rollout(branch(1, 1, 2, 1))
    batch = make_batch([lost, forked, plain], 0).data
    advantage = torch.arange(12.0).reshape(3, 4) * batch.action_mask
    found = by_rollout([lost, forked, plain], batch, advantage)
    assert [(each is forked, value) for each, value in found] == [(True, 0.0), (False, 8.0)]
    assert found[1][0] is plain
