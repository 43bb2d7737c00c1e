"""The Pythons that this machine has."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.envs.errors import InfraError

ASK = """
import json, os, sys, sysconfig
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.base_prefix,
    "implementation": sys.implementation.name,
    "modules": [name for name in ("venv", "ssl", "zlib") if __import__("importlib").util.find_spec(name)],
}))
"""
MINORS = range(6, 20)


class PythonEnvError(InfraError):
    """A Python, or an environment of it, that cannot be had here. Never a reward."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of this machine, outside any virtual environment.

    Attributes:
        path: its executable.
        prefix: the installation it belongs to.
        version: such as ``3.9.18``.
    """

    path: str
    prefix: str
    version: str

    @property
    def minor(self) -> str:
        """Such as ``3.9``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, for comparisons."""
        return tuple(int(part) for part in self.version.split("."))


def find_python(version: str = "") -> Interpreter:
    """The Python of a version: the running one if it fits, else from ``PATH``, pyenv or uv.

    Args:
        version: ``3.9`` or ``3.9.18``; empty: the running one.

    Raises:
        ValueError: if ``version`` is not one.
        PythonEnvError: if there is none, with what to do.
    """
    if not version:
        return running_python()
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,3})?", version):
        raise ValueError(f"a Python version looks like 3.9 or 3.9.18, got {version!r}")
    for each in installed_pythons():
        if f"{each.version}.".startswith(f"{version}."):
            return each
    have = ", ".join(sorted({each.minor for each in installed_pythons()}, key=lambda minor: int(minor.split(".")[1])))
    raise PythonEnvError(
        f"no Python {version} on PATH, in pyenv or in uv (found {have}): "
        f"run `uv python install {version}` or `pyenv install {version}`"
    )


def installed_pythons() -> tuple[Interpreter, ...]:
    """Every CPython found, the running one first, then by version, newest first."""
    return _installed(os.environ.get("PATH", ""), os.environ.get("PYENV_ROOT", ""), os.environ.get("HOME", ""))


@functools.cache
def running_python() -> Interpreter:
    """The installation that the running Python belongs to."""
    found = _ask(getattr(sys, "_base_executable", "") or sys.executable)
    if found is None:
        raise PythonEnvError(f"the running Python {sys.executable} does not answer")
    return found


@functools.lru_cache(maxsize=8)
def _installed(*_environment: str) -> tuple[Interpreter, ...]:
    first = running_python()
    found = {first.prefix: first}
    for path in _candidates():
        each = _ask(path)
        if each is not None:
            found.setdefault(each.prefix, each)
    rest = [each for each in found.values() if each is not first]
    return (first, *sorted(rest, key=lambda each: each.release, reverse=True))


def _candidates() -> Iterator[str]:
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local/share/uv/python")
    for folder in (pyenv, uv):
        yield from sorted(str(path) for path in folder.glob("*/bin/python3"))
    for minor in MINORS:
        path = shutil.which(f"python3.{minor}")
        if path:
            yield path


@functools.lru_cache(maxsize=256)
def _ask(path: str) -> Interpreter | None:
    """What an executable says of itself, or None if it is no usable CPython (such as a shim that leads nowhere)."""
    try:
        answer = subprocess.run(
            [path, "-I", "-c", "import importlib.util\n" + ASK], capture_output=True, timeout=20, check=False
        )
        facts = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if facts["implementation"] != "cpython" or len(facts["modules"]) < 3:
        return None
    prefix, minor = facts["prefix"], ".".join(facts["version"].split(".")[:2])
    own = Path(prefix) / "bin" / f"python{minor}"
    return Interpreter(str(own if own.is_file() else path), prefix, facts["version"])
