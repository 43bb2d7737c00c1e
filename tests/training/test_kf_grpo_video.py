"""kf-grpo on real videos: frames of made files, a small vision-language model, and the same frames out of order."""

from __future__ import annotations

import pytest

from assay.agents.tiny_vlm import tiny_vlm
from assay.envs.registry import env_class
from assay.training.config import EvalConfig, LogConfig, ModelConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.stored import read_episodes
from assay.training.trainer import train

pytest.importorskip("av")

EVENTS = {"kinds": ("order",), "K": 4, "seconds": 24.0, "width": 64, "height": 64, "hidden_from": 0, "count": 4}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))


def run(tmp_path, name="run", **options):
    model, processor = tiny_vlm(side=32, patch=8, shuffle=2, vision_hidden=32, vision_layers=1, hidden=32, layers=1)
    model.save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    config = TrainConfig(
        env="video_keyframes", env_options={**EVENTS, **options}, recipe="kf-grpo", out=str(tmp_path / name), steps=1,
        model=ModelConfig(name=str(tmp_path / "model"), device="cpu"), sft=SFTConfig(epochs=0),
        rollout=RolloutConfig(groups=2, group_size=4, max_tokens=2), eval=EvalConfig(every=0, tasks=2),
        log=LogConfig(report=False),
    )  # fmt: skip
    train(config, Display(1, quiet=True))
    return tmp_path / name


def test_the_same_frames_are_played_out_of_order(tmp_path):
    out = run(tmp_path)
    (line,) = read_metrics(out, "train")
    assert line["contrast/samples"] == 4
    assert "contrast/paid" in line
    usual, poorer = (list(read_episodes([out / "episodes" / f"{kind}-000001.jsonl"])) for kind in ("train", "contrast"))
    frames = {episode.task_id: episode.meta["evidence"]["frames"] for episode in usual}
    assert all(list(shown) == sorted(shown) for shown in frames.values())
    for episode in poorer:
        shown = episode.meta["evidence"]["frames"]
        assert episode.meta["view"] == "shuffled"
        assert sorted(shown) == frames[episode.task_id]
        assert shown != frames[episode.task_id]
        assert {"accuracy", "format", "saliency"} <= episode.score.parts.keys()


def test_a_single_frame_is_never_compared(tmp_path):
    env = env_class("video_keyframes")(**{**EVENTS, "K": 1})
    assert env.views_of(env.tasks[0]) == ()
    out = run(tmp_path, "single", K=1)
    (line,) = read_metrics(out, "train")
    assert "contrast/samples" not in line
    assert not (out / "episodes" / "contrast-000001.jsonl").exists()
