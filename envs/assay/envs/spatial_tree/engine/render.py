"""Pictures of scenes by PyBullet's own renderer, which needs neither a display nor a graphics card.

One simulator a process, guarded by a lock: scenes are loaded into it, shown, and forgotten, so that any number of
environments share it and none holds more than its scene's data.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine import meshes
from assay.envs.spatial_tree.engine.camera import Camera
from assay.envs.spatial_tree.engine.scene import Part, Scene
from assay.envs.spatial_tree.engine.turning import quaternion, turned

LOCK = threading.RLock()
"""Held by whoever uses the simulator."""
NOTHING = -1
"""The id of pixels that show no thing."""
SKY = (0.74, 0.83, 0.93)
MISSING = "scenes need PyBullet: pip install 'assay[spatial]'"


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
    """The scene as the camera sees it.

    Raises:
        ImportError: one line, without PyBullet.
    """
    with simulator() as (bullet, client):
        owners = load(bullet, client, scene)
        return look(bullet, client, camera, scene, owners)


@contextmanager
def simulator() -> Iterator[tuple[Any, int]]:
    """PyBullet and an empty world of it, for one thread at a time.

    Raises:
        ImportError: one line, without PyBullet.
    """
    with LOCK:
        bullet, client = _connection(os.getpid())
        bullet.resetSimulation(physicsClientId=client)
        yield bullet, client


def load(bullet: Any, client: int, scene: Scene) -> dict[int, int]:
    """Put the parts of a scene into the world as things that do not move; body -> place of its thing."""
    owners = {}
    for place, thing in enumerate(scene.things):
        frame = turned(thing.turn)
        for part in thing.parts:
            at = frame @ np.array(part.at) + np.array(thing.at)
            body = bullet.createMultiBody(
                0, -1, visual(bullet, client, part), at.tolist(), quaternion(frame @ turned(part.turn)),
                physicsClientId=client,
            )  # fmt: skip
            if part.texture:
                file = _texture(part.texture)
                texture = bullet.loadTexture(str(file), physicsClientId=client)
                bullet.changeVisualShape(body, -1, textureUniqueId=texture, physicsClientId=client)
            owners[body] = place
    return owners


def visual(bullet: Any, client: int, part: Part) -> int:
    """PyBullet's visual shape of a part."""
    more: dict[str, Any] = {"rgbaColor": [*part.colour, 1.0], "specularColor": [0.1] * 3, "physicsClientId": client}
    x, y, z = part.size
    if part.shape == "box":
        return int(bullet.createVisualShape(bullet.GEOM_BOX, halfExtents=[x / 2, y / 2, z / 2], **more))
    if part.shape == "sphere":
        return int(bullet.createVisualShape(bullet.GEOM_SPHERE, radius=x / 2, **more))
    if part.shape in ("cone", "wedge"):
        points, normals = meshes.cone() if part.shape == "cone" else meshes.wedge()
        return int(bullet.createVisualShape(
            bullet.GEOM_MESH, vertices=points, indices=list(range(len(points))), normals=normals,
            uvs=[(0.0, 0.0)] * len(points), meshScale=[x, y, z], **more,
        ))  # fmt: skip
    form = bullet.GEOM_CYLINDER if part.shape == "cylinder" else bullet.GEOM_CAPSULE
    return int(bullet.createVisualShape(form, radius=x / 2, length=z, **more))


def look(bullet: Any, client: int, camera: Camera, scene: Scene, owners: dict[int, int]) -> View:
    """What the camera sees of the world as it is now."""
    right, down, forward = camera.rotation
    eye = np.array(camera.eye)
    # OpenGL's frame: x right, y up, z backwards; matrices column by column.
    world = np.eye(4)
    world[:3, :3] = np.stack([right, -down, -forward])
    world[:3, 3] = -world[:3, :3] @ eye
    light = scene.light
    near, far = camera.near, camera.far
    projection = list(bullet.computeProjectionMatrixFOV(camera.vfov, camera.width / camera.height, near, far))
    # This renderer takes the lower left corner of a pixel for its middle.
    projection[8] += 1 / camera.width
    projection[9] += 1 / camera.height
    _, _, rgba, depth, bodies = bullet.getCameraImage(
        camera.width, camera.height, world.T.ravel().tolist(), projection,
        lightDirection=list(light.towards), lightColor=[1.0, 1.0, 1.0], lightDistance=20.0, shadow=int(light.shadow),
        lightAmbientCoeff=light.ambient, lightDiffuseCoeff=light.diffuse, lightSpecularCoeff=light.specular,
        renderer=bullet.ER_TINY_RENDERER, physicsClientId=client,
    )  # fmt: skip
    shape = (camera.height, camera.width)
    bodies = np.asarray(bodies, dtype=np.int64).reshape(shape)
    table = np.full(max(owners, default=0) + 2, NOTHING, dtype=np.int32)
    for body, place in owners.items():
        table[body] = place
    ids = table[np.where((bodies < 0) | (bodies >= len(table)), len(table) - 1, bodies)]
    rgb = np.array(rgba, dtype=np.uint8).reshape(*shape, 4)[..., :3].copy()
    rgb[ids == NOTHING] = np.round(np.array(SKY) * 255).astype(np.uint8)
    buffer = np.asarray(depth, dtype=np.float64).reshape(shape)
    metres = far * near / (far - (far - near) * buffer)
    return View(rgb, np.where(ids == NOTHING, np.inf, metres), ids)


@cache
def data_folder() -> Path:
    """Where PyBullet keeps its meshes and textures."""
    try:
        import pybullet_data
    except ImportError as error:
        raise ImportError(MISSING) from error
    return Path(pybullet_data.getDataPath())


def _texture(name: str) -> Path:
    from assay.envs.spatial_tree.engine.textures import texture_file

    return texture_file(name)


@cache
def _connection(process: int) -> tuple[Any, int]:
    try:
        with _quiet():
            import pybullet
    except ImportError as error:
        raise ImportError(MISSING) from error
    return pybullet, int(pybullet.connect(pybullet.DIRECT))


@contextmanager
def _quiet() -> Iterator[None]:
    """PyBullet greets from C on standard error, in the middle of whatever a program says there."""
    kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(void)
