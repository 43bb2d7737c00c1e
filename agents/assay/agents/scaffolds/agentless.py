"""Agentless-mini (SWE-RL, arXiv 2502.18449, section 2.3): localise, repair, test, rerank; no turns, many samples.

A fixed course instead of an agent. For each problem: (1) some samples name the files to change; (2) each set of files
is shown whole and some samples propose edits; (3) some samples write scripts that reproduce the issue, of which those
that do are kept; (4) the repository's own tests that pass before are the regression tests; (5) the proposals are
filtered and voted on by :func:`assay.verifiers.swe.rerank`. The winner is submitted as one action.

The whole course is a policy around a policy, so that everything that plays episodes can play it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from assay.agents.policy import Completion, Policy, Request
from assay.agents.scaffolds import agentless_prompts as prompts
from assay.agents.scaffolds.agentless_options import AgentlessOptions
from assay.agents.scaffolds.agentless_read import (
    Patch,
    fit,
    location_sets,
    read_patch,
    read_paths,
    read_script,
    sources,
)
from assay.envs.tasks import Message
from assay.verifiers.swe.normal import normal_patch
from assay.verifiers.swe.vote import Candidate, rerank

LOCALISE, REPAIR, REPRODUCE = 1, 2, 3
"""Steps that ask the policy; ``request.context["step"]`` says which."""


class Repository(Protocol):
    """A repository at its base commit, in a sandbox; every run begins from there."""

    def files(self) -> Mapping[str, str]:
        """The text of its Python files, by path."""
        ...

    def passing(self, changed: Mapping[str, str]) -> frozenset[str]:
        """The tests it comes with that pass once files have the contents ``changed``, by node id."""
        ...

    def printed(self, script: str, changed: Mapping[str, str]) -> str:
        """What a Python script prints in its root, likewise."""
        ...


@dataclass(frozen=True)
class Problem:
    """What is to be solved.

    Attributes:
        issue: the problem statement.
        open: a sandbox with the repository.
        submit: the action that hands in a patch; an empty patch is legal.
        about_tests: the repository is a test framework, whose test files are sources too.
    """

    issue: str
    open: Callable[[], AbstractContextManager[Repository]]
    submit: Callable[[str], str]
    about_tests: bool = False


@dataclass
class _Work:
    """One problem on its way."""

    problem: Problem
    request: Request
    rng: random.Random
    files: Mapping[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    sets: list[tuple[str, ...]] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    chosen: str = ""
    course: str = ""


Asked = tuple[_Work, list[Message]]


class AgentlessMini:
    """The course as a policy: a request goes in, the action that submits the best patch comes out.

    ``request.context["problem"]`` holds the :class:`Problem`. What the request's sampling says of temperature is
    replaced by the options'; its ``max_tokens`` bounds each completion.

    Args:
        policy: what is asked.
        options: how much of everything.
        length: counts tokens; None guesses three characters a token.
        context: tokens that the policy takes in all.
    """

    def __init__(
        self,
        policy: Policy,
        options: AgentlessOptions | None = None,
        *,
        length: Callable[[str], int] | None = None,
        context: int = 2**31,
    ) -> None:
        self.policy = policy
        self.options = options or AgentlessOptions()
        self.length = length or (lambda text: len(text) // 3)
        self.context = context

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One action a request, without tokens; all problems share each round of samples.

        Raises:
            ValueError: if a request carries no problem, or the options ask for no patch.
            InfraError: if a sandbox failed.
        """
        if any(not isinstance(request.context.get("problem"), Problem) for request in requests):
            raise ValueError("agentless-mini needs request.context['problem']: a repository to work on")
        if min(self.options.locations, self.options.patches) < 1:
            raise ValueError("agentless-mini needs at least one sample for locations and one for patches")
        works = [_Work(each.context["problem"], each, random.Random(each.seed)) for each in requests]
        with ThreadPoolExecutor(max(1, self.options.jobs), "agentless") as pool:
            list(pool.map(_look, works))
            self._localise(works)
            self._repair(works)
            self._reproduce(works)
            list(pool.map(self._choose, works))
        return [Completion(f"{work.course}\n\n{work.problem.submit(work.chosen)}") for work in works]

    def _localise(self, works: Sequence[_Work]) -> None:
        """Step 1. With several samples each sees the tree in another order and may name another number of files."""
        asked: list[Asked] = []
        counts: list[int] = []
        several = self.options.locations > 1
        for work in works:
            for _ in range(self.options.locations):
                count, indent = (work.rng.choice((2, 3, 4, 5)), work.rng.choice((2, 4))) if several else (5, 4)
                shuffler = work.rng if several else None
                asked.append((work, prompts.localise(work.problem.issue, work.names, count, indent, shuffler)))
                counts.append(count)
        named: dict[int, list[tuple[str, ...]]] = {}
        for (work, _), count, text in zip(asked, counts, self._ask(asked, LOCALISE), strict=True):
            named.setdefault(id(work), []).append(read_paths(text, work.names, count))
        for work in works:
            # Where nothing was named every file is a candidate: as many as fit will be shown.
            work.sets = location_sets(named[id(work)]) or [tuple(work.names)]

    def _repair(self, works: Sequence[_Work]) -> None:
        """Step 2: whole files, shuffled; the sets take turns."""
        asked: list[Asked] = []
        for work in works:
            for number in range(self.options.patches):
                shown = self._shown(work, work.sets[number % len(work.sets)], work.rng)
                asked.append((work, prompts.repair(work.problem.issue, shown)))
        for (work, _), text in zip(asked, self._ask(asked, REPAIR), strict=True):
            work.patches.append(read_patch(text, work.files))

    def _reproduce(self, works: Sequence[_Work]) -> None:
        """Step 3, the writing."""
        asked: list[Asked] = []
        for work in works:
            for number in range(self.options.tests):
                shown = self._shown(work, work.sets[number % len(work.sets)], None)
                asked.append((work, prompts.reproduce(work.problem.issue, shown)))
        for (work, _), text in zip(asked, self._ask(asked, REPRODUCE), strict=True):
            script = read_script(text)
            if script is not None and script not in work.scripts:
                work.scripts.append(script)

    def _choose(self, work: _Work) -> None:
        """Steps 3 to 5 in a sandbox: what passes before, what each distinct patch makes of it, and the vote."""
        forms = [normal_patch(work.files, patch.changed) for patch in work.patches]
        distinct = {form: patch for form, patch in zip(reversed(forms), reversed(work.patches), strict=True) if form}
        before: frozenset[str] = frozenset()
        kept: list[str] = []
        found = {form: Candidate(form) for form in forms}
        if len(distinct) > 1:
            with work.problem.open() as repository:
                kept = [s for s in work.scripts if verdict(repository.printed(s, {})) == prompts.REPRODUCED]
                before = repository.passing({}) if self.options.regression else frozenset()
                for form, patch in distinct.items():
                    found[form] = Candidate(form, *_tried(repository, patch, kept, before))
        best = rerank([found[form] for form in forms])
        work.chosen = "" if best is None else work.patches[best].text
        work.course = (
            f"Agentless: {len(work.sets)} sets of files, {len(work.patches)} answers with {len(distinct)} distinct "
            f"patches, {len(kept)} of {len(work.scripts)} scripts reproduce the issue, {len(before)} regression tests."
        )

    def _shown(self, work: _Work, paths: Sequence[str], rng: random.Random | None) -> dict[str, str]:
        spent = self.length(work.problem.issue) + work.request.sampling.max_tokens + 600  # the instructions
        room = min(self.options.show_tokens, self.context - spent)
        return fit(paths, work.files, room, self.length, rng)

    def _ask(self, asked: Sequence[Asked], step: int) -> list[str]:
        """Completions of many prompts in one call; each has a seed of its own."""
        requests, counts = [], Counter[int]()
        for work, messages in asked:
            number = counts[id(work)]
            counts[id(work)] += 1
            seed = random.Random(f"{work.request.seed} {step} {number}").getrandbits(62)
            sampling = replace(work.request.sampling, temperature=self.options.temperature)
            context = {**work.request.context, "step": step, "files": work.files}
            requests.append(Request(messages, seed=seed, sampling=sampling, context=context))
        return [one.text for one in self.policy.generate(requests)] if requests else []


def _look(work: _Work) -> None:
    with work.problem.open() as repository:
        work.files = repository.files()
    work.names = sources(work.files, keep_tests=work.problem.about_tests)


def _tried(
    repository: Repository, patch: Patch, scripts: Sequence[str], before: frozenset[str]
) -> tuple[int | None, frozenset[str]]:
    """How many regression tests a patch breaks (None if there are none), and which scripts it passes."""
    broken = len(before - repository.passing(patch.changed)) if before else None
    resolved = (s for s in scripts if verdict(repository.printed(s, patch.changed)) == prompts.RESOLVED)
    return broken, frozenset(resolved)


def verdict(printed: str) -> str:
    """The one verdict that a script printed on a line of its own; empty for none, or for several that disagree."""
    known = (prompts.REPRODUCED, prompts.RESOLVED, prompts.OTHER)
    said = {line.strip() for line in printed.splitlines()} & set(known)
    return said.pop() if len(said) == 1 else ""
