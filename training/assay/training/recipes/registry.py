"""Recipes by name: the files of this package, entry points of the group ``assay.recipes``, or any ``path.py:name``."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from assay.training.recipes.base import Recipe, RunFacts
from assay.training.recipes.constants import build
from assay.training.value.spec import CriticSpec

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective
    from assay.training.objectives.schedule import Schedule

R = TypeVar("R", bound=type[Recipe])
_REGISTERED: dict[str, type[Recipe]] = {}


def recipe(name: str) -> Callable[[R], R]:
    """Register a :class:`Recipe` under a name.

    Raises:
        ValueError: if the name is taken by another class.
    """

    def register(cls: R) -> R:
        holder = _REGISTERED.get(name)
        if holder is not None and (holder.__module__, holder.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"recipe name {name!r} is taken by {holder.__module__}.{holder.__qualname__}")
        cls.name = name
        _REGISTERED[name] = cls
        return cls

    return register


def _discover() -> None:
    package = sys.modules[__package__]
    for module in pkgutil.iter_modules(package.__path__, f"{__package__}."):
        importlib.import_module(module.name)


def recipe_names() -> list[str]:
    """Every name that :func:`get_recipe` knows without a path, sorted."""
    _discover()
    return sorted({*_REGISTERED, *(point.name for point in entry_points(group="assay.recipes"))})


def recipe_class(name: str) -> type[Recipe]:
    """The class of a recipe.

    Args:
        name: a registered name (``-`` and ``_`` are the same), or ``path/to/file.py:name``.

    Raises:
        ValueError: in one line, if there is none, with the nearest names.
    """
    path, colon, inner = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), inner)
    if name.endswith(".py"):
        return _from_file(Path(name), "")
    _discover()
    wanted = name.replace("_", "-")
    if wanted in _REGISTERED:
        return _REGISTERED[wanted]
    for point in entry_points(group="assay.recipes"):
        if point.name.replace("_", "-") == wanted:
            return _checked(point.load(), name, point.value)
    close = get_close_matches(wanted, recipe_names(), n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}?" if close else f"there are {', '.join(recipe_names())}"
    raise ValueError(f"no recipe {name!r}; {hint}")


def get_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe with some of its constants replaced.

    Raises:
        ValueError: in one line, for an unknown name or constant, or a value of the wrong type.
    """
    return build(recipe_class(name), overrides or {})


def check_recipe(chosen: Recipe, run: RunFacts) -> Objective:
    """Refuse what cannot work, before any model is loaded.

    Returns:
        The objective.

    Raises:
        ValueError: in one line.
    """
    from assay.training.objectives.schedule import RolloutPlan

    try:
        objective, schedule = chosen.objective(run.max_length), chosen.schedule()
        critic, _, _ = chosen.critic(), chosen.anchors(), chosen.offline()
        schedule = schedule.begun(run.steps, RolloutPlan(run.groups, run.group_size, run.temperature))
    except ValueError as error:
        raise ValueError(f"recipe {chosen.name}: {error}") from None
    problem = _problem(chosen, objective, schedule, critic, run) or chosen.refuses(run)
    if problem:
        raise ValueError(f"recipe {chosen.name} {problem}")
    return objective


def _problem(
    chosen: Recipe, objective: Objective, schedule: Schedule, critic: CriticSpec | None, run: RunFacts
) -> str | None:
    from assay.training.objectives.schedule import RolloutPlan

    plan = schedule.plan(0, RolloutPlan(1, run.group_size, run.temperature))
    size, frozen = plan.group_size, objective.companions
    if objective.advantage.group_relative and size < 2 and not run.logged:
        return f"compares the rollouts of a task with each other: it needs rollout.group_size 2 or more, got {size}"
    mask = plan.logits_mask.against if plan.logits_mask is not None else "policy"
    for name in (plan.sampler, mask):
        if name != "policy" and name not in frozen:
            return f"samples by the frozen policy {name!r}, which its objective does not have: {sorted(frozen)}"
    if plan.contrast_size and plan.contrast_view not in run.views:
        has = f"it has {', '.join(run.views)}" if run.views else "it has none"
        return f"compares with view {plan.contrast_view!r} of a task, which this environment does not have: {has}"
    if objective.needs_critic and critic is None:
        return "needs a critic, and it describes none"
    if schedule.remembers and critic is not None and critic.head == "c51":
        return "remembers rows, and value head c51 learns from fresh ones only: take hl-gauss, two-hot or mse"
    if objective.needs_whole_groups and not run.whole_groups:
        return "needs whole groups in one micro-batch, and this configuration splits them"
    if run.logged and chosen.data == "fresh":
        return "learns from rollouts of its own: leave --data out, or take a recipe for stored episodes"
    if not run.logged and chosen.data == "logged":
        return "learns from stored episodes: name them with --data FILE or --data RUN/episodes"
    return None


def _from_file(path: Path, name: str) -> type[Recipe]:
    if not path.is_file():
        raise ValueError(f"no recipe file {str(path)!r}")
    module = _load(path.resolve())
    found = {
        value.name: value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Recipe) and value.__module__ == module.__name__ and value.name
    }
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        there = f"it has {', '.join(sorted(found))}" if found else 'decorate a Recipe with @recipe("name")'
        raise ValueError(f"no recipe {name!r} in {path}; {there}")
    return found[name]


def _load(path: Path) -> ModuleType:
    key = f"assay_recipe_{sha256(str(path).encode()).hexdigest()[:12]}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"cannot read the recipe file {str(path)!r}")
        module = sys.modules[key] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[key]
            raise ValueError(f"recipe file {path}: {type(error).__name__}: {error}") from error
    return sys.modules[key]


def _checked(found: Any, name: str, where: str) -> type[Recipe]:
    if not (isinstance(found, type) and issubclass(found, Recipe)):
        raise ValueError(f"entry point {name!r} ({where}) is not a Recipe class")
    if not found.name:
        found.name = name
    return found
