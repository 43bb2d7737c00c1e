"""Distance: how far things are from the camera and from each other."""

from __future__ import annotations

import numpy as np
from PIL import Image

from assay.envs.spatial_tree.engine import Camera, Part, Scene, Thing, render
from assay.envs.spatial_tree.question import Question, mcq


def nearer(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """Which of two things is nearer to the camera."""
    scene = Scene((
        Thing("floor", (Part("box", (12, 12, 0.1), (0, 0, -0.05), colour=(0.6, 0.55, 0.5)),)),
        Thing("red cube", (Part("box", (0.4, 0.4, 0.4), (0, 0, 0.2), colour=(0.85, 0.1, 0.1)),), _spot(rng)),
        Thing("blue ball", (Part("sphere", (0.4, 0.4, 0.4), (0, 0, 0.2), colour=(0.1, 0.2, 0.85)),), _spot(rng)),
    ))  # fmt: skip
    camera = Camera.looking((-3, 0, 1.4), (1, 0, 0), width=size, height=size * 3 // 4)
    view = render(scene, camera)
    if min(view.share(1), view.share(2)) < 0.002:
        return None
    gaps = [float(np.linalg.norm(scene.things[k].middle() - np.array(camera.eye))) for k in (1, 2)]
    if max(gaps) / min(gaps) < 1.15:
        return None
    near = int(np.argmin(gaps)) + 1

    def recheck() -> bool:
        seen = render(scene, camera)
        return int(np.argmin([np.median(seen.depth[seen.ids == k]) for k in (1, 2)])) + 1 == near

    names = ["the red cube", "the blue ball"]
    return mcq(rng, "Which is nearer to the camera?", [Image.fromarray(view.rgb)], names[near - 1], [names[2 - near]],
               recheck)  # fmt: skip


def _spot(rng: np.random.Generator) -> tuple[float, float, float]:
    return float(rng.uniform(-1, 2.5)), float(rng.uniform(-1.2, 1.2)), 0.0


TEMPLATES = (nearer,)
