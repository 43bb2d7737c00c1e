"""Everything a run is made of, built from its configuration: the one place where names become objects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from assay.agents.chat import Chat
from assay.agents.engines import make_engine
from assay.agents.engines.action_mask import special_ids, unsampled_ids
from assay.agents.engines.contexts import context_limit
from assay.agents.models import load_model
from assay.agents.policy import Policy, Sampling
from assay.agents.scaffolds import make_scaffold
from assay.agents.scaffolds.chat import Scaffold
from assay.envs.base import TaskEnv
from assay.envs.options import read_options
from assay.envs.registry import env_class
from assay.envs.tasks import TaskSet
from assay.training import checkpoint
from assay.training.batch import taught_row
from assay.training.companion import STATE as COMPANION
from assay.training.companion import Companion, companion_spec, served
from assay.training.config import TrainConfig
from assay.training.datasets import about
from assay.training.deciding import deciding
from assay.training.display import Display
from assay.training.forward import Scorer, sharing_error
from assay.training.frozen import REFERENCE, STATE, FrozenPolicies
from assay.training.memory_io import memory_from
from assay.training.mixture import check_domains
from assay.training.objectives.schedule import RolloutPlan, Schedule
from assay.training.offline.data import LoggedData
from assay.training.precision import Weights
from assay.training.preflight import facts, method
from assay.training.recipes import Recipe
from assay.training.remembered import RememberingScorer
from assay.training.rollout import Collector
from assay.training.rundir import run_dir
from assay.training.update import Updater, make_optimizer
from assay.training.value.critic import ValueCritic
from assay.training.value.spec import CriticSpec

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.5}
"""Largest difference in log-probability between shared and padded prefixes that is still rounding."""


@dataclass
class Parts:
    """What a run is made of."""

    env: type[TaskEnv]
    train: TaskSet
    test: TaskSet
    env_options: dict[str, Any]
    test_options: dict[str, Any]
    recipe: Recipe
    schedule: Schedule
    model: Any
    tokenizer: Any
    chat: Chat
    scaffold: Scaffold
    policy: Policy
    scorer: Scorer
    weights: Weights
    updater: Updater
    frozen: FrozenPolicies
    critic: CriticSpec | None = None
    logged: LoggedData | None = None
    companion: Companion | None = None
    samplers: dict[str, Policy] = field(default_factory=dict)

    def sampler(self, name: str, engine: str) -> Policy:
        """What samples: the policy, or a frozen one."""
        if name == "policy":
            return self.policy
        if name not in self.samplers:
            self.samplers[name] = make_engine(engine, self.frozen.scorers[name].model, self.tokenizer)
        return self.samplers[name]

    def collector(self, config: TrainConfig) -> Collector:
        """Plays training tasks."""
        rollout = config.rollout
        return Collector(
            lambda: self.env(tasks=self.train, **self.env_options),
            self.policy,
            scaffold=self.scaffold,
            sampling=sampling(config),
            max_context=self.max_context(config),
            concurrency=rollout.concurrency,
            retries=rollout.retries,
        )

    def judge(self, config: TrainConfig) -> Collector:
        """Plays held-out tasks."""
        rollout = config.rollout
        decided = deciding(self.policy, config.eval.decoding, config.eval.score_end, config.scaffold, self.test)
        return Collector(
            lambda: self.env(tasks=self.test, **self.test_options),
            decided.policy,
            context=decided.context,
            scaffold=make_scaffold(config.scaffold, self.chat, lenient=True),
            max_context=self.max_context(config),
            sampling=Sampling(rollout.max_tokens, config.eval.temperature, stop=rollout.stop),
            concurrency=rollout.concurrency,
            retries=rollout.retries,
        )

    def max_context(self, config: TrainConfig) -> int:
        """Tokens that a conversation and its next completion may fill together."""
        return min(config.rollout.max_context or 2**31, context_limit(self.model))


def sampling(config: TrainConfig) -> Sampling:
    """How training rollouts are drawn."""
    rollout = config.rollout
    return Sampling(rollout.max_tokens, rollout.temperature, rollout.top_p, rollout.top_k, rollout.stop)


def assemble(config: TrainConfig, saved: Path | None = None, display: Display | None = None) -> Parts:
    """Build a run's parts, cheap checks first.

    Args:
        config: the run.
        saved: a checkpoint of the run to continue from.
        display: shows the progress of what takes time.

    Raises:
        ValueError, UserError, ModelError: one line, for anything a user can cause.
    """
    chosen = method(config)
    recipe, objective, critic = chosen.recipe, chosen.objective, chosen.critic
    if caution := recipe.cautions(facts(config)):
        warnings.warn(f"recipe {recipe.name} {caution}", stacklevel=2)
    env = env_class(config.env)
    companion = _companion(config, saved)
    options, test_options = served(config)
    train = env(**options).tasks
    test = env(**test_options).tasks
    overlap = set(train.ids) & set(test.ids)
    if overlap:
        raise ValueError(f"{len(overlap)} tasks are in both the training and the {config.eval.split} split")
    if display is not None and about(train):
        display.note(about(train))
    check_domains(recipe.schedule(), train)
    if problem := recipe.refuses_tasks(train):
        raise ValueError(f"recipe {recipe.name} {problem}")
    logged = _logged(config, recipe, env(tasks=train, **options), test, display)
    if config.threads:
        torch.set_num_threads(config.threads)
    model, tokenizer = load_policy(config, saved)
    chat = Chat(tokenizer)
    scaffold = make_scaffold(config.scaffold, chat)
    optim = config.optim
    scorer = Scorer(model, share_prefix=optim.share_prefix, budget=optim.token_budget, processor=chat.processor)
    weights = Weights(model)
    optimizer = make_optimizer(weights, config.optim)
    if saved is not None:
        checkpoint.restore(saved, weights, optimizer)
        objective = objective.restored(checkpoint.read_state(saved)["objective"])
    if config.optim.share_prefix:
        _check_sharing(scorer, scaffold, chat, env(tasks=train, **options), train)
    rollout = config.rollout
    configured = RolloutPlan(rollout.groups, rollout.group_size, rollout.temperature)
    schedule = recipe.schedule().begun(config.steps, configured)
    objective = objective.fitted(special_ids(model, tokenizer, chat), frozenset(unsampled_ids(model, tokenizer)))
    frozen = FrozenPolicies(
        scorer,
        tokenizer,
        run_dir(config) / REFERENCE,
        lambda folder: load_policy(config, folder)[0],
        Scorer if logged is None else RememberingScorer,
    )
    if saved is not None:
        frozen.restore(objective.companions, checkpoint.read_state(saved)[STATE], saved)
    updater = Updater(scorer, objective, weights, optimizer, config.optim, frozen.scorers, schedule)
    if saved is not None:
        updater.memory = memory_from(checkpoint.read_extra(saved, "memory"))
        if critic is not None:
            updater.critic = ValueCritic(scorer, critic)
            updater.critic.restore(checkpoint.read_extra(saved, "critic"), saved)
    policy = make_engine(config.model.engine, model, tokenizer, frozen=lambda name: frozen.scorers[name].model)
    return Parts(env, train, test, options, test_options, recipe, schedule, model, tokenizer, chat, scaffold, policy,
                 scorer, weights, updater, frozen, critic, logged, companion)  # fmt: skip


def _companion(config: TrainConfig, saved: Path | None) -> Companion | None:
    """What learns beside the policy, as a checkpoint has it, published for the environments that are made next."""
    spec = companion_spec(config)
    if spec is None:
        return None
    options = read_options(env_class(config.env).Options, served(config)[0], config.env)
    made = spec.build(run_dir(config), options, config.steps, config.seed)
    if saved is None:
        made.publish()
    else:
        made.restore(checkpoint.read_extra(saved, COMPANION))
    return made


def _logged(
    config: TrainConfig, recipe: Recipe, env: TaskEnv, test: TaskSet, display: Display | None
) -> LoggedData | None:
    """The index of ``--data``, if there is any."""
    if not config.data:
        return None
    from assay.training.offline.admission import open_data

    return open_data(config, recipe.offline().least, env, test, display)


def load_policy(config: TrainConfig, folder: Path | None = None) -> tuple[Any, Any]:
    """The model and tokenizer of a configuration, from a checkpoint if there is one."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # loading and saving a small model is no news, and would tear the live display
    model = config.model
    name = str(folder) if folder is not None else model.name
    lora = 0 if folder is not None else model.lora_rank
    loaded, tokenizer = load_model(
        name, dtype=model.dtype, device=model.device, lora_rank=lora, lora_alpha=model.lora_alpha
    )
    # A loaded file lies in memory as it lies on disk, and matrix kernels round by alignment: without a copy, a resumed
    # run would differ from the unbroken one in the last bits.
    for parameter in loaded.parameters():
        parameter.data = parameter.data.clone()
    if model.gradient_checkpointing:
        _checkpoint_gradients(loaded)
    return loaded, tokenizer


def _checkpoint_gradients(model: Any) -> None:
    """Recompute activations in the backward pass. Layers do so in training mode only, where nothing may be dropped."""
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0


def resolved(parts: Parts) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The recipe's constants, and the environment's options and what else its results depend on, defaults included."""
    import dataclasses

    options = parts.env(tasks=parts.train, **parts.env_options).options
    return dataclasses.asdict(parts.recipe), dataclasses.asdict(options) | parts.env.facts(options)


def facts_of(parts: Parts, config: TrainConfig) -> dict[str, Any]:
    """What a checkpoint says of the tasks it was trained and measured on, for whoever has no more than its folder."""
    train = parts.env(tasks=parts.train, **parts.env_options).options
    held = parts.env(tasks=parts.test, **parts.test_options).options
    return {
        "env": config.env,
        "train": dict(parts.env.facts(train)),
        "held_out": {**parts.env.facts(held), "decoding": config.eval.decoding},
    }


def _check_sharing(scorer: Scorer, scaffold: Scaffold, chat: Chat, env: TaskEnv, tasks: TaskSet) -> None:
    rows = []
    for task in tasks[:2]:
        for words in ("no", "not now"):
            rows.append(taught_row(env, task, chat, chat.encode(words), scaffold))
    kind = next(scorer.model.parameters()).dtype
    error = sharing_error(scorer.model, rows, scorer.processor)
    if not error <= TOLERANCE.get(kind, 1e-3):
        scorer.share_prefix = False
        warnings.warn(
            f"this model's layers do not follow a tree mask (log-probabilities differ by {error:.2g}): "
            "prefixes are not shared, training is slower but right",
            stacklevel=2,
        )
