"""Records in the format of SpatialTree-Bench, from a folder or the hub."""

from __future__ import annotations

from assay.envs.spatial_tree.options import Options
from assay.envs.tasks import TaskSet


def tasks(options: Options) -> TaskSet:
    """The records as tasks.

    Raises:
        ValueError: one line that names file, row and field of what cannot be read.
    """
    raise NotImplementedError(options)
