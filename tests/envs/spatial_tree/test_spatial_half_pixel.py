"""The picture and the camera agree to a small part of a pixel."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pybullet")

from assay.envs.spatial_tree.engine import Camera, Light, Part, Scene, Thing, render


@pytest.mark.parametrize("width", [64, 200])
def test_depth_of_a_floor_unprojects_onto_it_and_a_ball_is_where_the_camera_says(width):
    camera = Camera.looking((3, -4, 3.1), (0, 0, 0), vfov=40, width=width, height=width * 3 // 4)
    floor = Thing("floor", (Part("box", (6, 6, 1), (0, 0, -0.5)),))
    ball = Thing("ball", (Part("sphere", (1, 1, 1), (0, 0, 0)),))
    seen = render(Scene((floor,), Light(shadow=False)), camera)
    rows, columns = np.nonzero(seen.ids == 0)
    heights = camera.unproject(columns + 0.5, rows + 0.5, seen.depth[rows, columns])[:, 2]
    # Half a pixel would be 0.03 m at 64 pixels.
    assert abs(np.median(heights)) < 1e-4
    middle = render(Scene((ball,), Light(shadow=False)), camera).centroid(0)
    assert np.abs(np.array(middle) - camera.project((0, 0, 0))[:2]).max() < 0.12
