"""Rooms, plans, marks and physics of the scene engine."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from assay.envs.spatial_tree.engine import Part, Scene, Thing, marks
from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
from assay.envs.spatial_tree.engine.plans import CLEARANCE, STEP, length
from assay.envs.spatial_tree.engine.rooms import distance_between, floor, floor_plan, footprint, inside, place, room
from assay.envs.spatial_tree.engine.textures import NAMES
from assay.envs.spatial_tree.engine.walls import _HUNG, _LAID

GREY = Image.new("RGB", (96, 72), "#808080")


def _dense(shape, count=25):
    """Points all over a quadrilateral."""
    u, v = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count))
    u, v = u.ravel()[:, None], v.ravel()[:, None]
    return shape[0] + u * (shape[1] - shape[0]) + v * (shape[3] - shape[0])


def test_distances_between_rectangles_are_those_of_their_points():
    rng = np.random.default_rng(0)
    for _ in range(30):
        cubes = [
            Thing("", (Part("box", (*rng.uniform(0.2, 1.5, 2), 1)),), at=(*rng.uniform(-1.2, 1.2, 2), 0),
                  turn=(0, 0, rng.uniform(0, 360)))
            for _ in range(2)
        ]  # fmt: skip
        one, two = (footprint(each) for each in cubes)
        points, others = _dense(one), _dense(two)
        slow = np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1)).min()
        assert distance_between(one, two) == pytest.approx(slow, abs=0.09)
        assert distance_between(one, two) == pytest.approx(distance_between(two, one))


def test_nothing_that_was_placed_touches_anything():
    names, put = list(KINDS), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scene = room(rng, 4, 5)
        things = [thing(names[int(rng.integers(len(names)))], "red", fit=float(rng.uniform(0.3, 1))) for _ in range(4)]
        full = place(rng, scene, things, gap=0.1)
        if full is None:
            continue
        put += 1
        shapes = [footprint(each) for each in full.things[1:]]
        fixed = len(scene.things) - 1
        for a, b in itertools.combinations(range(len(shapes)), 2):
            if b >= fixed:
                assert distance_between(shapes[a], shapes[b]) >= 0.1
        low, high = np.array(inside(scene)[:2]), np.array(inside(scene)[2:])
        assert all((shape >= low).all() and (shape <= high).all() for shape in shapes[fixed:])
    assert put > 180


def test_a_room_that_is_full_takes_no_more():
    rng = np.random.default_rng(0)
    assert place(rng, room(rng, 2, 2), [thing("bed", "red"), thing("bed", "blue")]) is None
    with pytest.raises(ValueError, match="no side 'up'"):
        room(rng, walls=("up",))
    with pytest.raises(ValueError, match="within"):
        inside(Scene(()))
    assert {*_LAID, *_HUNG} - {""} <= set(NAMES)
    assert inside(Scene((floor(2.24, 2.24),))) == pytest.approx((-1, -1, 1, 1))


def _crosses(a, b, shape):
    """Whether the way from a to b enters a rectangle, by many points of it."""
    points = np.linspace(a, b, 60)
    edge, other = shape[1] - shape[0], shape[3] - shape[0]
    u = (points - shape[0]) @ edge / (edge @ edge)
    v = (points - shape[0]) @ other / (other @ other)
    return bool(((u > 0) & (u < 1) & (v > 0) & (v < 1)).any())


@pytest.mark.parametrize("rooms", range(2, 7))
def test_every_room_of_a_plan_is_reached_without_crossing_anything(rooms):
    for seed in range(3):
        plan = floor_plan(np.random.default_rng(seed), rooms)
        assert len(plan.rooms) == rooms == len(set(plan.names))
        for door in plan.doors:
            assert plan.free(door.at)
            one, two = (plan.rooms[number].box for number in door.rooms)
            assert one[0] - 1e-9 <= door.at[0] <= one[2] + 1e-9
            assert two[1] - 1e-9 <= door.at[1] <= two[3] + 1e-9
        reached = set(plan.doors[0].rooms)
        for door in plan.doors[1:]:
            way = plan.path(plan.doors[0].at, door.at)
            assert way is not None
            assert way[0] == plan.doors[0].at
            assert way[-1] == door.at
            reached |= set(door.rooms)
            for a, b in itertools.pairwise(way):
                assert np.hypot(a[0] - b[0], a[1] - b[1]) < 2.2 * STEP
                assert not any(_crosses(np.array(a), np.array(b), shape) for shape in plan.obstacles)
        assert reached == set(range(rooms))
        for a, b in itertools.combinations(plan.furniture, 2):
            assert distance_between(footprint(a), footprint(b)) >= 0.1
        for piece in plan.furniture:
            assert all(distance_between(footprint(piece), footprint(wall)) > 0 for wall in plan.walls)
        names = [each.name for each in plan.scene().things]
        assert len(names) == len(set(names))


def test_a_way_is_as_short_as_breadth_allows():
    """Against Bellman-Ford over the same grid."""
    plan = floor_plan(np.random.default_rng(4), 2)
    points, free = plan._grid
    start = plan.doors[0].at
    cost = np.full(free.shape, np.inf)
    first = plan._nearest(np.array(start), points[0, 0], free)
    cost[first] = 0
    for _ in range(400):
        before = cost.copy()
        for dx, dy in itertools.product((-1, 0, 1), repeat=2):
            if (dx, dy) == (0, 0):
                continue
            to = tuple(slice(max(0, d), free.shape[k] + min(0, d)) for k, d in enumerate((dx, dy)))
            of = tuple(slice(max(0, -d), free.shape[k] + min(0, -d)) for k, d in enumerate((dx, dy)))
            side = free[to[0], of[1]] & free[of[0], to[1]]
            step = STEP * np.hypot(dx, dy)
            cost[to] = np.where(free[to] & side, np.minimum(cost[to], cost[of] + step), cost[to])
        if np.array_equal(before, cost):
            break
    rng = np.random.default_rng(0)
    cells = np.argwhere(np.isfinite(cost) & free)
    for cell in rng.permutation(cells)[:25]:
        way = plan.path(start, points[tuple(cell)])
        off = length(way[:2]) + length(way[-2:])
        assert length(way) - off == pytest.approx(cost[tuple(cell)], abs=1e-6)
    blocked = np.argwhere(~free)[0]
    assert plan.path(start, points[tuple(blocked)]) is None
    assert plan.room_of((-1, -1)) is None
    assert not plan.free((-1, -1))
    assert CLEARANCE > 0


def test_a_plan_is_of_two_to_six_rooms():
    with pytest.raises(ValueError, match="from 2 to 6 rooms, got 7"):
        floor_plan(np.random.default_rng(0), 7)


def test_marks_show_where_they_are_put():
    def changed(image):
        return np.argwhere((np.asarray(image) != np.asarray(GREY)).any(axis=-1))

    for size in ((96, 72), (320, 240)):
        grey = Image.new("RGB", size, "#808080")
        dotted = np.asarray(marks.dot(grey, (40.5, 30.5), "B"), dtype=int)
        where = np.argwhere((dotted != 128).any(axis=-1))
        assert np.allclose(where.mean(axis=0), (30, 40), atol=0.6)
        assert np.ptp(where[:, 0]) >= 13  # at least 14 pixels wide: a letter can be read
        assert (dotted > 240).all(axis=-1).sum() > 8  # the letter and the ring
    letters = {np.asarray(marks.dot(GREY, (40, 30), each)).tobytes() for each in "ABCDEFGH"}
    assert len(letters) == 8
    where = changed(marks.arrow(GREY, (10, 36), (80, 36)))
    assert where[:, 1].min() <= 10
    assert 78 <= where[:, 1].max() <= 84
    assert abs(where[:, 0].mean() - 35.5) < 1
    broad = np.ptp(where[where[:, 1] > 70][:, 0])
    assert broad > 2 * np.ptp(where[where[:, 1] < 40][:, 0]) - 6  # the head is at the end
    boxed = np.asarray(marks.outline(GREY, (20, 20, 60, 50)))
    assert (boxed[35, 40] == 128).all()
    assert (boxed[35, 20] != 128).any()
    assert (boxed[20, 40] != 128).any()
    with pytest.raises(ValueError, match="two points"):
        marks.arrow(GREY, (1, 1), (1, 1))


def test_a_strip_has_a_number_above_each_picture():
    sheet = marks.strip([GREY] * 3)
    assert sheet.width >= 3 * 96
    assert sheet.height > 72
    two = marks.strip([GREY] * 4, columns=2)
    assert two.width < sheet.width
    assert two.height > sheet.height
    with pytest.raises(ValueError, match="3 pictures need as many labels, got 1"):
        marks.strip([GREY] * 3, ["a"])
    with pytest.raises(ValueError, match="needs pictures"):
        marks.strip([])


def _ball(at, **more):
    from assay.envs.spatial_tree.engine.physics import Body

    return Body(Thing("ball", (Part("sphere", (0.2, 0.2, 0.2), (0, 0, 0.1)),), at=at), **more)


def test_bodies_fall_fly_and_slide_as_in_the_textbook():
    pytest.importorskip("pybullet")
    from assay.envs.spatial_tree.engine.physics import GRAVITY, Body, simulate

    course = simulate([_ball((0, 0, 3), velocity=(1.5, 0, 2.0))], 0.8)
    t = course.times
    assert np.allclose(course.places[:, 0, 0], 1.5 * t, atol=1e-6)
    # Steps of 1/240 s fall g t / 480 farther than the parabola.
    assert np.allclose(course.places[:, 0, 2], 3 + 2 * t - GRAVITY * t * t / 2 - GRAVITY * t / 480, atol=1e-4)
    box = Thing("box", (Part("box", (0.3, 0.3, 0.1), (0, 0, 0.05)),))
    course = simulate([Body(box, friction=0.4, velocity=(3, 0, 0))], 2.0, ground_friction=1.0)
    assert course.places[-1, 0, 0] == pytest.approx(9 / (2 * 0.4 * GRAVITY), rel=0.03)
    assert abs(course.places[-1, 0, 2]) < 5e-3


@pytest.mark.parametrize(("degrees", "slides"), [(15, False), (35, True)])
def test_a_box_slides_down_a_ramp_steeper_than_its_friction(degrees, slides):
    pytest.importorskip("pybullet")
    from assay.envs.spatial_tree.engine.physics import GRAVITY, Body, simulate

    angle = np.radians(degrees)
    ramp = Body(Thing("ramp", (Part("box", (8, 2, 0.2)),), turn=(0, degrees, 0)), mass=0, friction=1.0)
    normal = np.array([np.sin(angle), 0, np.cos(angle)])
    box = Thing("box", (Part("box", (0.3, 0.3, 0.1), (0, 0, 0.05)),), tuple(normal * 0.101), (0, degrees, 0))
    course = simulate([ramp, Body(box, friction=0.45)], 1.0, ground=None)
    gone = np.linalg.norm(course.places[-1, 1] - course.places[0, 1])
    if slides:
        assert gone == pytest.approx(GRAVITY * (np.sin(angle) - 0.45 * np.cos(angle)) / 2, rel=0.05)
    else:
        assert gone < 0.02
    assert (0, 1) in course.touched


def test_the_same_bodies_do_the_same_again_and_can_be_shown():
    pytest.importorskip("pybullet")
    from assay.envs.spatial_tree.engine.physics import Body, simulate

    bodies = [_ball((0.01 * k, 0.02 * k, 0.5 + 0.3 * k), bounce=0.6) for k in range(4)]
    one, two = simulate(bodies, 1.5, ground_bounce=0.8), simulate(bodies, 1.5, ground_bounce=0.8)
    assert np.array_equal(one.places, two.places)
    assert np.array_equal(one.turns, two.turns)
    assert one.touched == two.touched
    assert one.touched
    assert len(one.times) == 31
    assert one.times[-1] == pytest.approx(1.5)
    shown = one.scene(bodies, -1, Scene((floor(4, 4),)))
    assert len(shown.things) == 5
    assert shown.things[1].at == pytest.approx(tuple(one.places[-1, 0]))
    thrown = replace(bodies[0], thing=replace(bodies[0].thing, turn=(10, 20, 30)))
    assert simulate([thrown], 0.1).things([thrown], 0)[0].turn == pytest.approx((10, 20, 30), abs=1e-4)
    with pytest.raises(ValueError, match="a cone does not collide"):
        simulate([Body(Thing("cone", (Part("cone", (0.1, 0.0, 0.1)),)))], 1)
    with pytest.raises(ValueError, match="above 0"):
        simulate(bodies, 0)


def test_colours_are_told_apart():
    values = np.array(list(COLOURS.values()))
    gaps = np.abs(values[:, None] - values[None]).max(axis=-1)
    assert gaps[~np.eye(len(values), dtype=bool)].min() > 0.3
