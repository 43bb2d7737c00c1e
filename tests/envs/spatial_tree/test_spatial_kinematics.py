"""Bodies among solid things, grippers over a table, and planners, against slow versions of themselves."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree.acting.body import HERE, World, walk
from assay.envs.spatial_tree.acting.desk import Desk
from assay.envs.spatial_tree.acting.hand import OPEN, rpy
from assay.envs.spatial_tree.acting.orders import UnreadableError, read, said
from assay.envs.spatial_tree.acting.planner import path, plan
from assay.envs.spatial_tree.acting.solids import Solids
from assay.envs.spatial_tree.acting.stored import restored, stored
from assay.envs.spatial_tree.acting.tabletop import Spot, start_of, tabletop
from assay.envs.spatial_tree.engine import Part, Scene, Thing
from assay.envs.spatial_tree.engine.turning import turned
from assay.verifiers.spatial.navscore import nav_score
from assay.verifiers.spatial.poses import moved


def walled() -> World:
    """A wall 1 m ahead of a body that looks along +y, with a gap at its right end."""
    return World(np.array([0.0, 0.0, 1.0]), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 0.1, 15.0, 0.15, "body",
                 Solids([[-1.0, 1.0, 1.0, 1.5, 0.05, 1.0, 0.0]]))  # fmt: skip


def test_a_step_into_a_wall_is_not_made_and_nothing_follows():
    went = walk(HERE, [("W", 10), ("→", 3)], walled())
    assert went.blocked == ("W", 10)
    assert went.made == 8
    assert went.pose[:3] == pytest.approx((0, 0, 0.8))
    assert went.pose[3:] == HERE[3:]


def test_walls_thinner_than_a_step_stop_too():
    thin = World(np.zeros(3), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 1.0, 15.0, 0.1, "body",
                 Solids([[0.0, 0.5, 0.0, 1.0, 0.005, 1.0, 0.0]]))  # fmt: skip
    assert walk(HERE, [("W", 1)], thin).made == 0


def test_free_walks_are_those_of_the_verifier():
    world = World(np.zeros(3), np.eye(3), 0.07, 11.0)
    rng, symbols = random.Random(0), ["W", "S", "A", "D", "space", "shift", "←", "→", "↑", "↓", "↻", "↺"]
    for _ in range(30):
        actions = [(rng.choice(symbols), rng.randint(0, 10)) for _ in range(6)]
        here, there = walk(HERE, actions, world).pose, moved(HERE, actions, 0.07, 11.0, "body")
        assert here == pytest.approx(there, abs=1e-12)


def test_points_and_cameras_follow_the_pose():
    world = World(np.array([1.0, 2.0, 1.5]), np.array([[0.0, -1, 0], [0, 0, -1.0], [1.0, 0, 0]]), 0.5, 30.0)
    pose = world.moved(HERE, [("→", 3), ("W", 2), ("space", 1)])
    camera = world.camera(pose, 64)
    assert camera.eye == pytest.approx((1, 1, 2))  # a quarter to the right of +x is -y
    assert camera.rotation[2] == pytest.approx([0, -1, 0])
    assert camera.rotation[0] == pytest.approx([-1, 0, 0])


@pytest.mark.parametrize("seed", range(6))
def test_the_planner_reaches_any_pose_to_half_a_step(seed):
    rng = np.random.default_rng(seed)
    world = World(np.zeros(3), np.eye(3), 0.1, 5.0)
    wild = [(str(rng.choice(["W", "A", "→", "↑", "↻", "space"])), int(rng.integers(0, 11))) for _ in range(8)]
    start, goal = world.moved(HERE, wild[:4]), world.moved(HERE, wild)
    told = nav_score(HERE, goal, world.moved(start, plan(start, goal, world) or []))
    assert told["error_m"] < 0.1
    assert told["error_deg"] < 8


def test_the_planner_goes_around_and_takes_the_fewest_steps():
    world = walled()
    way = path(HERE, (0, 20), world)
    assert way is not None
    assert walk(HERE, [(symbol, 1) for symbol in way], world).blocked is None
    # The gap begins where the wall's end and the body's radius leave room: 0.5 + 0.15 m to the right, and back.
    assert len(way) == 20 + 2 * 7
    closed = World(world.eye, world.rows, 0.1, 15.0, 0.15, "body", Solids([[0, 1.0, 1.0, 9.0, 0.05, 1.0, 0.0]]))
    assert path(HERE, (0, 20), closed) is None
    assert path(HERE, (0, 10), closed) is None


def test_gaps_are_distances_to_turned_boxes():
    boxes = [[1.0, 0.5, 0.3, 0.4, 0.2, 0.3, 30.0]]
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 2, size=(40, 3))
    grid = np.stack(np.meshgrid(*(np.linspace(-h, h, 41) for h in (0.4, 0.2, 0.3))), axis=-1).reshape(-1, 3)
    cloud = grid @ turned((0, 0, 30)).T + np.array([1.0, 0.5, 0.3])
    slow = np.linalg.norm(points[:, None] - cloud, axis=-1).min(axis=1)
    assert Solids(boxes).gap(points) == pytest.approx(slow, abs=0.03)
    assert Solids(boxes).hit(np.array([[1.0, 0.5, 0.3]]), 0.1)
    assert not Solids(boxes).hit(np.array([[1.0, 0.5, 0.59]]), 0.1)
    assert Solids([]).gap(points).min() == np.inf


def test_scenes_survive_json():
    part = Part("cylinder", (0.2, 0.2, 0.5), (0.1, 0, 0.25), (0, 90, 0), (0.1, 0.2, 0.3), texture="checks")
    scene = restored(stored(Scene((Thing("post", (part,), (1 / 3, 0, 0), (0, 0, 20.0), "post", "red"),))))
    again = restored(json.loads(json.dumps(stored(scene))))
    assert again == scene
    assert again.things[0].parts[0] == part
    assert again.things[0].at[0] == 0.3333


def test_orders_are_read_with_other_names_and_in_segments():
    assert read('I go: {"actions": ["right arrow", "q"], "step_nums": [2, 3]}.', "any") == [("→", 2), ("space", 3)]
    two = '{"step_2": {"actions": ["S"], "step_nums": [1]}, "step_1": {"actions": ["W"], "step_nums": [2]}}'
    assert read(two, "any") == [("W", 2), ("S", 1)]
    assert read(said([("W", 1), ("STOP", 0), ("S", 1)]), "any") == [("W", 1), ("STOP", 0)]
    with pytest.raises(UnreadableError, match="no gripper"):
        read(said([("G", 1)]), "any")
    assert read(said([("G", 1)]), "any", hands=True) == [("G", 1)]


def desk(spots: Sequence[Spot], eye: Sequence[float] = (0.0, 0.0, 0.3)) -> Desk:
    scene, items = tabletop(np.random.default_rng(0), spots)
    return Desk.of({**start_of(scene, items, eye, 0.02, 15.0), "frame": "body"}, scene)


def test_what_is_grasped_moves_and_turns_with_the_hand():
    table = desk([Spot("bar", "red", 0.0, 0.1, 0.0)])
    state = table.handle(table.begin(), [("W", 5), ("shift", 10), ("shift", 3)]).state
    assert table.hand(state.pose)[0] == pytest.approx([0, 0.1, 0.04])
    state = table.handle(state, [("G", 1)]).state
    assert state.held == 0
    assert state.fingers == pytest.approx((-0.03, 0.03))
    after = table.handle(state, [("space", 5), ("→", 6), ("W", 4), ("↑", 1)]).state
    (point, turn), (old, frame) = table.hand(after.pose), table.hand(state.pose)
    assert turn.T @ (after.items[0].at - point) == pytest.approx(frame.T @ (state.items[0].at - old), abs=1e-12)
    assert turn.T @ after.items[0].turn == pytest.approx(frame.T @ state.items[0].turn, abs=1e-12)
    assert after.items[0].at[0] > 0.05  # a quarter to the right, forward is +x
    let = table.handle(after, [("H", 1)]).state
    assert let.held is None
    assert let.items[0].at[2] == 0
    assert let.items[0].turn[2] == pytest.approx([0, 0, 1])


def test_fingers_that_lie_askew_or_find_too_wide_a_thing_grasp_nothing():
    for spot in (Spot("bar", "red", 0, 0, 45.0), Spot("bar", "red", 0, 0, 90.0)):
        table = desk([spot], (0.0, 0.0, 0.3))
        state = table.handle(table.begin(), [("shift", 10), ("shift", 3)]).state
        state = table.handle(state, [("G", 1)]).state
        assert state.closed
        assert state.held is None
    assert OPEN < 0.14


def test_table_and_things_stop_the_hand():
    table = desk([Spot("can", "red", 0.0, 0.1, 0.0)])
    down = table.handle(table.begin(), [("shift", 10), ("shift", 10)])
    assert down.blocked == ("shift", 10)
    assert table.hand(down.state.pose)[0][2] == pytest.approx(0.02)
    closed = table.handle(table.begin(), [("G", 1), ("shift", 10), ("shift", 2)]).state
    into = table.handle(closed, [("W", 10)])
    assert into.blocked is not None
    assert table.hand(into.state.pose)[0][1] < 0.1 - 0.03
    far = table.handle(table.begin(), [("A", 10)] * 3)
    assert far.blocked is not None


def test_pushing_takes_along_what_is_touched_and_pulling_brings_it_back():
    table = desk([Spot("can", "red", 0.0, 0.1, 0.0)])
    low = table.handle(table.begin(), [("G", 1), ("shift", 10), ("shift", 2)]).state
    pushed = table.handle(low, [("P", 10)]).state
    assert table.hand(pushed.pose)[0][1] == pytest.approx(0.2)
    assert pushed.items[0].at[1] > 0.22
    gap = pushed.items[0].at[1] - table.hand(pushed.pose)[0][1]
    pulled = table.handle(pushed, [("L", 5)]).state
    assert pulled.items[0].at[1] - table.hand(pulled.pose)[0][1] == pytest.approx(gap)
    assert table.handle(pushed, [("S", 5)]).state.items[0].at[1] == pytest.approx(pushed.items[0].at[1])


def test_a_dropped_thing_rests_on_what_is_below_and_what_bears_another_is_not_taken():
    table = desk([Spot("cube", "red", 0.0, 0.0, 0.0), Spot("slab", "blue", 0.2, 0.0, 0.0)])
    state = table.handle(table.begin(), [("shift", 10), ("shift", 3), ("G", 1), ("space", 10), ("D", 10)]).state
    dropped = table.handle(state, [("H", 1)]).state
    assert dropped.items[0].at == pytest.approx([0.2, 0, 0.04])
    assert table.bears(dropped, 1)
    assert not table.bears(dropped, 0)


def test_angles_of_a_rotation_make_it_again():
    rng = np.random.default_rng(1)
    for _ in range(20):
        angles = rng.uniform((-170, -80, -170), (170, 80, 170))
        assert turned(rpy(turned(angles))) == pytest.approx(turned(angles), abs=1e-9)
