"""From what ``--model`` says to something that acts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from assay.agents.policy import Policy
from assay.training.errors import UserError, close_match

if TYPE_CHECKING:
    from assay.agents.chat import Chat
    from assay.envs.base import TaskEnv
    from assay.envs.tasks import TaskSet
    from assay.training.cli_evaluate import EvalFlags
    from assay.training.rollout import RolloutSpec

Context = Callable[["RolloutSpec", "TaskEnv"], dict[str, Any]]


UNLIMITED = 2**31
"""The context of a policy whose limit nobody knows."""


class Acting(NamedTuple):
    """Something that acts.

    Attributes:
        policy: what is asked.
        chat: renders its tokens; None for a policy without tokens.
        context: what its requests carry.
        limit: tokens that fill its context.
    """

    policy: Policy
    chat: Chat | None = None
    context: Context | None = None
    limit: int = UNLIMITED


def make_policy(flags: EvalFlags, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Acting:
    """The policy that ``flags.model`` names.

    Args:
        flags: of ``eval-agent``.
        env: the environment, asked for gold and trivial answers.
        train: loads the training tasks, from which trivial answers are chosen.

    Raises:
        UserError, ModelError: one line, where there is no such policy.
    """
    if flags.model.startswith("openai:"):
        return _server(flags)
    if flags.base_url:
        raise UserError(f"--base-url is for servers: --model openai:{flags.model}")
    if is_scripted(flags.model, env):
        return _scripted(flags.model, env, train)
    return _local(flags, env)


def is_scripted(model: str, env: type[TaskEnv]) -> bool:
    """Whether a policy needs no model."""
    return model in SCRIPTED or model in env.baselines() or model.startswith("constant:")


def _scripted(name: str, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Acting:
    from assay.agents.engines.scripted import ConstantPolicy, OraclePolicy, RandomLabelPolicy, TaskPolicy

    if name in env.baselines():
        baseline = env.baselines()[name]
        baseline.check()
        return Acting(TaskPolicy(baseline.answer), None, lambda spec, _: {"task": spec.task})
    if name == "oracle":
        return Acting(OraclePolicy(), None, lambda _, live: {"gold": cast("TaskEnv", live.unwrapped).expert})
    if name == "random":
        golds = [gold for task in train() if (gold := env.gold(task)) is not None]
        if not golds:
            raise UserError("this environment knows no gold answers, so none can be drawn at random")
        return Acting(RandomLabelPolicy(golds))
    if name == "majority":
        known = env.trivial(train())
        if name not in known:
            raise UserError(f"this environment has no {name} answer; its trivial ones: {', '.join(known) or 'none'}")
        return Acting(ConstantPolicy(known[name]))
    return Acting(ConstantPolicy(name.removeprefix("constant:")))


SCRIPTED = ("oracle", "random", "majority")
"""Policies that need no model: the gold answer, that of a random training task, the most frequent label."""


def _server(flags: EvalFlags) -> Acting:
    from assay.agents.engines.openai import OpenAIPolicy

    name = flags.model.partition(":")[2]
    if not name:
        raise UserError("name the server's model: --model openai:MODEL --base-url http://HOST:PORT/v1")
    return Acting(OpenAIPolicy(name, base_url=flags.base_url or None))


def _local(flags: EvalFlags, env: type[TaskEnv]) -> Acting:
    from assay.agents.chat import Chat
    from assay.agents.engines import make_engine
    from assay.agents.engines.contexts import context_limit
    from assay.agents.models import ModelError, load_model
    from assay.training.cli import quiet_libraries

    if flags.threads:
        import torch

        torch.set_num_threads(flags.threads)
    quiet_libraries()
    folder = checkpoint_of(Path(flags.model))
    try:
        model, tokenizer = load_model(str(folder or flags.model), dtype=flags.dtype, device=flags.device)
    except ModelError as error:
        hint = close_match(flags.model, (*SCRIPTED, *env.baselines()))
        raise UserError(f"{error}{hint}") from error
    return Acting(make_engine(flags.engine, model, tokenizer), Chat(tokenizer), limit=context_limit(model))


def checkpoint_of(path: Path) -> Path | None:
    """The newest checkpoint of a run directory; None for any other path.

    Raises:
        UserError: if the run has none yet.
    """
    if not (path / "config.yaml").exists() or (path / "config.json").exists():
        return None
    from assay.training.checkpoint import latest

    found = latest(path / "checkpoints")
    if found is None:
        raise UserError(f"the run in {path} has no checkpoint yet")
    return found
