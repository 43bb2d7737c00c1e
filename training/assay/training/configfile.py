"""Configurations as YAML: read with checks that name the mistake, stored with the run, compared on resume."""

from __future__ import annotations

import dataclasses
import os
import platform
import shlex
import types
import typing
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import yaml

from assay.training.config import TrainConfig
from assay.training.errors import UserError, close_match

CONFIG = "config.yaml"
_RECORD = "run"  # the section of a stored file that says what happened, and sets nothing
_FREE = ("out", "resume", "steps", "save_every", "keep", "threads", "log", "monitor")  # may change on resume
_PACKAGES = ("assay", "assay-verifiers", "torch", "transformers", "peft", "gymnasium", "numpy")

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration dataclass as plain YAML data (tuples become lists)."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def from_dict(data: Mapping[str, Any], cls: type[T], where: str = "") -> T:
    """A configuration dataclass from plain data; what is absent keeps its default.

    Args:
        data: values by field name, nested for nested dataclasses.
        cls: the dataclass.
        where: dotted path of ``data``, for messages.

    Raises:
        UserError: naming an unknown key with its close match, or a value of the wrong type.
    """
    if not isinstance(data, Mapping):
        raise UserError(f"{where or 'the configuration'} must be a mapping, got {data!r}")
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values = {}
    for key, value in data.items():
        path = f"{where}.{key}" if where else str(key)
        if key not in known:
            raise UserError(f"unknown key {path}{close_match(str(key), known)}")
        values[str(key)] = coerce(value, hints[key], path)
    return cls(**values)


def to_flags(config: TrainConfig) -> list[str]:
    """The shortest command line that makes ``config``: a flag for each field that differs from its default.

    The default is that of :class:`TrainConfig`, or what the recipe sets in its place.
    """
    words: list[str] = []
    base, plain = _without_flags(config), TrainConfig()
    for field in dataclasses.fields(config):
        value, default = getattr(config, field.name), getattr(base, field.name)
        if field.name in ("env_options", "recipe_options"):
            prefix = f"--{field.name.partition('_')[0]}."
            for name, item in {**_unset(config.env, set(default) - set(value)), **value}.items():
                if name not in default or default[name] != item:
                    words += _flag_words(f"{prefix}{name}", item)
        elif field.name == "eval_options":
            for name, item in value.items():
                words += _flag_words(f"--eval.env.{name}", item)
        elif field.name in ("env", "recipe"):
            words += _flag_words(f"--{field.name}", value) if value != getattr(plain, field.name) else []
        elif dataclasses.is_dataclass(value):
            for inner in dataclasses.fields(value):
                item = getattr(value, inner.name)
                if item != getattr(default, inner.name):
                    words += _flag_words(f"--{field.name}.{inner.name}", item)
        elif value != default:
            words += _flag_words(f"--{field.name}", value)
    return words


def _without_flags(config: TrainConfig) -> TrainConfig:
    """What a command line of its environment and recipe alone makes."""
    from assay.training.settings import configured

    try:
        return configured({}, env=config.env, recipe=config.recipe)
    except UserError:  # a recipe that is not here any more sets nothing
        return TrainConfig()


def _unset(env: str, names: set[str]) -> dict[str, Any]:
    """The environment's own values of options that a recipe would set and a configuration leaves alone."""
    if not names:
        return {}
    from assay.envs.registry import env_class

    options = env_class(env).Options()
    return {name: getattr(options, name) for name in sorted(names)}


def _flag_words(flag: str, value: Any) -> list[str]:
    flag = flag.replace("_", "-")
    if isinstance(value, bool):
        head, dot, name = flag.removeprefix("--").rpartition(".")
        return [flag if value else f"--{head}{dot}no-{name}"]
    if isinstance(value, list | tuple):
        return [flag, *map(str, value)]
    return [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]


def coerce(value: Any, kind: Any, where: str) -> Any:
    """``value`` as the annotated type ``kind``: lists become tuples, integers floats, and ``"1e-5"`` a float.

    Raises:
        UserError: where it cannot be one.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_dict(value, kind, where)
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise UserError(f"{where} must be one of {', '.join(map(str, arguments))}; got {value!r}")
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(value, arguments, where)
    if origin is tuple:
        return _coerce_tuple(value, arguments, where)
    if origin in (dict, Mapping) or kind is dict:
        if isinstance(value, Mapping):
            return dict(value)
    elif origin in (list, Sequence) or kind is list:
        if isinstance(value, list | tuple):
            return list(value)
    elif kind is float:
        return _coerce_float(value, where)
    elif kind is Path and isinstance(value, str):
        return Path(value)
    elif isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise UserError(f"{where} must be {_name(kind)}, got {value!r}")


def _coerce_union(value: Any, options: Sequence[Any], where: str) -> Any:
    if value is None and type(None) in options:
        return None
    for option in options:
        try:
            return coerce(value, option, where)
        except UserError:
            continue
    raise UserError(f"{where} must be {' or '.join(map(_name, options))}, got {value!r}")


def _coerce_tuple(value: Any, arguments: Sequence[Any], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{where} must be a list, got {value!r}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(coerce(item, arguments[0], f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(arguments):
        raise UserError(f"{where} must hold {len(arguments)} values, got {len(value)}")
    return tuple(
        coerce(item, kind, f"{where}[{i}]") for i, (item, kind) in enumerate(zip(value, arguments, strict=True))
    )


def _coerce_float(value: Any, where: str) -> float:
    if not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-5, without a point, as a string
        except (TypeError, ValueError):
            pass
    raise UserError(f"{where} must be a number, got {value!r}")


def _name(kind: Any) -> str:
    words = {int: "an integer", float: "a number", bool: "true or false", str: "a string", type(None): "null"}
    return words.get(kind) or str(getattr(kind, "__name__", kind))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The settings of a YAML file, as :func:`from_dict` takes them; the record of a stored run is left out.

    Raises:
        UserError: if the file is missing, is not YAML, or is not a mapping.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the configuration {path}: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}" if mark is not None else ""
        raise UserError(f"{path}{at}: not YAML: {getattr(error, 'problem', None) or 'cannot be parsed'}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UserError(f"{path}: a configuration is a mapping of names to values")
    return {str(key): value for key, value in data.items() if key != _RECORD}


def write_config(
    run_dir: Path,
    config: TrainConfig,
    *,
    recipe: Mapping[str, Any] | None = None,
    env: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
) -> None:
    """Write ``config.yaml``, atomically: the configuration, and under ``run`` what it was resolved to.

    The file is itself a configuration: ``train-agent --config runs/x/config.yaml --out runs/y`` repeats the run.

    Args:
        run_dir: the run directory.
        config: what was asked for.
        recipe: the recipe's constants, defaults included.
        env: the environment's options, defaults included.
        command: the command line that repeats the run; default ``train-agent`` with :func:`to_flags`.
    """
    config = dataclasses.replace(config, resume=False)  # how it was started, not what it is
    words = list(command) if command is not None else ["train-agent", *to_flags(config)]
    record = {
        "command": shlex.join(words),
        "recipe": _plain(dict(recipe or {})),
        "env": _plain(dict(env or {})),
        "versions": versions(),
    }
    text = yaml.safe_dump({**to_dict(config), _RECORD: record}, sort_keys=False, allow_unicode=True)
    temporary = run_dir / f"{CONFIG}.tmp"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, run_dir / CONFIG)


def read_config(run_dir: str | Path) -> TrainConfig:
    """The configuration that a run directory was made with.

    Raises:
        UserError: if there is none, or it is damaged.
    """
    return from_dict(read_yaml(Path(run_dir) / CONFIG), TrainConfig)


def read_record(run_dir: str | Path) -> dict[str, Any]:
    """What :func:`write_config` stored beside the settings; empty where there is none."""
    path = Path(run_dir) / CONFIG
    if not path.exists():
        return {}
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    record = data.get(_RECORD) if isinstance(data, dict) else None
    return record if isinstance(record, dict) else {}


def versions() -> dict[str, str]:
    """Python's version and those of the packages that decide a run's numbers."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Fields, as ``"optim.lr: 1e-05 -> 0.001"``, in which two configurations differ and a resumed run may not.

    What changes no number of the steps already done may change: ``out``, checkpointing, threads, logging, monitors, and
    ``steps`` (a longer run) where the learning rate does not depend on it.
    """
    flat = old.optim.schedule == "constant" and not old.optim.warmup_share
    free = set(_FREE) if flat else set(_FREE) - {"steps"}
    before, after = _flat(to_dict(old)), _flat(to_dict(new))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [
        f"{name}: {before.get(name, '(unset)')} -> {after.get(name, '(unset)')}"
        for name in changed
        if name.partition(".")[0] not in free
    ]


def check_resume(run_dir: Path, config: TrainConfig) -> None:
    """Refuse to resume a run into another configuration.

    Raises:
        UserError: naming the fields that differ.
    """
    if (run_dir / CONFIG).exists():
        changed = differences(read_config(run_dir), config)
        if changed:
            raise UserError(
                f"cannot resume {run_dir} with another configuration ({'; '.join(changed)}): "
                "give the run's own values, or start anew with another --out"
            )


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
