"""A scripted policy that knows the solution: what agentless-mini makes of perfect answers is a check of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.agents.policy import Completion, Request
from assay.agents.scaffolds.agentless import LOCALISE, REPAIR
from assay.agents.scaffolds.edits import Edit, render_edit
from assay.envs.swe_rl.fixtures.apply import apply, parse
from assay.envs.swe_rl.patches import without
from assay.verifiers.swe.render import render_edits


class AgentlessOracle:
    """Answers each step from ``request.context["solution"]``, the reference patch, as far as it is in Python files."""

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
    files: Mapping[str, str] = request.context["files"]
    shown, _ = without(solution, lambda path: path not in files)  # the course sees Python files only
    patch = shown.encode("utf-8", "surrogateescape")
    paths = [change.path for change in parse(patch)] if shown.strip() else []
    if step == LOCALISE:
        return "\n".join(["```", *paths, "```"])
    if step != REPAIR or not paths:
        return "Nothing to add."
    old = {path: files[path] for path in paths}
    new = apply({path: text.encode() for path, text in old.items()}, patch)
    edits = render_edits(old, {path: data.decode("utf-8", "replace") for path, data in new.items()}) or []
    return "\n\n".join(render_edit(Edit(*edit)) for edit in edits)
