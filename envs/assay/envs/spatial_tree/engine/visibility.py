"""How much of a thing a picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from assay.envs.spatial_tree.engine.camera import Camera
from assay.envs.spatial_tree.engine.render import View, render
from assay.envs.spatial_tree.engine.scene import Light, Scene, Thing

SHARE = 0.004
"""A named thing is fair from this share of the picture on..."""
UNOCCLUDED = 0.6
"""...of which no more is hidden than leaves this share."""


PLAIN = Light(shadow=False, smooth=False)
"""Enough where only depth and ids are looked at."""


class Visible(NamedTuple):
    """How much of a thing a picture shows.

    Attributes:
        share: of the picture's pixels that show it.
        unoccluded: of the pixels that it would have without the other things, those that it has; 0 where it would have
            none.
    """

    share: float
    unoccluded: float


def visible(scene: Scene, camera: Camera, place: int, view: View | None = None) -> Visible:
    """How much of ``scene.things[place]`` the camera sees; what the frame cuts off counts as neither.

    Args:
        scene: what there is.
        camera: who looks.
        place: of the thing.
        view: what the camera sees of the scene, if it is known already; rendered otherwise.
    """
    seen = render(replace(scene, light=PLAIN), camera) if view is None else view
    shown = seen.ids == place
    if not shown.any():
        return Visible(0.0, 0.0)
    alone = render(Scene((scene.things[place],), PLAIN), camera).ids == 0
    whole = int(alone.sum())
    return Visible(float(shown.mean()), float((shown & alone).sum()) / whole if whole else 0.0)


def fair(
    scene: Scene, camera: Camera, places: Sequence[int], view: View | None = None,
    share: float = SHARE, unoccluded: float = UNOCCLUDED,
) -> bool:  # fmt: skip
    """Whether a question may name all of them: each large enough and not hidden. Cheap tests come first."""
    seen = render(replace(scene, light=PLAIN), camera) if view is None else view
    if any(seen.share(place) < share for place in places):
        return False
    return all(visible(scene, camera, place, seen).unoccluded >= unoccluded for place in places)


def framed(camera: Camera, thing: Thing, margin: float = 0.0) -> bool:
    """Whether the thing's whole box is in the picture, at least ``margin`` pixels from its edge."""
    x, y, depth = camera.project(thing.corners()).T
    with np.errstate(invalid="ignore"):
        within = (x >= margin) & (x <= camera.width - margin) & (y >= margin) & (y <= camera.height - margin)
    return bool((within & (depth > camera.near)).all())
