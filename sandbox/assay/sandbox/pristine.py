"""What a path of a sandbox held at the beginning, from the layers' own directories on the host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from assay.sandbox.base import Layer


def pristine_directory(layers: Sequence[Layer], path: str, scratch: str) -> str:
    """A directory of the host that holds what ``path`` did: of a layer itself, or put together in ``scratch``.

    Args:
        layers: of the spec, in order.
        path: absolute, inside.
        scratch: an empty directory of the host.
    """
    path = os.path.normpath(path)
    touching = [layer for layer in layers if _below(layer.target, path) or _below(path, layer.target)]
    if len(touching) == 1 and _below(path, touching[0].target):
        inside = os.path.join(touching[0].source, os.path.relpath(path, touching[0].target))
        return inside if os.path.isdir(inside) else scratch
    for layer in touching:
        where = scratch + os.path.normpath("/" + layer.target)
        shutil.copytree(layer.source, where, symlinks=True, dirs_exist_ok=True)
    where = scratch + path
    os.makedirs(where, exist_ok=True)
    return where


def _below(path: str, top: str) -> bool:
    top = os.path.normpath(top).rstrip("/") + "/"
    return (os.path.normpath(path).rstrip("/") + "/").startswith(top)
