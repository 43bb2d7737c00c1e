"""Dynamics, puzzles, relation, operation, route: each draw is fair, checked twice, not to be told from words."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree import SpatialTreeEnv
from assay.envs.spatial_tree.leaves import templates_of
from assay.envs.spatial_tree.parts import blocks, cubes, nets, pieces, sliding
from assay.envs.spatial_tree.parts.mazes import (
    THEMES,
    Frame,
    cells,
    distances,
    draw,
    joined,
    passages,
    read,
    trees,
)
from assay.envs.spatial_tree.parts.plans import passages_of, simple_plans, stopped, told, walked
from assay.verifiers import registry

LEAVES = ("dynamics", "geometry_puzzles", "relation", "operation", "route")
TEMPLATES = [(leaf, template) for leaf in LEAVES for template in templates_of(leaf)]


def drawn(template, difficulty, number, size=96):
    for attempt in range(200):
        question = template(np.random.default_rng([difficulty, number, attempt, 3]), difficulty, size)
        if question is not None:
            return question
    raise AssertionError("nothing fair in 200 draws")


@pytest.mark.parametrize("difficulty", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("leaf", "template"), TEMPLATES, ids=lambda each: getattr(each, "__name__", each))
def test_gold_is_paid_and_the_second_computation_agrees(leaf, template, difficulty):
    question = drawn(template, difficulty, 0)
    truth = dict(question.truth)
    assert registry.score("spatial.mcq", question.gold, truth).reward == 1.0
    others = [letter for letter in "ABCD"[: len(question.options)] if letter != question.gold]
    assert all(registry.score("spatial.mcq", letter, truth).reward == 0.0 for letter in others)
    assert question.recheck()
    assert len(set(question.options)) == len(question.options) == 4
    assert tuple(truth["choices"]) == question.options
    assert all(image.mode == "RGB" and max(image.size) <= 96 for image in question.images)


@pytest.mark.parametrize(("leaf", "template"), TEMPLATES, ids=lambda each: getattr(each, "__name__", each))
def test_the_same_numbers_make_the_same_question(leaf, template):
    one, other = drawn(template, 2, 1), drawn(template, 2, 1)
    assert (one.text, one.options, one.gold) == (other.text, other.options, other.gold)
    assert [image.tobytes() for image in one.images] == [image.tobytes() for image in other.images]
    assert template.__doc__


@pytest.mark.parametrize("leaf", ["geometry_puzzles", "route", "operation"])
def test_letters_of_the_truth_are_even(leaf):
    """Four letters, 60 draws of each drawn template: none is right far more often than a quarter of the time."""
    flat = {"missing_piece", "net_opposite", "net_folds", "exit_reached", "plan_arrives", "end_of_moves",
            "steps_to_goal", "rooms_passed", "slide_first"}  # fmt: skip
    for template in templates_of(leaf):
        if template.__name__ in flat:
            found = Counter(drawn(template, 1 + number % 3, number).gold for number in range(60))
            assert max(found.values()) < 29, (template.__name__, found)


def test_a_picture_of_a_maze_reads_back_and_trees_hold_all_cells():
    rng = np.random.default_rng(0)
    for side in (4, 7, 9):
        open_ = trees(rng, side, side)
        assert len(open_) == side * side - 1
        assert set(distances(open_, (0, 0))) == set(cells(side, side))
        for size in (96, 320):
            frame = Frame.fitting(size, side, side, 0.03)
            theme = THEMES[side % len(THEMES)]
            assert read(draw(size, frame, side, side, open_, theme), frame, side, side, theme[1]) == open_
    assert len(passages(3, 4)) == 2 * 4 + 3 * 3


def test_plans_are_walked_stopped_and_told():
    plan = (("right", 2), ("up", 1))
    assert walked((0, 2), plan) == [(0, 2), (1, 2), (2, 2), (2, 1)]
    assert stopped((0, 2), plan, [joined((0, 2), (1, 2)), joined((1, 2), (1, 1))]) == (1, 1)
    assert told(plan, None) == "right 2, up 1"
    assert told(plan, "up") == "right 2, left 1"
    assert told(plan, "down") == "left 2, left 1"
    every = list(simple_plans((0, 0), 2, 2, 2, 3))
    assert sorted(every) == [(("down", 1), ("right", 1)), (("right", 1), ("down", 1))]
    assert passages_of([(1, 0), (0, 0)]) == [((0, 0), (1, 0))]


def test_nets_fold_alike_by_vectors_and_by_rolling_a_die():
    rng = np.random.default_rng(1)
    shapes = set()
    for number in range(200):
        shape = nets.net(rng, plain=number < 4)
        painted = {cell: "abcdef"[k] for k, cell in enumerate(sorted(shape))}
        opposite, views = nets.rolled(painted)
        assert nets.opposites(painted) == opposite
        assert nets.corners(painted) == views
        assert len(views) == 24
        turned = [pieces.quarter(each, k) for each in (shape, pieces.flipped(shape)) for k in range(4)]
        shapes.add(min(tuple(sorted(each)) for each in turned))
    assert len(shapes) == 11, "a cube has eleven nets"


def test_the_cross_folds_as_paper_does():
    """Middle row a b c d: a opposite c, b opposite d; e above and f below b are opposite."""
    painted = {(0, 1): "a", (1, 1): "b", (2, 1): "c", (3, 1): "d", (1, 0): "e", (1, 2): "f"}
    assert nets.opposites(painted) == {"a": "c", "c": "a", "b": "d", "d": "b", "e": "f", "f": "e"}
    # With b in front, e is on top and c on the right; a corner view shows top, left (front) and right.
    assert ("e", "b", "c") in nets.corners(painted)
    assert ("e", "c", "b") not in nets.corners(painted)


def test_the_handed_shape_tells_a_figure_from_its_mirror_image_and_not_from_its_turns():
    rng = np.random.default_rng(2)
    told_apart = 0
    for _ in range(20):
        figure = cubes.grown(rng, 5)
        for turn in cubes.TURNS[::5]:
            assert cubes.handed_shape(cubes.spun(figure, turn)) == cubes.handed_shape(figure)
        mirror = cubes.reflected(figure)
        assert (cubes.handed_shape(mirror) == cubes.handed_shape(figure)) == cubes.same(figure, mirror)
        told_apart += not cubes.same(figure, mirror)
    assert told_apart > 3
    assert len(cubes.TURNS) == 24
    assert len(cubes.UPRIGHT) == 4


def test_pieces_cover_a_gap_and_nothing_else():
    gap = np.pad(np.array([[1, 1], [1, 0]], dtype=bool), 2)
    assert pieces.covers(gap, np.array([[1, 1], [1, 0]], dtype=bool))
    assert not pieces.covers(gap, np.array([[1, 1], [0, 1]], dtype=bool))
    assert not pieces.covers(gap, np.array([[1, 1]], dtype=bool))


def test_both_searches_for_moves_of_blocks_agree():
    rng = np.random.default_rng(3)
    for _ in range(6):
        goal, start = (blocks.scattered(rng, ["red", "blue", "green"]) for _ in range(2))
        depth = blocks.depths(goal)
        assert len(depth) == 60
        least, best = blocks.first_moves(start, goal, 8)
        assert least == depth[start]
        assert best == {move for move, there in blocks.moves(start) if depth[there] < depth[start]}
        view, camera = blocks.view_of(start, 96, 3)
        assert blocks.read(view, camera, 3) == start


def test_boards_read_back_and_slide():
    board = ("1", "2", "3", "4", "", "5", "6", "7", "8")
    assert sliding.slid(board, "2") == ("1", "", "3", "4", "2", "5", "6", "7", "8")
    assert sorted(sliding.beside_gap(board)) == ["2", "4", "5", "7"]
    assert len(sliding.distance_map(board, 2)) == 1 + 4 + 8
    for size in (96, 320):
        assert sliding.drawn_board(sliding.board_picture(board, size)) == board


def test_a_picture_of_the_test_is_in_no_training():
    seen = {}
    for split, count in (("train", 300), ("test", 60)):
        env = SpatialTreeEnv(
            leaf=("route",), template=("exit_reached",), difficulty=(1,), split=split, count=count, size=64
        )
        seen[split] = {env.open_images(task)[0].tobytes() for task in env.tasks}
    assert not seen["train"] & seen["test"]


def test_small_pictures_are_larger_ones_shrunk(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path))
    # At 64 pixels no two marks of this kind would be apart.
    env = SpatialTreeEnv(leaf=("correspondence",), template=("same_thing",), difficulty=(3,), count=1, size=64)
    assert max(env.open_images(env.tasks[0])[0].size) == 64
