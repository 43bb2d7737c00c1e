"""Abilities that act: planners and chance, what cannot be read, and episodes that replay to the bit."""

from __future__ import annotations

import hashlib
import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree import Options, SpatialTreeEnv
from assay.envs.spatial_tree.acting.body import HERE, World, axes_of
from assay.envs.spatial_tree.acting.deciding import LETTERS, OPTIONS, Goal, State, options_at
from assay.envs.spatial_tree.acting.exploring import Exploring
from assay.envs.spatial_tree.acting.orders import said
from assay.envs.spatial_tree.acting.planner import moves, turns
from assay.envs.spatial_tree.acting.solids import Solids, box_of
from assay.envs.spatial_tree.baselines import random_answer
from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, render
from assay.envs.spatial_tree.leaves import activity_of, templates_of
from assay.envs.spatial_tree.tasks import draw
from assay.verifiers.spatial.tree import BY_KEY

ACTING = ("agentic_navigation", "robotic_arm", "knowledge_acquisition", "self_goaling")
SIZE = 96
BAD = (
    "", "zzz", "{", "{}", "[1]", '{"actions": ["W"]}', '{"actions": ["W"], "step_nums": []}',
    '{"actions": ["W"], "step_nums": [NaN]}', '{"actions": ["W"], "step_nums": [1e400]}',
    '{"actions": ["W"], "step_nums": [' + "9" * 5000 + "]}", '{"actions": ["W"], "step_nums": [11]}',
    '{"actions": ["fly"], "step_nums": [1]}', '{"actions": ["W"], "step_nums": [true]}',
    '{"actions": "W", "step_nums": 1}', '{"actions": [], "step_nums": []}', "[" * 100_000,
    '{"actions": ["W"], "step_nums": [1]} {"actions": ["S"], "step_nums": [1]}',
    json.dumps({"actions": ["W"] * 21, "step_nums": [1] * 21}), "W" * 1_000_000, '{"a":' * 50_000, "\ud800\x00",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def made(**options: Any) -> Any:
    given = {"leaf": ACTING, "count": 12, "size": SIZE, "split": "test", "difficulty": (1, 3), **options}
    return gym.make("spatial-tree-v0", **given)


@pytest.fixture(scope="module")
def env(_cache: None) -> Any:
    return made()


def played(env: Any, task: Any, say: Any) -> tuple[Any, list[str], list[str]]:
    """The score, the actions, and a hash of every observation of an episode."""
    obs, _ = env.reset(seed=3, options={"task_id": task.id})
    actions, seen, over, info = [], [digest(obs)], False, {}
    while not over:
        actions.append(say(len(actions)))
        obs, _, terminated, truncated, info = env.step(actions[-1])
        seen.append(digest(obs))
        over = terminated or truncated
    return info["score"], actions, seen


def digest(obs: Any) -> str:
    told = json.dumps(obs["messages"]).encode() + b"".join(image.tobytes() for image in obs["images"])
    return hashlib.sha256(told).hexdigest()


def question(leaf: str, template: int = 0, difficulty: int = 2, key: str = "t") -> Any:
    return draw(BY_KEY[leaf], templates_of(leaf)[template], difficulty, key, SIZE)


def test_every_leaf_that_acts_has_at_least_three_kinds_of_task():
    for leaf in ACTING:
        assert len(templates_of(leaf)) >= 3
        assert all(template.__doc__ for template in templates_of(leaf))


def test_planners_solve_and_stored_actions_score_the_same(env):
    for task in env.unwrapped.tasks:
        score, actions, _ = played(env, task, lambda _: env.unwrapped.expert())
        assert score.correct, (task.meta, score.detail)
        assert score.parts["score"] == pytest.approx(1)
        assert score.parsed
        assert SpatialTreeEnv.score(actions, json.loads(json.dumps(task.truth))) == score
        assert env.unwrapped.gold(task) is None


def test_policies_that_look_at_nothing_fail(env):
    verdicts = []
    for task in env.unwrapped.tasks:
        for seed in range(2):
            verdicts.append(played(env, task, lambda turn, s=seed, t=task: random_answer(t, (), 100 * s + turn))[0])
    assert all(score.parsed for score in verdicts)
    assert sum(bool(score.correct) for score in verdicts) <= len(verdicts) / 4


def test_a_planner_finds_its_way_after_somebody_elses_actions(env):
    draw_ = random.Random(4)
    right = 0
    goals = [task for task in env.unwrapped.tasks if task.meta["leaf"] in ACTING[:2]]
    for task in goals:
        lost = json.dumps({"actions": ["W", "→", "A", "space"], "step_nums": [draw_.randint(0, 4) for _ in range(4)]})
        score, *_ = played(env, task, lambda turn, lost=lost: lost if turn == 0 else env.unwrapped.expert())
        right += bool(score.correct)
    assert right >= 0.75 * len(goals)


@pytest.mark.parametrize("leaf", ACTING)
def test_what_cannot_be_read_costs_the_turn_and_says_why(env, leaf):
    task = next(task for task in env.unwrapped.tasks if task.meta["leaf"] == leaf)
    queue: list[str] = list(BAD)
    while queue:
        env.reset(options={"task_id": task.id})
        before = len(env.unwrapped._images)
        over = False
        while not over:
            action = queue.pop() if queue else "zzz"
            obs, reward, over, _, info = env.step(action)
            assert reward == 0.0
            if not over:
                hint = obs["messages"][-1]["content"][-1]["text"]
                assert hint.startswith("Nothing was done: ")
                assert len(hint.splitlines()[0]) < 200
                assert len(env.unwrapped._images) == before
        assert (info["score"].correct, info["score"].parsed, info["score"].reward) == (False, False, 0.0)


CODE = """
import hashlib, json, sys
import gymnasium as gym, assay.envs
env = gym.make("spatial-tree-v0", leaf={leaf!r}, count=4, size=96, split="test", difficulty=(2,))
digests = []
for task in env.unwrapped.tasks:
    obs, _ = env.reset(seed=1, options={{"task_id": task.id}})
    over = False
    while not over:
        told = json.dumps(obs["messages"]).encode() + b"".join(image.tobytes() for image in obs["images"])
        digests.append(hashlib.sha256(told).hexdigest())
        obs, _, terminated, truncated, info = env.step(env.unwrapped.expert())
        over = terminated or truncated
    digests.append(info["score"].to_dict())
print(json.dumps(digests))
"""


def test_episodes_replay_to_the_bit_in_another_process(tmp_path):
    found = []
    for name in ("one", "two"):
        extra = {"ASSAY_CACHE": str(tmp_path / name), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        code = CODE.format(leaf=ACTING)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=extra)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert found[0] == found[1]
    assert len(json.loads(found[0])) > 8


def test_a_blank_view_shows_nothing_in_any_turn(env):
    for leaf in ACTING:
        task = next(task for task in env.unwrapped.tasks if task.meta["leaf"] == leaf)
        obs, _ = env.reset(options={"task_id": task.id, "view": "blank"})
        say = "A" if leaf == "self_goaling" else '{"actions": ["→"], "step_nums": [3]}'
        obs, *_ = env.step(say)
        assert all(np.ptp(np.asarray(image)) == 0 for image in obs["images"])


def test_the_frame_and_the_turns_are_told_and_kept():
    for frame in ("body", "parity"):
        env = made(leaf=("agentic_navigation",), count=3, frame=frame, max_turns=2)
        task = env.unwrapped.tasks[0]
        text = task.prompt[0]["content"][-1]["text"]
        assert "2 turns" in text
        assert ("axes of the start" in text) is (frame == "parity")
        assert ("solid" in text) is (frame == "body")
        assert f"{task.truth['translation_step']:g} m a step" in text
        assert task.truth["frame"] == frame
        score, actions, _ = played(env, task, lambda _: '{"actions": ["W"], "step_nums": [1]}')
        assert len(actions) == 2
        assert score.correct is False


def test_in_the_frame_of_parity_moves_are_not_turned_and_the_planner_gets_there():
    env = made(leaf=ACTING[:2], count=8, frame="parity")
    right = [played(env, task, lambda _: env.unwrapped.expert())[0].correct for task in env.unwrapped.tasks]
    assert sum(map(bool, right)) >= 7


def test_thoughts_and_tags_are_read_and_paid():
    env = made(count=4, think=True, format_weight=0.2)
    for task in env.unwrapped.tasks:
        score, actions, _ = played(env, task, lambda _: env.unwrapped.expert())
        assert all(action.startswith("<think>") for action in actions)
        assert score.reward == pytest.approx(1.2)
        assert env.unwrapped.reward_range(env.unwrapped.options)[1] >= score.reward


def test_scoring_renders_nothing(env, monkeypatch):
    from assay.envs.spatial_tree.engine import render as engine

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr(engine, "simulator", refuse, raising=False)
    for task in env.unwrapped.tasks[:4]:
        say = '{"actions": ["W", "→"], "step_nums": [2, 2]}'
        assert not SpatialTreeEnv.score([say], task.truth).correct


def spoilt(leaf: str, check: Any) -> bool:
    """The recheck of a question that was changed to another's."""
    given = list(check.args)
    if leaf == "agentic_navigation":
        given[1] = [[("W", 1)]]
    elif leaf == "robotic_arm":
        given[2] = said([("space", 1)])
    elif leaf == "knowledge_acquisition":
        given[0] = {**given[0], "looks": []}
    else:
        given[1] = given[1][:1]
    return bool(check.func(*given))


@pytest.mark.parametrize("leaf", ACTING)
def test_rechecks_agree_and_can_fail(leaf):
    for number in range(2):
        asked = question(leaf, number)
        assert asked.recheck()
        assert not spoilt(leaf, asked.recheck)


def test_first_views_do_not_answer_and_the_tour_does():
    for number in range(len(templates_of("knowledge_acquisition"))):
        asked = question("knowledge_acquisition", number, key="first")
        assert asked.start["answer"] == asked.gold
        assert 1 <= len(asked.start["looks"]) <= 5
        start = {**asked.start, "frame": "body", "turns": 8, "layout": "any", "format_weight": 0.0}
        guide = Exploring(start, SIZE)
        assert "{" in guide.expert()
        assert guide.act(asked.gold, 7).over
        late = Exploring(start, SIZE)
        late.left = 1
        assert late.expert() == asked.gold


def test_the_goal_of_a_manipulation_needs_grip_and_thing_and_pose(env):
    task = next(t for t in env.unwrapped.tasks if t.meta["leaf"] == "robotic_arm")
    score, *_ = played(env, task, lambda _: env.unwrapped.expert())
    assert score.parts == pytest.approx({"score": 1, "pose": 1, "grip": 1, "thing": 1, "format": 0})
    nothing = SpatialTreeEnv.score(['{"actions": ["STOP"], "step_nums": [0]}'], task.truth)
    assert nothing.parsed
    assert nothing.parts["thing"] == 0
    assert nothing.parts["score"] < 0.5
    assert len(task.truth["grip"]) == len(task.truth["poses"]) - 1


def test_options_are_an_action_and_a_flag_and_their_order_tells_nothing():
    assert len(OPTIONS) == len(LETTERS) == 7
    orders = [options_at(order, turn) for order in range(40) for turn in range(5)]
    assert all(sorted(each) == sorted(OPTIONS) for each in orders)
    first = [each[0] for each in orders]
    assert max(first.count(option) for option in OPTIONS) < len(orders) / 3


def test_goals_hold_by_distance_and_bearing_and_in_their_order():
    world = World(np.array([0.0, 0.0, 1.0]), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 0.25, 15.0, 0.1,
                  solids=Solids([[0, 3.0, 0.5, 0.2, 0.2, 0.5, 0.0]]))  # fmt: skip
    ahead, aside = ([x, y, 0.5, 0.2, 0.2, 0.5, 0.0] for x, y in ((0, 3.0), (3.0, 0)))
    goal = Goal({"stages": [{"boxes": [ahead], "ahead": 20, "near": 1.5}]}, world)
    assert goal.shortest(State(HERE), 5) == ["walk 1 m ahead"] * 2
    assert goal.shortest(State(HERE), 1) is None
    both = Goal({"stages": [{"boxes": [box], "ahead": 20, "near": 1.5} for box in (ahead, aside)]}, world)
    way = both.shortest(State(HERE), 8)
    assert way is not None
    state = State(HERE)
    for number, move in enumerate(way):
        assert not both.reached(state), number
        state = both.after(state, move)
    assert both.reached(state)
    assert math.isclose(float(axes_of(state.pose)[1, 2]), 0, abs_tol=1e-9)


def test_saying_done_too_early_or_never_is_wrong(env):
    task = next(t for t in env.unwrapped.tasks if t.meta["leaf"] == "self_goaling")
    order = task.truth["start"]["order"]
    early = LETTERS[options_at(order, 0).index("stay; then the goal is reached")]
    assert not SpatialTreeEnv.score([early], task.truth).correct
    on = [LETTERS[options_at(order, turn).index("turn left by 45 degrees; not done yet")] for turn in range(10)]
    score = SpatialTreeEnv.score(on, task.truth)
    assert (score.correct, score.parsed) == (False, True)


def test_pictures_of_episodes_show_all_that_was_seen(env):
    for task in env.unwrapped.tasks[:4]:
        _, actions, _ = played(env, task, lambda _: env.unwrapped.expert())
        short = env.unwrapped.picture(task, [], None)
        assert env.unwrapped.picture(task, [*actions[:1], "zzz"], None).size[0] == short.size[0] == 640


def test_a_picture_is_of_the_box_that_is_solid():
    thing = Thing("crate", (Part("box", (0.4, 0.6, 0.5), (0, 0, 0.25)),), (2.0, 0.3, 0.0), (0, 0, 25.0))
    view = render(Scene((thing,)), camera := Camera.looking((0, 0, 1.0), (2, 0.3, 0.2), width=80, height=60))
    rows, columns = np.nonzero(view.ids == 0)
    points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
    assert Solids([box_of(thing)]).gap(points).max() < 0.03


def test_turns_and_moves_take_the_shorter_sign():
    assert turns(-3, 2, 0) == [("←", 3), ("↑", 2)]
    assert moves((0, -12, 1)) == [("space", 10), ("space", 2), ("W", 1)]


def test_options_of_the_environment_reach_the_episode(tmp_path: Path):
    assert Options().frame == "body"
    for leaf in ACTING:
        assert activity_of(leaf).turns >= 6
