"""Spatial abilities from perception to action, with truth from real 3-D scenes: ``spatial-tree-v0``."""

from assay.envs.spatial_tree.env import SpatialTreeEnv
from assay.envs.spatial_tree.options import Options

Env = SpatialTreeEnv

__all__ = ["Env", "Options", "SpatialTreeEnv"]
