"""Python environments of repositories: cached, built in a sandbox, without the package under repair."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.envs.swe_rl.pyenvs.build import Build, build_site
from assay.envs.swe_rl.pyenvs.cache import READY, cache_root, cached_folder, facts_of, key_of
from assay.envs.swe_rl.pyenvs.interpreters import Interpreter, PythonEnvError, find_python
from assay.sandbox.base import HostBase, Layer

FORMAT = 1
FALLBACK_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Project:
    """The package under repair: what its installed metadata should say. Its code comes from the repository alone.

    Attributes:
        name: its distribution name.
        version: what ``importlib.metadata.version`` answers.
        entry_points: the text of ``entry_points.txt``, for plugins and commands.
    """

    name: str
    version: str = "0"
    entry_points: str = ""


@dataclass(frozen=True, slots=True)
class PyEnv:
    """A virtual environment, ready to be shown in a sandbox.

    Attributes:
        python: the interpreter it belongs to.
        prefix: where it lies, on the host and inside.
        layers: what a sandbox's specification needs, read-only.
        env: variables that make its Python and its commands the first on ``PATH``.
        installed: ``name==version`` of everything in it, sorted; install these with ``pinned`` to have it again.
    """

    python: Interpreter
    prefix: str
    layers: tuple[Layer, ...]
    env: Mapping[str, str]
    installed: tuple[str, ...] = field(default=(), compare=False)

    @property
    def base(self) -> HostBase:
        """The root file system on which it runs."""
        return HostBase(self.python.prefix)

    @property
    def executable(self) -> str:
        """Its Python."""
        return f"{self.prefix}/bin/python"


def python_env(
    python: str = "",
    requirements: Sequence[str] = (),
    *,
    constraints: Sequence[str] = (),
    pinned: bool = False,
    project: Project | None = None,
    backend: str = "auto",
    timeout: float = 900.0,
) -> PyEnv:
    """A virtual environment with these packages, from the cache or built in a sandbox with network.

    It lies below the cache folder (``$ASSAY_CACHE``, ``$XDG_CACHE_HOME/assay``), readable by any user, and is shown
    at that same path. The user's pip settings go into the sandbox of the build and nowhere else.

    Args:
        python: such as ``3.9``; empty: the running one.
        requirements: names with versions, extras and markers; no options, addresses or paths.
        constraints: bounds on packages that only other packages ask for.
        pinned: ``requirements`` is a complete list (an earlier :attr:`PyEnv.installed`): nothing is resolved.
        project: the package under repair. If another package pulls it in, its code is removed; metadata stay.
        backend: of the sandbox it is built in.
        timeout: seconds for each step of the build.

    Raises:
        ValueError: for a requirement that is none.
        PythonEnvError: if there is no such Python, or pip fails, with its reason.
    """
    interpreter = find_python(python)
    wanted, bounds = checked_requirements(requirements), checked_requirements(constraints)
    build = Build(interpreter, wanted, bounds, dependencies=not pinned)
    place = cache_root() / "pyenvs" / _key(build, project)

    def make(part: Path) -> dict[str, Any]:
        site = part / "site"
        site.mkdir()
        if build.requirements:
            build_site(build, site, backend, timeout)
        if project is not None:
            remove_code(site, project)
        installed = [pin for pin in freeze(site) if project is None or _name(pin) != canonical(project.name)]
        if project is not None:
            write_metadata(site, project)
        _assemble(part, site, place, interpreter)
        return {"installed": installed}

    folder = _twin(build, project) or cached_folder(place, make)
    installed = tuple(facts_of(folder)["installed"])
    if not pinned:
        _remember(Build(interpreter, sorted(installed), (), dependencies=False), project, folder)
    prefix = str(folder)
    env = {
        "VIRTUAL_ENV": prefix,
        "PATH": f"{prefix}/bin:{interpreter.prefix}/bin:{FALLBACK_PATH}",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return PyEnv(interpreter, prefix, (Layer(prefix, prefix, writable=False),), env, installed)


def env_of(environment: Mapping[str, Any], *, backend: str = "auto", timeout: float = 900.0) -> PyEnv:
    """:func:`python_env` of a row's ``environment``: ``python``, ``requirements``, ``constraints``, ``pinned``, and
    ``project`` (``name``, ``version``, ``entry_points``).

    Raises:
        ValueError: if one of them is not what it should be.
        PythonEnvError: as :func:`python_env`.
    """
    about = environment.get("project")
    if about is not None and not (isinstance(about, Mapping) and isinstance(about.get("name"), str)):
        raise ValueError("environment.project needs at least a name")
    project = about and Project(
        str(about["name"]), str(about.get("version") or "0"), str(about.get("entry_points") or "")
    )
    return python_env(
        str(environment.get("python") or ""),
        list(environment.get("requirements") or ()),
        constraints=list(environment.get("constraints") or ()),
        pinned=bool(environment.get("pinned")),
        project=project or None,
        backend=backend,
        timeout=timeout,
    )


def checked_requirements(lines: Sequence[str]) -> list[str]:
    """The requirements, sorted and without repeats, after a check that each is a name with versions and nothing else.

    Raises:
        ValueError: naming the first that is not; an option or address in a row would reach pip's command line.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        try:
            parsed = Requirement(line)
        except (InvalidRequirement, TypeError):
            raise ValueError(f"not a requirement: {str(line)[:200]!r}") from None
        if parsed.url:
            raise ValueError(f"a requirement names a version, not an address: {line[:200]!r}")
    return sorted(set(lines))


def freeze(site: Path) -> list[str]:
    """``name==version`` of each distribution in a ``site-packages`` folder, sorted by name."""
    found = {}
    for folder in site.glob("*.dist-info"):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        if name and version:
            found[canonical(name)] = f"{canonical(name)}=={version}"
    return [found[name] for name in sorted(found)]


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def remove_code(site: Path, project: Project) -> None:
    """Delete every file that the distribution of ``project`` installed, if it was pulled in."""
    for info in site.glob("*.dist-info"):
        if canonical(info.name.removesuffix(".dist-info").rpartition("-")[0]) != canonical(project.name):
            continue
        record = info / "RECORD"
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines() if record.is_file() else []
        for line in lines:
            name = line.split(",")[0].strip('"')
            target = (site / name).resolve()
            if target.is_relative_to(site.resolve()) and target.is_file():
                target.unlink()
                for compiled in target.parent.glob(f"__pycache__/{target.stem}.*.pyc"):
                    compiled.unlink()
        shutil.rmtree(info, ignore_errors=True)
    for here, _, _ in os.walk(site, topdown=False):
        if Path(here) != site:
            with contextlib.suppress(OSError):  # not empty
                Path(here).rmdir()


def write_metadata(site: Path, project: Project) -> None:
    """Metadata for a project whose code is elsewhere: version look-ups, plugins and entry points work."""
    info = site / f"{re.sub(r'[-_.]+', '_', project.name)}-{project.version}.dist-info"
    info.mkdir(exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: {project.name}\nVersion: {project.version}\n"
    (info / "METADATA").write_text(text, encoding="utf-8")
    (info / "INSTALLER").write_text("assay\n", encoding="utf-8")
    if project.entry_points:
        (info / "entry_points.txt").write_text(project.entry_points, encoding="utf-8")


def _assemble(part: Path, site: Path, final: Path, python: Interpreter) -> None:
    """Make a virtual environment of a filled ``site`` folder, without running anything of it."""
    scripts = part / "bin"
    scripts.mkdir()
    for script in sorted((site / "bin").iterdir()) if (site / "bin").is_dir() else []:
        if script.is_file() and not re.fullmatch(r"python[\d.]*|pip[\d.]*|activate.*", script.name):
            data = script.read_bytes()
            if data.startswith(b"#!") and b"python" in data.split(b"\n", 1)[0]:
                data = f"#!{final}/bin/python".encode() + data[data.find(b"\n") :]
            (scripts / script.name).write_bytes(data)
            (scripts / script.name).chmod(stat.S_IMODE(script.stat().st_mode) | 0o755)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for name in ("python", "python3", f"python{python.minor}"):
        (scripts / name).symlink_to(python.path)
    home = str(Path(python.path).parent)
    config = f"home = {home}\ninclude-system-site-packages = false\nversion = {python.version}\n"
    (part / "pyvenv.cfg").write_text(config, encoding="utf-8")
    library = part / "lib" / f"python{python.minor}"
    library.mkdir(parents=True)
    site.rename(library / "site-packages")


def _key(build: Build, project: Project | None) -> str:
    about = None if project is None else [canonical(project.name), project.version, project.entry_points]
    what = [list(build.requirements), list(build.constraints), build.dependencies]
    return key_of(FORMAT, os.uname().machine, build.python.version, build.python.prefix, what, about)


def _name(pin: str) -> str:
    return canonical(pin.split("==")[0])


def _remember(build: Build, project: Project | None, folder: Path) -> None:
    """Note that ``folder`` is what the pinned ``build`` would make, so that no one builds it again."""
    note = cache_root() / "pyenvs" / f"{_key(build, project)}.same-as"
    if not note.exists():
        part = note.with_suffix(f".part-{os.getpid()}")
        part.write_text(folder.name, encoding="utf-8")
        part.replace(note)


def _twin(build: Build, project: Project | None) -> Path | None:
    note = cache_root() / "pyenvs" / f"{_key(build, project)}.same-as"
    if not note.is_file():
        return None
    folder = note.with_name(note.read_text(encoding="utf-8").strip())
    return folder if (folder / READY).is_file() else None


__all__ = ["Project", "PyEnv", "PythonEnvError", "env_of", "python_env"]
