import dataclasses

import pytest
import yaml

from assay.training.config import LogConfig, ModelConfig, MonitorConfig, OptimConfig, TrainConfig
from assay.training.configfile import (
    CONFIG,
    check_resume,
    differences,
    read_config,
    read_record,
    to_flags,
    versions,
    write_config,
)
from assay.training.errors import UserError

CONFIGURATION = TrainConfig(seed=4, model=ModelConfig(name="tiny"), env_options={"labels": ("a", "b")})


def test_a_stored_configuration_is_one_that_can_be_given_again(tmp_path):
    write_config(tmp_path, CONFIGURATION, recipe={"kl_beta": 0.5}, env={"labels": ("a", "b"), "k": 3})
    again = read_config(tmp_path)
    assert again == dataclasses.replace(CONFIGURATION, env_options={"labels": ["a", "b"]})
    record = read_record(tmp_path)
    assert record["recipe"] == {"kl_beta": 0.5}
    assert record["env"] == {"labels": ["a", "b"], "k": 3}
    assert record["command"] == "train-agent --env.labels a b --seed 4 --model.name tiny"
    assert record["versions"] == versions()
    assert not list(tmp_path.glob("*.tmp"))


def test_the_record_sets_nothing(tmp_path):
    write_config(tmp_path, CONFIGURATION)
    data = yaml.safe_load((tmp_path / CONFIG).read_text())
    data["run"]["versions"]["torch"] = "0"
    (tmp_path / CONFIG).write_text(yaml.safe_dump(data))
    assert read_config(tmp_path).seed == 4


def test_a_resumed_run_can_be_repeated_from_its_beginning(tmp_path):
    write_config(tmp_path, dataclasses.replace(CONFIGURATION, resume=True))
    assert not read_config(tmp_path).resume
    assert "--resume" not in read_record(tmp_path)["command"]


def test_versions_name_what_decides_the_numbers():
    assert {"python", "assay", "assay-verifiers", "torch", "transformers", "numpy"} <= set(versions())


def test_the_command_is_quoted_for_a_shell(tmp_path):
    write_config(tmp_path, TrainConfig(out="my runs/a"))
    assert read_record(tmp_path)["command"] == "train-agent --out 'my runs/a'"


def test_negative_numbers_survive_the_command_line():
    assert to_flags(TrainConfig(env_options={"numeric_seed": -3})) == ["--env.numeric-seed=-3"]


def test_what_changes_the_numbers_may_not_change_on_resume(tmp_path):
    write_config(tmp_path, CONFIGURATION)
    check_resume(tmp_path, dataclasses.replace(CONFIGURATION, resume=True))
    other = dataclasses.replace(CONFIGURATION, optim=OptimConfig(lr=1e-3), env_options={"k": 2})
    with pytest.raises(UserError, match=r"optim.lr: 2e-05 -> 0.001") as caught:
        check_resume(tmp_path, other)
    assert "env_options.labels" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_does_not_change_the_numbers_may(tmp_path):
    write_config(tmp_path, CONFIGURATION)
    check_resume(
        tmp_path,
        dataclasses.replace(
            CONFIGURATION,
            steps=1000,
            keep=5,
            save_every=1,
            threads=2,
            out="elsewhere",
            resume=True,
            log=LogConfig(tensorboard=True),
            monitor=MonitorConfig(action="stop"),
        ),
    )


def test_a_schedule_that_ends_with_the_run_fixes_its_length():
    constant, cosine = TrainConfig(), TrainConfig(optim=OptimConfig(schedule="cosine"))
    assert differences(constant, dataclasses.replace(constant, steps=9)) == []
    assert differences(cosine, dataclasses.replace(cosine, steps=9)) == ["steps: 60 -> 9"]


def test_a_missing_or_damaged_configuration_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the configuration .*config.yaml: No such file"):
        read_config(tmp_path)
    (tmp_path / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read the configuration"):
        read_config(tmp_path)
