"""A whole run that compares with a poorer view: refused where there is none, stored, logged, and resumed exactly."""

from __future__ import annotations

import pytest

from assay.envs import registry
from assay.envs.base import TaskEnv
from assay.envs.tasks import Task, TaskSet
from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.offline.data import data_files
from assay.training.stored import episode_files, read_episodes
from assay.training.trainer import train
from assay.verifiers.score import Score

WORDS = ("up", "down", "left", "right")


class OrderEnv(TaskEnv):
    """Which of two words came first; tasks whose words are alike have no other order."""

    views = ("turned",)

    @classmethod
    def load(cls, options):
        pairs = [(a, b) for a in WORDS for b in WORDS]
        chosen = pairs[::2] if options.split == "train" else pairs[1::2]
        return TaskSet([Task(f"{a}-{b}", [{"role": "user", "content": ""}], {"words": [a, b]}) for a, b in chosen])

    def views_of(self, task):
        first, second = task.truth["words"]
        return () if first == second else self.views

    def open(self, task):
        words = task.truth["words"]
        return [{"role": "user", "content": " ".join(words[::-1] if self.view else words)}]

    @classmethod
    def score(cls, actions, truth):
        right = actions[-1].strip() == truth["words"][0]
        long = min(len(actions[-1]), 10) / 10  # graded, so that groups of an untrained model differ
        return Score(float(right), {"accuracy": max(float(right), long), "format": 1.0}, correct=right)

    @classmethod
    def gold(cls, task):
        return task.truth["words"][0]


@pytest.fixture(autouse=True)
def known(monkeypatch):
    targets = {**registry._targets(), "order_words": f"{__name__}:OrderEnv"}
    monkeypatch.setattr(registry, "_targets", lambda: targets)


def run(out, steps, resume=False, recipe="kf-grpo", env="order_words", **options):
    config = TrainConfig(
        env=env,
        recipe=recipe,
        recipe_options={"contrast": "turned", **options} if recipe == "kf-grpo" else options,
        out=str(out),
        steps=steps,
        resume=resume,
        save_every=2,
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3),
        sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=0, tasks=2),
        log=LogConfig(report=False),
    )
    return train(config, Display(steps, quiet=True))


def numbers(out):
    drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s")
    return [{k: v for k, v in line.items() if k not in drop} for line in read_metrics(out, "train")]


def test_a_resumed_run_is_the_unbroken_one_and_keeps_what_it_compared(tmp_path):
    run(tmp_path / "whole", 3)
    run(tmp_path / "broken", 2)
    run(tmp_path / "broken", 3, resume=True)
    assert numbers(tmp_path / "broken") == numbers(tmp_path / "whole")
    for name in ("model.safetensors", "optimizer.safetensors"):
        one, two = (checkpoint.latest(tmp_path / out / "checkpoints") / name for out in ("whole", "broken"))
        assert one.read_bytes() == two.read_bytes()
    compared = 0
    for step, line in enumerate(numbers(tmp_path / "whole"), 1):
        usual, poorer = (
            list(read_episodes([tmp_path / "whole" / "episodes" / f"{kind}-{step:06d}.jsonl"]))
            for kind in ("train", "contrast")
        )
        assert line["samples"] == len(usual) == 12
        assert line["contrast/samples"] == len(poorer)
        played = {(e.meta["group"], e.task_id) for e in usual if len(set(e.truth["words"])) == 2}
        assert len(poorer) == 2 * len(played)
        assert {(e.meta["group"], e.task_id) for e in poorer} == played
        assert all("view" not in e.meta for e in usual)
        for episode in poorer:
            assert episode.meta["view"] == "turned"
            assert episode.turns[0].messages[-1]["content"] == " ".join(episode.truth["words"][::-1])
        shares = [e.score.parts["accuracy"] for e in poorer]
        assert line["contrast/accuracy"] == pytest.approx(sum(shares) / len(shares))
        assert 0.0 <= line["contrast/paid"] <= 1.0
        compared += len(poorer)
    assert compared >= 8
    assert any(line["loss"] != 0 for line in numbers(tmp_path / "whole"))
    kinds = {path.name.partition("-")[0] for path in data_files([tmp_path / "whole"])}
    assert kinds == {"train", "eval"}  # no data to learn from
    assert len(episode_files(tmp_path / "whole", "contrast")) == 3


def test_the_rollouts_that_are_learnt_from_are_those_of_a_run_that_compares_nothing(tmp_path):
    run(tmp_path / "kf", 1)
    run(tmp_path / "plain", 1, recipe="grpo")
    said = [
        [e.actions for e in read_episodes([tmp_path / out / "episodes" / "train-000001.jsonl"])]
        for out in ("kf", "plain")
    ]
    assert said[0] == said[1]


def test_an_environment_without_the_view_is_refused_in_one_line(tmp_path):
    for env, view, has in (("countdown", "turned", "it has none"), ("order_words", "blank", "it has turned")):
        with pytest.raises(ValueError, match=f"^recipe kf-grpo compares with view '{view}' .*: {has}$"):
            run(tmp_path / env, 1, env=env, contrast=view)
        assert not (tmp_path / env).exists()
