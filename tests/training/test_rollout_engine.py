"""The rollout engine on small environments: order, determinism, batching, threads, budgets."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Sequence

import pytest

from assay.agents.policy import Completion, Request, Sampling
from assay.agents.rollout import Rollout
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Outcome
from assay.envs.tasks import Task, TaskSet
from assay.training.rollout import Collector, RolloutSpec, derive_seed, specs_for
from assay.verifiers.score import Score

TASKS = TaskSet(Task(f"t{i}", [{"role": "user", "content": f"count to {i}"}], {"turns": i}) for i in range(1, 7))


class CountEnv(TaskEnv):
    """Ends after as many turns as the task says; right if every action was the number of its turn."""

    made = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        type(self).made += 1
        self.closed = 0

    def act(self, task, action):
        if len(self._actions) < task.truth["turns"]:
            return Step([{"role": "user", "content": "and?"}], 0.0, False)
        right = all(action.startswith(f"{n} ") for n, action in enumerate(self._actions, 1))
        return Step(score=Score(float(right), correct=right))

    def close(self):
        self.closed += 1


def make_env(kind=CountEnv):
    return lambda: kind(tasks=TASKS)


def say(request: Request) -> Completion:
    """The turn's number, then something that the request's seed decides."""
    turn = sum(message["role"] == "assistant" for message in request.messages) + 1
    return Completion(f"{turn} {random.Random(request.seed).random()}")


class Batched:
    def __init__(self):
        self.calls: list[list[Request]] = []
        self.threads: set[int] = set()
        self.running = 0

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.running += 1
        assert self.running == 1, "generate is called from one thread at a time"
        self.threads.add(threading.get_ident())
        self.calls.append(list(requests))
        self.running -= 1
        return [say(request) for request in requests]


class Shuffled:
    """Answers in random order, different each time."""

    def generate(self, requests):
        raise AssertionError("agenerate is there")

    async def agenerate(self, request: Request) -> Completion:
        await asyncio.sleep(random.random() * 0.01)
        return say(request)


def actions(result):
    return [rollout.episode.actions for rollout in result.rollouts]


def test_rollouts_come_in_the_order_of_the_specs_whatever_their_length():
    specs = specs_for(list(reversed(TASKS)), samples=2, seed=5)
    ended = []
    with Collector(make_env(), Batched(), concurrency=4) as collector:
        result = collector.collect(specs, on_done=ended.append)
    assert [r.episode.task_id for r in result.rollouts] == [spec.task.id for spec in specs]
    assert [(r.group, r.episode.meta["index"]) for r in result.rollouts] == [(s.group, s.index) for s in specs]
    assert [len(r.episode.turns) for r in result.rollouts] == [spec.task.truth["turns"] for spec in specs]
    assert [r.episode.seed for r in result.rollouts] == [spec.seed for spec in specs]
    assert result.outcomes == {Outcome.SCORED: 12}
    assert all(r.episode.score == Score(1.0, correct=True) for r in result.rollouts)
    assert sorted(map(id, ended)) == sorted(map(id, result.rollouts))
    assert [len(r.episode.turns) for r in ended] != [len(r.episode.turns) for r in result.rollouts]


def test_results_do_not_depend_on_timing_or_concurrency():
    specs = specs_for(TASKS, samples=4, seed=1)
    seen = []
    for policy in (Batched(), Shuffled(), Shuffled()):
        for concurrency in (1, 5, 64):
            with Collector(make_env(), policy, concurrency=concurrency) as collector:
                seen.append(actions(collector.collect(specs)))
    assert all(each == seen[0] for each in seen)
    assert len({action for episode in seen[0] for action in episode}) == sum(len(episode) for episode in seen[0])


def test_another_seed_gives_other_completions():
    with Collector(make_env(), Batched()) as collector:
        first, second = (actions(collector.collect(specs_for(TASKS, seed=seed))) for seed in (1, 2))
    assert all(a[0] != b[0] for a, b in zip(first, second, strict=True))


def test_inline_environments_give_the_same_batches_every_time():
    def batches():
        policy = Batched()
        with Collector(make_env(), policy, concurrency=5) as collector:
            collector.collect(specs_for(TASKS, samples=3))
        return [[(request.messages[0]["content"], request.seed) for request in call] for call in policy.calls]

    first = batches()
    assert first == batches()
    assert len(first[0]) == 5, "every free slot is in the first call"


@pytest.mark.parametrize("max_batch", [None, 4])
def test_without_a_longest_wait_slow_environments_give_the_same_batches_too(max_batch):
    class Jittery(CountEnv):
        blocking = True

        def act(self, task, action):
            time.sleep(random.random() * 0.004)
            return super().act(task, action)

    def batches():
        policy = Batched()
        with Collector(make_env(Jittery), policy, concurrency=9, max_wait=None, max_batch=max_batch) as collector:
            collector.collect(specs_for([TASKS.get("t2"), TASKS.get("t3"), TASKS.get("t6")], samples=3))
        return [[request.seed for request in call] for call in policy.calls]

    first = batches()
    assert all(batches() == first for _ in range(3))
    assert max(len(call) for call in first) == (max_batch or 9)


def test_one_turn_of_all_episodes_is_one_call():
    policy = Batched()
    with Collector(make_env(), policy) as collector:
        result = collector.collect(specs_for([TASKS[0]] * 1, samples=64))
    assert [len(call) for call in policy.calls] == [64]
    assert result.policy_calls == 1
    assert len(policy.threads) == 1
    assert threading.get_ident() not in policy.threads


def test_max_batch_limits_a_call():
    policy = Batched()
    with Collector(make_env(), policy, max_batch=5) as collector:
        collector.collect(specs_for([TASKS[0]], samples=12))
    assert [len(call) for call in policy.calls] == [5, 5, 2]


def test_instances_are_used_again_and_closed():
    made: list[CountEnv] = []

    def factory():
        made.append(CountEnv(tasks=TASKS))
        return made[-1]

    collector = Collector(factory, Batched(), concurrency=3)
    for _ in range(2):
        collector.collect(specs_for(TASKS, samples=4))
    assert len(made) == 3
    assert [env.closed for env in made] == [0, 0, 0]
    collector.close()
    assert [env.closed for env in made] == [1, 1, 1]
    collector.collect(specs_for(TASKS))
    assert len(made) == 6, "a closed collector can be used again, with new instances"
    collector.close()


def test_never_more_episodes_in_flight_than_slots():
    class Watching(Shuffled):
        now = most = 0

        async def agenerate(self, request):
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                return await super().agenerate(request)
            finally:
                self.now -= 1

    policy = Watching()
    with Collector(make_env(), policy, concurrency=7) as collector:
        collector.collect(specs_for(TASKS, samples=8))
    assert policy.most == 7


class BlockingEnv(CountEnv):
    """Every step waits until as many others as there are slots are in a step too: it ends only if all overlap."""

    blocking = True
    gate = threading.Barrier(12, timeout=20)
    threads: dict[int, set[int]] = {}

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._note()

    def _note(self):
        type(self).threads.setdefault(id(self), set()).add(threading.get_ident())

    def act(self, task, action):
        self._note()
        self.gate.wait()
        return super().act(task, action)

    def close(self):
        self._note()
        super().close()


def test_blocking_environments_overlap_in_a_pool_as_large_as_the_concurrency():
    made = []

    def factory():
        made.append(BlockingEnv(tasks=TASKS))
        return made[-1]

    with Collector(factory, Batched(), concurrency=12) as collector:
        result = collector.collect(specs_for([TASKS.get("t3")], samples=24))
    assert result.outcomes == {Outcome.SCORED: 24}
    assert len(made) == 13, "one to look at and one a slot"
    assert all(env.closed == 1 for env in made)
    threads = [BlockingEnv.threads[id(env)] for env in made[1:]]
    assert all(len(each) == 1 for each in threads), "made, used and closed on one thread"
    assert len(set.union(*threads)) == 12
    assert threading.get_ident() not in set.union(*threads)


def test_a_slow_environment_does_not_hold_up_the_others():
    """Episode 0's first step ends only after another episode has ended: in lockstep this would never return."""
    other_ended = threading.Event()

    class SlowFirst(CountEnv):
        blocking = True

        def act(self, task, action):
            if task.id == "t1":
                assert other_ended.wait(20)
            return super().act(task, action)

    with Collector(make_env(SlowFirst), Batched(), max_wait=0.001) as collector:
        result = collector.collect(
            [RolloutSpec(TASKS.get(name), i) for i, name in enumerate(("t1", "t6"))],
            on_done=lambda rollout: other_ended.set() if rollout.episode.task_id == "t6" else None,
        )
    assert result.outcomes == {Outcome.SCORED: 2}


@pytest.mark.parametrize("blocking", [False, True])
def test_may_be_called_where_a_loop_is_running_and_from_threads(blocking):
    kind = type("Kind", (CountEnv,), {"blocking": blocking})
    specs = specs_for(TASKS)
    with Collector(make_env(kind), Batched()) as collector:
        plain = actions(collector.collect(specs))

        async def inside():
            return actions(collector.collect(specs))

        assert asyncio.run(inside()) == plain
        found = []
        threads = [threading.Thread(target=lambda: found.append(actions(collector.collect(specs)))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [plain] * 3


@pytest.mark.parametrize("nested", [False, True])
def test_policy_exceptions_propagate_at_once(nested):
    class Broken:
        def generate(self, requests):
            raise MemoryError("no room for 64 requests")

    made = []

    def factory():
        made.append(CountEnv(tasks=TASKS))
        return made[-1]

    collector = Collector(factory, Broken(), retries=5)

    async def inside():
        collector.collect(specs_for(TASKS))

    call = (lambda: asyncio.run(inside())) if nested else (lambda: collector.collect(specs_for(TASKS)))
    with pytest.raises(MemoryError, match="no room"):
        call()
    assert all(env.closed == 1 for env in made)


def test_a_policy_that_miscounts_is_refused():
    class Short:
        def generate(self, requests):
            return [Completion("x")]

    with pytest.raises(ValueError, match="1 completions for 6 requests"):
        Collector(make_env(), Short()).collect(specs_for(TASKS))


def test_requests_carry_messages_sampling_and_context():
    policy, sampling = Batched(), Sampling(max_tokens=3, temperature=0.5)
    with Collector(
        make_env(), policy, sampling=sampling, context=lambda spec, env: {"gold": env.current_task.truth["turns"]}
    ) as collector:
        collector.collect([RolloutSpec(TASKS.get("t2"), seed=9)])
        collector.collect([RolloutSpec(TASKS.get("t1"))], sampling=Sampling(7))
    first, second, third = (call[0] for call in policy.calls)
    assert [message["role"] for message in second.messages] == ["user", "assistant", "user"]
    assert first.sampling == second.sampling == sampling
    assert third.sampling == Sampling(7)
    assert (first.context, third.context) == ({"gold": 2}, {"gold": 1})
    assert (first.seed, second.seed) == (derive_seed(9, 0), derive_seed(9, 1))


def test_turns_record_what_was_new_and_what_it_took():
    with Collector(make_env(), Batched()) as collector:
        episode = collector.collect([RolloutSpec(TASKS.get("t2"))]).rollouts[0].episode
    first, second = episode.turns
    assert first.messages == [{"role": "user", "content": "count to 2"}]
    assert second.messages == [{"role": "user", "content": "and?"}]
    assert set(first.seconds) == {"reset", "policy", "env"}
    assert set(second.seconds) == {"policy", "env"}
    assert second.reward == 1.0
    assert episode.truth == {"turns": 2}
    assert episode.env_id.endswith(":CountEnv")


def test_seeds_are_hashes_of_their_parts():
    assert derive_seed(1, "a") == derive_seed(1, "a")
    assert len({derive_seed(seed, "a", turn) for seed in range(50) for turn in range(50)}) == 2500
    assert derive_seed(1, 23) != derive_seed(12, 3)
    assert all(0 <= derive_seed(i) < 2**63 for i in range(100))
    specs = specs_for(TASKS, samples=3, seed=4)
    assert len({spec.seed for spec in specs}) == len(specs) == 18
    assert [(s.group, s.index) for s in specs[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]


def test_nothing_to_play_is_nothing():
    with Collector(make_env(), Batched()) as collector:
        assert collector.collect([]).rollouts == []


def test_no_slots_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Collector(make_env(), Batched(), concurrency=0)


def test_a_collection_never_prints_its_rollouts(monkeypatch):
    """asyncio.run has its task printed into an exception that nobody sees: seconds, if rollouts hung on the task."""
    printed = []
    monkeypatch.setattr(Rollout, "__repr__", lambda self: printed.append(self) or "rollout")
    with Collector(make_env(), Batched()) as collector:
        collector.collect(specs_for(TASKS))
    assert printed == []
