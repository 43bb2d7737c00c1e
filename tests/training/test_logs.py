import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from assay.training.config import LogConfig, TrainConfig
from assay.training.errors import MissingExtraError, UserError
from assay.training.logs import METRICS, MetricsLog, plain, read_metrics

RESUME = dataclasses.replace(TrainConfig(), resume=True)


def test_lines_come_back_as_written(tmp_path):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        log.write("train", 1, reward=0.5, **{"part/label": 1.0})
        log.write("eval", 1, split="test", confusion={"a": {"b": 2}})
    assert read_metrics(tmp_path) == [
        {"step": 1, "kind": "train", "reward": 0.5, "part/label": 1.0},
        {"step": 1, "kind": "eval", "split": "test", "confusion": {"a": {"b": 2}}},
    ]
    assert [line["kind"] for line in read_metrics(tmp_path, "eval")] == ["eval"]


def test_a_line_is_on_disk_as_soon_as_it_is_written(tmp_path):
    log = MetricsLog(tmp_path, TrainConfig())
    log.write("train", 1, reward=1.0)
    assert (tmp_path / METRICS).read_bytes().endswith(b"}\n")
    log.close()


def test_scalars_of_other_libraries_and_what_json_lacks(tmp_path):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        log.write(
            "train", np.int64(3), a=np.float32(0.5), b=torch.tensor(2.0), c=float("nan"), d=float("inf"), e=(1, 2)
        )
    raw = (tmp_path / METRICS).read_text()
    strict = json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert strict == {"step": 3, "kind": "train", "a": 0.5, "b": 2.0, "c": None, "d": None, "e": [1, 2]}


def test_plain_reads_nested_values():
    assert plain({"x": [np.array([1, 2]), {3: float("nan")}], "y": True, "z": "s"}) == {
        "x": [[1, 2], {"3": None}],
        "y": True,
        "z": "s",
    }


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_a_torn_last_line_is_skipped_by_readers_and_dropped_on_resume(tmp_path, cut):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        log.write("train", 1, reward=0.25)
        log.write("train", 2, reward=0.75, note="é")
    path = tmp_path / METRICS
    path.write_bytes(path.read_bytes()[:-cut])
    assert [line["step"] for line in read_metrics(tmp_path)] == [1]
    with MetricsLog(tmp_path, RESUME, resume_step=1) as log:
        log.write("train", 2, reward=0.75)
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2]


def test_resuming_drops_what_came_after_the_checkpoint(tmp_path):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        for step in range(6):
            log.write("train", step)
            log.write("eval", step)
    MetricsLog(tmp_path, RESUME, resume_step=2).close()
    assert [line["step"] for line in read_metrics(tmp_path)] == [0, 0, 1, 1, 2, 2]
    assert not list(tmp_path.glob("*.tmp"))


def test_resuming_before_the_first_checkpoint_starts_over(tmp_path):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        log.write("eval", 0)
    MetricsLog(tmp_path, RESUME).close()
    assert read_metrics(tmp_path) == []


def test_a_second_run_does_not_write_into_the_first(tmp_path):
    with MetricsLog(tmp_path, TrainConfig()) as log:
        log.write("eval", 0)
    with pytest.raises(UserError, match="--resume"):
        MetricsLog(tmp_path, TrainConfig())
    assert len(read_metrics(tmp_path)) == 1


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    (tmp_path / METRICS).write_text('{"step": 1, "kind": "train"}\nnonsense\n{"step": 2, "kind": "train"}\n')
    with pytest.raises(ValueError, match=r"metrics.jsonl:2: not a line"):
        read_metrics(tmp_path)


def test_a_run_without_metrics_has_none(tmp_path):
    assert read_metrics(tmp_path) == []


def test_tensorboard_gets_every_number(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with MetricsLog(tmp_path, dataclasses.replace(TrainConfig(), log=LogConfig(tensorboard=True))) as log:
        log.write("train", 1, reward=0.5, note="text", confusion={"a": {"a": 1}})
        log.write("train", 2, reward=0.75)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Tags()["scalars"] == ["train/reward"]
    assert [(event.step, event.value) for event in events.Scalars("train/reward")] == [(1, 0.5), (2, 0.75)]


@pytest.mark.parametrize(("name", "modules"), [("tensorboard", "torch.utils.tensorboard"), ("trackio", "trackio"),
                                               ("wandb", "wandb")])  # fmt: skip
def test_a_missing_sink_names_its_extra(tmp_path, monkeypatch, name, modules):
    monkeypatch.setitem(sys.modules, modules, None)
    with pytest.raises(MissingExtraError, match=rf"needs {name}: pip install 'assay\[{name}\]'"):
        MetricsLog(tmp_path, dataclasses.replace(TrainConfig(), log=LogConfig(**{name: True})))
