"""Where questions come from: a module ``<name>.py`` with ``tasks(options, split) -> TaskSet``.

A module whose references are not files (``<name>:...``) also has ``video(rest) -> Path``.
"""

from __future__ import annotations

from importlib import import_module

from assay.envs.tasks import TaskSet
from assay.envs.video_keyframes.options import Options


def load_source(options: Options) -> TaskSet:
    """The tasks of ``options.split`` of ``options.source``.

    Raises:
        ValueError: one line; the data or the options cannot be used.
        ImportError: one line that names the extra to install.
    """
    module = import_module(f"{__name__}.{options.source}")
    found: TaskSet = module.tasks(options, options.split)
    return found
