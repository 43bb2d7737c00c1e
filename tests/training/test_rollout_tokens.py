"""Exact tokens through the engine: what the policy saw is what a rollout holds."""

from __future__ import annotations

import random

import pytest

from assay.agents.chat import Chat
from assay.agents.policy import Completion, Sampling
from assay.agents.tiny import tiny_tokenizer
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Outcome
from assay.envs.errors import InfraError
from assay.envs.tasks import Task, TaskSet
from assay.training.rollout import Collector, specs_for
from assay.verifiers.score import Score

TASKS = TaskSet(Task(f"t{i}", [{"role": "user", "content": f"say {'so ' * i}"}], {"turns": i}) for i in range(1, 5))


class Talk(TaskEnv):
    """As many turns as the task says."""

    def act(self, task, action):
        if len(self._actions) < task.truth["turns"]:
            return Step(
                [{"role": "user", "content": f"turn {len(self._actions)} of {task.truth['turns']}"}], 0.0, False
            )
        return Step(score=Score(1.0, correct=True))


class Random:
    """Samples random tokens, sometimes without an end token, and remembers its contexts."""

    def __init__(self, tokenizer):
        self.tokenizer, self.seen = tokenizer, {}

    def generate(self, requests):
        out = []
        for request in requests:
            rng = random.Random(request.seed)
            length = rng.randrange(1, min(6, request.sampling.max_tokens + 1))
            ids = [rng.randrange(10, 200) for _ in range(length)]
            text, finish = self.tokenizer.decode(ids), "length"
            if rng.random() < 0.7 and length < request.sampling.max_tokens:
                ids.append(self.tokenizer.eos_token_id)
                finish = "stop"
            logprobs = tuple(-rng.random() for _ in ids)
            self.seen.setdefault(request.seed, []).append((request.ids, tuple(ids), logprobs, finish))
            out.append(Completion(text, tuple(ids), logprobs, finish))
        return out


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def collect(tokenizer, env=Talk, samples=6, **options):
    policy = Random(tokenizer)
    with Collector(lambda: env(tasks=TASKS), policy, Chat(tokenizer), sampling=Sampling(8), **options) as collector:
        return policy, collector.collect(specs_for(TASKS, samples=samples))


def test_branches_hold_exactly_the_contexts_and_tokens_of_the_policy(tokenizer):
    policy, result = collect(tokenizer)
    said = {(context, ids): logprobs for [(context, ids, logprobs, _)] in policy.seen.values()}
    for rollout in result.rollouts:
        (branch,) = rollout.branches
        assert branch.segments[0].ids == Chat(tokenizer).open(TASKS.get(rollout.episode.task_id).prompt)
        context: tuple[int, ...] = ()
        for segment in branch.segments:
            if segment.sampled:
                assert said.pop((context, segment.ids)) == segment.logprobs
            context += segment.ids
        assert branch.segments[-1].sampled
        assert sum(segment.sampled for segment in branch.segments) == len(rollout.episode.turns)
    assert not said, "every sampled token is in one branch"
    assert result.tokens == sum(len(ids) for [(_, ids, _, _)] in policy.seen.values())


def test_a_cut_turn_anywhere_marks_the_rollout(tokenizer):
    policy, result = collect(tokenizer)
    cut = {ids for [(_, ids, _, finish)] in policy.seen.values() if finish == "length"}
    marks = {rollout.finish for rollout in result.rollouts}
    assert marks == {"stop", "length"}
    for rollout in result.rollouts:
        expected = any(segment.ids in cut for segment in rollout.branches[0].segments if segment.sampled)
        assert (rollout.finish == "length") is expected
        assert (rollout.episode.outcome is Outcome.TRUNCATED) is expected


def test_a_full_context_shortens_the_last_turn_and_then_ends_with_nothing(tokenizer):
    limit = 60
    policy, result = collect(tokenizer, max_context=limit)
    longest = max(len(rollout.branches[0].ids) for rollout in result.rollouts)
    assert longest <= limit
    full = [r for r in result.rollouts if "context" in r.episode.score.detail]
    assert full
    assert all(r.episode.outcome is Outcome.TRUNCATED and r.episode.score.reward == 0.0 for r in full)
    assert all(len(context) < limit for [(context, *_)] in policy.seen.values())


def test_a_prompt_that_fills_the_context_says_so(tokenizer):
    with pytest.raises(ValueError, match="leaves no room in a context of 5"):
        collect(tokenizer, max_context=5)


def test_failed_rollouts_have_no_branches_and_restarts_none_twice(tokenizer):
    class Dies(Talk):
        def act(self, task, action):
            if task.truth["turns"] == 3 and len(self._actions) == 2:
                raise InfraError("gone")
            return super().act(task, action)

    policy, result = collect(tokenizer, env=Dies, retries=1, retry_delay=0.0)
    dead = [r for r in result.rollouts if r.episode.outcome is Outcome.INFRA_ERROR]
    assert len(dead) == 6
    assert all(r.branches == () and r.sampled_tokens == 0 and len(r.episode.turns) == 1 for r in dead)
    twice = [calls for calls in policy.seen.values() if len(calls) == 2]
    assert len(twice) == 12
    assert all(first == second for first, second in twice), "a restart sees and samples the same"


def test_an_environment_that_rewrites_history_forks(tokenizer):
    class Forgets(TaskEnv):
        """Shows only the last question."""

        def act(self, task, action):
            if len(self._actions) < 3:
                self._messages = [{"role": "user", "content": f"question {len(self._actions)}"}]
                return Step([{"role": "user", "content": "again"}], 0.0, False)
            return Step(score=Score(1.0))

        def step(self, action):
            obs, *rest = super().step(action)
            kept = [message for message in obs["messages"] if message["role"] == "user"]
            return {"messages": kept}, *rest

    policy, result = collect(tokenizer, env=Forgets, samples=1)
    for rollout in result.rollouts:
        assert len(rollout.branches) == 3
        rows = {(branch.segments[0].ids, branch.segments[1].ids) for branch in rollout.branches}
        assert rows <= {(context, ids) for [(context, ids, _, _)] in policy.seen.values()}
