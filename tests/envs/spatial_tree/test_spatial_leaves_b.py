"""Mental mapping (L2): every kind of question at every difficulty, judged by its verifier and checked a second time."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree.engine import Camera, Light, Scene, render
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.leaves import affordance, templates_of
from assay.envs.spatial_tree.parts.cast import around, cast, put, stage
from assay.envs.spatial_tree.parts.mapping import away, clear, exploded, from_above, heading, side, spots
from assay.envs.spatial_tree.parts.person import eye_of, person
from assay.envs.spatial_tree.parts.polycube import TURNS, chiral, cubes, mirrored, same_hand, same_up_to_turn
from assay.envs.spatial_tree.question import Question
from assay.verifiers import registry

LEAVES = (
    "cognitive_map", "memory_retrieval", "affordance", "motion_understanding", "perspective_taking",
    "relation_understanding", "spatial_caption",
)  # fmt: skip
TEMPLATES = [(leaf, template) for leaf in LEAVES for template in templates_of(leaf)]


def drawn(template: Callable[..., Question | None], difficulty: int, seed: int, size: int = 96) -> Question:
    for attempt in range(200):
        question = template(np.random.default_rng([seed, difficulty, attempt]), difficulty, size)
        if question is not None:
            return question
    raise AssertionError(f"{template.__name__} made nothing fair at difficulty {difficulty}")


def score_of(question: Question, said: str) -> float:
    return float(registry.score(f"spatial.{question.metric}", said, dict(question.truth)).parts["score"])


@pytest.mark.parametrize(("leaf", "template"), TEMPLATES, ids=[each.__name__ for _, each in TEMPLATES])
def test_gold_earns_all_and_a_second_computation_agrees(leaf, template) -> None:
    for difficulty in (1, 3, 5):
        question = drawn(template, difficulty, 7)
        assert score_of(question, question.gold) == 1.0
        assert question.recheck()
        assert len(set(question.options)) == len(question.options)
        assert len(question.captions) in (0, len(question.images))
        assert all(image.size == (96, 72) for image in question.images)
        json.dumps(dict(question.truth))


@pytest.mark.parametrize("leaf", LEAVES)
def test_each_has_three_kinds_with_names_and_docstrings(leaf) -> None:
    kinds = templates_of(leaf)
    assert len({each.__name__ for each in kinds}) == len(kinds) >= 3
    assert all(each.__doc__ for each in kinds)


def test_the_same_seed_draws_the_same_question() -> None:
    template = templates_of("relation_understanding")[1]
    first, second = drawn(template, 2, 3), drawn(template, 2, 3)
    assert first.text == second.text
    assert first.truth == second.truth
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(first.images, second.images, strict=True))


def test_the_wrong_answer_is_not_paid() -> None:
    yes = drawn(templates_of("relation_understanding")[0], 1, 1)
    assert score_of(yes, "no" if yes.truth["answer"] == "yes" else "yes") == 0.0
    move = drawn(templates_of("motion_understanding")[0], 1, 1)
    wrong = ", ".join(words[0] for words in move.truth["wrong"])
    assert score_of(move, wrong) == 0.0
    every = " ".join(word for words in (*move.truth["keywords"], *move.truth["wrong"]) for word in words)
    assert score_of(move, every) == 0.0


@pytest.mark.parametrize(("leaf", "kind"), [("relation_understanding", 2), ("affordance", 0)])
def test_the_second_computation_can_disagree(leaf, kind, monkeypatch) -> None:
    from assay.envs.spatial_tree.leaves import relation_understanding as relation

    if leaf == "affordance":
        monkeypatch.setattr(affordance, "_touches", lambda part, points: np.zeros(len(points), dtype=bool))
    else:
        kept = relation.same_hand
        monkeypatch.setattr(relation, "same_hand", lambda first, second: not kept(first, second))
    assert not drawn(templates_of(leaf)[kind], 2, 5).recheck()


def test_a_caption_of_an_order_pays_less_for_another_order() -> None:
    question = drawn(templates_of("spatial_caption")[2], 3, 2)
    names = [words[0] for words in question.truth["keywords"]]
    assert score_of(question, ", then ".join(names)) == 1.0
    assert score_of(question, ", then ".join(reversed(names))) < 0.6


def test_seats_are_level_and_at_the_height_of_a_seat() -> None:
    for kind, places in affordance.RESTED.items():
        parts = KINDS[kind].parts(COLOURS["red"])
        for place in places:
            low, high = thing(kind, "red").__class__("part", (parts[place],)).bounds()
            assert 0.3 <= high[2] <= 0.7, (kind, place)
            assert min(high[:2] - low[:2]) > 1.2 * (high[2] - low[2]) or kind in ("bed", "sofa"), (kind, place)


def test_what_opens_and_what_is_filled_are_parts_that_there_are() -> None:
    for table in (affordance.HELD, affordance.RESTED, affordance.OPENED, affordance.FILLED):
        for kind, places in table.items():
            assert max(places) < len(KINDS[kind].parts(COLOURS["red"]))
    for kind in ("wardrobe", "fridge", "washing machine", "chest of drawers"):
        parts = KINDS[kind].parts(COLOURS["red"])
        body = max(part.at[0] for number, part in enumerate(parts) if number not in affordance.OPENED[kind])
        assert all(parts[place].at[0] > 0.2 for place in affordance.OPENED[kind]), (kind, body)


def test_parts_alone_show_where_the_whole_shows() -> None:
    whole = put(("mug", "red"), (0, 0))
    camera = around(30, 96, 2.0, 1.0)
    light = Light(shadow=False)
    seen = render(Scene((whole,), light), camera).ids >= 0
    assert ((render(Scene(exploded(whole), light), camera).ids >= 0) == seen).all()


def test_spots_keep_apart_and_from_what_is_taken() -> None:
    taken = [np.zeros(2)]
    found = spots(np.random.default_rng(0), 4, (2.0, 2.0), 1.0, taken)
    assert found is not None
    assert found.shape == (4, 2)
    every = [*taken, *found]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(every) for b in every[:i]) >= 1.0
    assert spots(np.random.default_rng(0), 40, (1.0, 1.0), 1.0) is None
    assert spots(np.random.default_rng(0), 0, (1.0, 1.0), 1.0).shape == (0, 2)


def test_places_from_above_are_where_things_stand() -> None:
    scene = stage(np.random.default_rng(1), [put(("ball", "red"), (1.5, -0.7)), put(("crate", "blue"), (-1.2, 2.0))])
    found = from_above(scene, (0, 1))
    assert np.allclose(found[0], (1.5, -0.7), atol=0.06)
    assert np.allclose(found[1], (-1.2, 2.0), atol=0.06)


def test_clear_refuses_what_is_hidden_small_or_cut_off() -> None:
    front, back = put(("crate", "red"), (0, 0)), put(("crate", "blue"), (-1.0, 0))
    camera = Camera.looking((4, 0, 0.4), (0, 0, 0.4), width=96, height=72)
    assert clear(Scene((front, back)), camera, (0,))
    assert not clear(Scene((front, back)), camera, (1,))
    assert not clear(Scene((front,)), Camera.looking((25, 0, 0.4), (0, 0, 0.4), width=96, height=72), (0,))
    assert not clear(Scene((front,)), Camera.looking((4, 0, 0.4), (0, 2.9, 0.4), width=96, height=72), (0,))


def test_directions() -> None:
    assert side(heading(0), heading(90)) == pytest.approx(90)
    assert side(heading(170), heading(-170)) == pytest.approx(20)
    assert away(np.array([0.0, 2.0]), np.array([-1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(2)
    assert away(np.array([3.0, 0.0]), np.array([-1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(2)


def test_a_person_sees_ahead_and_not_behind() -> None:
    body = person("person in red", COLOURS["red"], (0.5, 0.5), 40)
    ahead, behind = (put(("ball", "blue"), np.array([0.5, 0.5]) + 2 * heading(yaw)) for yaw in (40, 220))
    seen = render(Scene((body, ahead, behind)), eye_of(body, width=96))
    assert seen.share(1) > 0.01
    assert seen.share(2) == 0
    assert seen.share(0) < 0.05


def test_names_of_a_cast_are_distinct_and_alike_pairs_share_a_kind() -> None:
    for seed in range(30):
        who = cast(np.random.default_rng(seed), 6, alike=2)
        assert len(set(who)) == 6
        assert who[0][0] == who[1][0]
        assert who[2][0] == who[3][0]
        assert who[0][1] != who[1][1]


def test_figures_of_cubes_differ_from_their_mirror_image() -> None:
    assert len(TURNS) == 24
    made = [cells for seed in range(12) if (cells := chiral(np.random.default_rng(seed), 8)) is not None]
    assert len(made) >= 6
    for cells in made:
        assert len({tuple(cell) for cell in cells.tolist()}) == 8
        assert not same_up_to_turn(cells, mirrored(cells))
        assert all(same_up_to_turn(cells, cells @ turn.T) for turn in TURNS[::5])


def test_handedness_is_told_from_pictures() -> None:
    cells = next(c for seed in range(9) if (c := chiral(np.random.default_rng(seed), 7)) is not None)
    turn = TURNS[7].astype(float)
    assert same_hand(cubes(cells, np.eye(3)), cubes(cells, turn))
    assert not same_hand(cubes(cells, np.eye(3)), cubes(mirrored(cells), turn))
