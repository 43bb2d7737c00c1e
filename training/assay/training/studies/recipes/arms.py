"""What is compared: a recipe, with constants of its own (``grpo:clip_high=0.28``) and settings of its run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from assay.training.config import TrainConfig
from assay.training.errors import UserError, close_match
from assay.training.recipes import check_recipe, get_recipe


@dataclass(frozen=True)
class Arm:
    """One competitor.

    Attributes:
        label: the name in tables and figures; as it was written, where none was given.
        recipe: a name of ``train-agent recipes``, or ``FILE.py:NAME``.
        constants: of the recipe.
        settings: of the run, by dotted name (``rollout.group_size``); ``run.NAME`` is ``NAME`` itself (``run.data``).
    """

    label: str
    recipe: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The label as the name of a folder."""
        return re.sub(r"[^A-Za-z0-9.]+", "-", self.label).strip("-.").lower()

    def configured(self, base: TrainConfig) -> TrainConfig:
        """The configuration of a run of this arm.

        Raises:
            UserError: for a setting that does not exist, or has a value of another kind.
        """
        config = base
        for name, value in self.settings.items():
            config = _replaced(config, name.removeprefix("run.").split("."), value, name)
        return dataclasses.replace(config, recipe=self.recipe, recipe_options=dict(self.constants))


def read_arm(text: str) -> Arm:
    """``RECIPE``, or ``RECIPE:NAME=VALUE,NAME=VALUE``, after ``LABEL@`` if it is to be called something shorter.

    A dotted name sets the run instead of the recipe.

    Raises:
        UserError: one line, for anything else.
    """
    named, at, rest = text.partition("@")
    label, written = (named, rest) if at and named and ":" not in named else (text, text)
    head, colon, tail = written.partition(":")
    if head.endswith(".py"):  # a recipe of one's own: FILE.py:NAME[:CONSTANTS]
        name, colon, tail = tail.partition(":")
        head = f"{head}:{name}"
    constants: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for pair in re.split(r",(?![^\[]*\])", tail) if colon else ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UserError(f"cannot read {pair!r} in --recipes {text}: constants are NAME=VALUE, joined by commas")
        name = name.strip().replace("-", "_")
        (settings if "." in name else constants)[name] = _value(value)
    if not head:
        raise UserError(f"--recipes {text!r} names no recipe: train-agent recipes lists them")
    return Arm(label, head, constants, settings)


def read_arms(texts: Sequence[str]) -> list[Arm]:
    """The arms of a study.

    Raises:
        UserError: for none, or two alike.
    """
    arms = [read_arm(text) for text in texts]
    if not arms:
        raise UserError("name what to compare: --recipes grpo dapo (train-agent recipes lists them)")
    folders = [arm.folder for arm in arms]
    twice = next((arm.label for arm in arms if folders.count(arm.folder) > 1), None)
    if twice is not None:
        raise UserError(f"--recipes has {twice!r} twice (or two that differ by punctuation alone)")
    return arms


def check_arms(arms: Sequence[Arm], base: TrainConfig) -> list[TrainConfig]:
    """The configuration of each arm, checked as far as that is possible without a model.

    Raises:
        UserError: one line, naming the arm.
    """
    from assay.training.preflight import facts, suited

    configs = []
    for arm in arms:
        config = suited(arm.configured(base))
        try:
            check_recipe(get_recipe(arm.recipe, arm.constants), facts(config))
        except ValueError as error:
            raise UserError(f"{arm.label}: {error}" if arm.label not in str(error) else str(error)) from None
        asked, given = _samples(base), _samples(config)
        if asked != given:
            raise UserError(
                f"{arm.label} samples {given} rollouts a step where the others sample {asked}: only equal samples "
                "compare; change rollout.groups and rollout.group_size together"
            )
        configs.append(config)
    return configs


def _samples(config: TrainConfig) -> int:
    return config.rollout.groups * config.rollout.group_size


def _value(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text.strip()
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        return float(value)  # YAML 1.1 reads 1e-3 as text
    return tuple(value) if isinstance(value, list) else value


def _replaced(part: Any, path: list[str], value: Any, name: str) -> Any:
    """``part`` with the field at ``path`` set."""
    fields = [each.name for each in dataclasses.fields(part)]
    if path[0] not in fields or (len(path) > 1) != dataclasses.is_dataclass(getattr(part, path[0], None)):
        raise UserError(f"a run has no setting {name!r}{close_match(path[0], fields)}")
    now = getattr(part, path[0])
    if len(path) > 1:
        return dataclasses.replace(part, **{path[0]: _replaced(now, path[1:], value, name)})
    if isinstance(now, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(now):
        raise UserError(f"{name} is {type(now).__name__}, and cannot be {value!r}")
    return dataclasses.replace(part, **{path[0]: value})
