"""``eval-agent --scaffold agentless-mini``: a policy becomes a course of many samples that makes one action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.training.cli_policies import SCRIPTED, UNLIMITED, Acting
from assay.training.errors import UserError

if TYPE_CHECKING:
    from assay.agents.scaffolds.agentless_options import AgentlessOptions
    from assay.envs.base import TaskEnv
    from assay.training.cli_evaluate import EvalFlags
    from assay.training.rollout import RolloutSpec


def check(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an environment that agentless-mini cannot work in.

    Raises:
        UserError: saying which one it takes.
    """
    from assay.envs.registry import env_class

    if env_class(name) is not env_class("swe_rl") or options.get("task", "edit") != "repo":
        raise UserError("agentless-mini works on whole repositories: --env swe_rl --env.task repo")


def agentless(acting: Acting, flags: EvalFlags, chosen: AgentlessOptions) -> Acting:
    """The policy of ``acting`` behind agentless-mini; its sandboxes are those of the environment's options.

    Raises:
        UserError: for scripted policies that answer without reading.
    """
    from assay.agents.scaffolds.agentless import AgentlessMini
    from assay.agents.scaffolds.agentless_box import problem_of
    from assay.agents.scaffolds.agentless_oracle import AgentlessOracle
    from assay.envs.swe_rl.rows import row_of

    if (flags.model in SCRIPTED and flags.model != "oracle") or flags.model.startswith("constant:"):
        raise UserError(f"--model {flags.model} reads no prompts: agentless-mini takes oracle, a model or a server")
    oracle = flags.model == "oracle"
    chat = acting.chat
    limit = min(flags.max_context or UNLIMITED, acting.limit)
    policy = AgentlessMini(
        AgentlessOracle() if oracle else acting.policy,
        chosen,
        length=None if chat is None else lambda text: len(chat.encode(text)),
        context=limit,
    )

    def context(spec: RolloutSpec, env: TaskEnv) -> dict[str, Any]:
        row, told = row_of(spec.task.truth["row"], f"task {spec.task.id}"), env.options
        solution = {"solution": row.patch} if oracle else {}
        return {"problem": problem_of(row, told.repos, told.backend, told.boxes), **solution}

    return Acting(policy, None, context)
