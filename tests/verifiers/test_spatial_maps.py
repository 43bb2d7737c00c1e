"""Maps: relations, rotations, and what the released scorer forgives."""

import json

import pytest

from assay.verifiers import score
from assay.verifiers.spatial.maps import Spot, likeness, relation
from assay.verifiers.spatial.mindcube import answer_letter, loose_map

MAP = {
    "chair": {"position": [2, 3], "facing": "up"},
    "table": {"position": [5, 3], "facing": None},
    "lamp": {"position": [4, 8], "facing": "left"},
}
TRUTH = {"answer": "B", "choices": ["left", "right", "in front"], "map": MAP}
SPOTS = {"chair": Spot(2, 3, "up"), "table": Spot(5, 3, None), "lamp": Spot(4, 8, "left")}


def judged(things, letter="B", truth=TRUTH, **options):
    text = things if isinstance(things, str) else json.dumps(things)
    return score("spatial.cogmap", f"{text}\nAnswer: {letter}", truth, **options)


@pytest.mark.parametrize(
    ("second", "way"),
    [((3, 1), "right"), ((-3, 1), "left"), ((1, 3), "down"), ((1, -3), "up"), ((2, 2), "down"), ((2, -2), "up"),
     ((0.1, 0.1), "inner"), ((0.3, 0.1), None), ((0.5, 0), "right")],
)  # fmt: skip
def test_where_one_thing_lies_from_another(second, way):
    assert relation(Spot(0, 0, None), Spot(*second, None)) == way


def test_close_things_are_inner_or_outer_by_their_facings():
    near = (0.3, 0.1)
    assert relation(Spot(0, 0, "inner"), Spot(*near, None)) == "inner"
    assert relation(Spot(0, 0, None), Spot(*near, "outer")) == "inner"
    assert relation(Spot(0, 0, "outer"), Spot(*near, None)) == "outer"
    assert relation(Spot(0, 0, None), Spot(*near, "inner")) == "outer"


def turned(times):
    facings = ("up", "right", "down", "left")
    found = dict(SPOTS)
    for _ in range(times):
        found = {
            name: Spot(-spot.y, spot.x, facings[(facings.index(spot.facing) + 1) % 4] if spot.facing else None)
            for name, spot in found.items()
        }
    return found


@pytest.mark.parametrize("times", range(4))
@pytest.mark.parametrize("parity", [False, True])
def test_a_map_may_be_drawn_any_way_up(times, parity):
    found = likeness(turned(times), SPOTS, parity)
    assert (found.overall, found.directional, found.facing, found.isomorphic) == (1, 1, 1, True)


def test_the_score_has_three_terms():
    assert judged(MAP).reward == pytest.approx(1)
    assert judged(MAP, "A").reward == pytest.approx(0.8)
    assert judged("no map").reward == pytest.approx(0.2)
    assert judged("no map").correct is False
    moved = {**MAP, "lamp": {"position": [4, -8], "facing": "left"}}
    # Of six ordered pairs the two between chair and table still hold, and both facings.
    found = judged(moved)
    assert found.parts["directional"] == pytest.approx(2 / 6)
    assert found.reward == pytest.approx(0.2 + 0.6 * (0.7 / 3 + 0.3))
    assert found.correct is True
    assert found.parts["isomorphic"] == 0


def test_what_a_map_leaves_out_is_missed_but_not_under_parity():
    two = {name: MAP[name] for name in ("chair", "table")}
    assert judged(two).parts["directional"] == pytest.approx(2 / 6)
    assert judged(two, parity=True).parts["overall"] == 1
    assert judged(two, parity=True).reward == pytest.approx(0.8)


def test_facings_that_nobody_annotated_are_free_under_parity_alone():
    bare = {**TRUTH, "map": {name: {"position": MAP[name]["position"]} for name in MAP}}
    heap = {name: {"position": [0, 0]} for name in MAP}
    assert judged(heap, "A", bare).reward == 0
    assert judged(heap, "A", bare, parity=True).reward == pytest.approx(0.6 * 0.3)


@pytest.mark.parametrize(
    ("text", "official"),
    [
        (json.dumps(MAP).replace("}", ",}", 1), 1), (json.dumps(MAP).replace('"position"', "position"), 1),
        (json.dumps(MAP).replace("{", "{ // things\n", 1), 1), (json.dumps(MAP)[:-1], 1),
        ('{"answer": "B", ' + json.dumps(MAP)[1:], 0.2), ('{"chair": [], ' + json.dumps(MAP)[1:], 1), ("{}", 0.2),
        ('{"x": [], ' + json.dumps(MAP)[1:], 0), ('{"chair": {"position": "12"}}', 0.2),
    ],
)  # fmt: skip
def test_the_released_reader_mends_some_maps(text, official):
    assert judged(text, parity=True).reward == pytest.approx(official)


def test_lists_of_objects_and_views_are_maps_too():
    listed = {"objects": [{"name": name, **MAP[name]} for name in MAP], "views": []}
    for options in ({}, {"parity": True}):
        assert judged(listed, **options).reward == pytest.approx(1)
        assert judged(listed, truth={**TRUTH, "map": listed}, **options).reward == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "letter"),
    [("A. left B. right", "B"), ("<Answer>The answer is C<", "C"), ("x <Answer> B or C", "C"), ("\nD\nso", "D"),
     ("*E* and more", "E"), ("Answer: B", "B"), ("my answer is A", "A"), ("first A\nthen B and C", "B"), ("F", None)],
)  # fmt: skip
def test_the_released_reader_of_answers(text, letter):
    assert answer_letter(text) == letter


def test_maps_that_are_broken_in_every_way_are_scored():
    assert loose_map("no braces") is None
    assert loose_map('{"a": {"position": [1, 2]} "b": {"position": [3, 4],}}') == {
        "a": {"position": [1, 2]}, "b": {"position": [3, 4]},
    }  # fmt: skip
    for text in ("[" * 99_999, '{"a":' * 50_000, '{"a":{"b":{}' * 20_000, "{" + "a" * 99_999 + "}", '{"": 1e999}'):
        for options in ({}, {"parity": True}):
            assert judged(text, "C", **options).reward == 0
