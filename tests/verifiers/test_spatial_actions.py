"""Poses, actions and what they earn: the specification's numbers, SciPy's rotations, and the released scorer's gaps."""

import json
import math
import random
from itertools import pairwise

import pytest

from assay.verifiers import get, score
from assay.verifiers.spatial.navscore import manipulate_score, nav_score, paper_score, succeeded, turned_in_all
from assay.verifiers.spatial.poses import (
    UnreadableError,
    discretise,
    grip_after,
    moved,
    pose_of,
    read_actions,
    read_segments,
)
from assay.verifiers.spatial.quaternions import X, Y, Z, about, angle, from_fixed, matrix, product, to_body, to_fixed

HERE = pose_of([0, 0, 0, 0, 0, 0, 1])
GOAL = pose_of([0.1, 0, 0.2, 0, 0, 0, 1])
AT_45 = pose_of([0.1, 0, 0.2, *about(Y, math.pi / 4)])


def truth(goal=GOAL, **more):
    return {
        "poses": [list(HERE), list(goal)],
        "translation_step": 0.02,
        "rotation_step": 0.5,
        "unit": "degrees",
        **more,
    }


def said(*actions):
    return json.dumps({"actions": [a for a, _ in actions], "step_nums": [n for _, n in actions]})


BOTH, AHEAD, STOP = said(("D", 5), ("W", 10)), said(("W", 10)), said(("STOP", 1))


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(
    ("goal", "response", "nav", "hand"),
    [(GOAL, BOTH, 1.0, 1.0), (GOAL, AHEAD, 0.69527, 0.69527), (GOAL, STOP, 0.26577, 0.18604),
     (AT_45, BOTH, 0.82181, 0.41091)],
)  # fmt: skip
def test_navigation_is_that_of_the_specification(goal, response, nav, hand, parity):
    assert round(score("spatial.agentic_nav", response, truth(goal), parity=parity).reward, 5) == nav
    segment = json.dumps({"step_1": json.loads(response)})
    assert round(score("spatial.manipulate", segment, truth(goal), parity=parity).reward, 5) == hand


def test_the_paper_scores_otherwise():
    assert round(score("spatial.agentic_nav", AHEAD, truth(), nav_score="paper").reward, 5) == 0.49443
    assert score("spatial.agentic_nav", BOTH, truth(), nav_score="paper").reward == pytest.approx(1)
    assert score("spatial.agentic_nav", STOP, truth(), nav_score="paper").reward == 0


def test_the_paper_s_hand_has_three_parts():
    halfway = (HERE, pose_of([0.1, 0, 0, 0, 0, 0, 1]), GOAL)
    found = paper_score(halfway, halfway, (True, False), (True, True))
    assert found == {"move": 1.0, "turn": 1.0, "grip": 0.5, "score": pytest.approx(5 / 6)}
    assert paper_score(halfway, halfway[:2])["score"] == pytest.approx(0.5)
    assert paper_score((HERE, AT_45), (HERE, GOAL))["turn"] == pytest.approx(0.75)


def test_success_asks_for_more_than_standing_still():
    near = pose_of([0.05, 0, 0.1, 0, 0, 0, 1])
    assert succeeded(HERE, near, HERE, floor=False)
    assert not succeeded(HERE, near, HERE)
    assert succeeded(HERE, near, pose_of([0.05, 0, 0.08, 0, 0, 0, 1]))
    turned = pose_of([0, 0, 0, *about(Y, math.radians(8))])
    assert not succeeded(HERE, turned, HERE)
    assert succeeded(HERE, turned, pose_of([0, 0, 0, *about(Y, math.radians(5))]))
    far = pose_of([3, 0, 0, 0, 0, 0, 1])
    assert succeeded(HERE, far, pose_of([2.81, 0, 0, 0, 0, 0, 1]))
    assert not succeeded(HERE, far, pose_of([2.79, 0, 0, 0, 0, 0, 1]))
    assert not succeeded(HERE, far, pose_of([3, 0, 0, *about(X, math.radians(11))]))


BAD = [
    '{"actions": ["W", "D"], "step_nums": [5]}', '{"actions": ["W"], "step_nums": [NaN]}',
    '{"actions": ["W"], "step_nums": [-5]}', '{"actions": ["W"], "step_nums": [1e999]}',
    '{"actions": ["W"], "step_nums": [11]}', '{"actions": ["W"], "step_nums": [2.5]}',
    '{"actions": ["W"], "step_nums": [true]}', '{"actions": ["fly"], "step_nums": [1]}',
    '{"actions": "W", "step_nums": [1]}', '{"actions": ["W"]}', "W 5", f"{BOTH}{BOTH}",
    '{"actions": ["W"], "step_nums": [' + "9" * 5000 + "]}",
]  # fmt: skip


@pytest.mark.parametrize("response", BAD)
def test_malformed_actions_are_scored_failures(response):
    with pytest.raises(UnreadableError):
        read_actions(response)
    for name, text in (("agentic_nav", response), ("manipulate", f'{{"step_1": {response}}}')):
        found = score(f"spatial.{name}", text, truth())
        assert (found.reward, found.correct, found.parsed) == (0.0, False, False)


def test_actions_are_read_by_symbol_and_by_name():
    names = [
        "w",
        "Q",
        "E",
        "Z",
        "x",
        "left_arrow",
        "Right Arrow",
        "arrow up",
        "↓",
        "Clockwise",
        "counter-clockwise",
        "stop",
    ]
    found = read_actions(f"I go {json.dumps({'actions': names, 'step_nums': [1] * len(names)})} so")
    assert "".join(symbol[0] for symbol, _ in found) == "Wss↻↺←→↑↓↻↺S"
    assert read_actions('{"actions": ["W",], "step_nums": [3.0],}') == [("W", 3)]
    assert read_actions('{"actions": [], "step_nums": [], "gripper": 1}') == [("G", 1)]


def test_segments_are_read_in_the_order_of_their_numbers():
    steps = {f"step_{k}": {"actions": ["W"], "step_nums": [k % 10]} for k in (2, 1, 11, *range(3, 11))}
    assert [actions[0][1] for actions in read_segments(json.dumps(steps))] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    for broken in ('{"step_2": {}}', "{}", '{"step_1": 3}', BOTH):
        with pytest.raises(UnreadableError):
            read_segments(broken)
    assert grip_after([("G", 1), ("W", 2), ("H", 0)]) is True
    assert grip_after([("G", 1), ("H", 1)]) is False


def test_rotations_are_scipy_s():
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    rng = random.Random(0)
    for _ in range(100):
        yaw, pitch, roll = (rng.uniform(-1.5, 1.5) for _ in range(3))
        q = from_fixed(yaw, pitch, roll)
        slow = rotation.from_euler("zyx", [yaw, pitch, roll])
        assert [v for row in matrix(q) for v in row] == pytest.approx(slow.as_matrix().ravel().tolist())
        assert to_fixed(q) == pytest.approx((yaw, pitch, roll))
        body = product(about(Y, yaw), product(about(X, pitch), about(Z, roll)))
        assert to_body(body) == pytest.approx((yaw, pitch, roll))
        assert angle(q, body) == pytest.approx((slow.inv() * rotation.from_quat(body)).magnitude())


def test_parity_moves_by_fixed_axes_whatever_the_pose():
    start = pose_of([1, 2, 3, *about(Y, 1.0)])
    end = moved(start, [("→", 10), ("W", 5), ("space", 2), ("A", 1)], 0.1, 9)
    assert end[:3] == pytest.approx((0.9, 1.8, 3.5))
    assert angle(end[3:], product(about(Z, math.pi / 2), start[3:])) == pytest.approx(0, abs=1e-6)


def test_a_body_moves_along_its_own_axes_one_action_after_the_other():
    assert moved(HERE, [("→", 10), ("W", 5)], 0.1, 9, "body")[:3] == pytest.approx((0.5, 0, 0))
    assert moved(HERE, [("W", 5), ("→", 10)], 0.1, 9, "body")[:3] == pytest.approx((0, 0, 0.5))
    assert moved(HERE, [("←", 10), ("W", 5)], 0.1, 9, "body")[:3] == pytest.approx((-0.5, 0, 0))
    assert moved(HERE, [("↑", 10), ("W", 5)], 0.1, 9, "body")[:3] == pytest.approx((0, -0.5, 0))
    assert moved(HERE, [("↻", 10), ("D", 5)], 0.1, 9, "body")[:3] == pytest.approx((0, 0.5, 0))
    assert moved(HERE, [("→", 1)], rotation_step=0.3, frame="body", unit="radians")[3:] == pytest.approx(about(Y, 0.3))


@pytest.mark.parametrize("frame", ["parity", "body"])
def test_a_trajectory_is_cut_into_actions_that_make_it_again(frame):
    rng = random.Random(1)
    path = [HERE]
    for _ in range(12):
        actions = [(rng.choice("WSAD"), rng.randrange(1, 10)), (rng.choice(["space", "shift"]), rng.randrange(1, 10))]
        actions += [(rng.choice("←→"), rng.randrange(1, 10)), (rng.choice("↑↓"), rng.randrange(1, 10))]
        path.append(moved(path[-1], actions, 0.02, 0.5, frame))
    segments = discretise(path, 10, 0.02, 0.5, frame)
    assert max(count for actions in segments for _, count in actions) <= 10
    for (here, there), actions in zip(pairwise(path), segments, strict=True):
        assert nav_score(here, there, moved(here, actions, 0.02, 0.5, frame))["score"] == pytest.approx(1, abs=1e-6)


def test_what_is_slow_is_still_and_what_is_large_is_capped():
    slow = [HERE, pose_of([0.0009, 0, 0, 0, 0, 0, 1]), pose_of([0.0009, 0, 5, 0, 0, 0, 1])]
    assert discretise(slow, 10, 0.0005, 0.5) == [[], [("W", 10)]]
    assert discretise(slow, 4, 0.0005, 0.5)[1] == [("W", 4)]


def test_a_hand_that_hardly_moves_or_turns_is_paid_less():
    assert manipulate_score((HERE, GOAL), (HERE, HERE))["penalty"] == 0.7
    assert manipulate_score((HERE, AT_45), (HERE, GOAL))["penalty"] == 0.5
    assert manipulate_score((HERE, AT_45), (HERE, HERE))["penalty"] == pytest.approx(0.35)
    assert manipulate_score((HERE, AT_45), (HERE, AT_45))["penalty"] == 1
    assert math.degrees(turned_in_all((HERE, AT_45, HERE))) == pytest.approx(90)


LONG = {**truth(), "poses": [[k / 10, 0, 0, 0, 0, 0, 1] for k in range(9)]}


@pytest.mark.parametrize(
    ("name", "response", "against", "worth"),
    [
        ("agentic_nav", '{"actions": ["W"], "step_nums": [NaN]}', truth(), 1.0),
        ("agentic_nav", '{"actions": ["W", "fly"], "step_nums": [10,]}', truth(), 0.69527),
        ("agentic_nav", "{'actions': ['W'], 'step_nums': [10]}", truth(), 0.69527),
        ("agentic_nav", '```json\n{"actions": ["W"], "step_nums": [10]}\n``` {}', truth(), 0.69527),
        ("agentic_nav", '{"actions": ["w"], "step_nums": [10]}', truth(), 0.26577),
        ("agentic_nav", '{"actions": ["W"], "step_nums": 10}', truth(), 0.0),
        ("agentic_nav", "__import__('os')", truth(), 0.0),
        ("manipulate", "{}", truth(), 1.0),
    ],
)
def test_the_released_scorer_has_gaps(name, response, against, worth):
    found = score(f"spatial.{name}", response, against, parity=True).reward
    assert round(found, 5) == worth


def test_the_released_order_of_segments_is_by_the_number_in_the_name():
    named = '{"b2": {"actions": ["D"], "step_nums": [5]}, "a1": {"actions": ["W"]}}'
    once = '{"step_1": {"actions": ["W"], "step_nums": [1]}}'
    found = [score("spatial.manipulate", said, truth(), parity=True).reward for said in (named, once)]
    assert found[0] == found[1] > 0


def test_the_released_goal_is_the_seventh_pose():
    ahead = said(("A", 5))
    assert score("spatial.agentic_nav", ahead, LONG, parity=True).reward == pytest.approx(0.4 + 0.25 + 0.35, abs=1e-6)
    assert score("spatial.agentic_nav", said(("D", 5)), LONG).reward == pytest.approx(1)
    assert score("spatial.agentic_nav", ahead, LONG).reward < 0.3


def test_all_segments_and_the_gripper_make_a_success():
    task = get("spatial.manipulate").samples[1]
    gold = json.loads(get("spatial.manipulate").gold(task))
    assert score("spatial.manipulate", json.dumps(gold), task).correct is True
    short = {"step_1": gold["step_1"]}
    assert score("spatial.manipulate", json.dumps(short), task).correct is False
    more = {**gold, "step_3": {"actions": ["S"], "step_nums": [10]}}
    assert score("spatial.manipulate", json.dumps(more), task).correct is True
    closed = json.loads(json.dumps(gold).replace('"H"', '"G"'))
    found = score("spatial.manipulate", json.dumps(closed), task)
    assert (found.correct, found.parts["grip"], found.reward) == (False, 0.5, pytest.approx(1))


@pytest.mark.parametrize(
    "broken",
    [{"poses": [list(HERE)]}, {"poses": [[0] * 7] * 2}, {"poses": [[0] * 6, [0] * 7]}, {"unit": "turns"},
     {"frame": "world"}, {"translation_step": 0}, {"rotation_step": [1, 2]}, {"grip": [True, False]},
     {"poses": [[math.nan, 0, 0, 0, 0, 0, 1]] * 2}],
)  # fmt: skip
def test_a_malformed_journey_is_refused(broken):
    for name in ("agentic_nav", "manipulate"):
        with pytest.raises(ValueError, match=r"pose|truth|quaternion"):
            score(f"spatial.{name}", STOP, {**truth(), **broken})
