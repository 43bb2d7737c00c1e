"""Pictures of scenes by PyBullet's own renderer, which needs neither a display nor a graphics card.

Edges are smoothed by a second picture half a pixel aside (quincunx), shadows are ours (a shadow map after Williams 1978
with percentage-closer filtering after Reeves, Salesin and Cook 1987), because those of the renderer show moire.
Depth and ids are of the first picture alone: exact at the middles of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.camera import Camera
from assay.envs.spatial_tree.engine.scene import Light, Scene
from assay.envs.spatial_tree.engine.shadows import shaded
from assay.envs.spatial_tree.engine.world import LOCK, MISSING, World, simulator, stage

__all__ = ["LOCK", "MISSING", "NOTHING", "View", "render", "simulator"]
NOTHING = -1
"""The id of pixels that show no thing."""
SKY = (0.74, 0.83, 0.93)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a camera sees.

    Attributes:
        rgb: ``uint8 [height, width, 3]``.
        depth: metres along the camera's axis, ``float64 [height, width]``; infinite where nothing is.
        ids: place in ``scene.things`` of what a pixel shows, ``int32 [height, width]``; -1 where nothing is.
    """

    rgb: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int32]

    def share(self, thing: int) -> float:
        """The share of the picture that shows it."""
        return float((self.ids == thing).mean())

    def centroid(self, thing: int) -> tuple[float, float]:
        """The middle of its pixels (x, y); NaN where it does not show."""
        rows, columns = np.nonzero(self.ids == thing)
        return (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5) if len(rows) else (float("nan"),) * 2


def render(scene: Scene, camera: Camera) -> View:
    """The scene as the camera sees it; the same scene and camera give the same bytes.

    Raises:
        ImportError: one line, without PyBullet.
    """
    with stage(scene) as (bullet, client, world):
        first = _shot(bullet, client, camera, scene.light, world)
        colours = first.rgb.astype(np.float32)
        if scene.light.smooth:
            aside = _shot(bullet, client, camera, scene.light, world, 0.5)
            colours = _mixed(colours, aside.rgb.astype(np.float32))
        if scene.light.shadow:
            colours *= shaded(bullet, client, world, scene, camera, first.depth)[..., None]
    return View(np.clip(np.round(colours), 0, 255).astype(np.uint8), first.depth, first.ids)


def _mixed(middle: npt.NDArray[np.float32], corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Half of each pixel's middle, an eighth of each of its corners; ``corners`` has one row and column more."""
    around = corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:] + corners[1:, 1:]
    mixed: npt.NDArray[np.float32] = middle / np.float32(2) + around / np.float32(8)
    return mixed


def _shot(bullet: Any, client: int, camera: Camera, light: Light, world: World, aside: float = 0.0) -> View:
    """One picture; with ``aside`` 0.5 that of the pixels' corners, one row and one column more."""
    more = round(2 * aside)
    width, height = camera.width + more, camera.height + more
    near, far = camera.near, camera.far
    # One focal length for both pictures, so that pixels stay as large when there are more of them.
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 2 * camera.focal / width, 2 * camera.focal / height
    projection[2] = 0, 0, (far + near) / (near - far), 2 * far * near / (near - far)
    projection[3, 2] = -1
    # This renderer takes the lower left corner of a pixel for its middle.
    projection[:2, 2] = 1 / width, 1 / height
    _, _, rgba, depth, bodies = bullet.getCameraImage(
        width, height, view_matrix(camera).T.ravel().tolist(), projection.T.ravel().tolist(),
        lightDirection=list(light.towards), lightColor=[1.0, 1.0, 1.0], lightDistance=20.0, shadow=0,
        lightAmbientCoeff=light.ambient, lightDiffuseCoeff=light.diffuse, lightSpecularCoeff=light.specular,
        renderer=bullet.ER_TINY_RENDERER, physicsClientId=client,
    )  # fmt: skip
    shape = (height, width)
    bodies = np.asarray(bodies, dtype=np.int64).reshape(shape)
    numbers = [body for group in world.bodies for body in group]
    table = np.full(max(numbers, default=0) + 2, NOTHING, dtype=np.int32)
    for place, group in enumerate(world.bodies):
        table[list(group)] = place
    ids = table[np.where((bodies < 0) | (bodies >= len(table)), len(table) - 1, bodies)]
    rgb = np.array(rgba, dtype=np.uint8).reshape(*shape, 4)[..., :3].copy()
    rgb[ids == NOTHING] = np.round(np.array(SKY) * 255).astype(np.uint8)
    buffer = np.asarray(depth, dtype=np.float64).reshape(shape)
    metres = far * near / (far - (far - near) * buffer)
    return View(rgb, np.where(ids == NOTHING, np.inf, metres), ids)


def view_matrix(camera: Camera) -> npt.NDArray[np.float64]:
    """From the world to OpenGL's frame of the camera (x right, y up, z backwards), ``[4, 4]``."""
    right, down, forward = camera.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, -down, -forward])
    matrix[:3, 3] = -matrix[:3, :3] @ np.array(camera.eye)
    return matrix
