"""Command lines as typed configurations: every field is a flag, a YAML file sets them, flags win."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from assay.training.config import TrainConfig
from assay.training.configfile import CONFIG, from_dict, read_yaml
from assay.training.datasets import dataset_options, image_env
from assay.training.errors import MissingExtraError, UserError, close_match
from assay.training.settings import configured, recipe_settings

T = TypeVar("T")

TRAIN_HELP = """Train a language model on tasks whose answers are verified.

  train-agent                             a small model learns to name topics
  train-agent --dataset mail.csv --text body --label folder     your own data
  train-agent --recipe dapo --model Qwen/Qwen2.5-0.5B-Instruct --out runs/mine

  train-agent envs | recipes              what --env and --recipe can be;
  train-agent --env NAME --help           their own flags: --env.X, --recipe.X
                                          (--eval.env.X: for held-out tasks only)
  train-agent --config FILE               settings from YAML; flags win
  train-agent --resume --out DIR          continue a run that was stopped
  train-agent report DIR                  write DIR/report.html again
"""


@dataclasses.dataclass(frozen=True)
class Main:
    """The flags that a first run needs; the others follow in groups."""

    env: str
    """Environment: a name of `train-agent envs`, or a gymnasium id."""
    recipe: str
    """Method: a name of `train-agent recipes`, or FILE.py:NAME."""
    model: str
    """The policy: a folder, a hub id, or smollm2-135m, which needs no hub (same as --model.name)."""
    dataset: str = ""
    """Your own data: a .csv, .tsv, .json, .jsonl or .parquet file, a folder of images, or a data set on the hub."""
    text: str = ""
    """Its column of texts (same as --env.text)."""
    label: str = ""
    """Its column of labels (same as --env.label)."""
    image: str = ""
    """Its column of images (same as --env.image); then --env is image_classification unless you say otherwise."""
    steps: int = 0
    """Optimisation steps (batches of rollouts)."""
    lr: float = 0.0
    """Peak learning rate (same as --optim.lr)."""
    out: str = ""
    """Run directory; default runs/ENV-RECIPE-sSEED."""
    resume: bool = False
    """Continue the run in --out."""
    seed: int = 0
    """Seed of everything."""
    config: str = ""
    """YAML file of settings."""


def parse_train(argv: Sequence[str]) -> TrainConfig:
    """The configuration of a ``train-agent`` command line (without the program's name).

    Raises:
        UserError: one line, for an unknown flag, key, environment or recipe, or a value of the wrong type.
        SystemExit: code 0, after ``--help``.
    """
    file = peek(argv, "--config") or _resumed_config(argv)
    given = read_yaml(file) if file else {}
    shown = peek(argv, "--env") or ("" if file else env_of(argv)), peek(argv, "--recipe")
    written = from_dict(given, TrainConfig)
    env_options(shown[0] or written.env, {})  # an unknown environment is said before anything else
    base = configured(given, env=shown[0] or "", recipe=shown[1] or "")
    env, recipe = base.env, base.recipe
    groups = {"env": env_options(env, base.env_options), "recipe": _recipe_constants(recipe, base.recipe_options)}
    here = base.eval_options if env == written.env else {}
    held = env_options(env, here)
    helping = any(word in ("-h", "--help") for word in argv)
    if helping:  # what was not chosen would bury the flags that are the same for all
        groups = {name: group for (name, group), named in zip(groups.items(), shown, strict=True) if named or file}
    else:
        groups[_HELD] = held
    parsed: Any = parse(_train_class(base, env, recipe, file or "", groups), argv, "train-agent", TRAIN_HELP)
    other = {name: getattr(parsed.eval_env_group, name) for name in sorted({*here, *_named(argv, held)})}
    return dataclasses.replace(_train_config(base, parsed), eval_options=other)


def _named(argv: Sequence[str], group: Any) -> set[str]:
    """The options that flags of evaluation set, those among them that are set to what they are in training too."""
    prefix, known = f"--{_HELD}.", {field.name for field in dataclasses.fields(group)}
    words = [word.removeprefix(prefix).partition("=")[0].replace("-", "_") for word in argv if word.startswith(prefix)]
    return {word if word in known else word.removeprefix("no_") for word in words} & known


def _resumed_config(argv: Sequence[str]) -> str | None:
    """The stored configuration that ``--resume --out DIR`` continues with."""
    stored = Path(peek(argv, "--out") or ".") / CONFIG
    return str(stored) if "--resume" in argv and peek(argv, "--out") and stored.exists() else None


def _train_class(base: TrainConfig, env: str, recipe: str, file: str, groups: Mapping[str, Any]) -> type:
    main = Main(env=env, recipe=recipe, model=base.model.name, steps=base.steps, lr=base.optim.lr, out=base.out,
                resume=base.resume, seed=base.seed, config=file)  # fmt: skip
    named = {field.name for field in dataclasses.fields(Main)} - {"model"}
    rest = dataclass_fields(base, skip=named | _OPTIONS)
    own = [
        (f"{name.replace('.', '_')}_group", Annotated[type(group), flag(name)], group) for name, group in groups.items()
    ]
    # --model NAME and --model.dtype live side by side under two field names.
    rest = [("model_group" if name == "model" else name, kind, default) for name, kind, default in rest]
    plain = [item for item in rest if not dataclasses.is_dataclass(item[2])]
    return make_flags("Train", [*dataclass_fields(main), *plain, *own, *(item for item in rest if item not in plain)])


_OPTIONS = {"env_options", "recipe_options", "eval_options"}
_HELD = "eval.env"


def _train_config(base: TrainConfig, parsed: Any) -> TrainConfig:
    names = [field.name for field in dataclasses.fields(TrainConfig) if field.name not in _OPTIONS]
    values = {name: getattr(parsed, name) for name in names}
    values["model"] = parsed.model_group
    if parsed.model != base.model.name:
        values["model"] = dataclasses.replace(parsed.model_group, name=parsed.model)
    if parsed.lr != base.optim.lr:
        values["optim"] = dataclasses.replace(parsed.optim, lr=parsed.lr)
    # What the recipe sets of the environment is spelt out, even where it was set back to the environment's own default.
    brought = recipe_settings(base.recipe, base.env).get("env_options", {})
    options = {name: getattr(parsed.env_group, name) for name in brought} | changed(parsed.env_group)
    options |= dataset_options(type(parsed.env_group), parsed.dataset, parsed.text, parsed.label, parsed.image)
    return TrainConfig(**values, env_options=options, recipe_options=changed(parsed.recipe_group))


def changed(options: Any) -> dict[str, Any]:
    """The fields of a dataclass instance that differ from their defaults."""
    default = type(options)()
    pairs = ((f.name, getattr(options, f.name)) for f in dataclasses.fields(options))
    return {name: value for name, value in pairs if value != getattr(default, name)}


def env_of(argv: Sequence[str]) -> str:
    """The environment that ``--dataset`` and ``--image`` ask for by being what they are, or ``""``."""
    return image_env(peek(argv, "--dataset") or "", peek(argv, "--image") or "")


def env_options(name: str, given: Mapping[str, Any]) -> Any:
    """The options of an environment, ``given`` ones set.

    Raises:
        UserError: for an unknown environment or option, or a wrong value.
    """
    from assay.envs.options import read_options
    from assay.envs.registry import env_class

    try:
        return read_options(env_class(name).Options, given, name)
    except ValueError as error:
        raise UserError(str(error)) from None


def _recipe_constants(name: str, given: Mapping[str, Any]) -> Any:
    from assay.training.recipes.registry import get_recipe

    try:
        return get_recipe(name, given)
    except ValueError as error:
        raise UserError(str(error)) from None


def peek(argv: Sequence[str], flag: str) -> str | None:
    """The last value of ``flag`` in ``argv``, before anything is parsed."""
    value = None
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        if word == flag:
            value = following
        elif word.startswith(f"{flag}="):
            value = word.partition("=")[2]
    return value


def parse(cls: type[T], argv: Sequence[str], program: str, description: str) -> T:
    """An instance of a dataclass from flags.

    Raises:
        UserError: one line, for what cannot be parsed.
        SystemExit: code 0, after ``--help``.
    """
    try:
        import tyro
    except ImportError:
        raise MissingExtraError("tyro", "train") from None
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed, unknown = tyro.cli(
                cls, prog=program, description=description, args=list(argv), return_unknown_args=True
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UserError(f"{_one_line(said.getvalue())} ({program} --help lists the flags)") from None
    if unknown:
        raise UserError(_unknown(unknown, cls, program))
    return parsed


def _unknown(words: Sequence[str], cls: type, program: str) -> str:
    flag = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    if flag is None:
        return f"unexpected argument {words[0]!r}: flags begin with -- ({program} --help lists them)"
    return f"unknown flag {flag}{close_match(flag, flags_of(cls))} ({program} --help lists them)"


def flags_of(cls: type, prefix: str = "--") -> Iterator[str]:
    """Every flag of a dataclass, nested ones with their dotted names."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        kind, name = hints[field.name], field.name
        if typing.get_origin(kind) is Annotated:
            kind, *notes = typing.get_args(kind)
            name = next((note.name for note in notes if getattr(note, "name", None)), name)
        flag = prefix + name.replace("_", "-")
        if dataclasses.is_dataclass(kind):
            yield from flags_of(typing.cast(type, kind), f"{flag}.")
        else:
            yield flag


def _one_line(said: str) -> str:
    """The first paragraph of a boxed message."""
    lines: list[str] = []
    for raw in said.splitlines():
        line = raw.strip("│|╭╮╰╯─ ")  # a box of ASCII, where the terminal knows no other
        if not line.strip("-") and lines:
            break
        if line and raw.strip().startswith(("│", "|")):
            lines.append(line)
    return " ".join(lines) or " ".join(said.split()) or "the command line cannot be read"


def flag(name: str, doc: str | None = None) -> Any:
    """The annotation that gives a field its flag's name and help."""
    import tyro

    return tyro.conf.arg(name=name, help=doc)


def dataclass_fields(instance: Any, skip: set[str] | None = None) -> list[tuple[str, Any, Any]]:
    """(name, annotated type, default) of each field, its documentation as help."""
    from assay.training.recipes.constants import field_docs

    hints, docs = typing.get_type_hints(type(instance)), field_docs(type(instance))
    return [
        (
            field.name,
            Annotated[hints[field.name], flag(field.name, docs.get(field.name))],
            getattr(instance, field.name),
        )
        for field in dataclasses.fields(instance)
        if field.name not in (skip or ())
    ]


def make_flags(name: str, fields: Sequence[tuple[str, Any, Any]]) -> type:
    """A frozen dataclass of (name, annotated type, default)."""
    return dataclasses.make_dataclass(
        name, [(key, kind, dataclasses.field(default=default)) for key, kind, default in fields], frozen=True
    )
