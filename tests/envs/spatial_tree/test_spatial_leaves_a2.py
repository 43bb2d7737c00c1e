"""Localization, motion and relation: the truth of every kind of question stands a second computation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

pytest.importorskip("pybullet", reason="scenes need PyBullet")

from assay.envs.spatial_tree.engine import Camera, Scene, render
from assay.envs.spatial_tree.leaves import allo, relative_direction, templates_of
from assay.envs.spatial_tree.parts import boxes, motion, poster, stage
from assay.envs.spatial_tree.parts.seen import ball, covers, cube, floor, surface
from assay.envs.spatial_tree.question import Question
from assay.envs.spatial_tree.tasks import draw
from assay.verifiers import registry
from assay.verifiers.spatial.tree import BY_KEY

LEAVES = ("detection_3d", "grounding_3d", "allo", "ego", "correspondence", "relative_direction")
KINDS = [(leaf, template) for leaf in LEAVES for template in templates_of(leaf)]


@pytest.mark.parametrize(("leaf", "template"), KINDS, ids=[template.__name__ for _, template in KINDS])
@pytest.mark.parametrize("difficulty", [1, 3, 5])
def test_the_truth_is_found_again_and_paid(leaf: str, template: object, difficulty: int) -> None:
    question = draw(BY_KEY[leaf], template, difficulty, f"test:{difficulty}", 112)  # type: ignore[arg-type]
    assert question.recheck()
    assert len(set(question.options)) == len(question.options) >= 2
    assert len(question.images) == len(question.captions or [""])
    assert all(max(image.size) <= 112 for image in question.images)
    score = registry.score("spatial.mcq", question.gold, question.truth)
    assert score.correct
    assert score.reward == 1.0
    wrong = "AB"["AB".index(question.gold) - 1] if question.gold in "AB" else "A"
    assert registry.score("spatial.mcq", wrong, question.truth).reward == 0.0


@pytest.mark.parametrize("leaf", LEAVES)
def test_there_are_three_kinds_at_least_and_each_says_what_it_asks(leaf: str) -> None:
    templates = templates_of(leaf)
    assert len(templates) >= 3
    assert all(template.__doc__ for template in templates)


def drawn(template: object, difficulty: int, count: int) -> list[Question]:
    made = [template(np.random.default_rng(seed), difficulty, 96) for seed in range(count)]  # type: ignore[operator]
    return [each for each in made if each is not None]


@pytest.mark.parametrize("template", [allo.moving_direction, relative_direction.from_above])
def test_the_easiest_questions_are_always_worded_alike(template: object) -> None:
    questions = drawn(template, 1, 24)
    assert len({each.text for each in questions}) == 1
    assert {each.options for each in questions} == {("left", "right"), ("right", "left")}
    right = {question.options["AB".index(question.gold)] for question in questions}
    assert right == {"left", "right"}


def test_a_second_computation_can_disagree() -> None:
    def spoilt(question: Question, names: Mapping[str, float]) -> bool:
        # The picture of another question with another truth, so what is computed from pixels must differ.
        cells = dict(zip(question.recheck.__code__.co_freevars, question.recheck.__closure__ or (), strict=True))
        said = cells["right"].cell_contents
        cells["right"].cell_contents = next(name for name in names if name != said)
        return question.recheck()

    question = drawn(allo.moving_direction, 2, 1)[0]
    assert question.recheck()
    assert not spoilt(question, stage.WAYS)


def test_boxes_are_filled_best_by_what_they_are_round() -> None:
    thing = cube("red", 0.6, (0.2, -0.1, 0.0))
    camera = Camera.looking((-3, 0.4, 2), (0, 0, 0.3), width=120, height=90)
    points = surface(render(Scene((floor((0.5, 0.5, 0.5)), thing)), camera), camera, 1)
    box = boxes.Box.round(thing)
    assert box.corners() == pytest.approx(thing.corners())
    moved = boxes.Box((0.6, -0.1, 0.3), box.size)
    large = boxes.Box(box.middle, (0.9, 0.9, 0.9))
    assert box.fits(points) > 0.9 > max(moved.fits(points), large.fits(points))
    mask = boxes.silhouette(camera, box)
    assert boxes.overlap(mask, mask) == 1.0
    assert abs(mask.mean() - (render(Scene((thing,)), camera).ids == 0).mean()) < 0.01
    assert boxes.overlap(mask, boxes.silhouette(camera, moved)) < 0.6


def test_a_nearer_thing_covers_and_is_not_covered() -> None:
    camera = Camera.looking((-3, 0, 0.5), (0, 0, 0.5), width=120, height=90)
    near, far, aside = ball("red", 0.5, (-1, 0, 0)), ball("blue", 0.5, (1, 0, 0)), ball("green", 0.5, (0, 1.2, 0))
    covered = covers(camera, [near, far, aside])
    assert covered[0] == covered[2] == 0.0
    assert covered[1] > 0.9


@pytest.mark.parametrize("name", list(motion.MOVES))
def test_depth_fits_the_movement_that_was_made(name: str) -> None:
    made = motion.furnished(np.random.default_rng(5), 5, 128)
    assert made is not None
    scene, camera = made
    amount = motion.MOVES[name].little
    later = motion.gone(camera, name, amount)
    before, after = render(scene, camera), render(scene, later)
    fits = {
        each: min(motion.misfit(camera, before, after, each, a) for a in motion.amounts(each, 5))
        for each in motion.MOVES
    }
    assert min(fits, key=lambda each: fits[each]) == name
    assert motion.misfit(camera, before, after, name, amount) < 0.02


def test_movements_are_what_their_names_say() -> None:
    camera = Camera.heading((0, 0, 1), 0)
    ahead = np.array([5.0, 0.0, 1.0])
    for name, axis, sign in [
        ("turned left", 0, 1), ("turned right", 0, -1), ("moved to its left", 0, 1), ("moved to its right", 0, -1),
        ("tilted upwards", 1, 1), ("tilted downwards", 1, -1), ("moved upwards", 1, 1), ("moved downwards", 1, -1),
    ]:  # fmt: skip
        later = motion.gone(camera, name, motion.MOVES[name].little)
        # What was ahead shifts against the movement: x to the right, y down.
        assert np.sign(later.local(ahead)[axis]) == sign, name
    assert motion.gone(camera, "moved forwards", 1.0).eye == pytest.approx((1, 0, 1))
    assert motion.gone(camera, "turned left", 20.0).axes[2] == pytest.approx(Camera.heading((0, 0, 1), 20).axes[2])


def test_a_homography_takes_corners_to_corners_and_a_poster_back() -> None:
    source = np.array([[0, 0], [480, 0], [480, 480], [0, 480]], dtype=float)
    target = np.array([[20, 10], [180, 22], [170, 140], [12, 128]], dtype=float)
    assert poster.mapped(poster.homography(source, target), source) == pytest.approx(target)
    sheet = poster.poster(np.random.default_rng(0), 2, 4)
    view, forth = poster.seen_from_aside(sheet, target * 3, (600, 450))
    straight = poster.unwarped(sheet, poster.patch(4), 32)
    back = poster.unwarped(view, poster.mapped(forth, poster.patch(4)), 32)
    other = poster.unwarped(view, poster.mapped(forth, poster.patch(0)), 32)
    assert np.abs(back - straight).mean() < 12 < np.abs(other - straight).mean()
