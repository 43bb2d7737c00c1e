"""From what ``--model`` says to something that acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.agents.policy import Completion, Policy, Request
from assay.training.errors import UserError, close_match
from assay.training.rollout import RolloutSpec, derive_seed

if TYPE_CHECKING:
    from assay.agents.chat import Chat
    from assay.envs.base import TaskEnv
    from assay.envs.tasks import Task, TaskSet
    from assay.training.cli_evaluate import EvalFlags

Context = Callable[[RolloutSpec, "TaskEnv"], dict[str, Any]]


class Acting(NamedTuple):
    """A policy, the chat that renders its tokens (None for one without tokens), and what its requests carry."""

    policy: Policy
    chat: Chat | None = None
    context: Context | None = None


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
    if flags.model in SCRIPTED or flags.model.startswith("constant:"):
        return Acting(Told(), None, _context(SCRIPTED.get(flags.model, _constant)(flags.model, env, train)))
    return _local(flags)


class Told:
    """Says what the request's context says: the body of every scripted policy."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request."""
        return [Completion(str(request.context["response"])) for request in requests]


def _context(answer: Callable[[Task, int], str]) -> Context:
    return lambda spec, env: {"response": answer(env.current_task, spec.seed)}


def _oracle(_: str, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Callable[[Task, int], str]:
    def answer(task: Task, seed: int) -> str:
        gold = env.gold(task)
        if gold is None:
            raise UserError(f"this environment knows no gold answer to task {task.id}, so it has no oracle")
        return gold

    return answer


def _random(_: str, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Callable[[Task, int], str]:
    tasks = train()
    if env.gold(tasks[0]) is None:
        raise UserError("this environment knows no gold answers, so none can be drawn at random")
    return lambda task, seed: env.gold(tasks[derive_seed("random", seed) % len(tasks)]) or ""


def _trivial(name: str, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Callable[[Task, int], str]:
    known = env.trivial(train())
    if name not in known:
        there = f"; it has {', '.join(known)}" if known else ""
        raise UserError(f"this environment has no {name} answer{there}")
    return lambda task, seed: known[name]


def _constant(name: str, env: type[TaskEnv], train: Callable[[], TaskSet]) -> Callable[[Task, int], str]:
    return lambda task, seed: name.removeprefix("constant:")


SCRIPTED = {"oracle": _oracle, "random": _random, "majority": _trivial}
"""Policies that need no model: the gold answer, that of a random training task, the most frequent label."""


def _server(flags: EvalFlags) -> Acting:
    from assay.agents.engines.openai import OpenAIPolicy

    name = flags.model.partition(":")[2]
    if not name:
        raise UserError("name the server's model: --model openai:MODEL --base-url http://HOST:PORT/v1")
    return Acting(OpenAIPolicy(name, base_url=flags.base_url or None))


def _local(flags: EvalFlags) -> Acting:
    from assay.agents.chat import Chat
    from assay.agents.engines import make_engine
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
        hint = close_match(flags.model, SCRIPTED)
        raise UserError(f"{error}{hint}") from error
    return Acting(make_engine(flags.engine, model, tokenizer), Chat(tokenizer))


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
