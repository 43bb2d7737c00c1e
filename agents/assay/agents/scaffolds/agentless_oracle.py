"""A scripted policy that knows the solution: what agentless-mini makes of perfect answers is a check of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.agents.policy import Completion, Request
from assay.agents.scaffolds.agentless import LOCALISE, REPAIR
from assay.agents.scaffolds.edits import Edit, render_edit
from assay.envs.swe_rl.fixtures.apply import apply, parse
from assay.verifiers.swe.render import render_edits


class AgentlessOracle:
    """Answers each step from ``request.context["solution"]``, the reference patch. It writes no scripts."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request.

        Raises:
            ValueError: if a request carries no solution.
        """
        return [Completion(_answer(request)) for request in requests]


def _answer(request: Request) -> str:
    solution, step = request.context.get("solution"), request.context.get("step")
    if not isinstance(solution, str):
        raise ValueError("an oracle needs the reference patch in request.context['solution']")
    patch = solution.encode("utf-8", "surrogateescape")
    if step == LOCALISE:
        return "\n".join(["```", *(change.path for change in parse(patch)), "```"])
    if step != REPAIR:
        return "A perfect patch needs no script."
    files: Mapping[str, str] = request.context["files"]
    before = {change.path: files[change.path].encode() for change in parse(patch) if change.path in files}
    after = {path: data.decode("utf-8", "replace") for path, data in apply(before, patch).items()}
    edits = render_edits({path: files[path] for path in before}, after) or []
    return "\n\n".join(render_edit(Edit(*edit)) for edit in edits)
