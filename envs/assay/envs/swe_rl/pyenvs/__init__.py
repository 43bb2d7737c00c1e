"""Python environments of repositories under repair, and the host's own pytest."""

from __future__ import annotations

from assay.envs.swe_rl.pyenvs.cache import cache_root, cached_folder
from assay.envs.swe_rl.pyenvs.environment import Project, PyEnv, env_of, python_env
from assay.envs.swe_rl.pyenvs.host import host_pytest, without_packages
from assay.envs.swe_rl.pyenvs.interpreters import (
    Interpreter,
    PythonEnvError,
    find_python,
    installed_pythons,
    running_python,
)

__all__ = [
    "Interpreter",
    "Project",
    "PyEnv",
    "PythonEnvError",
    "cache_root",
    "cached_folder",
    "env_of",
    "find_python",
    "host_pytest",
    "installed_pythons",
    "python_env",
    "running_python",
    "without_packages",
]
