"""Asynchronous in-process rollouts behind a blocking call: many episodes at once, none waits for another's turn."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from assay.agents.chat import Chat
from assay.agents.policy import Completion, Policy, Request, Sampling
from assay.agents.rollout import Rollout
from assay.agents.scaffolds.chat import ChatScaffold, Scaffold
from assay.envs.base import TaskEnv
from assay.training.rollout_batcher import Batcher
from assay.training.rollout_episode import Ask, Play, RolloutSpec, derive_seed, env_id_of, run_episode
from assay.training.rollout_lanes import CallThread, Lane, Mailbox
from assay.training.rollout_loop import ABORT_SECONDS, run_all, run_in_loop
from assay.training.rollout_result import CollectError, CollectResult, Tally

__all__ = ["CollectError", "CollectResult", "Collector", "RolloutSpec", "derive_seed", "specs_for"]

BLOCKING_SECONDS = 600.0
"""How long a step of a blocking environment may take that does not ask for more (``patience``)."""
CLOSE_SECONDS = 10.0
"""How long :meth:`Collector.close` waits for environments to close."""


def specs_for(tasks: Sequence[Any], samples: int = 1, seed: int = 0) -> list[RolloutSpec]:
    """``samples`` rollouts of each task, a group a task; each seed is a hash of (seed, group, task, sample)."""
    return [
        RolloutSpec(task, group, index, derive_seed(seed, group, task.id, index))
        for group, task in enumerate(tasks)
        for index in range(samples)
    ]


class Collector:
    """Plays episodes concurrently.

    Each episode is a coroutine: reset, render, ask, step, and so on, with no lockstep between episodes. Requests are
    gathered into batched calls of ``policy.generate`` on one thread; a policy that has ``async agenerate(request)`` is
    awaited directly. Environments with ``blocking = True`` run on threads, one for each slot; others run inline. The
    instances are re-used from episode to episode and from collection to collection, until :meth:`close`.

    Given a policy whose completions depend on nothing but the request, so do the rollouts: neither the order in which
    things happen, nor retries, nor ``concurrency`` change them. A model's last bits can depend on the make-up of a
    batch; that is repeatable too unless ``max_wait`` is set, which only blocking environments have by default.

    Args:
        env_factory: makes an environment that knows every task asked for; share one ``TaskSet`` between instances.
        policy: what acts.
        chat: renders messages to token ids for policies that have a tokenizer; None otherwise. Ignored with a scaffold.
        scaffold: stands between environment and policy; by default plain chat.
        sampling: how completions are drawn.
        concurrency: slots, that is episodes in flight at most, and threads for environments that block.
        retries: times that an episode is started again after an infrastructure error (once after a crash).
        retry_delay: seconds before the first new start; doubles each time.
        max_turns: turns an episode may take; then it is truncated with reward 0. None: the environment's own limit.
        max_context: tokens that context and completion may fill together; then as with ``max_turns``. None: no limit.
        max_batch: requests of one policy call; None: as many as there are.
        max_wait: seconds after which waiting requests are sent although other episodes are not ready. None: never,
            every call then waits for all episodes in flight. Default: never if environments run inline, else 0.05.
        step_timeout: seconds that a reset or step may take before its instance is given up; None: no limit. Default:
            no limit if environments run inline, else 600 or the environment's ``patience``. Setting it runs any
            environment on threads.
        max_failed: largest share of specs that may end without a score.
        context: fills ``Request.context`` for scripted policies, from the spec and the environment that was reset.

    Attributes:
        env_type: the class of the environments; None before the first collection.
    """

    def __init__(
        self,
        env_factory: Callable[[], TaskEnv],
        policy: Policy,
        chat: Chat | None = None,
        *,
        scaffold: Scaffold | None = None,
        sampling: Sampling | None = None,
        concurrency: int = 256,
        retries: int = 2,
        retry_delay: float = 0.5,
        max_turns: int | None = None,
        max_context: int | None = None,
        max_batch: int | None = None,
        max_wait: float | str | None = "auto",
        step_timeout: float | str | None = "auto",
        max_failed: float = 0.5,
        context: Callable[[RolloutSpec, TaskEnv], dict[str, Any]] | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self.policy = policy
        self.env_type: type[TaskEnv] | None = None
        self._factory = env_factory
        self._play = Play(
            sampling=sampling or Sampling(),
            scaffold=scaffold or ChatScaffold(chat),
            max_turns=max_turns,
            max_context=max_context,
            context=context,
            retries=retries,
            retry_delay=retry_delay,
        )
        self._concurrency = concurrency
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._timeout = step_timeout
        self._max_failed = max_failed
        self._threaded: bool | None = None
        self._lanes: list[Lane] = []
        self._caller: CallThread | None = None
        self._lock = threading.Lock()

    def collect(
        self,
        specs: Sequence[RolloutSpec],
        on_done: Callable[[Rollout], None] | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> CollectResult:
        """Play every spec.

        May be called from any thread, also from one whose event loop is running (which then stands still meanwhile).

        Args:
            specs: the episodes wanted.
            on_done: called with each rollout as it ends, in the order of ending.
            sampling: how completions are drawn in this collection; default: as the collector was told.

        Raises:
            CollectError: if more than ``max_failed`` of the episodes end without a score.
            Exception: whatever the policy raises.
        """
        with self._lock:
            began = time.perf_counter()
            tally = Tally(len(specs), self._max_failed, on_done)
            try:
                run_in_loop(lambda: self._collect(list(specs), tally, sampling))
            except BaseException:
                self._close(ABORT_SECONDS)
                raise
            return tally.result(time.perf_counter() - began)

    def close(self) -> None:
        """Close every environment. A later collection makes new ones."""
        with self._lock:
            self._close(CLOSE_SECONDS)

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _close(self, patience: float) -> None:
        lanes, self._lanes = self._lanes, []
        caller, self._caller = self._caller, None
        if caller is not None:
            caller.stop()
        threads = [thread for lane in lanes if (thread := lane.close()) is not None]
        deadline = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _prepare(self, slots: int) -> list[Lane]:
        """A lane for every slot, ``slots`` at most; the first call finds out whether the environment blocks."""
        if self._threaded is None:
            probe = self._factory()
            blocking = bool(getattr(probe.unwrapped, "blocking", False))
            self.env_type = cast("type[TaskEnv]", type(probe.unwrapped))
            self._play = replace(self._play, env_id=env_id_of(probe))
            self._concurrency = min(self._concurrency, getattr(probe.unwrapped, "at_once", None) or self._concurrency)
            self._threaded = blocking or isinstance(self._timeout, int | float)
            if self._timeout == "auto":
                patience = getattr(probe.unwrapped, "patience", None) or 0.0
                self._timeout = max(BLOCKING_SECONDS, patience) if blocking else None
            if self._max_wait == "auto":
                self._max_wait = 0.05 if self._threaded else None
            if self._threaded:
                probe.close()
            else:
                self._lanes.append(self._lane())
                self._lanes[0].adopt(probe)
        slots = min(self._concurrency, slots)
        while len(self._lanes) < slots:
            self._lanes.append(self._lane())
        return self._lanes[:slots]

    def _lane(self) -> Lane:
        return Lane(self._factory, bool(self._threaded), cast("float | None", self._timeout))

    async def _collect(self, specs: list[RolloutSpec], tally: Tally, sampling: Sampling | None) -> None:
        lanes = self._prepare(len(specs))
        mailbox = Mailbox(asyncio.get_running_loop())
        ask, batcher = self._asker(mailbox, len(lanes))
        queue = iter(enumerate(specs))
        play = self._play if sampling is None else replace(self._play, sampling=sampling)

        async def slot(lane: Lane) -> None:
            for position, spec in queue:
                rollout, restarts = await run_episode(position, spec, lane, mailbox, ask, play)
                tally.add(position, rollout, restarts)
            if batcher is not None:
                batcher.leave()

        await run_all([asyncio.ensure_future(slot(lane)) for lane in lanes])
        if batcher is not None:
            tally.policy_calls, tally.policy_seconds = batcher.calls, batcher.seconds

    def _asker(self, mailbox: Mailbox, slots: int) -> tuple[Ask, Batcher | None]:
        agenerate = cast("Callable[[Request], Awaitable[Completion]] | None", getattr(self.policy, "agenerate", None))
        if agenerate is not None:
            return (lambda position, request: agenerate(request)), None
        if self._caller is None:
            self._caller = CallThread("assay-policy")
        batcher = Batcher(
            self.policy,
            self._caller,
            mailbox,
            slots=slots,
            max_batch=self._max_batch,
            max_wait=cast("float | None", self._max_wait),
        )
        return batcher.ask, batcher
