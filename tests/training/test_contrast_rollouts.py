"""Rollouts in a poorer view: played beside the others, stored, described, and never learnt from."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from assay.agents.policy import Completion, Sampling
from assay.agents.rollout import Branch, Rollout, Segment
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome
from assay.envs.replay import replay
from assay.envs.tasks import Task, TaskSet
from assay.training.batch import make_batch
from assay.training.contrast import accuracy_of, contrast_accuracy, describe_contrast, with_contrast
from assay.training.curriculum import TaskStream
from assay.training.experience import describe, gather
from assay.training.objectives.contrast import CONTRAST, Contrasted
from assay.training.objectives.schedule import DynamicSampling, Plain, RolloutPlan
from assay.training.offline.admission import admission
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.training.recipes.base import Recipe
from assay.training.rollout import Collector
from assay.verifiers.score import Score


class Ordered(TaskEnv):
    """Says which of two words came first; out of order in view ``turned``, and tasks of one word have no such view."""

    views = ("turned", "blank")

    def views_of(self, task):
        return self.views if len(task.truth["words"]) > 1 else ()

    def open(self, task):
        words = task.truth["words"]
        shown = {"": words, "turned": words[::-1], "blank": []}[self.view]
        return [{"role": "user", "content": " ".join(shown)}]

    @classmethod
    def score(cls, actions, truth):
        right = actions[-1] == truth["words"][0]
        return Score(float(right), {"accuracy": float(right), "format": 1.0}, correct=right)


class First:
    """Repeats the first word it sees, every third time something else."""

    def generate(self, requests):
        return [Completion("?" if r.seed % 3 == 0 else r.messages[-1]["content"].split(" ")[0]) for r in requests]


def tasks(count=12):
    words = [["a", "b"], ["b", "a"], ["c"]]
    return TaskSet([Task(f"t{i}", [{"role": "user", "content": ""}], {"words": words[i % 3]}) for i in range(count)])


def gathered(schedule=None, view="turned", size=6, ratio=0.5, made=None, stream=None, groups=4):
    made = made or tasks()
    stream, plan = stream or TaskStream(made, 0), RolloutPlan(groups, size, 1.0)
    plan = Contrasted(view, ratio).plan(0, plan) if view else plan
    env = Ordered(tasks=made)
    with Collector(lambda: Ordered(tasks=made), First()) as collector:
        return gather(collector, stream, schedule or Plain(), plan, Sampling(4), 1, views_of=env.views_of)


def by_group(rollouts):
    found = {}
    for rollout in rollouts:
        found.setdefault(rollout.group, []).append(rollout)
    return found


def test_a_contrast_is_half_of_a_group_and_at_least_one():
    plan = RolloutPlan(3, 8, 1.0)
    assert Contrasted("turned").plan(0, plan).contrast_size == 4
    assert Contrasted("turned", 0.3).plan(0, RolloutPlan(3, 5, 1.0)).contrast_size == 2
    assert Contrasted("turned", 0.01).plan(0, plan).contrast_size == 1
    assert Contrasted("turned").plan(0, plan).rollouts == 36
    assert plan.rollouts == 24
    for view, ratio in (("turned", 0.0), ("turned", 1.5), ("", 0.5)):
        with pytest.raises(ValueError, match="a contrast needs"):
            Contrasted(view, ratio)


def test_the_poorer_view_is_of_the_same_tasks_and_leaves_the_others_as_they_were():
    found, plain = gathered(), gathered(view="")
    assert [r.episode.to_json().split('"turns"')[0] for r in found.sampled] == [
        r.episode.to_json().split('"turns"')[0] for r in plain.sampled
    ]
    assert [r.episode.actions for r in found.kept] == [r.episode.actions for r in plain.kept]
    usual, poorer = by_group(found.sampled), by_group(found.contrast)
    assert plain.contrast == []
    for group, rollouts in usual.items():
        task = rollouts[0].episode
        assert "view" not in task.meta
        if len(task.truth["words"]) == 1:
            assert group not in poorer
            continue
        assert len(poorer[group]) == 3
        for one in poorer[group]:
            assert (one.episode.task_id, one.episode.meta["view"]) == (task.task_id, "turned")
            assert one.episode.turns[0].messages[-1]["content"] == " ".join(task.truth["words"][::-1])
    seeds = [r.episode.seed for r in (*found.sampled, *found.contrast)]
    assert len(set(seeds)) == len(seeds)


def test_what_is_compared_depends_on_the_position_only():
    made = tasks()
    stream = TaskStream(made, 0)
    gathered(made=made, stream=stream)
    second = gathered(made=made, stream=stream)
    resumed = gathered(made=made, stream=TaskStream(made, 0, position=4))
    assert [r.episode.seed for r in second.contrast] == [r.episode.seed for r in resumed.contrast]
    assert [r.episode.actions for r in second.contrast] == [r.episode.actions for r in resumed.contrast]


def test_groups_sampled_again_bring_their_contrast():
    found = gathered(DynamicSampling(), groups=2)
    with_view = {r.group for r in found.sampled if len(r.episode.truth["words"]) > 1}
    assert {r.group for r in found.contrast} == with_view
    assert {r.group for r in found.kept} <= {r.group for r in found.sampled}


def test_metrics_tell_how_much_better_the_usual_view_is():
    found = gathered()
    accuracy = contrast_accuracy(found.contrast)
    assert accuracy
    assert set(accuracy.values()) == {0.0}  # the first word of a turned pair is never the answer
    metrics = describe(found.sampled) | describe_contrast(found)
    assert metrics["contrast/accuracy"] == 0.0
    pairs = [r.episode.score.reward for r in found.sampled if len(r.episode.truth["words"]) > 1]
    assert metrics["contrast/gap"] == pytest.approx(sum(pairs) / len(pairs))
    assert metrics["contrast/samples"] == len(found.contrast)
    assert metrics["samples"] == len(found.sampled)
    assert describe_contrast(gathered(view="")) == {}


def rollout(group, accuracy, outcome=Outcome.SCORED):
    score = Score(accuracy, {"accuracy": accuracy}, correct=accuracy > 0.5) if outcome.learnable else None
    branch = Branch((Segment((1, 2), False), Segment((3,), True, (-1.0,))))
    return Rollout(Episode("e-v0", f"t{group}", 0, [], outcome, score), (branch,), group=group)


def test_a_batch_knows_the_contrast_of_its_groups_and_holds_no_row_of_it():
    batch = make_batch([rollout(g, 1.0) for g in (0, 0, 4, 4, 7, 9)], 0)
    poorer = [rollout(0, 1.0), rollout(0, 0.5), rollout(4, 0.0), rollout(4, 0.0, Outcome.INFRA_ERROR),
              rollout(9, 0.0, Outcome.INFRA_ERROR)]  # fmt: skip
    told = with_contrast(batch, poorer)
    assert len(told.rows) == 6
    column = told.data.reward_parts[CONTRAST]
    assert column[:4].tolist() == [0.75, 0.75, 0.0, 0.0]
    assert torch.isnan(column[4:]).all()
    assert told.data.reward_parts["accuracy"].tolist() == [1.0] * 6
    assert with_contrast(batch, []) is batch


def test_a_stored_episode_in_a_poorer_view_replays_in_it_and_is_no_data_to_learn_from():
    made = tasks()
    env = Ordered(tasks=made)
    episode = gathered(made=made).contrast[0].episode
    again = replay(episode, Ordered(tasks=made))
    assert again.meta["view"] == "turned"
    assert again.turns[0].messages == episode.turns[0].messages
    judge = admission(env, made, TaskSet([Task("held", [], {})]), "test")
    assert judge(episode) == "in a poorer view of their task"


def test_a_view_that_the_environment_lacks_is_refused_before_anything_is_loaded():
    class Compares(Recipe):
        name = "compares"

        def objective(self, max_length):
            return get_recipe("grpo").objective(max_length)

        def schedule(self):
            return Contrasted("turned")

    run = RunFacts(8, 32, steps=10, groups=4)
    with pytest.raises(ValueError, match=r"recipe compares .* view 'turned' .* it has none$"):
        check_recipe(Compares(), run)
    with pytest.raises(ValueError, match=r"it has blank$"):
        check_recipe(Compares(), replace(run, views=("blank",)))
    assert check_recipe(Compares(), replace(run, views=("blank", "turned")))


def test_an_accuracy_is_the_part_or_else_the_verdict():
    assert accuracy_of(Score(1.0, {"accuracy": 0.4}, correct=True)) == 0.4
    assert accuracy_of(Score(0.0, correct=True)) == 1.0
    assert math.isnan(accuracy_of(Score(0.0)))
