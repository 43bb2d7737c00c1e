"""Three-dimensional scenes as plain data, and a real renderer (PyBullet's, on the processor) that shows them.

World frame: right-handed, metres, z up. Camera frame: x right, y down, z forward. Pixels: x right, y down, the
middle of the first pixel at (0.5, 0.5).
"""

from assay.envs.spatial_tree.engine.camera import Camera
from assay.envs.spatial_tree.engine.render import View, render
from assay.envs.spatial_tree.engine.scene import Light, Part, Scene, Thing

__all__ = ["Camera", "Light", "Part", "Scene", "Thing", "View", "render"]
