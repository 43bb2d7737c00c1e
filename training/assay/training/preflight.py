"""What can be refused of a run before anything is loaded: its recipe, in this run, with this environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.agents.scaffolds import check_scaffold, layout_tokens
from assay.envs.base import TaskEnv
from assay.envs.options import read_options
from assay.envs.registry import env_class
from assay.training.config import TrainConfig
from assay.training.recipes import Recipe, RunFacts, check_recipe, get_recipe
from assay.training.value.spec import CriticSpec

if TYPE_CHECKING:
    from assay.training.objectives.objective import Objective


@dataclass(frozen=True)
class Method:
    """The recipe of a run, its objective, and its critic with the range of values."""

    recipe: Recipe
    objective: Objective
    critic: CriticSpec | None


def suited(config: TrainConfig) -> TrainConfig:
    """The configuration with the length of an answer that suits environment and scaffold, where none is given.

    Raises:
        ValueError: one line, for an environment or an option of it that does not exist, or a number that is too small.
    """
    if config.rollout.neighbours < 1:
        raise ValueError(f"--rollout.neighbours must be at least 1, got {config.rollout.neighbours}")
    if config.rollout.max_tokens:
        return config
    env = env_class(config.env)
    tokens = env.answer_tokens(read_options(env.Options, config.env_options, config.env))
    tokens += layout_tokens(config.scaffold)
    return replace(config, rollout=replace(config.rollout, max_tokens=tokens))


def facts(config: TrainConfig) -> RunFacts:
    """What a recipe may refuse a run for."""
    rollout, optim = config.rollout, config.optim
    return RunFacts(
        group_size=rollout.group_size,
        max_length=rollout.max_tokens,
        temperature=rollout.temperature,
        top_p=rollout.top_p,
        top_k=rollout.top_k,
        minibatches=optim.minibatches,
        epochs=optim.epochs,
        scaffold=config.scaffold,
        engine=config.model.engine,
        logged=bool(config.data),
        multi_turn=config.scaffold != "chat" or env_class(config.env).act is not TaskEnv.act,
        steps=config.steps,
        groups=rollout.groups,
        views=env_class(config.env).views,
    )


def method(config: TrainConfig) -> Method:
    """The method of a configuration that :func:`suited` has seen; costs the import of torch, and no model's.

    Raises:
        ValueError, UserError: one line, for what cannot work.
    """
    recipe = get_recipe(config.recipe, config.recipe_options)
    check_scaffold(config.scaffold)
    objective = check_recipe(recipe, facts(config))
    return Method(recipe, objective, critic_spec(recipe, config))


def critic_spec(recipe: Recipe, config: TrainConfig) -> CriticSpec | None:
    """The critic of a run with its range, where the recipe has one.

    Raises:
        ValueError: one line, where nobody knows the range.
    """
    spec = recipe.critic()
    if spec is None:
        return None
    env = env_class(config.env)
    declared = env.reward_range(read_options(env.Options, config.env_options, config.env))
    try:
        return spec.within(declared, config.rollout.max_tokens)
    except ValueError as error:
        raise ValueError(f"recipe {recipe.name}: {error}") from None
