"""The live agent in real windows: experts, events, deaths. Skipped where no Qt window can be opened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import pytest

from assay.agents.policy import Completion
from assay.envs.episode import Outcome
from assay.envs.errors import InfraError
from assay.envs.gui_agent.env import GuiAgentEnv
from assay.envs.gui_agent.goals import APPS, MAKERS
from assay.envs.gui_agent.states import solved
from assay.envs.replay import play, rescore
from assay.training.rollout import Collector, specs_for

WAIT = '{"action": "wait"}'


@pytest.fixture(autouse=True)
def _qt(needs: Any) -> None:
    needs("gui_agent")


@pytest.fixture(scope="module")
def env() -> Iterator[GuiAgentEnv]:
    with contextlib.closing(GuiAgentEnv(split="test")) as made:
        yield made


def task_of(env: GuiAgentEnv, kind: str) -> Any:
    return next(task for task in env.tasks if task.meta["goal"] == kind)


def begin(env: GuiAgentEnv, kind: str, **options: Any) -> Any:
    task = task_of(env, kind)
    return env.reset(seed=0, options={"task_id": task.id, **options})


def by_expert(env: GuiAgentEnv) -> list[Any]:
    """The steps of the expert to the end."""
    steps: list[Any] = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        steps.append(env.step(env.expert()))
    return steps


def element(env: GuiAgentEnv, **fields: str) -> Any:
    found = [e for e in env.session.elements() if all(getattr(e, k).endswith(v) for k, v in fields.items())]
    return found[0] if found else None


def at(env: GuiAgentEnv, box: Any, share: float = 0.5) -> list[float]:
    """A point of a box as the agent says it."""
    sx, sy = env.current_task.meta["scale"]
    return [(box[0] + share * (box[2] - box[0])) / sx, (box[1] + box[3]) / 2 / sy]


def act(env: GuiAgentEnv, action: str, **fields: Any) -> Any:
    return env.step(json.dumps({"action": action, **fields}))


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends in time; a zombie has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_every_kind_of_goal_is_drawn_and_none_holds_at_the_start(env):
    assert {task.meta["goal"] for task in env.tasks} == set(MAKERS)
    assert {task.meta["app"] for task in env.tasks} == set(APPS)
    assert len({task.meta["window"]["seed"] for task in env.tasks}) > 20


def test_the_expert_solves_a_goal_of_every_kind(env):
    turns = {}
    for kind in MAKERS:
        begin(env, kind)
        assert not solved(env.current_task.truth["goal"], env._start, env._start)
        steps = by_expert(env)
        assert steps[-1][-1]["score"].correct, kind
        assert [step[1] for step in steps] == [0.0] * (len(steps) - 1) + [1.0]
        turns[kind] = len(steps)
    assert min(turns.values()) > 1
    assert max(turns.values()) <= env.options.max_turns


def test_windows_of_other_splits_are_others(env):
    train = GuiAgentEnv(split="train", count=16)
    assert not {t.meta["window"]["seed"] for t in train.tasks} & {t.meta["window"]["seed"] for t in env.tasks}


def test_same_actions_same_screenshots_and_state(env):
    def course(player: GuiAgentEnv, kind: str, said: list[str]) -> list[Any]:
        obs, _ = begin(player, kind)
        seen = [obs["images"][0]]
        for action in said:
            obs, *_ = player.step(action)
            seen.append(obs["images"][-1])
        return [blake2b(image.tobytes()).hexdigest() for image in seen] + [player._view.state]

    with contextlib.closing(GuiAgentEnv(tasks=env.tasks, split="test")) as other:
        for kind in ("mail.reply", "editor.formats", "sheet.figures"):
            begin(env, kind)
            by_expert(env)
            said = list(env._actions)
            first = course(env, kind, said)
            time.sleep(0.3)  # an agent that thinks for longer sees nothing else
            assert course(env, kind, said) == first
            assert course(other, kind, said) == first


def test_stored_episodes_replay_and_rescore(env):
    begin(env, "dashboard.pin")
    by_expert(env)
    said = list(env._actions)
    episode = play(env, said, seed=0, task_id=task_of(env, "dashboard.pin").id)
    assert rescore(episode) == episode.score
    assert episode.meta["evidence"]["start"] != episode.meta["evidence"]["end"]


def test_done_too_early_is_a_failure_and_so_is_the_last_turn(env):
    begin(env, "mail.archive")
    _, reward, terminated, _, info = act(env, "done")
    assert (reward, terminated, info["score"].correct) == (0.0, True, False)
    begin(env, "mail.archive")
    for _ in range(env.options.max_turns):
        _, reward, terminated, truncated, info = env.step(WAIT)
    assert (reward, terminated, truncated, info["score"].correct) == (0.0, False, True, False)


def test_with_finish_done_the_agent_must_say_so():
    with contextlib.closing(GuiAgentEnv(split="test", finish="done", goals=("files.hidden",), count=2)) as env:
        env.reset(seed=0)
        steps = by_expert(env)
        assert env._actions[-1] == '{"action": "done"}'
        assert steps[-2][1:4] == (0.0, False, False)
        assert steps[-1][-1]["score"].correct


def test_another_change_spoils_it(env):
    begin(env, "settings.switch")
    key = env.current_task.truth["goal"]["conditions"][0]["is"]
    wrong = [name for name, value in env._start["applied"].items() if isinstance(value, bool) and key[name] == value]
    env._expert = None
    act(env, "click", point_2d=at(env, element(env, path="category list", name=wrong[0].partition(".")[0]).box))
    box = element(env, key=f"/{wrong[0]}").box
    act(env, "click", point_2d=at(env, box, 0.05))
    assert env._view.state["shown"][wrong[0]] != env._start["shown"][wrong[0]]
    assert by_expert(env)[-1][-1]["score"].correct is False


def test_what_is_no_action_is_answered_and_counts(env):
    first, _ = begin(env, "mail.archive")
    obs, reward, terminated, truncated, _ = env.step("I would rather not.")
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert obs["messages"][-1]["content"] == "Nothing was done: no JSON object. 14 actions left."
    assert len(obs["images"]) == len(first["images"]) == 1
    obs, *_ = act(env, "click", point_2d=[10**5, 3])
    assert "not on the screenshot" in obs["messages"][-1]["content"]
    obs, *_ = env.step(WAIT)
    assert len(obs["images"]) == 2
    assert obs["messages"][-1]["content"][0] == {"type": "image"}


def test_menus_popups_and_the_keyboard_behave_as_for_a_person(env):
    begin(env, "mail.reply")
    act(env, "click", point_2d=at(env, element(env, role="menu", name="Message").box))
    assert element(env, role="menu item", name="Archive") is not None
    act(env, "key", key="escape")
    assert element(env, role="menu item", name="Archive") is None
    act(env, "click", point_2d=at(env, element(env, key="tab.Write").box))
    act(env, "click", point_2d=at(env, element(env, key="/priority").box))
    assert element(env, path="open list", name="High") is not None
    act(env, "key", key="down")
    act(env, "key", key="enter")
    assert env._view.state["draft"]["priority"] == "High"
    act(env, "click", point_2d=at(env, element(env, key="/to").box))
    act(env, "type", text="ä b@c\tx\ty")
    assert {key: env._view.state["draft"][key] for key in ("to", "cc", "subject")} == {
        "to": "ä b@c", "cc": "x", "subject": "y",
    }  # fmt: skip
    act(env, "key", key="ctrl+a")
    act(env, "key", key="delete")
    assert env._view.state["draft"]["subject"] == ""


def test_the_wheel_and_dragging(env):
    begin(env, "player.speed")
    before, slider = env._start["volume"], element(env, key="/volume")
    handle = element(env, key="/volume.handle")
    act(env, "drag", point_2d=at(env, handle.box), to_2d=at(env, slider.box, 0.0 if before > 50 else 1.0))
    assert abs(env._view.state["volume"] - before) > 20
    dragged = env._view.state["volume"]
    act(env, "scroll", point_2d=at(env, slider.box), direction="up" if dragged < 50 else "down", amount=2)
    assert env._view.state["volume"] != dragged
    act(env, "right_click", point_2d=at(env, slider.box))
    double = element(env, path="song list", role="cell")
    act(env, "double_click", point_2d=at(env, double.box))
    assert env._view.state["playing"] is True


def test_a_killed_application_is_no_reward_and_the_next_episode_has_another(env):
    begin(env, "mail.archive")
    env.step(WAIT)
    first = env.session.pid
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    with pytest.raises(InfraError, match="died"):
        env.step(WAIT)
    begin(env, "mail.archive")
    os.kill(env.session.pid, signal.SIGKILL)
    assert env.expert() == WAIT  # it leaves the bad news to the step
    with pytest.raises(InfraError, match="is gone"):
        env.step(WAIT)
    begin(env, "mail.archive")
    assert env.session.pid not in (None, first)
    assert by_expert(env)[-1][-1]["score"].correct


def test_a_hanging_application_is_replaced(env):
    with contextlib.closing(GuiAgentEnv(tasks=env.tasks, split="test", patience=1.5)) as made:
        begin(made, "mail.archive")
        pid = made.session.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(InfraError, match="took over"):
            made.step(WAIT)
        assert gone(pid)
        begin(made, "mail.archive")
        assert made.session.pid != pid


def test_a_death_is_an_infrastructure_outcome_of_a_rollout(env):
    class Killer:
        def generate(self, requests: Any) -> list[Completion]:
            for live in alive:
                if live.session.pid is not None:
                    os.kill(live.session.pid, signal.SIGKILL)
            return [Completion(WAIT) for _ in requests]

    alive: list[GuiAgentEnv] = []

    def make() -> GuiAgentEnv:
        alive.append(GuiAgentEnv(tasks=env.tasks, split="test"))
        return alive[-1]

    with Collector(make, Killer(), retries=0, max_failed=1.0) as collector:
        (rollout,) = collector.collect(specs_for(env.tasks[:1], 1, 0)).rollouts
    assert rollout.episode.outcome is Outcome.INFRA_ERROR
    assert rollout.episode.score is None


def test_policies_get_every_screenshot_and_few_applications_are_open_at_once(env):
    seen: list[list[int]] = []

    class Looker:
        def generate(self, requests: Any) -> list[Completion]:
            parts = [[p for m in r.messages if isinstance(m["content"], list) for p in m["content"]] for r in requests]
            seen.append([sum(p["type"] == "image" and p["image"].size[0] > 300 for p in each) for each in parts])
            return [Completion(WAIT if count < 4 else '{"action": "done"}') for count in seen[-1]]

    with Collector(lambda: GuiAgentEnv(tasks=env.tasks, split="test", live=2), Looker()) as collector:
        found = collector.collect(specs_for(env.tasks[:4], 1, 0)).rollouts
    assert all(rollout.episode.outcome is Outcome.SCORED for rollout in found)
    assert max(map(len, seen)) <= 2
    assert [1] * len(seen[0]) == seen[0]
    assert max(max(each) for each in seen) == 4


def test_nothing_is_left_after_close_or_after_the_owner_is_killed(env):
    with contextlib.closing(GuiAgentEnv(tasks=env.tasks, split="test")) as made:
        made.reset(seed=0)
        pid = made.session.pid
    assert gone(pid)
    code = (
        "import time; from assay.envs.gui_agent.session import Session; s = Session();"
        "s.open({'kind': 'mail', 'seed': 1, 'hard': False}); print(s.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    assert not gone(pid, 0.2)
    owner.kill()
    owner.wait()
    assert gone(pid)


def test_options_that_are_none_are_told_in_one_line():
    with pytest.raises(ValueError, match=r"option 'apps' has no 'mial'; there are: mail, files"):
        GuiAgentEnv(apps=("mial",))
    with pytest.raises(ValueError, match="no kind of goal is both"):
        GuiAgentEnv(apps=("mail",), goals=("files.copy",))
    with pytest.raises(ValueError, match="dev split is empty"):
        GuiAgentEnv(split="dev")


def test_coordinates_follow_the_model_family(env):
    with contextlib.closing(GuiAgentEnv(split="test", goals=("mail.archive",), count=1, family="qwen3-vl")) as made:
        obs, _ = made.reset(seed=0)
        assert all(side % 32 == 0 for side in obs["images"][0].size)
        assert "from 0 to 1000" in obs["messages"][0]["content"]
        assert by_expert(made)[-1][-1]["score"].correct
        assert all(max(json.loads(said).get("point_2d", [0])) <= 1000 for said in made._actions)


def test_an_episode_as_a_picture(env):
    begin(env, "files.copy")
    info = by_expert(env)[-1][-1]
    picture = env.picture(env.current_task, [*env._actions, "no action"], info["score"])
    assert picture.width == 3 * 488 + 8


@pytest.mark.slow
def test_a_random_agent_reaches_next_to_nothing():
    with contextlib.closing(GuiAgentEnv(split="train", count=200)) as env:
        answer = env.baselines()["random"].answer
        right = 0
        for number, task in enumerate(env.tasks):
            env.reset(seed=number, options={"task_id": task.id})
            over, turn = False, 0
            while not over:
                *_, terminated, truncated, info = env.step(answer(task, (), 1000 * number + turn))
                over, turn = terminated or truncated, turn + 1
            right += info["score"].correct
    assert right / 200 < 0.05


@pytest.mark.slow
def test_the_expert_solves_everything():
    with contextlib.closing(GuiAgentEnv(split="train", count=400, seed=3)) as env:
        for task in env.tasks:
            env.reset(seed=0, options={"task_id": task.id})
            assert by_expert(env)[-1][-1]["score"].correct, task.meta


@pytest.mark.slow
def test_sixteen_live_applications_stay_under_three_gigabytes(env):
    def pss(pid: int | str) -> int:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // 1024

    before = pss("self")
    envs = [GuiAgentEnv(tasks=env.tasks, split="test") for _ in range(16)]
    try:
        for seed, each in enumerate(envs):
            each.reset(seed=seed)
            for _ in range(10):
                each.step(WAIT)
        assert pss("self") - before + sum(pss(each.session.pid) for each in envs) < 3000
    finally:
        for each in envs:
            each.close()
