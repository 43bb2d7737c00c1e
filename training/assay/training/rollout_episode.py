"""Plays one episode: reset, ask the policy, step, until the environment or a budget ends it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.agents.chat import text_of, with_images
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.rollout import Branch, Rollout
from assay.agents.scaffolds.chat import ChatScaffold, Scaffold
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.registry import env_id
from assay.envs.tasks import Message, Task
from assay.training.rollout_lanes import EnvError, Lane, Mailbox
from assay.verifiers.calibration.stated import with_stated
from assay.verifiers.score import Score

Ask = Callable[[int, Request], Awaitable[Completion]]
"""(position of the episode among those wanted, request) -> completion."""
CHARS_PER_TOKEN = 3.0
"""How the length of a conversation is guessed for policies without a tokenizer; code runs at 3 to 4."""


def derive_seed(*parts: int | str) -> int:
    """A seed in [0, 2**63) that is a hash of ``parts``: independent streams from one number, the same everywhere."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """One episode wanted.

    Attributes:
        task: what to play; the environments must know its id.
        group: which rollouts are compared with each other.
        index: position within the group.
        seed: decides everything random: the environment's reset, and with the turn number each completion.
        view: one of the environment's poorer views, or "" to show the task as usual.
    """

    task: Task
    group: int = 0
    index: int = 0
    seed: int = 0
    view: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """What all episodes of a collection share.

    Attributes:
        env_id: goes into every episode.
        sampling: how completions are drawn.
        scaffold: stands between environment and policy; its transcript keeps exact token ids where the policy has a
            tokenizer.
        max_turns: turns an episode may take; None leaves that to the environment.
        max_context: tokens that context and completion may fill together; None is no limit. For policies without a
            tokenizer it is a guess that only makes the scaffold shorten the conversation.
        context: fills :attr:`Request.context` for scripted policies.
        retries: times that an episode is started again after an infrastructure error.
        retry_delay: seconds before the first new start; doubles each time.
    """

    env_id: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    scaffold: Scaffold = field(default_factory=ChatScaffold)
    max_turns: int | None = None
    max_context: int | None = None
    context: Callable[[RolloutSpec, TaskEnv], dict[str, Any]] | None = None
    retries: int = 2
    retry_delay: float = 0.5


async def run_episode(
    position: int, spec: RolloutSpec, lane: Lane, mailbox: Mailbox, ask: Ask, play: Play
) -> tuple[Rollout, int]:
    """The rollout of ``spec`` and how often it was started again.

    An infrastructure error starts it again up to ``play.retries`` times, a crash of the environment's code once; the
    instance is replaced each time. What still fails is a rollout with a typed outcome and no score. Exceptions of the
    policy propagate.
    """
    again = 0
    while True:
        attempt = _Attempt(position, spec, lane, mailbox, ask, play)
        try:
            return await attempt.run(), again
        except EnvError as failure:
            lane.discard()
            limit = play.retries if failure.known else min(1, play.retries)
            if failure.outcome is not Outcome.INFRA_ERROR or again >= limit:
                return attempt.failed(failure, again), again
        await asyncio.sleep(play.retry_delay * 2**again)
        again += 1


class _Attempt:
    """One start of one episode."""

    def __init__(self, position: int, spec: RolloutSpec, lane: Lane, mailbox: Mailbox, ask: Ask, play: Play) -> None:
        self.position, self.spec, self.play = position, spec, play
        self.lane, self.mailbox, self.ask = lane, mailbox, ask
        self.turns: list[Turn] = []
        self.messages: list[Message] = []
        self.transcript = play.scaffold.transcript()
        self.said = 0
        self.cut = False
        self.evidence: Mapping[str, Any] | None = None
        self.completion: Completion | None = None
        self.tool_calls: Any = None

    async def run(self) -> Rollout:
        """Play to the end.

        Raises:
            EnvError: whatever goes wrong in the environment.
            ValueError: if the prompt alone fills the context.
        """
        clock, spec, play = time.perf_counter, self.spec, self.play
        began = clock()
        obs, info = await self.lane.reset(self.mailbox, spec.task.id, spec.seed, spec.view)
        if info.get("task_id") != spec.task.id:
            raise EnvError(f"asked for task {spec.task.id}, got {info.get('task_id')}", known=False)
        seconds = {"reset": clock() - began}
        context = play.context(spec, self.lane.env) if play.context is not None else {}
        while True:
            new = self._observe(obs["messages"], obs.get("images"))
            asked = clock()
            completion = await self._speak(new, context)
            if completion is None:
                return self._over_budget(f"the context of {play.max_context} tokens is full")
            self.completion = completion
            acted, action = clock(), play.scaffold.action(completion)
            obs, reward, terminated, truncated, info = await self.lane.step(self.mailbox, action)
            self.tool_calls = info.get("tool_calls", self.tool_calls)
            seconds["policy"] = acted - asked
            seconds["env"] = clock() - acted
            self.turns.append(Turn(new, action, float(reward), seconds))
            seconds = {}
            if terminated or truncated:
                self.evidence = getattr(self.lane.env.unwrapped, "evidence", None)
                return self._ended(info, truncated and not terminated)
            if play.max_turns is not None and len(self.turns) >= play.max_turns:
                return self._over_budget(f"not done after {play.max_turns} turns")

    def _observe(self, messages: list[Message], images: Sequence[Any] | None) -> list[Message]:
        """Take in the conversation so far; returns what is new to the agent, without images."""
        shown = messages if images is None else with_images(messages, images)
        known = len(self.messages)
        extends = bool(self.turns) and len(messages) > known and messages[:known] == self.messages
        new = messages[known + 1 :] if extends else messages
        if not new:
            raise EnvError("a step neither ended the episode nor told the agent anything", known=False)
        if extends:
            self.transcript.observe(shown[known + 1 :])
        else:
            self.transcript.open(self.play.scaffold.opening(shown))
        self.messages = messages
        return list(new)

    async def _speak(self, new: list[Message], context: dict[str, Any]) -> Completion | None:
        """What the policy says, once the scaffold takes it; None if no token fits the context any more.

        What the scaffold sends back is added to ``new``, with its answer: it is no turn of the environment.
        """
        tries = 0
        while (sampling := self._room()) is not None:
            shown = list(self.transcript.messages)
            seed = derive_seed(self.spec.seed, self.said)
            request = self.transcript.request(seed=seed, sampling=sampling, context=context)
            completion = await self.ask(self.position, request)
            self.said += 1
            again = self.play.scaffold.repair(completion, shown, tries)
            self.transcript.add(completion)
            if again is None:
                self.cut |= completion.finish == "length"
                return completion
            new += [{"role": "assistant", "content": completion.text}, *again]
            self.transcript.observe(again)
            tries += 1
        return None

    def _room(self) -> Sampling | None:
        """How the next completion may be drawn, after shortening if need be; None if no token fits any more."""
        sampling, limit = self.play.sampling, self.play.max_context
        if limit is None:
            return sampling
        room = limit - self._length()
        while room < sampling.max_tokens:
            shorter = self.play.scaffold.shorten(self.transcript.messages)
            if shorter is None:
                break
            self.transcript.open(shorter)
            room = limit - self._length()
        if room >= sampling.max_tokens or self.transcript.chat is None:
            return sampling
        if room < 1 and not self.said:
            raise ValueError(
                f"the prompt of task {self.spec.task.id} has {self._length()} tokens and leaves no room in a "
                f"context of {limit}: shorten the prompt or raise the limit"
            )
        return replace(sampling, max_tokens=room) if room > 0 else None

    def _length(self) -> int:
        """Tokens of the conversation so far; a guess for policies without a tokenizer."""
        if self.transcript.chat is not None:
            return len(self.transcript.ids)
        return round(sum(len(text_of(one)) for one in self.transcript.messages) / CHARS_PER_TOKEN)

    def _ended(self, info: dict[str, Any], truncated: bool) -> Rollout:
        score = info.get("score")
        if not isinstance(score, Score):
            raise EnvError("the last step's info carries no Score under 'score'", known=False)
        return self._rollout(Outcome.TRUNCATED if truncated or self.cut else Outcome.SCORED, score)

    def _over_budget(self, why: str) -> Rollout:
        return self._rollout(Outcome.TRUNCATED, Score(0.0, correct=False, parsed=False, detail=why))

    def _rollout(self, outcome: Outcome, score: Score) -> Rollout:
        said = self.completion
        stated = dict(self.play.scaffold.parts(said)) if said is not None else {}
        meta: dict[str, Any] = {"said": said.text, "stated": stated} if said is not None and stated else {}
        score = with_stated(score, stated, self.turns[-1].action if self.turns else "")
        return Rollout(
            self._episode(outcome, score, **meta),
            branches=tuple(map(_to_last_sampled, self.transcript.branches())),
            finish="length" if self.cut else "stop",
            group=self.spec.group,
        )

    def failed(self, failure: EnvError, again: int) -> Rollout:
        """The rollout of an attempt that nothing can be learnt from."""
        return Rollout(self._episode(failure.outcome, error=str(failure), starts=again + 1), group=self.spec.group)

    def _episode(self, outcome: Outcome, score: Score | None = None, error: str = "", **meta: Any) -> Episode:
        task = self.spec.task
        if self.evidence is not None:
            meta["evidence"] = self.evidence
        if self.tool_calls is not None:
            meta["tool_calls"] = self.tool_calls
        if self.spec.view:
            meta["view"] = self.spec.view
        return Episode(
            env_id=self.play.env_id,
            task_id=task.id,
            seed=self.spec.seed,
            turns=self.turns,
            outcome=outcome,
            score=score,
            error=error,
            truth=task.truth,
            meta={**task.meta, "group": self.spec.group, "index": self.spec.index, **meta},
        )


def _to_last_sampled(branch: Branch) -> Branch:
    """Without the observation that overflowed the context: nobody answered it, so nothing is learnt from it."""
    if branch.segments[-1].sampled:
        return branch
    last = max(i for i, segment in enumerate(branch.segments) if segment.sampled)
    return Branch(branch.segments[: last + 1])


def env_id_of(env: TaskEnv) -> str:
    """The gymnasium id that makes ``env`` again, or the import path of a class that has none."""
    if env.spec is not None:
        return env.spec.id
    kind = type(env.unwrapped)
    if kind.__module__.startswith("assay.envs."):
        return env_id(kind.__module__.split(".")[2])
    return f"{kind.__module__}:{kind.__qualname__}"
