"""Failures and budgets: typed outcomes, restarts, timeouts, truncation; an error is never a reward."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from assay.agents.policy import Completion
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Outcome
from assay.envs.errors import InfraError, VerifierError
from assay.envs.tasks import Task, TaskSet
from assay.training.rollout import CollectError, Collector, specs_for
from assay.verifiers.score import Score

TASKS = TaskSet(Task(f"t{i}", [{"role": "user", "content": f"task {i}"}], {"i": i}) for i in range(8))


class Echo:
    def __init__(self, finish="stop"):
        self.finish = finish
        self.seeds: list[int] = []

    def generate(self, requests):
        self.seeds += [request.seed for request in requests]
        return [Completion(str(request.seed), finish=self.finish) for request in requests]


class Failing(TaskEnv):
    """Fails on task 0 in the way that ``fail`` names, as often as ``times`` says, and pays 1 elsewhere."""

    fail: object = InfraError("the sandbox died")
    times = 10**9
    where = "step"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.closed = 0

    def _maybe_fail(self, task, where):
        kind = type(self)
        if task.truth["i"] == 0 and where == kind.where and kind.times > 0:
            kind.times -= 1
            raise kind.fail

    def open(self, task):
        self._maybe_fail(task, "reset")
        return super().open(task)

    def act(self, task, action):
        self._maybe_fail(task, "step")
        return Step(score=Score(1.0, correct=True))

    def close(self):
        self.closed += 1


def failing(**attributes):
    return type("Failing", (Failing,), attributes)


def play(kind, policy=None, **options):
    made = []

    def factory():
        made.append(kind(tasks=TASKS))
        return made[-1]

    with Collector(factory, policy or Echo(), retry_delay=0.0, **options) as collector:
        result = collector.collect(specs_for(TASKS))
    assert all(env.closed == 1 for env in made), "no instance is leaked or closed twice"
    return result, made


def assert_only_first_failed(result, outcome):
    first, *others = result.rollouts
    assert first.episode.outcome is outcome
    assert first.episode.score is None, "an error is never a reward"
    assert first.branches == ()
    assert not first.episode.outcome.learnable
    assert all(rollout.episode.outcome is Outcome.SCORED for rollout in others)
    assert result.learnable == others
    assert result.outcomes == {outcome: 1, Outcome.SCORED: 7}


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("where", ["reset", "step"])
def test_infra_error_restarts_and_then_is_typed(where, blocking):
    kind = failing(where=where, blocking=blocking)
    result, made = play(kind, retries=2)
    assert_only_first_failed(result, Outcome.INFRA_ERROR)
    assert result.restarts == 2
    assert result.rollouts[0].episode.error == "the sandbox died"
    assert result.rollouts[0].episode.meta["starts"] == 3
    assert kind.times == 10**9 - 3
    assert len(made) >= 8 + 2, "a failed instance is replaced"


def test_a_restart_that_works_repeats_the_same_completions():
    calm = play(failing(times=0))[0]
    result, _ = play(failing(times=2))
    assert result.outcomes == {Outcome.SCORED: 8}
    assert result.restarts == 2
    assert [r.episode.actions for r in result.rollouts] == [r.episode.actions for r in calm.rollouts]


def test_verifier_error_is_typed_and_not_tried_again():
    kind = failing(fail=VerifierError("cannot read the truth"))
    result, _ = play(kind)
    assert_only_first_failed(result, Outcome.VERIFIER_ERROR)
    assert (result.restarts, kind.times) == (0, 10**9 - 1)


@pytest.mark.parametrize("blocking", [False, True])
def test_a_crash_of_the_environment_is_tried_once_more_and_typed(blocking):
    kind = failing(fail=KeyError("width"), blocking=blocking)
    result, _ = play(kind, retries=5)
    assert_only_first_failed(result, Outcome.INFRA_ERROR)
    assert (result.restarts, kind.times) == (1, 10**9 - 2)
    assert result.rollouts[0].episode.error == "KeyError: 'width'"


def test_a_last_step_without_a_score_is_an_error_not_a_zero():
    class Scoreless(TaskEnv):
        def step(self, action):
            obs, reward, _, _, info = super().step(action)
            return obs, reward, True, False, {"task_id": info["task_id"]}

        def act(self, task, action):
            return Step([{"role": "user", "content": "?"}], 0.0, False)

    with Collector(lambda: Scoreless(tasks=TASKS), Echo(), retry_delay=0, max_failed=1.0) as collector:
        result = collector.collect(specs_for(TASKS))
    assert result.outcomes == {Outcome.INFRA_ERROR: 8}
    assert "no Score" in result.rollouts[0].episode.error


def test_a_silent_step_is_an_error():
    class Silent(TaskEnv):
        def act(self, task, action):
            return Step((), 0.0, False)

    with Collector(lambda: Silent(tasks=TASKS), Echo(), retry_delay=0, max_failed=1.0) as collector:
        result = collector.collect(specs_for(TASKS))
    assert result.outcomes == {Outcome.INFRA_ERROR: 8}
    assert "nor told the agent anything" in result.rollouts[0].episode.error


def test_too_many_failures_raise_one_line():
    class AllFail(Failing):
        def act(self, task, action):
            if task.truth["i"] < 5:
                raise InfraError("no such image: python:3.11")
            return super().act(task, action)

    with pytest.raises(CollectError) as caught:
        play(AllFail, retries=0)
    message = str(caught.value)
    assert "5 of 8 episodes" in message
    assert "no such image: python:3.11" in message
    assert "\n" not in message
    assert play(AllFail, retries=0, max_failed=0.7)[0].outcomes[Outcome.INFRA_ERROR] == 5


def test_an_unknown_task_names_itself():
    stranger = Task("stranger", [{"role": "user", "content": "x"}], {})
    with pytest.raises(CollectError, match="no task 'stranger'"):
        Collector(lambda: Failing(tasks=TASKS), Echo(), retry_delay=0).collect(specs_for([stranger]))


def test_a_stuck_step_times_out_and_its_instance_is_given_up():
    release = threading.Event()

    class Stuck(Failing):
        blocking = True
        times = 0

        def act(self, task, action):
            if task.truth["i"] == 0:
                release.wait(60)
            return super().act(task, action)

    made = []

    def factory():
        made.append(Stuck(tasks=TASKS))
        return made[-1]

    collector = Collector(factory, Echo(), retries=1, retry_delay=0.0, step_timeout=1.0)
    try:
        result = collector.collect(specs_for(TASKS))
        assert_only_first_failed(result, Outcome.INFRA_ERROR)
        assert result.rollouts[0].episode.error == "step did not return within 1 s"
        assert result.restarts == 1
        assert collector.collect(specs_for(list(TASKS)[1:])).outcomes == {Outcome.SCORED: 7}
    finally:
        release.set()
        collector.close()
    deadline = time.monotonic() + 20
    while not all(env.closed for env in made) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert all(env.closed == 1 for env in made), "a stuck instance is closed when it comes back"


def test_a_timeout_puts_inline_environments_on_threads():
    seen = set()

    class Where(Failing):
        times = 0

        def act(self, task, action):
            seen.add(threading.current_thread() is threading.main_thread())
            return super().act(task, action)

    play(Where)
    assert seen == {True}
    seen.clear()
    play(Where, step_timeout=30.0)
    assert seen == {False}


class Chatty(TaskEnv):
    """Four turns, or an environment's own limit after ``limit``."""

    limit = 10**9

    def act(self, task, action):
        done, out = len(self._actions) == 4, len(self._actions) >= self.limit
        if not done and not out:
            return Step([{"role": "user", "content": "go on"}], 0.0, False)
        return Step(terminated=done, truncated=not done, score=Score(0.7 if done else 0.2, correct=done))


def one(kind, policy=None, **options):
    with Collector(lambda: kind(tasks=TASKS), policy or Echo(), **options) as collector:
        return collector.collect(specs_for([TASKS[0]])).rollouts[0]


def test_without_a_budget_the_environment_ends_it():
    rollout = one(Chatty)
    assert (rollout.episode.outcome, rollout.episode.score.reward, rollout.finish) == (Outcome.SCORED, 0.7, "stop")


def test_a_cut_completion_is_truncated_with_the_environments_score():
    rollout = one(failing(times=0), Echo(finish="length"))
    assert rollout.episode.outcome is Outcome.TRUNCATED
    assert rollout.episode.score == Score(1.0, correct=True)
    assert rollout.finish == "length"


def test_the_environments_own_limit_is_truncated_with_its_score():
    rollout = one(type("Limited", (Chatty,), {"limit": 2}))
    assert rollout.episode.outcome is Outcome.TRUNCATED
    assert rollout.episode.score.reward == 0.2
    assert len(rollout.episode.turns) == 2


def test_the_turn_budget_ends_with_nothing():
    rollout = one(Chatty, max_turns=3)
    assert rollout.episode.outcome is Outcome.TRUNCATED
    assert (rollout.episode.score.reward, rollout.episode.score.correct) == (0.0, False)
    assert "3 turns" in rollout.episode.score.detail
    assert len(rollout.episode.turns) == 3
    assert one(Chatty, max_turns=4).episode.outcome is Outcome.SCORED


INTERRUPTED = """
    import asyncio, threading, time
    from assay.agents.policy import Completion
    from assay.envs.base import Step, TaskEnv
    from assay.envs.tasks import Task, TaskSet
    from assay.training.rollout import Collector, specs_for
    from assay.verifiers.score import Score

    TASKS = TaskSet(Task(f"t{i}", [{"role": "user", "content": "x"}], {}) for i in range(4))

    class Env(TaskEnv):
        blocking = WHERE == "env"
        def act(self, task, action):
            if WHERE == "env":
                print("waiting", flush=True)
                time.sleep(3600 if task.id == "t0" else 0.2)
            return Step(score=Score(1.0))
        def close(self):
            print("closed", flush=True)

    class Policy:
        def generate(self, requests):
            if WHERE != "env":
                print("waiting", flush=True)
                time.sleep(3600)
            return [Completion("x") for _ in requests]

    def collect():
        Collector(lambda: Env(tasks=TASKS), Policy()).collect(specs_for(TASKS))

    async def nested():
        collect()

    try:
        if WHERE == "nested":
            asyncio.get_event_loop_policy().new_event_loop().run_until_complete(nested())
        else:
            collect()
    except KeyboardInterrupt:
        for thread in threading.enumerate():
            if thread.name == "assay-collect":
                thread.join(20)
        print("interrupted", [thread.name for thread in threading.enumerate()], flush=True)
"""


@pytest.mark.parametrize("where", ["env", "policy", "nested"])
def test_an_interrupt_stops_promptly_and_closes_what_it_can(where):
    code = f"WHERE = {where!r}\n" + textwrap.dedent(INTERRUPTED)
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # ignored where the suite runs in background
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ, preexec_fn=heed
    )
    try:
        lines = iter(child.stdout.readline, "")
        while next(lines).strip() != "waiting":
            pass
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=60)[0]
    finally:
        child.kill()
    assert child.returncode == 0
    assert "interrupted" in rest
    assert "assay-collect" not in rest, "the loop has ended"
    assert rest.count("closed") == (3 if where == "env" else 4)
