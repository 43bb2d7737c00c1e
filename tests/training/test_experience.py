"""What a step samples under a schedule, and the numbers that describe it."""

import math

import pytest

from assay.agents.policy import Completion, Sampling
from assay.agents.rollout import Branch, Rollout, Segment
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome
from assay.envs.tasks import Task, TaskSet
from assay.training.curriculum import TaskStream
from assay.training.experience import describe, gather, reflects
from assay.training.objectives.schedule import DynamicSampling, Plain, RolloutPlan
from assay.training.rollout import Collector
from assay.verifiers.score import Score


class Parity(TaskEnv):
    """Even tasks pay every answer; odd ones pay long answers."""

    @classmethod
    def score(cls, actions, truth):
        right = truth["n"] % 2 == 0 or len(actions[-1]) > 1
        return Score(float(right), parts={"length": float(len(actions[-1]))}, correct=right)


class Seeded:
    """Says something long or short, by the seed of the request; remembers the temperatures."""

    def __init__(self):
        self.temperatures = set()

    def generate(self, requests):
        self.temperatures |= {request.sampling.temperature for request in requests}
        return [Completion("x" * (1 + request.seed % 2)) for request in requests]


def gathered(schedule, groups=4, size=8, tasks=20):
    made = TaskSet([Task(f"t{i}", [{"role": "user", "content": "say"}], {"n": i}) for i in range(tasks)])
    stream, policy = TaskStream(made, 0), Seeded()
    with Collector(lambda: Parity(tasks=made), policy) as collector:
        found = gather(collector, stream, schedule, RolloutPlan(groups, size, 0.7), Sampling(4), seed=1)
    return found, stream, policy


def test_plain_keeps_all_that_was_sampled_at_the_plan_s_temperature():
    found, stream, policy = gathered(Plain())
    assert len(found.sampled) == len(found.kept) == 32
    assert stream.position == 4
    assert policy.temperatures == {0.7}
    assert sorted({r.group for r in found.sampled}) == [0, 1, 2, 3]


def test_dynamic_sampling_goes_on_until_enough_groups_disagree_and_cuts_the_surplus():
    found, stream, _ = gathered(DynamicSampling())
    groups = {}
    for rollout in found.kept:
        groups.setdefault(rollout.group, []).append(rollout.episode.score.reward)
    assert len(groups) == 4
    assert all(len(rewards) == 8 and len(set(rewards)) == 2 for rewards in groups.values())
    assert stream.position > 4
    assert len(found.sampled) == 8 * stream.position


def test_what_is_sampled_depends_on_the_position_only():
    first, _, _ = gathered(Plain())
    again, _, _ = gathered(Plain())
    assert [r.episode.actions for r in first.sampled] == [r.episode.actions for r in again.sampled]


def test_describe_by_hand():
    def made(group, reward, logprobs, outcome=Outcome.SCORED, parts=None):
        score = Score(reward, parts or {}, correct=reward > 0) if outcome.learnable else None
        branch = Branch((Segment((1,), False), Segment((7,) * len(logprobs), True, logprobs)))
        return Rollout(Episode("e-v0", "t", 0, [], outcome, score), (branch,), group=group)

    values = describe([
        made(0, 1.0, (-1.0, -3.0), parts={"a": 4.0}),
        made(0, 0.0, (-2.0,), Outcome.TRUNCATED),
        made(1, 1.0, (-0.0,)),
        made(1, 1.0, (-0.0,)),
        made(2, 0.0, (-9.0,), Outcome.INFRA_ERROR),
        made(2, 0.0, (-9.0,), Outcome.VERIFIER_ERROR),
    ])  # fmt: skip
    assert values["reward"] == values["accuracy"] == 0.75
    assert values["truncated"] == 0.25
    assert values["dead_groups"] == 0.5
    assert values["length"] == 1.25
    assert values["entropy"] == pytest.approx(6 / 5)
    assert values["part/a"] == 4.0
    assert values["infra_errors"] == values["verifier_errors"] == 1.0
    assert values["tokens"] == 7.0


def test_describe_nothing_scored():
    values = describe([])
    assert math.isnan(values["reward"])
    assert values["tokens"] == 0.0


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Wait, that is 7.", True),
        ("So 12. Let me check.", True),
        ("I double-check this: 12.", True),
        ("Rethink the second line", True),
        ("We re-examine it", True),
        ("The waiter brings the checks", False),
        ("", False),
    ],
)
def test_words_of_second_thoughts(said, found):
    assert reflects(["first", said]) is found
