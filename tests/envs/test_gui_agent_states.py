"""Actions, goal states and scores of the live agent: plain data, no Qt."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.gui_agent.actions import KINDS, UnreadableActionError, parse_action
from assay.envs.gui_agent.env import GuiAgentEnv
from assay.envs.gui_agent.goals import APPS, MAKERS
from assay.envs.gui_agent.guess import random_action
from assay.envs.gui_agent.states import find, met, score_of, solved
from assay.verifiers import Score

START = {
    "letters": [{"subject": "A", "read": False, "folder": "Inbox"}, {"subject": "B", "read": True, "folder": "Inbox"}],
    "tree": {"Music": ["x"]},
    "on": ["bold"],
    "did": {},
}
GOAL = {
    "conditions": [{"at": ["letters", {"subject": "A"}, "folder"], "is": "Archive"}],
    "free": [["did"], ["letters", "*", "read"]],
}
TRUTH = {"goal": GOAL, "script": [], "finish": "state"}


def changed(**letter: object) -> dict:
    state = json.loads(json.dumps(START))
    state["letters"][0].update(letter)
    return state


@pytest.mark.parametrize(
    ("said", "kind", "rest"),
    [
        ('{"action": "click", "point_2d": [3, 4.5]}', "click", {"point": (3.0, 4.5)}),
        ('<think>{"action": "done"} no.</think>\n{"action": "wait"}', "wait", {}),
        ('I save it.\n```json\n{"action": "key", "key": "Ctrl+S"}\n```', "key", {"key": "S", "modifiers": ("ctrl",)}),
        ('{"action": "key", "key": "shift+tab"}', "key", {"key": "Tab", "modifiers": ("shift",)}),
        ('{"action": "type", "text": "é {x}\\n"}', "type", {"text": "é {x}\n"}),
        ('{"action": "scroll", "point_2d": [0, 0], "direction": "up"}', "scroll", {"direction": "up", "amount": 3}),
        ('{"action": "drag", "point_2d": [0, 1], "to_2d": [2, 3]}', "drag", {"point": (0.0, 1.0), "to": (2.0, 3.0)}),
        ('{"action": "done"}', "done", {}),
    ],
)
def test_actions_are_read(said, kind, rest):
    action = parse_action(said)
    assert action.kind == kind
    assert {name: getattr(action, name) for name in rest} == rest


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "no JSON object"),
        ("click it", "no JSON object"),
        ("{" * 5000, "not JSON"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "not JSON|more than"),
        ("<think>open", "no JSON object"),
        ('{"action": "click", "point_2d": [1, 2]} {"action": "done"}', "more than one"),
        ('{"action": "click", "action": "done", "point_2d": [1, 2]}', "twice"),
        ('{"action": "fly"}', "one of click, double_click"),
        ('{"action": ["click"]}', "one of click"),
        ('{"action": "click"}', "two numbers"),
        ('{"action": "click", "point_2d": [1]}', "two numbers"),
        ('{"action": "click", "point_2d": [NaN, 1]}', "no coordinate"),
        ('{"action": "click", "point_2d": [1e308, 1]}', "on the screen"),
        ('{"action": "click", "point_2d": [1e999, 1]}', "on the screen"),
        ('{"action": "click", "point_2d": [true, 1]}', "on the screen"),
        ('{"action": "click", "point_2d": [' + "9" * 400 + ", 1]}", "on the screen"),
        ('{"action": "click", "point_2d": [1, 2], "code": "x"}', "takes point_2d; not 'code'"),
        ('{"action": "type", "text": ""}', "not empty"),
        ('{"action": "type", "text": "\\ud800"}', "control characters"),
        ('{"action": "type", "text": "\\u0000"}', "control characters"),
        (json.dumps({"action": "type", "text": "x" * 501}), "more than 500"),
        ('{"action": "key", "key": "ctrl+alt"}', "no key"),
        ('{"action": "key", "key": "ctrl+ctrl+a"}', "no key"),
        ('{"action": "scroll", "point_2d": [1, 2], "direction": "in"}', "direction"),
        ('{"action": "scroll", "point_2d": [1, 2], "direction": "up", "amount": 21}', "from 1 to 20"),
        ("[" * 1_000_000, "more than 20000"),
    ],
)
def test_what_is_no_action_is_told_in_one_line(said, why):
    with pytest.raises(UnreadableActionError, match=why) as caught:
        parse_action(said)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_an_action_or_unreadable(text):
    for said in (text, json.dumps({"action": "type", "text": text[:400]}), f'{{"action": {text}}}'):
        try:
            assert parse_action(said).kind in KINDS
        except UnreadableActionError:
            continue


def test_random_actions_are_readable_and_on_the_screen():
    rng = random.Random(0)
    kinds = set()
    for _ in range(400):
        action = parse_action(random_action(rng.getrandbits(60), (640, 480), (0.64, 0.48)))
        kinds.add(action.kind)
        for point in (action.point, action.to):
            assert point is None or (0 <= point[0] <= 1000 and 0 <= point[1] <= 1000)
    assert kinds == set(KINDS) - {"wait", "done"}


def test_there_are_enough_kinds_of_goal_in_every_application():
    assert len(MAKERS) >= 30
    assert len(APPS) == 8
    assert all(sum(kind.startswith(f"{app}.") for kind in MAKERS) >= 4 for app in APPS)


def test_places_and_conditions():
    assert find(START, ["letters", {"subject": "B"}, "read"]) is True
    assert find(START, ["letters", {"folder": "Inbox"}, "read"]) is None  # not one item only
    assert find(START, ["tree", "Music", -1]) == "x"
    assert find(START, ["tree", "Nowhere", 0]) is None
    assert met({"at": ["on"], "has": "bold"}, START)
    assert not met({"at": ["on"], "lacks": "bold"}, START)
    assert met({"at": ["on"], "lacks": "italic"}, START)
    assert not met({"at": ["nothing"], "lacks": "italic"}, START)
    assert not met({"at": ["letters", 1, "read"], "is": 1}, START)  # true is not 1
    for wrong in ({}, {"at": ["on"]}, {"at": ["on"], "was": 1}, {"at": ["on"], "is": 1, "has": 2}):
        with pytest.raises(ValueError, match="a condition"):
            met(wrong, START)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (START, False),
        (changed(folder="Archive"), True),
        (changed(folder="Archive", read=True), True),
        (changed(folder="Archive", subject="C"), False),
        ({**changed(folder="Archive"), "did": {"archive": 3}}, True),
        ({**changed(folder="Archive"), "on": []}, False),
        ({**changed(folder="Archive"), "more": 1}, False),
        ({**changed(folder="Archive"), "tree": {"Music": []}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_goal_holds_only_if_nothing_else_changed(end, expected):
    assert solved(GOAL, START, end) is expected
    score = score_of({**TRUTH, "evidence": {"start": START, "end": end, "done": False}}, parsed=True)
    assert (score.correct, score.reward) == (expected, float(expected))


def test_what_a_goal_adds_is_no_other_change():
    goal = {"conditions": [{"at": ["tree", "New"], "is": []}], "free": []}
    assert solved(goal, START, {**START, "tree": {"Music": ["x"], "New": []}})
    assert not solved(goal, START, {**START, "tree": {"Music": ["x"], "New": [], "Newer": []}})


def test_saying_done_matters_where_it_must_be_said():
    for finish, done, right in (("state", False, True), ("done", False, False), ("done", True, True)):
        evidence = {"start": START, "end": changed(folder="Archive"), "done": done}
        assert score_of({**TRUTH, "finish": finish, "evidence": evidence}, parsed=True).correct is right


def test_scores_need_a_goal_and_evidence():
    with pytest.raises(ValueError, match="no goal"):
        score_of({"evidence": {}}, parsed=True)
    with pytest.raises(ValueError, match="replay it"):
        score_of(TRUTH, parsed=True)


def test_stored_episodes_are_scored_again_without_qt():
    evidence = {"start": START, "end": changed(folder="Archive"), "done": False}
    score = score_of({**TRUTH, "evidence": evidence}, parsed=True)
    turn = Turn([{"role": "user", "content": "go"}], '{"action": "click", "point_2d": [1, 2]}', 1.0)
    stored = Episode("gui-agent-v0", "t", 0, [turn], Outcome.SCORED, score, truth=TRUTH, meta={"evidence": evidence})
    assert GuiAgentEnv.score(["no action"], {**TRUTH, "evidence": evidence}).parsed is False
    code = (
        "import json, sys\n"
        "from assay.envs.episode import Episode\n"
        "from assay.envs.replay import rescore\n"
        "print(json.dumps(rescore(Episode.from_json(sys.stdin.read())).to_dict()))\n"
        "assert 'PySide6' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=stored.to_json(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Score.from_dict(json.loads(done.stdout)) == score
