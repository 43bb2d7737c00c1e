import dataclasses
import subprocess
import sys
import typing

import pytest

from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, TrainConfig
from assay.training.configfile import from_dict, to_dict, to_flags
from assay.training.datasets import dataset_options
from assay.training.errors import UserError
from assay.training.flags import parse_train

CHANGED = TrainConfig(
    env="text_classification",
    env_options={"labels": ("dates and times", "email"), "numeric": True, "list_labels": False, "k": 5},
    recipe="dapo",
    recipe_options={"clip_high": 0.3},
    out="runs/x y",
    steps=7,
    seed=3,
    model=ModelConfig(name="tiny", lora_rank=4, gradient_checkpointing=True),
    rollout=RolloutConfig(stop=("</a>", "\n\n"), temperature=0.7),
    optim=OptimConfig(lr=3e-4, betas=(0.8, 0.999), share_prefix=False, schedule="cosine"),
    eval=EvalConfig(every=0, split="dev"),
    log=LogConfig(report=False),
)


def test_no_flags_is_the_default_configuration():
    assert parse_train([]) == TrainConfig()


def test_flags_say_every_field_and_come_back():
    assert parse_train(to_flags(CHANGED)) == CHANGED
    assert to_flags(TrainConfig()) == []


def test_yaml_data_comes_back():
    assert from_dict(to_dict(TrainConfig()), TrainConfig) == TrainConfig()
    again = from_dict(to_dict(CHANGED), TrainConfig)
    assert dataclasses.replace(again, env_options={}) == dataclasses.replace(CHANGED, env_options={})
    assert again.env_options["labels"] == list(CHANGED.env_options["labels"])


def test_a_file_sets_and_flags_win(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("steps: 9\noptim: {lr: 1e-4, betas: [0.8, 0.9]}\nenv_options: {k: 7, labels: [email, testing]}\n")
    config = parse_train(["--config", str(path), "--steps", "11", "--env.k", "2"])
    assert (config.steps, config.optim.lr, config.optim.betas) == (11, 1e-4, (0.8, 0.9))
    assert config.env_options == {"k": 2, "labels": ("email", "testing")}


def test_a_flag_can_set_what_the_file_changed_back_to_its_default(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("env_options: {numeric: true}\nrecipe: grpo\nrecipe_options: {kl_beta: 0.5}\n")
    config = parse_train([f"--config={path}", "--env.no-numeric", "--recipe.kl-beta", "0.001"])
    assert (config.env_options, config.recipe_options) == ({}, {})


def test_another_env_or_recipe_leaves_the_options_of_the_files_behind(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("recipe: grpo\nrecipe_options: {kl_beta: 0.5}\n")
    assert parse_train(["--config", str(path), "--recipe", "dr-grpo"]).recipe_options == {}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--model", "tiny"], lambda c: c.model.name == "tiny"),
        (["--model.name", "tiny"], lambda c: c.model.name == "tiny"),
        (["--model", "tiny", "--model.dtype", "float32"], lambda c: c.model == ModelConfig("tiny", "float32")),
        (["--lr", "0.01"], lambda c: c.optim.lr == 0.01),
        (["--optim.lr=0.01"], lambda c: c.optim.lr == 0.01),
        (["--env", "text-classification-v0"], lambda c: c.env == "text-classification-v0"),
        (["--env.text", "body", "--label", "y"], lambda c: c.env_options == {"text": "body", "label": "y"}),
    ],
)
def test_short_names(words, read):
    assert read(parse_train(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stepz", "3"], r"unknown flag --stepz; did you mean --steps\?"),
        (["--optim.lrr", "3"], r"unknown flag --optim.lrr; did you mean --optim.lr\?"),
        (["--env.pth", "3"], r"unknown flag --env.pth; did you mean --env.path\?"),
        (["--steps", "many"], r"--steps.*'many'"),
        (["--model.dtype", "float8"], r"'float8'.*--model.dtype"),
        (["--env", "text_clasification"], r"unknown environment 'text_clasification'.*text_classification"),
        (["--recipe", "gropo"], r"no recipe 'gropo'; did you mean grpo"),
        (["train"], r"unexpected argument 'train'"),
        (["--config", "nowhere.yaml"], r"cannot read the configuration nowhere.yaml"),
        (["--dataset", "nowhere.csv"], r"no such file: nowhere.csv"),
    ],
)
def test_mistakes_are_one_line(words, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_train(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("stepz: 3", r"unknown key stepz; did you mean steps\?"),
        ("optim: {lrr: 1}", r"unknown key optim.lrr; did you mean optim.lr\?|unknown key optim.lrr; did you mean lr\?"),
        ("steps: many", r"steps must be an integer, got 'many'"),
        ("steps: true", r"steps must be an integer, got True"),
        ("resume: 1", r"resume must be true or false, got 1"),
        ("optim: {betas: [1]}", r"optim.betas must hold 2 values, got 1"),
        ("rollout: {stop: x}", r"rollout.stop must be a list, got 'x'"),
        ("model: {engine: vllm}", r"model.engine must be one of hf, hf-cb; got 'vllm'"),
        ("model: tiny", r"model must be a mapping, got 'tiny'"),
        ("env_options: {pathh: x}", r"no option 'pathh'; did you mean 'path'\?"),
        ("recipe_options: {kl_bta: 1}", r"no constant 'kl_bta'; did you mean kl_beta"),
        ("- steps", r"a configuration is a mapping"),
        ("steps: [", r"run.yaml:1: not YAML"),
    ],
)
def test_mistakes_in_a_file_are_one_line(tmp_path, yaml, message):
    path = tmp_path / "run.yaml"
    path.write_text(yaml)
    with pytest.raises(UserError, match=message) as caught:
        parse_train(["--config", str(path)])
    assert "\n" not in str(caught.value)


def test_a_resumed_run_takes_its_own_configuration(tmp_path):
    (tmp_path / "config.yaml").write_text(f"steps: 9\nout: {tmp_path}\noptim: {{lr: 0.5}}\nrun: {{command: x}}\n")
    config = parse_train(["--resume", "--out", str(tmp_path), "--steps", "12"])
    assert (config.resume, config.steps, config.optim.lr) == (True, 12, 0.5)
    assert parse_train(["--out", str(tmp_path)]).optim.lr == TrainConfig().optim.lr


@pytest.mark.parametrize(("name", "source"), [("a.csv", "csv"), ("a.JSONL", "jsonl"), ("a.parquet", "parquet")])
def test_the_source_follows_from_the_suffix(tmp_path, name, source):
    path = tmp_path / name
    path.write_text("text,label\n")
    options = parse_train(["--dataset", str(path), "--text", "body"]).env_options
    assert options == {"source": source, "path": str(path), "text": "body"}


def test_a_name_without_a_file_is_a_data_set_of_the_hub():
    assert parse_train(["--dataset", "someone/mails"]).env_options == {"source": "hub", "path": "someone/mails"}


def test_an_environment_without_data_sources_says_so():
    @dataclasses.dataclass(frozen=True)
    class Options:
        split: str = "train"

    with pytest.raises(UserError, match="takes no --text"):
        dataset_options(Options, "", text="body")


def test_help_teaches(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as stop:
        parse_train(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert text.index("train-agent --dataset") < text.index("--env STR") < text.index("--model.dtype")
    for field in dataclasses.fields(OptimConfig):
        assert f"--optim.{field.name.replace('_', '-')}" in text
    assert "--env.path" not in text


def test_help_shows_the_options_of_what_was_chosen(capsys):
    with pytest.raises(SystemExit):
        parse_train(["--env", "text_classification", "--recipe", "grpo", "--help"])
    text = capsys.readouterr().out
    assert "--env.path" in text
    assert "--recipe.kl-beta" in text


def test_every_option_of_every_environment_and_recipe_can_be_given(capsys):
    from assay.envs import env_class, env_names
    from assay.training.recipes import recipe_names
    from assay.training.recipes.registry import recipe_class

    for env in env_names():
        with pytest.raises(SystemExit):
            parse_train(["--env", env, "--help"])
        text = capsys.readouterr().out
        assert all(f"--env.{f.name.replace('_', '-')}" in text for f in dataclasses.fields(env_class(env).Options))
    for recipe in recipe_names():
        with pytest.raises(SystemExit):
            parse_train(["--recipe", recipe, "--help"])
        text = capsys.readouterr().out
        assert all(f"--recipe.{f.name.replace('_', '-')}" in text for f in dataclasses.fields(recipe_class(recipe)))


def test_every_field_of_the_configuration_is_documented():
    from assay.training.recipes.constants import field_docs

    def check(cls):
        docs, hints = field_docs(cls), typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            if dataclasses.is_dataclass(hints[field.name]):
                check(hints[field.name])
            else:
                assert docs.get(field.name), f"{cls.__name__}.{field.name}"

    check(TrainConfig)


@pytest.mark.parametrize("words", [["--help"], ["envs"], ["recipes"], ["--stepz"], ["--recipe", "gpro"]], ids=" ".join)
def test_answers_that_need_no_model_load_no_model_library(words):
    allowed = {"torch"} if words == ["recipes"] else set()  # whose slots are those of real objectives
    code = (
        "import sys\nfrom assay.training.cli import train\ntrain(sys.argv[1:])\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        f"assert heavy <= {allowed!r}, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_held_out_tasks_may_be_put_otherwise():
    words = ["--env.icl", "fixed", "--env.definitions", "--eval.env.icl", "none", "--eval.env.no-definitions"]
    config = parse_train([*words, "--eval.decoding", "ppl"])
    assert config.env_options == {"icl": "fixed", "definitions": True}
    assert config.eval_options == {"icl": "none", "definitions": False}
    assert config.test_options == {"icl": "none", "definitions": False, "split": "test"}
    assert parse_train(to_flags(config)) == config
    assert parse_train(["--env.icl", "fixed"]).test_options == {"icl": "fixed", "split": "test"}
    with pytest.raises(UserError, match=r"unknown flag --eval.env.icll; did you mean --eval.env.icl\?"):
        parse_train(["--eval.env.icll", "none"])


def test_what_a_file_says_of_held_out_tasks_stays_unless_a_flag_says_otherwise(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("eval_options: {icl: none, numeric: false}\n")
    config = parse_train(["--config", str(path), "--eval.env.icl=similar"])
    assert config.eval_options == {"icl": "similar", "numeric": False}
    assert parse_train(["--config", str(path), "--env", "countdown"]).eval_options == {}
