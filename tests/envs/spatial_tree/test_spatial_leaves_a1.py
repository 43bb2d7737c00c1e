"""Distance, shape, size, gravity and object orientation: fair questions whose truth two computations agree on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree.engine import Camera, Scene, render
from assay.envs.spatial_tree.engine.kinds import thing
from assay.envs.spatial_tree.leaves import templates_of
from assay.envs.spatial_tree.leaves.size import _measured, _oblong, _with_bar
from assay.envs.spatial_tree.parts.facing import Pose, pose_seen, seen_from
from assay.envs.spatial_tree.parts.figures import inked, likeness, mirrored, on_grid, profile, star, turned_by, unlike
from assay.envs.spatial_tree.parts.tilt import Tilt, tilt_of, tilt_seen
from assay.envs.spatial_tree.parts.yard import PAVING, standing, yard
from assay.envs.spatial_tree.question import Question
from assay.envs.spatial_tree.tasks import draw
from assay.verifiers import registry
from assay.verifiers.spatial.tree import BY_KEY

LEAVES = ("distance", "shape", "size", "gravity", "object_orientation")
KINDS = [(leaf, template) for leaf in LEAVES for template in templates_of(leaf)]

UNLINKED = [(leaf, template) for leaf, template in KINDS if template.__name__ != "bar_length"]  # it has its own below


def test_every_leaf_asks_in_at_least_three_ways() -> None:
    assert all(len(templates_of(leaf)) >= 3 for leaf in LEAVES)
    assert len({template.__name__ for _, template in KINDS}) == len(KINDS)
    assert all(template.__doc__ for _, template in KINDS)


@pytest.mark.parametrize(("leaf", "template"), KINDS, ids=[template.__name__ for _, template in KINDS])
def test_questions_are_fair_and_true(leaf: str, template: Callable[..., Question | None]) -> None:
    for difficulty in (1, 3, 5):
        question = draw(BY_KEY[leaf], template, difficulty, f"test:{difficulty}", 96)
        truth = {**question.truth, "gold": question.gold}
        score = registry.score(f"spatial.{question.metric}", question.gold, truth)
        assert score.parts["score"] == pytest.approx(1.0)
        assert score.correct
        assert question.recheck()
        assert len(question.captions) in (0, len(question.images))
        assert all(min(image.size) >= 60 for image in question.images)
        if question.metric == "mcq":
            assert len(set(question.options)) == len(question.options) >= 2
            assert "choices" in question.truth
        else:
            assert not question.options
            said = json.loads(question.gold)
            values = said.values() if isinstance(said, dict) else [said]
            assert not any(f" {value:.1f} " in question.text for value in values)


@pytest.mark.parametrize(("leaf", "template"), KINDS, ids=[template.__name__ for _, template in KINDS])
def test_the_same_seed_makes_the_same_question(leaf: str, template: Callable[..., Question | None]) -> None:
    one, two = (draw(BY_KEY[leaf], template, 2, "again", 96) for _ in range(2))
    assert (one.text, one.gold, one.options) == (two.text, two.gold, two.options)
    assert all(np.array_equal(a, b) for a, b in zip(one.images, two.images, strict=True))


@pytest.mark.parametrize(("leaf", "template"), UNLINKED, ids=[template.__name__ for _, template in UNLINKED])
def test_a_second_computation_can_disagree(leaf: str, template: Callable[..., Question | None]) -> None:
    """Told another truth, or shown a scene in which two things have changed places, it says so."""
    question = draw(BY_KEY[leaf], template, 1, "other", 96)
    cells = dict(zip(question.recheck.__code__.co_freevars, question.recheck.__closure__ or (), strict=True))
    assert question.recheck()
    name = next((each for each in OTHER if each in cells), "scene")
    if name == "scene":
        first = PAVING + (template.__name__ in ("closest_neighbour", "faces_which"))
        cells[name].cell_contents = _exchanged(cells[name].cell_contents, first)
    else:
        cells[name].cell_contents = OTHER[name](cells[name].cell_contents)
    assert not question.recheck()


def _exchanged(scene: Scene, first: int) -> Scene:
    things = list(scene.things)
    things[first], things[-1] = things[-1], things[first]
    return replace(scene, things=tuple(things))


OTHER: dict[str, Callable[[Any], Any]] = {
    "right": lambda truth: f"not {truth}" if isinstance(truth, str) else (truth + 1) % 4,
    "odd": lambda truth: (truth + 1) % 4,
    "level": lambda truth: (truth + 1) % 4,
    "reach": lambda truth: truth * 1.1,
    "gap": lambda truth: truth * 1.1,
    "tall": lambda truth: truth * 1.1,
    "area": lambda truth: truth * 1.1,
    "pose": lambda truth: replace(truth, azimuth=truth.azimuth + 8),
    "truth": lambda truth: {**truth, "roll": truth["roll"] + 3},
}


def test_the_tilt_of_a_pose_is_the_one_of_the_paper() -> None:
    for roll, pitch in ((0.0, 0.0), (25.0, 0.0), (-25.0, 10.0), (10.0, -40.0)):
        tilt = tilt_of(Camera.heading((0, 0, 1.6), 33.0, pitch, roll, vfov=55.0))
        assert tilt.off(Tilt(roll, pitch, 55.0)) < 1e-9


def test_tilt_is_measured_from_the_floor_alone() -> None:
    rng = np.random.default_rng(0)
    for roll, pitch, vfov in ((0.0, 0.0, 60.0), (22.0, -12.0, 45.0), (-35.0, 9.0, 90.0)):
        view = render(yard(rng, []), standing(320, 1.6, pitch, roll, vfov))
        assert tilt_seen(view, (0, 1), 1.6).off(Tilt(roll, pitch, vfov)) < 1.0
        wrong_height = tilt_seen(view, (0, 1), 1.2)
        assert wrong_height.off(Tilt(roll, pitch, vfov)) > 1.0 or pitch == 0.0


def test_pose_is_measured_from_pixels() -> None:
    for pose in (Pose(0.0, 10.0, 0.0), Pose(90.0, 30.0, 350.0), Pose(215.0, 60.0, 120.0)):
        camera, yaw = seen_from(pose, 0.5, 3.0, 77.0, 160)
        crate = thing("cube", "red", yaw=yaw, fit=1.0)
        assert pose_seen(crate, camera).off(pose) < 1.5
        assert pose_seen(replace(crate, turn=(0.0, 0.0, yaw + 40)), camera).off(pose) > 30


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_lengths_are_measured_from_ink(shape: str) -> None:
    image = _with_bar(turned_by(_oblong(shape, 0.4), 33.0), shape, (200, 40, 40), 200.0, 100.0, 320)
    assert _measured(image, (200, 40, 40), shape) == pytest.approx(200, rel=0.02)


def test_an_azimuth_of_90_points_to_the_right_of_the_picture() -> None:
    camera, yaw = seen_from(Pose(90.0, 20.0, 0.0), 0.45, 3.0, 0.0, 160)
    front = camera.project([np.cos(np.radians(yaw)), np.sin(np.radians(yaw)), 0.45])
    assert front[0] > camera.width / 2 + 10


def test_turned_outlines_are_alike_and_mirrored_ones_are_not() -> None:
    base = star(np.random.default_rng(4), 8)
    assert unlike(base, turned_by(base, 74.0) * 3) < 0.01
    assert unlike(base, mirrored(base)) > 0.05
    assert profile(base).shape == (180,)
    assert np.sqrt(np.mean(profile(base) ** 2)) == pytest.approx(1.0)


def test_likeness_finds_the_turn() -> None:
    y, x = np.indices((90, 90)) - 45
    mask = ((x > -30) & (x < 10) & (abs(y) < 12)) | ((x > 0) & (x < 12) & (y > 0) & (y < 35))
    assert likeness(mask, np.rot90(mask)) > 0.9
    assert likeness(mask, mask[:, ::-1]) < 0.9


@pytest.mark.parametrize("difficulty", [1, 2, 3, 4, 5])
def test_figures_on_the_grid_stay_on_it(difficulty: int) -> None:
    rng = np.random.default_rng(difficulty)
    for _ in range(50):
        corners = on_grid(rng, difficulty, 10)
        assert corners.min() >= 0
        assert corners.max() <= 10
        assert np.array_equal(corners, corners.round())


def test_ink_is_told_from_paper() -> None:
    question = draw(BY_KEY["shape"], templates_of("shape")[0], 1, "ink", 128)
    shares = [inked(question.images[0], ink).mean() for ink in ((200, 40, 40), (40, 70, 200), (30, 140, 60))]
    assert max(shares) > 0.05
