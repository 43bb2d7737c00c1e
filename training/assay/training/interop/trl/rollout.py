"""Any text environment of ours as TRL's ``rollout_func``: exact tokens, as many turns as the task takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.envs.base import TaskEnv
from assay.envs.tasks import Task
from assay.training.errors import UserError
from assay.training.interop.trl.dataset import opening, prompt_key, text_env_class
from assay.training.interop.trl.version import require_trl

RolloutFunction = Callable[[list[Any], Any], dict[str, Any]]


def episode_reward(completions: Sequence[Any], episode_reward: Sequence[float | None], **_: Any) -> list[float | None]:
    """The reward function to go with :func:`rollout_func`: the environment has scored each episode already.

    None where an episode failed through no fault of the policy; TRL leaves such rows out.
    """
    return list(episode_reward)


def rollout_func(
    env: str, *, max_tokens: int | None = None, max_turns: int | None = None, concurrency: int = 256, **options: Any
) -> RolloutFunction:
    """A callable for ``GRPOTrainer(rollout_func=..., reward_funcs=episode_reward)``.

    Train it on :func:`~assay.training.interop.trl.prompt_dataset` of the same environment and options: TRL passes
    prompts only, so a task is found by its prompt. The trainer's own model samples, through our prefix-sharing sampler;
    TRL's generation settings beyond temperature, top_p, top_k and max_completion_length are not used, nor is vLLM.
    Text of the environment between turns is part of the completion with ``env_mask`` 0. The log-probabilities are
    those of temperature 1.

    Args:
        env: a name or id of ours.
        max_tokens: longest completion of one turn; default TRL's ``max_completion_length``.
        max_turns: turns an episode may take; default the environment's own limit.
        concurrency: episodes in flight.
        options: the environment's options.

    Raises:
        UserError: if TRL is missing or another version, the environment shows images, or two tasks share a prompt.
        ValueError: for an unknown environment or option.
    """
    require_trl()
    cls = text_env_class(env)
    first = cls(**options)
    tasks, by_prompt = first.tasks, _index(first)
    calls = 0

    def rollout(prompts: list[Any], trainer: Any) -> dict[str, Any]:
        nonlocal calls
        from assay.training.rollout import Collector, RolloutSpec, derive_seed

        calls += 1
        rank = trainer.accelerator.process_index
        specs = [
            RolloutSpec(_find(by_prompt, prompt, env), i, 0, derive_seed(trainer.args.seed, rank, calls, i))
            for i, prompt in enumerate(prompts)
        ]
        policy, chat, sampling = _sampler(trainer, max_tokens)
        with Collector(
            lambda: cls(tasks=tasks, **options),
            policy,
            chat,
            sampling=sampling,
            max_turns=max_turns,
            concurrency=concurrency,
        ) as collector:
            rollouts = collector.collect(specs).rollouts
        return _columns(rollouts, chat, prompts, trainer.processing_class.eos_token_id)

    return rollout


def _index(env: TaskEnv) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for task in env.tasks:
        other = found.setdefault(prompt_key(opening(env, task)), task)
        if other is not task:
            raise UserError(f"tasks {other.id} and {task.id} have the same prompt, so TRL cannot tell them apart")
    return found


def _find(by_prompt: Mapping[str, Task], prompt: Any, env: str) -> Task:
    try:
        return by_prompt[prompt_key(prompt)]
    except (KeyError, TypeError):
        raise UserError(
            f"a prompt of the dataset is no task of {env}: make the dataset with prompt_dataset and the same options"
        ) from None


def _sampler(trainer: Any, max_tokens: int | None) -> tuple[Any, Any, Any]:
    from assay.agents.chat import Chat
    from assay.agents.engines.hf import HFPolicy
    from assay.agents.policy import Sampling
    from assay.agents.transcript import Transcript

    if getattr(trainer, "is_fsdp_enabled", False) or getattr(trainer, "is_deepspeed_enabled", False):
        raise UserError("rollout_func samples from whole weights: run without FSDP and DeepSpeed, or use train-agent")

    class OneRow(Chat):
        """TRL takes one sequence a sample: history stays as it was sampled, whatever the template would do."""

        def transcript(self, *, keep_history: bool = True) -> Transcript:
            """A transcript that never forks."""
            return super().transcript(keep_history=True)

    chat = OneRow(trainer.processing_class, getattr(trainer, "chat_template_kwargs", None))
    policy = HFPolicy(trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class, chat=chat)
    sampling = Sampling(
        max_tokens=max_tokens or trainer.max_completion_length,
        temperature=trainer.temperature,
        top_p=trainer.top_p or 1.0,
        top_k=trainer.top_k or 0,
    )
    return policy, chat, sampling


def _columns(rollouts: Sequence[Any], chat: Any, prompts: Sequence[Any], eos: int) -> dict[str, Any]:
    """Rollouts as TRL's columns. One that failed is an end token that carries no loss and has no reward."""
    columns: dict[str, Any] = {"prompt_ids": [], "completion_ids": [], "logprobs": [], "env_mask": []}
    columns |= {"episode_reward": [], "episode_correct": []}
    for rollout, prompt in zip(rollouts, prompts, strict=True):
        score = rollout.episode.score
        if rollout.branches:
            branch = rollout.branches[0]
            start = len(branch.segments[0].ids)
            row = (branch.ids[:start], branch.ids[start:], branch.logprobs[start:], branch.sampled[start:])
        else:
            row = (chat.open(prompt), (eos,), (0.0,), (False,))
        columns["prompt_ids"].append(list(row[0]))
        columns["completion_ids"].append(list(row[1]))
        columns["logprobs"].append(list(row[2]))
        columns["env_mask"].append([int(sampled) for sampled in row[3]])
        columns["episode_reward"].append(None if score is None else score.reward)
        columns["episode_correct"].append(None if score is None else score.correct)
    return columns
