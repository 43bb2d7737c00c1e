"""pytest and pip of the running environment, copied aside so that a sandbox can be shown them and nothing else."""

from __future__ import annotations

import functools
import importlib.metadata as metadata
import shutil
import zipfile
from pathlib import Path
from typing import Any

from assay.envs.swe_rl.pyenvs.cache import cache_root, cached_folder, key_of
from assay.envs.swe_rl.pyenvs.interpreters import Interpreter, PythonEnvError
from assay.sandbox.base import Layer

INSTALLED = ("lib*/python*/*-packages", "local/lib*/python*/*-packages", "pkgs", "envs")
"""Where a Python's packages are, and conda's copies of them, below its prefix."""
SOLUTIONS = Path(__file__).parents[2]
"""The folder of this package, with the bundled tasks in it."""


def host_pytest() -> Layer:
    """pytest and what it needs, copied from the running environment into the cache and shown where it lies.

    Put the layer's target on ``PYTHONPATH``: tests then run on the host's Python with no network and no other package.

    Raises:
        PythonEnvError: if pytest is not installed here.
    """
    folder = str(_pytest_folder(str(cache_root())))
    return Layer(folder, folder, writable=False)


def without_packages(prefix: str) -> tuple[Layer, ...]:
    """Empty folders over those where this machine's Pythons keep what is installed for them.

    A newer release of the package under repair may be there, or this package with the solutions of its own tasks.

    Args:
        prefix: of the Python that is shown beside the system's own.
    """
    shown: set[str] = set()
    for top in (Path(prefix), Path(prefix).resolve(), Path("/usr")):
        found = [path.relative_to(top) for pattern in INSTALLED for path in top.glob(pattern)]
        if SOLUTIONS.resolve().is_relative_to(top.resolve()):
            found.append(SOLUTIONS.resolve().relative_to(top.resolve()))
        for path in found:
            links = any((top / above).is_symlink() for above in path.parents[:-1])  # lib64, which leads to lib
            if (top / path).is_dir() and not links:
                shown.add(str(top / path))
    folders = sorted(path for path in shown if not shown & {str(above) for above in Path(path).parents})
    empty = str(cached_folder(cache_root() / "empty", lambda part: {}))
    return tuple(Layer(empty, path, writable=False) for path in folders)


def host_pip(python: Interpreter) -> Layer:
    """A pip that runs on ``python``, read-only: the running environment's, else the one it ships.

    Raises:
        PythonEnvError: if neither is there.
    """
    own = _own_pip(python)
    if own is not None:
        version, files = own.version, own

        def make(part: Path) -> dict[str, Any]:
            _copy(files, part)
            return {"version": version}

    else:
        wheel = _bundled_pip(python)
        version = wheel.name.split("-")[1]

        def make(part: Path) -> dict[str, Any]:
            with zipfile.ZipFile(wheel) as archive:  # of the interpreter itself, hence trusted
                archive.extractall(part)
            return {"version": version}

    folder = cached_folder(cache_root() / "pip" / f"{version}-{key_of(version, python.prefix)}", make)
    return Layer(str(folder), str(folder), writable=False)


@functools.lru_cache(maxsize=4)
def _pytest_folder(root: str) -> Path:
    try:
        parts = _closure("pytest")
    except metadata.PackageNotFoundError as error:
        raise PythonEnvError(f"{error.name} is not installed here: pip install 'assay[swe]'") from None
    names = sorted(f"{each.metadata['Name']}=={each.version}" for each in parts)

    def make(part: Path) -> dict[str, Any]:
        for each in parts:
            _copy(each, part)
        return {"distributions": names}

    return cached_folder(Path(root) / "pytest" / key_of(names), make)


def _closure(name: str) -> list[metadata.Distribution]:
    """A distribution and all that it requires here (extras left out)."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, metadata.Distribution] = {}
    todo = [name]
    while todo:
        each = canonicalize_name(todo.pop())
        if each in found:
            continue
        found[each] = metadata.distribution(each)
        for line in found[each].requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo.append(needed.name)
    return list(found.values())


def _copy(source: metadata.Distribution, folder: Path) -> None:
    """The distribution's files that lie below its site-packages; no scripts and no compiled files."""
    for file in source.files or ():
        if ".." in file.parts or "__pycache__" in file.parts or file.suffix == ".pth":
            continue
        origin = Path(str(file.locate()))
        if origin.is_file():
            target = folder.joinpath(*file.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)


def _own_pip(python: Interpreter) -> metadata.Distribution | None:
    from packaging.specifiers import SpecifierSet

    try:
        pip = metadata.distribution("pip")
    except metadata.PackageNotFoundError:
        return None
    supported = str(pip.metadata.json.get("requires_python") or "")
    return pip if SpecifierSet(supported).contains(python.version) else None


def _bundled_pip(python: Interpreter) -> Path:
    folders = [Path(python.prefix) / "lib" / f"python{python.minor}" / "ensurepip/_bundled"]
    folders.append(Path("/usr/share/python-wheels"))  # where Debian keeps them
    for folder in folders:
        for wheel in sorted(folder.glob("pip-*.whl")):
            return wheel
    raise PythonEnvError(f"no pip that runs on Python {python.version}: python -m pip install pip, here")
