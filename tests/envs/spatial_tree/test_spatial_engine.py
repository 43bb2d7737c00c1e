"""The scene engine: cameras against pictures, bounds against silhouettes, the same bytes again."""

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree import SpatialTreeEnv
from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, render
from assay.envs.spatial_tree.engine import textures as textures_module
from assay.envs.spatial_tree.engine.kinds import COLOURS, FAMILIES, KINDS, thing
from assay.envs.spatial_tree.engine.rooms import floor, room
from assay.envs.spatial_tree.engine.shadows import DEPTH
from assay.envs.spatial_tree.engine.solids import placed
from assay.envs.spatial_tree.engine.turning import angles_of, quaternion, turned, unit_matrix
from assay.envs.spatial_tree.engine.visibility import PLAIN, fair, framed, visible
from assay.envs.spatial_tree.engine.world import simulator


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path_factory.getbasetemp() / "spatial-engine"))


def _scene(seed):
    rng = np.random.default_rng(seed)
    names = list(KINDS)
    things = [
        thing(
            names[(seed * 5 + place) % len(names)],
            colour,
            (*tuple(rng.uniform(-1.5, 1.5, 2)), 0.0),
            place * 50,
            fit=0.6,
        )
        for place, colour in enumerate(list(COLOURS)[:4])
    ]
    return room(rng, 4, 4, ("+x", "+y")).plus(things)


CAMERA = Camera.looking((-3.5, -1, 2.2), (0, 0, 0.2), width=96, height=72)


def _bytes(view):
    return view.rgb.tobytes() + view.depth.tobytes() + view.ids.tobytes()


def test_a_pixel_shows_what_is_at_its_middle():
    rng = np.random.default_rng(0)
    columns, rows = np.meshgrid(np.arange(96) + 0.5, np.arange(72) + 0.5)
    for _ in range(15):
        low, high = rng.uniform(-0.6, -0.2, 2), rng.uniform(0.2, 0.6, 2)
        size, middle = high - low, (high + low) / 2
        box = Thing("box", (Part("box", (0.1, *size), (0.05, *middle)),))
        camera = Camera.looking((-2, 0, 0), (0, 0, 0), width=96, height=72, vfov=50)
        corners = camera.project(np.array([[0, low[0], low[1]], [0, high[0], high[1]]]))
        (left, right), (top, lower) = sorted(corners[:, 0]), sorted(corners[:, 1])
        truth = (columns > left) & (columns < right) & (rows > top) & (rows < lower)
        assert ((render(Scene((box,), PLAIN), camera).ids == 0) == truth).all()


def test_depth_unprojected_lies_on_the_surface():
    sphere = Thing("ball", (Part("sphere", (1, 1, 1), (0, 0, 0.5)),), at=(0.3, -0.2, 0.1))
    view = render(Scene((sphere, floor(6, 6))), CAMERA)
    rows, columns = np.nonzero(view.ids == 0)
    points = CAMERA.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
    away = np.linalg.norm(points - np.array([0.3, -0.2, 0.6]), axis=1)
    assert len(rows) > 100
    assert away.max() < 0.503
    assert away.min() > 0.48
    rows, columns = np.nonzero(view.ids == 1)
    points = CAMERA.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
    assert np.abs(points[:, 2]).max() < 5e-3
    x, y, depth = CAMERA.project(points).T
    assert np.allclose(x, columns + 0.5)
    assert np.allclose(y, rows + 0.5)
    assert np.allclose(depth, view.depth[rows, columns])


def test_the_centroid_of_a_ball_is_where_its_middle_projects():
    rng = np.random.default_rng(3)
    for _ in range(10):
        at = (*rng.uniform(-0.5, 0.5, 2).tolist(), 0.0)
        scene = Scene((thing("ball", "red", at, fit=0.3),), PLAIN)
        x, y, _ = CAMERA.project(scene.things[0].middle())
        assert np.allclose(render(scene, CAMERA).centroid(0), (x, y), atol=0.6)


def test_the_catalogue_is_large_and_whole():
    assert len(KINDS) >= 40
    assert len(COLOURS) == 8
    assert sum(kind.fronted for kind in KINDS.values()) >= 15
    assert sorted(name for names in FAMILIES.values() for name in names) == sorted(KINDS)
    held = [kind for kind in KINDS.values() if kind.grips]
    assert len(held) >= 8
    assert all(kind.handle is not None and min(kind.handle) > 0 for kind in held)
    one = thing("chair", "red", (1, 2, 0), 90, fit=0.5)
    low, high = one.bounds()
    assert one.name == "red chair"
    assert (high - low).max() == pytest.approx(0.5)
    with pytest.raises(KeyError):
        thing("chair", "mauve")


@pytest.mark.parametrize("name", list(KINDS))
def test_bounds_are_those_of_the_silhouette(name):
    it = thing(name, "red", fit=1.0)
    low, high = it.bounds()
    assert low[2] == pytest.approx(0, abs=1e-9)
    assert np.abs((low + high)[:2]).max() == pytest.approx(0, abs=1e-9)
    middle = (low + high) / 2
    for away, axes in (((40.0, 0.0, 0.0), (1, 2)), ((0.0, -40.0, 0.0), (0, 2))):
        camera = Camera.looking(middle + np.array(away), middle, vfov=2.2, width=320, height=240, far=60.0)
        view = render(Scene((it,), PLAIN), camera)
        rows, columns = np.nonzero(view.ids == 0)
        points = camera.unproject(columns + 0.5, rows + 0.5, view.depth[rows, columns])
        for axis in axes:
            # A pixel is 6 mm, round parts are of flat pieces, and the very tips of cones cover no pixel.
            assert -0.01 <= points[:, axis].min() - low[axis] <= 0.03, (name, axis)
            assert -0.01 <= high[axis] - points[:, axis].max() <= 0.03, (name, axis)


@pytest.mark.parametrize("shape", ["box", "sphere", "cylinder", "capsule", "cone", "wedge"])
def test_surfaces_are_closed_and_face_outwards(shape):
    surface = placed(Part(shape, (0.4, 0.2, 0.6) if shape in ("box", "wedge", "cone") else (0.4, 0.4, 0.6)))
    a, b, c = (surface.points[surface.corners[:, k]] for k in range(3))
    volume = float((np.cross(a, b) * c).sum() / 6)
    whole = {
        "box": 0.048, "wedge": 0.024, "sphere": np.pi * 0.064 / 6, "cylinder": np.pi * 0.04 * 0.6,
        "capsule": np.pi * (0.04 * 0.6 + 0.064 / 6), "cone": np.pi * 0.6 / 3 * (0.04 + 0.01 + 0.02),
    }[shape]  # fmt: skip
    assert whole * 0.94 < volume <= whole * 1.0001
    assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1)


def test_the_same_scene_gives_the_same_bytes_whatever_was_shown_before():
    first = [_bytes(render(_scene(seed), CAMERA)) for seed in range(4)]
    assert len(set(first)) == 4
    again = [_bytes(render(_scene(seed), CAMERA)) for seed in reversed(range(4))]
    assert first == again[::-1]
    scene = _scene(0)
    moved = replace(scene, things=tuple(
        replace(each, at=(each.at[0] + 0.2, each.at[1], 0.0)) if each.kind in KINDS else each for each in scene.things
    ))  # fmt: skip
    kept = _bytes(render(moved, CAMERA))  # only moves what is there
    with simulator():
        pass
    assert kept == _bytes(render(moved, CAMERA))
    assert first[0] == _bytes(render(scene, CAMERA))


def test_another_process_gives_the_same_bytes():
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_spatial_engine import _bytes, _scene, CAMERA, render\n"
        "print(hashlib.sha256(_bytes(render(_scene(2), CAMERA))).hexdigest())"
    )
    import hashlib
    from pathlib import Path

    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == hashlib.sha256(_bytes(render(_scene(2), CAMERA))).hexdigest()


def test_threads_get_their_own_pictures():
    truth = {seed: _bytes(render(_scene(seed), CAMERA)) for seed in (5, 6)}
    found = {5: [], 6: []}

    def work(seed):
        found[seed] = [_bytes(render(_scene(seed), CAMERA)) for _ in range(4)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in found]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(set(found[seed]) == {truth[seed]} for seed in found)


def test_a_shadow_falls_away_from_the_light_and_nowhere_else():
    box = Thing("box", (Part("box", (0.4, 0.4, 0.8), (0, 0, 0.4)),))
    scene = Scene((floor(6, 6), box), Light((2.0, 0.0, 2.0), shadow=True))
    camera = Camera.looking((0.0, -5.0, 3.0), (0, 0, 0), width=160, height=120)
    lit = render(replace(scene, light=replace(scene.light, shadow=False)), camera).rgb.astype(float)
    view = render(scene, camera)
    share = view.rgb.astype(float).sum(axis=-1) / lit.sum(axis=-1)

    def at(x, y):
        column, row, _ = camera.project((x, y, 0.0))
        return share[int(row), int(column)]

    assert at(-0.5, 0) == pytest.approx(1 - DEPTH, abs=0.02)  # the light stands at 45 degrees: the shadow is 0.8 long
    assert at(-1.3, 0) == at(0.6, 0) == at(-0.5, 0.6) == at(1.5, 1.5) == pytest.approx(1, abs=0.01)


def test_an_open_floor_shows_no_moire():
    scene = Scene((floor(12, 12), thing("cube", "red", (1.0, 0.5, 0))), Light((2.0, 1.0, 1.5)))
    view = render(scene, Camera.looking((-3, 0, 1.4), (1, 0, 0), width=320, height=240))
    lower = view.rgb[200:, :][view.ids[200:, :] == 0]
    assert len(np.unique(lower, axis=0)) == 1


def test_visible_is_the_share_of_pixels_and_of_its_own():
    near = Thing("near", (Part("box", (0.1, 0.5, 1.0), (0, 0, 0.5)),), at=(0, -0.25, 0))
    far = Thing("far", (Part("box", (0.1, 1.0, 1.0), (0, 0, 0.5)),), at=(0.2, 0, 0))
    camera = Camera.looking((-40, 0, 0.5), (0, 0, 0.5), vfov=3, width=160, height=120, far=60)
    scene = Scene((near, far))
    share, unoccluded = visible(scene, camera, 1)
    assert unoccluded == pytest.approx(0.5, abs=0.03)
    assert share == pytest.approx(render(scene, camera).share(1))
    assert fair(scene, camera, (0,))
    assert not fair(scene, camera, (0, 1))
    assert framed(camera, far)
    assert not framed(camera, replace(far, at=(0.2, 3.0, 0)))


def test_angles_and_quaternions_turn_back():
    rng = np.random.default_rng(0)
    for angles in [*rng.uniform(-180, 180, (50, 3)), (10, 90, 20), (30, -90, 0), (180, 0, 180)]:
        matrix = turned(angles)
        assert np.allclose(turned(angles_of(matrix)), matrix)
        assert np.allclose(unit_matrix(quaternion(matrix)), matrix)


def test_textures_are_the_same_files_and_join_without_a_seam():
    assert len(textures_module.NAMES) >= 6
    for name in textures_module.NAMES:
        pattern = textures_module.pattern(name)
        assert pattern.std() > 2
        assert (pattern == textures_module.pattern(name)).all()
        assert textures_module.texture_file(name).is_file()
    with pytest.raises(KeyError):
        textures_module.texture_file("fur")


def test_environments_load_without_pybullet():
    code = (
        "import sys, assay.envs\n"
        "assert 'pybullet' not in sys.modules\n"
        "sys.modules['pybullet'] = None\n"
        "from assay.envs.spatial_tree.engine import Camera, Scene, render\n"
        "try:\n    render(Scene(()), Camera.looking((-1, 0, 1), (0, 0, 0)))\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "scenes need PyBullet: pip install 'assay[spatial]'\n", done.stderr


def test_memory_does_not_grow_with_renders():
    statm = pytest.importorskip("pathlib").Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc on this system")

    def grown(count):
        before = int(statm.read_text().split()[1])
        for number in range(count):
            render(_scene(number % 6), replace(CAMERA, width=32, height=24))
        return (int(statm.read_text().split()[1]) - before) * 4096

    grown(12)
    assert grown(30) < 6e6


def test_without_the_renderer_an_environment_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(ImportError, match=r"pip install 'assay\[spatial\]'"):
        SpatialTreeEnv(leaf=("route",), count=1)
