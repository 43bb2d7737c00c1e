"""What every registered environment promises; a new one is tested here without being named."""

from __future__ import annotations

import doctest
import hashlib
import importlib
import json
import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assay.envs
from assay.envs import Episode, Task, TaskEnv, TaskSet, env_class, env_id, env_names, play, replay, rescore
from assay.verifiers.score import Score

NAMES = env_names()
NONSENSE = "zzz nothing said at all zzz"  # of no word that answers a question, as "no" does
FEWER: dict[str, dict[str, Any]] = {"spatial_tree": {"count": 27, "size": 96}}
"""What makes a default source quick that draws thousands of scenes."""


def make(name: str, **more: Any) -> Any:
    """An environment of the test split by its name or id."""
    short = name.removesuffix("-v0").replace("-", "_")
    return gym.make(env_id(short), split="test", **FEWER.get(short, {}), **more)


@pytest.fixture(params=NAMES, scope="module")
def env(request: pytest.FixtureRequest, needs: Any) -> Any:
    needs(request.param)
    return make(request.param)


@pytest.fixture(autouse=True)
def _where_it_can_run(request: pytest.FixtureRequest, needs: Any) -> None:
    """Tests that take the name of an environment are skipped where its default source cannot work."""
    given = getattr(request.node, "callspec", None)
    if given is not None and "name" in given.params:
        needs(given.params["name"])


def to_the_end(env: Any, task_id: str, say: Any) -> list[str]:
    """The actions of an episode in which ``say()`` says each."""
    env.reset(seed=9, options={"task_id": task_id})
    said, over = [], False
    while not over:
        said.append(say())
        *_, terminated, truncated, _ = env.step(said[-1])
        over = terminated or truncated
    return said


def known(env: Any, limit: int) -> list[tuple[Task, list[str], list[str]]]:
    """Tasks, the actions that solve each, and as many as it takes of such that do not."""
    inner = env.unwrapped
    several = inner.gold(inner.tasks[0]) is None  # more turns than one: fewer tasks will do
    found = []
    for task in inner.tasks[: max(3, limit // 5) if several else limit]:
        env.reset(seed=9, options={"task_id": task.id})
        if inner.expert() is not None:
            right = to_the_end(env, task.id, inner.expert)
            found.append((task, right, to_the_end(env, task.id, lambda: NONSENSE)))
    return found


def plain(value: Any) -> Any:
    """Observations and infos as values that compare: images as a hash of their bytes."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tobytes"):
        return value.mode, value.size, hashlib.blake2b(value.tobytes()).hexdigest()
    return value


def episodes(env: Any, count: int, disturb: Any = None) -> list[Any]:
    """What ``count`` episodes of a seeded environment look like; ``disturb`` runs before every call."""
    actions = random.Random(5)
    seen: list[Any] = []
    for number in range(count):
        if disturb:
            disturb()
        seen.append(plain(env.reset(seed=11 if number == 0 else None)))
        over = False
        while not over:
            if disturb:
                disturb()
            said = actions.choice(["a", "1", NONSENSE, None])
            *step, info = env.step(env.unwrapped.expert() if said is None else said)
            over = bool(step[2] or step[3])
            seen.append(plain([*step, info]))
    return seen


def test_there_are_environments():
    assert {"text_classification", "image_classification"} <= set(NAMES)


def test_checker_is_clean(env):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@pytest.mark.parametrize("name", NAMES)
def test_made_by_bare_and_by_prefixed_id(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bare, prefixed = gym.make(env_id(name)), gym.make(f"assay.envs:{env_id(name)}")
    assert type(bare.unwrapped) is type(prefixed.unwrapped) is env_class(name) is env_class(env_id(name))
    assert bare.unwrapped.tasks.ids == prefixed.unwrapped.tasks.ids


@pytest.mark.parametrize("name", NAMES)
def test_made_without_an_import_by_the_prefixed_id_in_a_new_process(name):
    code = f"import gymnasium as gym; print(len(gym.make('assay.envs:{env_id(name)}').reset(seed=0)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "2\n"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["sync", "async", None])
def test_vector_environments(name, mode):
    extra = {"vectorization_mode": mode} if mode else {}
    if mode == "async":
        extra["vector_kwargs"] = {"shared_memory": False}
    vector = gym.make_vec(env_id(name), num_envs=2, split="test", **FEWER.get(name, {}), **extra)
    single = make(name)
    try:
        observations, infos = vector.reset(seed=[3, 4])
        for i, seed in enumerate((3, 4)):
            expected, info = single.reset(seed=seed)
            assert plain(observations["messages"][i]) == plain(expected["messages"])
            assert infos["task_id"][i] == info["task_id"]
        over = False
        while not over:
            answer = single.unwrapped.expert()
            _, _, terminated, truncated, info = single.step(answer)
            over = terminated or truncated
            _, rewards, _, _, infos = vector.step((NONSENSE, answer))
        assert rewards[0] < rewards[1] == info["score"].reward
        assert infos["score"][1] == info["score"]
    finally:
        vector.close()


@pytest.mark.parametrize("name", NAMES)
def test_async_vectors_say_what_to_do_about_shared_memory(name):
    with pytest.raises(ValueError, match="shared_memory=False"):
        gym.make_vec(env_id(name), num_envs=2, vectorization_mode="async")


def test_a_neighbour_changes_nothing(env):
    name = env.unwrapped.spec.id
    alone = episodes(env, 6)
    neighbour = make(name)
    noise = iter(range(10**6))

    def disturb() -> None:
        turn = next(noise)
        random.seed(turn)
        np.random.seed(turn)
        neighbour.reset(seed=turn)
        neighbour.step(NONSENSE)

    assert episodes(make(name), 6, disturb) == alone


def test_threads_change_nothing(env):
    name = env.unwrapped.spec.id
    alone = episodes(env, 6)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: episodes(make(name, tasks=env.unwrapped.tasks), 6), range(8)))
    assert all(seen == alone for seen in found)


def test_global_generators_are_left_alone(env):
    random.seed(1)
    np.random.seed(1)
    python, numpy = random.getstate(), np.random.get_state()[1].tolist()
    env_class(env.unwrapped.spec.id)(split="test")
    episodes(env, 3)
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy


def test_replay_from_seed_task_and_actions(env):
    for task, *courses in known(env, 5):
        for actions in courses:
            stored = Episode.from_json(play(env, actions, seed=9, task_id=task.id).to_json())
            again = replay(stored, make(env.unwrapped.spec.id))
            assert json.loads(again.to_json()) == json.loads(stored.to_json())
            assert rescore(stored) == stored.score


def test_a_task_picked_by_id_meets_the_same_random_numbers(env):
    _, info = env.reset(seed=21)
    state = env.unwrapped.np_random.bit_generator.state
    env.reset(seed=21, options={"task_id": info["task_id"]})
    assert env.unwrapped.np_random.bit_generator.state == state


def test_same_seed_same_task_and_all_tasks_are_reached(env):
    drawn = [env.reset(seed=seed)[1]["task_id"] for seed in range(40)]
    assert drawn == [env.reset(seed=seed)[1]["task_id"] for seed in range(40)]
    assert len(set(drawn)) > min(20, len(env.unwrapped.tasks)) / 2


def test_truth_is_not_in_observations_or_info(env):
    """Tasks whose truth is replaced look the same, step by step; and no key of it is shown."""
    inner = env.unwrapped
    marked = TaskSet(Task(t.id, t.prompt, {"secret": "7f3a-truth"}, t.meta) for t in inner.tasks[:20])
    blind = type(inner)(tasks=marked, split="test")
    for task in inner.tasks[:20]:
        seen = plain(env.reset(seed=1, options={"task_id": task.id}))
        assert seen == plain(blind.reset(seed=1, options={"task_id": task.id}))
        over, steps = False, []
        while not over:
            obs, _, terminated, truncated, info = env.step(NONSENSE)
            over = terminated or truncated
            steps.append((plain(obs), {key: value for key, value in info.items() if key != "score"}))
        text = repr((seen, steps))
        assert "7f3a-truth" not in text
        assert "truth" not in seen[1]
        assert set(info) == {"task_id", "score"}


def test_observations_are_copies(env):
    def deface(obs: dict[str, Any]) -> None:
        for message in obs["messages"]:
            if isinstance(message["content"], list):
                message["content"].clear()
            message["content"] = "defaced"
        for image in obs.get("images", ()):
            image.paste(0, (0, 0, *image.size))
        obs["messages"].clear()

    first, _ = env.reset(seed=2)
    opening = plain(first)
    after = plain(env.step(NONSENSE)[0])
    assert plain(first) == opening
    deface(env.reset(seed=2)[0])
    assert plain(env.step(NONSENSE)[0]) == after
    assert plain(env.reset(seed=2)[0]) == opening


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=st.text(st.characters(), max_size=200))
def test_any_string_is_a_legal_action(name, action):
    env = made(name)
    env.reset(seed=0)
    assert env.action_space.contains(action)
    _, reward, *_, info = env.step(action)
    assert isinstance(info.get("score", Score(reward)), Score)


CACHE: dict[str, Any] = {}


def made(name: str) -> Any:
    if name not in CACHE:
        CACHE[name] = make(name)
    return CACHE[name]


@pytest.mark.parametrize("action", ["", "\ud800", "\x00", "a" * 300_000, "<answer>" * 5000, "\n\n", "{}"])
def test_odd_strings_are_scored_failures(env, action):
    env.reset(seed=0)
    _, _, terminated, truncated, info = env.step(action)
    assert not (terminated or truncated) or info["score"].correct is not True


def test_actions_that_are_not_strings_are_refused(env):
    env.reset(seed=0)
    with pytest.raises(TypeError, match="an action is a string, got int"):
        env.unwrapped.step(3)


def test_stepping_before_a_reset_or_after_the_end(env):
    fresh = type(env.unwrapped)(tasks=env.unwrapped.tasks, split="test")
    with pytest.raises(ResetNeeded, match="reset"):
        fresh.step("a")
    with pytest.raises(ResetNeeded):
        _ = fresh.current_task
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(NONSENSE)
        over = terminated or truncated
    with pytest.raises(ResetNeeded, match="the episode is over: call reset"):
        env.step("a")


def test_the_oracle_is_right_and_a_constant_is_not(env):
    courses = known(env, 60)
    assert courses
    for task, *both in courses:
        right, wrong = (play(env, actions, seed=9, task_id=task.id).score for actions in both)
        assert right.correct is True
        assert right.parsed
        assert (wrong.correct, wrong.parsed) == (False, False)
        assert right.reward > wrong.reward


def test_gold_and_trivial_answers_are_deterministic(env):
    inner = env.unwrapped
    again = type(inner)(**asdict(inner.options))
    assert [inner.gold(task) for task in inner.tasks] == [again.gold(task) for task in again.tasks]
    assert inner.trivial(inner.tasks) == again.trivial(again.tasks)


def test_tasks_survive_json_and_ids_are_content_hashes(env, tmp_path):
    tasks = env.unwrapped.tasks
    tasks.to_jsonl(tmp_path / "tasks.jsonl")
    stored = TaskSet.from_jsonl(tmp_path / "tasks.jsonl")
    assert stored.ids == tasks.ids
    assert all(len(task.id) == 16 for task in tasks)
    other = type(env.unwrapped)(tasks=stored, split="test")
    assert plain(other.reset(seed=4)) == plain(env.reset(seed=4))


@pytest.mark.parametrize("name", NAMES)
def test_splits_share_no_task(name):
    train, test = (env_class(name)(split=split, **FEWER.get(name, {})).tasks for split in ("train", "test"))
    assert not set(train.ids) & set(test.ids)
    assert {task.meta["split"] for task in test} == {"test"}
    assert {task.meta["split"] for task in train} == {"train"}


def test_unknown_tasks_and_options(env):
    with pytest.raises(ValueError, match=r"no task 'nope' among the \d+ of this set"):
        env.reset(options={"task_id": "nope"})
    with pytest.raises(ValueError, match=r"-v0 has no option 'splt'; did you mean 'split'"):
        type(env.unwrapped)(splt="test")
    with pytest.raises(ValueError, match="option 'split' must be one of train, dev, test; got 'tset'"):
        gym.make(env.unwrapped.spec.id, split="tset")


def test_rendering_is_text(env):
    shown = make(env.unwrapped.spec.id, render_mode="ansi")
    shown.reset(seed=0)
    assert isinstance(shown.render(), str)
    assert shown.render().count("[user]") >= 1
    assert env.render() is None


def test_unknown_names_give_the_closest():
    with pytest.raises(ValueError, match="unknown environment 'text_clasification'; did you mean text_classification"):
        env_class("text_clasification")
    with pytest.raises(ValueError, match=r"there are: .*text_classification"):
        env_class("qqq")


def test_importing_registers_but_loads_none():
    code = (
        "import sys, assay.envs, gymnasium as gym\n"
        "print([n for n in assay.envs.env_names() if f'assay.envs.{n}' in sys.modules], 'PIL' in sys.modules)\n"
        "print(all(assay.envs.env_id(n) in gym.registry for n in assay.envs.env_names()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[] False\nTrue\n"


@pytest.mark.parametrize("module", ["assay.envs", *(env_class(name).__module__ for name in NAMES)])
def test_examples_in_docstrings_run(module):
    done = doctest.testmod(importlib.import_module(module))
    assert done.attempted > 3
    assert not done.failed


def test_registering_twice_is_harmless():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assay.envs.register_all()


def test_every_environment_is_a_task_env_with_a_known_verifier_or_a_verdict_of_its_own():
    from assay.verifiers import registry

    for name in NAMES:
        cls = env_class(name)
        assert issubclass(cls, TaskEnv)
        if cls.verifier:
            assert registry.get(cls.verifier).name == cls.verifier
        else:
            assert cls.score.__func__ is not TaskEnv.score.__func__
        assert cls.__doc__
