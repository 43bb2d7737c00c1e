"""Our environments in the shape of TRL's: one tool, a reward, a dataset. Needs no TRL but its version check."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError

import pytest

from assay.envs.base import Step, TaskEnv
from assay.envs.errors import InfraError
from assay.envs.tasks import Task, TaskSet
from assay.training.errors import UserError
from assay.training.interop.trl import dataset, environment_factory, prompt_dataset, require_trl, rollout_func, version
from assay.verifiers.score import Score

ENV = "text-classification-v0"


@pytest.fixture
def anyversion(monkeypatch):
    monkeypatch.setattr(version, "version", lambda name: "1.16.3")


class Guess(TaskEnv):
    """Guess the number: told higher or lower, three turns."""

    verifier = "test.guess"

    @classmethod
    def load(cls, options):
        return TaskSet(Task(str(n), [{"role": "user", "content": f"Guess {n % 2}."}], {"n": n}) for n in (3, 6))

    @classmethod
    def score(cls, actions, truth):
        if actions[-1] == "crash":
            raise RuntimeError("no")
        return Score(float(actions[-1] == str(truth["n"])))

    def act(self, task, action):
        if action == "die":
            raise InfraError("sandbox died")
        if action == str(task.truth["n"]) or len(self._actions) == 3 or action == "crash":
            return Step(score=self.judge(task))
        return Step([{"role": "user", "content": "higher"}], terminated=False)


class Pictures(Guess):
    has_images = True


@pytest.fixture
def guess(monkeypatch, anyversion):
    monkeypatch.setattr(dataset, "env_class", lambda name: {"guess": Guess, "pictures": Pictures}[name])
    return environment_factory("guess")


def test_versions(monkeypatch):
    monkeypatch.setattr(version, "version", lambda name: "1.16.0")
    require_trl()
    monkeypatch.setattr(version, "version", lambda name: "1.17.0")
    with pytest.raises(UserError, match=r"found 1\.17\.0.*assay\[trl\]"):
        require_trl()

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    for call in (require_trl, lambda: environment_factory(ENV), lambda: rollout_func(ENV)):
        with pytest.raises(UserError, match=r"assay\[trl\]") as error:
            call()
        assert "\n" not in str(error.value)


def test_several_turns(guess):
    env = guess()
    assert env.reset(task_id="6", prompt=[{"role": "user", "content": "Guess 0."}]) is None
    assert env.get_reward() == 0.0
    assert env.act("5") == "higher"
    assert env.act("6") == "The episode is over."
    assert env.get_reward() == 1.0
    assert env.act("6") == "The episode is over."
    assert env.get_reward() == 1.0
    env.reset(task_id="3")
    assert env.get_reward() == 0.0
    for _ in range(3):
        env.act("9")
    assert env.get_reward() == 0.0


def test_a_prompt_that_is_not_the_task_s_gets_it_added(guess):
    assert guess().reset(task_id="3", prompt=[{"role": "user", "content": ""}]) == "Guess 1."
    assert guess().reset(task_id="3") == "Guess 1."


def test_failures_are_nobody_s_reward(guess):
    env = guess()
    for action in ("die", "crash"):
        env.reset(task_id="3")
        assert env.act(action) == "The episode is over."
        assert env.get_reward() is None
    env.reset(task_id="3")
    assert env.get_reward() == 0.0


def test_a_dead_reset_is_nobody_s_reward(guess, monkeypatch):
    def dead(self, **kwargs):
        raise InfraError("no sandbox")

    env = guess()
    monkeypatch.setattr(Guess, "reset", dead)
    assert env.reset(task_id="3") is None
    assert env.act("3") == "The episode is over."
    assert env.get_reward() is None


def test_only_act_is_a_tool(guess):
    public = {name for name in dir(guess) if not name.startswith("_")}
    assert public == {"act", "get_reward", "reset"}
    assert guess.__name__ == "GuessTool"
    assert guess()._env.tasks is guess()._env.tasks  # one set for all


def test_the_tool_has_a_schema(guess):
    utils = pytest.importorskip("transformers.utils", reason="pip install 'assay[train]'")
    schema = utils.get_json_schema(guess().act)["function"]
    assert schema["name"] == "act"
    assert schema["parameters"]["required"] == ["action"]
    assert schema["parameters"]["properties"]["action"]["type"] == "string"


def test_mistakes(guess):
    with pytest.raises(UserError, match="task_id"):
        guess().reset(prompt="x")
    with pytest.raises(ValueError, match="no task '9'"):
        guess().reset(task_id="9")
    with pytest.raises(UserError, match="images"):
        environment_factory("pictures")
    with pytest.raises(UserError, match="images"):
        prompt_dataset("pictures")


def test_unknown_names(anyversion):
    with pytest.raises(ValueError, match="did you mean text_classification"):
        environment_factory("text_classificatio")
    with pytest.raises(ValueError, match="no_such"):
        rollout_func(ENV, no_such=1)


def test_a_classification_task_end_to_end(anyversion):
    rows = prompt_dataset(ENV, split="test")
    row = rows[0]
    truth = json.loads(row["truth"])
    assert rows.column_names == ["prompt", "task_id", "truth"]
    assert truth["label"] in truth["labels"]
    env = environment_factory(ENV, split="test")()
    assert env.reset(**row) is None
    env.act(truth["label"])
    assert env.get_reward() == 1.0
    env.reset(**row)
    env.act("none of these")
    assert env.get_reward() == 0.0


def test_tasks_with_one_prompt_cannot_be_told_apart(guess, monkeypatch):
    twins = TaskSet(Task(str(n), [{"role": "user", "content": "Guess."}], {"n": n}) for n in (3, 6))
    monkeypatch.setattr(Guess, "load", classmethod(lambda cls, options: twins))
    with pytest.raises(UserError, match="same prompt"):
        rollout_func("guess")
