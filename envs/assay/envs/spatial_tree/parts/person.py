"""A person whose front is easy to see: a face, a cap with a peak and a light chest before, a dark pack behind."""

from __future__ import annotations

from assay.envs.spatial_tree.engine import Camera, Part, Thing
from assay.envs.spatial_tree.engine.scene import Colour

EYES = 1.28
"""Height of the eyes, metres."""
REACH = 0.3
"""How far before the middle of the body a person's view begins, metres: past the face and the peak of the cap."""
_SKIN = (0.93, 0.75, 0.6)
_PALE = (0.96, 0.96, 0.92)
_DARK = (0.12, 0.11, 0.1)


def person(name: str, colour: Colour, at: tuple[float, float], yaw: float) -> Thing:
    """A person who stands at ``at`` (x, y, metres) and looks along ``yaw`` (degrees), in clothes of that colour."""
    parts = (
        Part("box", (0.26, 0.42, 0.6), (0, 0, 0.8), colour=colour),
        Part("box", (0.03, 0.3, 0.34), (0.14, 0, 0.86), colour=_PALE),
        Part("box", (0.18, 0.32, 0.44), (-0.21, 0, 0.84), colour=_DARK),
        Part("cylinder", (0.17, 0.17, 0.5), (0, 0.11, 0.25), colour=(0.25, 0.27, 0.33)),
        Part("cylinder", (0.17, 0.17, 0.5), (0, -0.11, 0.25), colour=(0.25, 0.27, 0.33)),
        Part("box", (0.3, 0.14, 0.07), (0.06, 0.11, 0.035), colour=_DARK),
        Part("box", (0.3, 0.14, 0.07), (0.06, -0.11, 0.035), colour=_DARK),
        Part("capsule", (0.11, 0.11, 0.5), (0.03, 0.28, 0.78), colour=colour),
        Part("capsule", (0.11, 0.11, 0.5), (0.03, -0.28, 0.78), colour=colour),
        Part("sphere", (0.34, 0.34, 0.34), (0, 0, 1.26), colour=_SKIN),
        Part("cylinder", (0.36, 0.36, 0.14), (0, 0, 1.42), colour=colour),
        Part("box", (0.22, 0.28, 0.03), (0.24, 0, 1.365), colour=colour),
        Part("sphere", (0.07, 0.07, 0.07), (0.145, 0.07, 1.3), colour=_DARK),
        Part("sphere", (0.07, 0.07, 0.07), (0.145, -0.07, 1.3), colour=_DARK),
        Part("sphere", (0.08, 0.08, 0.08), (0.185, 0, 1.23), colour=(0.86, 0.5, 0.42)),
    )
    return Thing(name, parts, (at[0], at[1], 0.0), (0, 0, yaw), "person", name.split()[-1])


def eye_of(thing: Thing, yaw: float | None = None, width: int = 320, vfov: float = 60.0) -> Camera:
    """What a person sees, looking ahead and a little down; ``yaw`` looks elsewhere than the body does."""
    look = thing.turn[2] if yaw is None else yaw
    return Camera.heading((thing.at[0], thing.at[1], EYES), look, -12.0, vfov=vfov, width=width,
                          height=width * 3 // 4, near=REACH)  # fmt: skip
