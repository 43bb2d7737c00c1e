"""How held-out answers are got out of a policy: what it writes, or the likeliest of a task's own closed list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from assay.agents.policy import Policy
from assay.training.errors import UserError

if TYPE_CHECKING:
    from assay.agents.decoding.ppl import Rule
    from assay.envs.base import TaskEnv
    from assay.envs.tasks import Task
    from assay.training.rollout import RolloutSpec

GREEDY = "greedy"


class Decided(NamedTuple):
    """A policy, and what its requests carry."""

    policy: Policy
    context: Callable[[RolloutSpec, TaskEnv], dict[str, Any]] | None = None


def deciding(policy: Policy, decoding: str, score_end: bool, scaffold: str, tasks: Sequence[Task]) -> Decided:
    """``policy`` itself, or one that answers with the label it finds likeliest.

    Args:
        policy: what acts.
        decoding: ``greedy`` (what it writes) or a rule of :func:`assay.agents.decoding.ppl.decide`.
        score_end: the end token counts as a token of a label.
        scaffold: what stands between environment and policy.
        tasks: what will be played; their answers must be closed lists.

    Raises:
        UserError: one line, where that cannot work.
    """
    if decoding == GREEDY:
        return Decided(policy)
    from assay.agents.decoding.ppl import PerplexityPolicy

    if scaffold != "chat":
        raise UserError(
            f"decoding {decoding} chooses among labels, and the scaffold {scaffold} asks for more: use chat"
        )
    if not tasks[0].truth.get("labels"):
        raise UserError(f"decoding {decoding} needs tasks with a closed list of labels: use greedy")
    try:
        chosen = PerplexityPolicy(policy, rule=cast("Rule", decoding), score_end=score_end)
    except ValueError as error:
        raise UserError(str(error)) from None
    return Decided(chosen, _with_free if decoding == "ppl-cal" else _answers)


def _answers(spec: RolloutSpec, env: TaskEnv) -> dict[str, Any]:
    return {"answers": cast("TaskEnv", env.unwrapped).answers(spec.task)}


def _with_free(spec: RolloutSpec, env: TaskEnv) -> dict[str, Any]:
    free = cast("TaskEnv", env.unwrapped).without_content(spec.task)
    if free is None:
        raise UserError("decoding ppl-cal needs a prompt without content, and this environment has none: use ppl")
    return _answers(spec, env) | {"free": free}
