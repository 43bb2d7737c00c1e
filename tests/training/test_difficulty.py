"""Which tasks are worth training on, and that a run trains on those."""

from __future__ import annotations

import json

import pytest

from assay.training import cli
from assay.training.difficulty import worth
from assay.training.errors import UserError
from assay.training.logs import read_metrics

SMALL = ["--env", "text_classification", "--env.source", "synthetic", "--env.labels", "sports", "music", "--model",
         "tiny", "--sft.epochs", "1", "--sft.examples", "16", "--sft.lr", "3e-3", "--rollout.groups", "2",
         "--rollout.group-size", "2", "--rollout.max-tokens", "8", "--eval.tasks", "4", "--eval.every", "0",
         "--save-every", "1", "--threads", "1", "--recipe", "gencls"]  # fmt: skip


def test_mixed_tasks_stay_and_a_share_of_the_others():
    rates = [0.0, 0.125, 1.0, 0.5, 0.875] + [1.0] * 18
    kept = worth(rates, 0)
    assert {1, 3, 4} <= set(kept)
    assert len(kept) == 3 + 2  # 10 % of 20
    assert kept == sorted(kept) == worth(rates, 0)
    assert len({tuple(worth(rates, seed)) for seed in range(8)}) > 1
    assert worth([0.0, 1.0], 0, spare=0.0) == []
    assert len(worth([0.0] * 3, 1)) == 1  # rounded up: there is always something to train on
    assert worth([0.5] * 4, 0) == [0, 1, 2, 3]


def test_a_run_trains_on_what_was_found_and_a_resumed_one_finds_nothing_anew(tmp_path):
    out = tmp_path / "run"
    words = [*SMALL, "--out", str(out), "--rollout.difficulty", "4", "--rollout.difficulty-tasks", "6"]
    assert cli.train([*words, "--steps", "1"]) == 0
    told = json.loads((out / "difficulty.json").read_text())
    assert len(told["rates"]) == 6
    assert told["samples"] == 4
    mixed = {name for name, rate in told["rates"].items() if 0 < rate < 1}
    assert mixed <= set(told["kept"]) <= set(told["rates"])
    assert cli.train(["--resume", "--out", str(out), "--steps", "3"]) == 0
    assert json.loads((out / "difficulty.json").read_text()) == told
    played = {json.loads(line)["task_id"] for path in (out / "episodes").glob("train-*.jsonl")
              for line in path.read_text().splitlines()}  # fmt: skip
    assert played <= set(told["kept"])
    assert [line["step"] for line in read_metrics(out, "train")] == [1, 2, 3]


def test_stored_responses_are_not_filtered(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"prompt": "Say one.", "responses": ["one", "no"], "rewards": [1.0, 0.0]}\n')
    from assay.training.flags import parse_train
    from assay.training.trainer import train

    words = ["--recipe", "a-lol", "--data", str(log), "--model", "tiny", "--sft.epochs", "0", "--eval.tasks", "2",
             "--rollout.difficulty", "2", "--out", str(tmp_path / "run")]  # fmt: skip
    with pytest.raises(UserError, match=r"--data plays none: leave one of them away"):
        train(parse_train(words))
