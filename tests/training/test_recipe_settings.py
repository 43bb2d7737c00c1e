"""Run settings that a recipe brings: below the user's file and flags, spelt out in what is stored."""

from __future__ import annotations

import pytest
import yaml

from assay.training import cli
from assay.training.config import TrainConfig
from assay.training.configfile import CONFIG, read_config, to_flags, write_config
from assay.training.errors import UserError
from assay.training.flags import parse_train
from assay.training.recipes import recipe_names
from assay.training.recipes.registry import recipe_class
from assay.training.settings import configured, recipe_settings

RECIPE = '''
from dataclasses import dataclass

from assay.training.recipes import recipe
from assay.training.recipes.slots import SlotRecipe


@recipe("{NAME}")
@dataclass(frozen=True)
class WithSettings(SlotRecipe):
    """Brings settings."""

    defaults = {DEFAULTS}
'''
DEFAULTS = {
    "optim.lr": 1e-6,
    "optim.schedule": "cosine",
    "rollout.group-size": 4,
    "steps": 300,
    "optim.betas": (0.8, 0.9),
    "env.k": 4,
    "env.numeric": True,
    "env.no_such_option": 1,
    "env.reward": "no such reward",
}


def written(folder, name, defaults):
    path = folder / f"{name}.py"
    path.write_text(RECIPE.replace("{NAME}", name).replace("{DEFAULTS}", repr(defaults)), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return written(tmp_path_factory.mktemp("recipes"), "with-settings", DEFAULTS)


def test_settings_stand_where_nothing_is_said(recipe):
    config = parse_train(["--recipe", recipe])
    assert (config.optim.lr, config.optim.schedule, config.rollout.group_size, config.steps) == (1e-6, "cosine", 4, 300)
    assert config.optim.betas == (0.8, 0.9)
    assert config.optim.clip_norm == TrainConfig().optim.clip_norm
    assert config.env_options == {"k": 4, "numeric": True}  # what the environment has, and may have


def test_a_flag_wins_even_where_it_says_the_ordinary_default(recipe):
    plain = TrainConfig()
    for words in (["--lr", str(plain.optim.lr)], ["--optim.lr", str(plain.optim.lr)]):
        config = parse_train(["--recipe", recipe, *words, "--steps", str(plain.steps), "--env.no-numeric"])
        assert (config.optim.lr, config.steps) == (plain.optim.lr, plain.steps)
        assert config.env_options == {"k": 4, "numeric": False}
        assert parse_train(to_flags(config)) == config


def test_a_file_wins_and_flags_win_over_it(tmp_path, recipe):
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"optim": {"lr": 2e-5}, "env_options": {"k": 0}, "recipe": recipe}))
    config = parse_train(["--config", str(file), "--env.k", "1"])
    assert (config.optim.lr, config.optim.schedule) == (2e-5, "cosine")
    assert config.env_options == {"k": 1, "numeric": True}
    assert parse_train(["--config", str(file), "--recipe", "grpo"]).optim.schedule == "constant"


def test_what_is_stored_is_resolved_and_repeats_the_run(tmp_path, recipe):
    words = ["--recipe", recipe, "--env.k", "0", "--out", str(tmp_path), "--optim.schedule", "constant"]
    config = parse_train(words)
    write_config(tmp_path, config)
    stored = yaml.safe_load((tmp_path / CONFIG).read_text())
    assert stored["optim"]["lr"] == 1e-6
    assert stored["env_options"] == {"k": 0, "numeric": True}
    assert read_config(tmp_path) == config
    assert parse_train(["--resume", "--out", str(tmp_path)]) == parse_train([*words, "--resume"])
    command = stored["run"]["command"].split()[1:]
    assert "--optim.lr" not in command  # the recipe says so by itself
    assert parse_train(command) == config


def test_a_configuration_made_by_hand_is_taken_as_it_is_and_its_command_says_so(recipe):
    config = TrainConfig(recipe=recipe, steps=5)
    again = parse_train(to_flags(config))
    assert again.optim == config.optim
    assert again.env_options == {"k": 3, "numeric": False}  # said aloud, for the recipe would set them
    assert configured({"recipe": recipe, "steps": 5}).optim.lr == 1e-6


@pytest.mark.parametrize(
    ("name", "defaults", "words"),
    [
        ("wrong-key", {"optim.lrr": 1.0}, "unknown key optim.lrr"),
        ("wrong-type", {"optim.lr": "fast"}, "optim.lr must be a number"),
        ("a-model", {"model.name": "tiny"}, "cannot set model.name"),
        ("a-recipe", {"recipe": "grpo"}, "cannot set recipe"),
        ("a-constant", {"recipe.clip_low": 1.0}, "cannot set recipe.clip_low"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path, capsys, name, defaults, words):
    path = written(tmp_path, name, defaults)
    with pytest.raises(UserError, match=words):
        configured({}, recipe=path)
    assert cli.train(["--recipe", path, "--out", str(tmp_path / "run")]) == 2
    assert words in capsys.readouterr().err


def test_every_recipe_has_settings_that_fit():
    ours = [name for name in recipe_names() if recipe_class(name).__module__.startswith("assay.training.recipes.")]
    assert ours
    for name in ours:
        for env in ("text_classification", "countdown"):
            recipe_settings(name, env)


def test_they_are_printed_with_the_recipe(recipe, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.train(["recipes", recipe]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "--optim.lr 1e-06" in said
    assert "--rollout.group-size 4" in said
    assert "--optim.betas 0.8 0.9" in said
