"""The Python in which a project's tests run: which one, with which packages, and how that is put right if it fails."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.index import Index
from assay.envs.swe_rl.mint.layout import has_native_code, import_root
from assay.envs.swe_rl.mint.metadata import Metadata
from assay.envs.swe_rl.mint.needs import needs_of_tests, runtime_needs
from assay.envs.swe_rl.pyenvs import Interpreter, Project, PyEnv, PythonEnvError, installed_pythons, python_env
from assay.envs.swe_rl.pyenvs.environment import canonical
from assay.sandbox.patch import Entry

BORN = {
    "3.6": "2016-12", "3.7": "2018-06", "3.8": "2019-10", "3.9": "2020-10", "3.10": "2021-10", "3.11": "2022-10",
    "3.12": "2023-10", "3.13": "2024-10", "3.14": "2025-10", "3.15": "2026-10",
}  # fmt: skip
"""When each Python came out: a project cannot have been tested with a later one."""
PYTESTS_OWN = frozenset({"pytest", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli", "py"})
"""What pytest is made of: loaded before any repository's code may be, so a repository of one cannot take its place."""
ATTEMPTS = 5
_CULPRIT = re.compile(
    r"(?:No matching distribution found for|satisfies the requirement|Failed (?:building wheel for|to build)|"
    r"Could not build wheels for|conflict is caused by:.*?)\s+'?([A-Za-z0-9][A-Za-z0-9._-]*)"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How the tests of one source release are run.

    Attributes:
        env: the environment.
        project: what its metadata say of the package itself.
        pythonpath: folders to import it from.
        native: whether parts of the package would have to be compiled.
        dropped: requirements that could not be installed.
    """

    env: PyEnv
    project: Project
    pythonpath: tuple[str, ...]
    native: bool
    dropped: tuple[str, ...]

    @property
    def options(self) -> list[str]:
        """pytest's options: none of the project's own, no warnings as errors, nothing that draws by itself."""
        names = {pin.split("==")[0] for pin in self.env.installed}
        options = ["-o", "addopts=", "-W", "ignore"]
        options += ["--hypothesis-seed=0"] if "hypothesis" in names else []
        options += ["--benchmark-disable"] if "pytest-benchmark" in names else []
        return options + (["-p", "no:randomly"] if "pytest-randomly" in names else [])

    def environment(self) -> dict[str, object]:
        """The part of a record that makes the same setting again."""
        return {
            "python": self.env.python.minor,
            "requirements": list(self.env.installed),
            "pinned": True,
            "project": {
                "name": self.project.name,
                "version": self.project.version,
                "entry_points": self.project.entry_points,
            },
            "pythonpath": list(self.pythonpath),
            "test_command": ["python", "-m", "pytest", *self.options],
        }


def choose_python(about: Metadata, uploaded: str, pythons: Sequence[Interpreter]) -> Interpreter:
    """The installed Python that suits a release best: allowed, no younger than the release, the newest of those.

    Args:
        about: the release's metadata.
        uploaded: when it was published, ``YYYY-MM...``; empty: not known, so the first allowed one is taken.
        pythons: what there is, the preferred one first.

    Raises:
        MintError: if none is allowed.
    """
    try:
        allowed = SpecifierSet(about.python)
    except InvalidSpecifier:
        allowed = SpecifierSet("")
    fitting = [each for each in pythons if allowed.contains(each.version)]
    if not fitting:
        have = ", ".join(sorted({each.minor for each in pythons}))
        raise MintError(f"needs Python {about.python}; this machine has {have}")
    if not uploaded:
        return fitting[0]
    of_age = [each for each in fitting if BORN.get(each.minor, "9999") <= uploaded[:7]]
    named = [each for each in of_age if each.minor in about.minors]
    preferred = fitting[0]
    if preferred in (named or of_age):
        return preferred
    if named or of_age:
        return max(named or of_age, key=lambda each: each.release)
    return min(fitting, key=lambda each: each.release)


def set_up(
    tree: Mapping[str, Entry],
    about: Metadata,
    later: Metadata,
    later_tree: Mapping[str, Entry],
    uploaded: str,
    backend: str,
    constraints: Sequence[str] = (),
    extra: Sequence[str] = (),
) -> Setting:
    """Build the environment of a change, from both its sides: the later one may need more.

    Requirements that cannot be installed are left out one after the other; most of them are tools that some test file
    uses, and the run of the tests shows whether they mattered.

    Args:
        tree: the earlier side, with egg-info.
        about: its metadata.
        later: metadata of the later side.
        later_tree: its files.
        uploaded: when the later side was published.
        backend: of the sandbox that builds.
        constraints: bounds for packages, such as what existed at the time.
        extra: more requirements.

    Raises:
        MintError: if not even its own requirements can be installed, or pytest needs the package itself.
    """
    if canonical(about.name) in PYTESTS_OWN:
        raise MintError("pytest itself is made of it, so it cannot be tested apart from it")
    python = choose_python(later, uploaded, installed_pythons())
    project = Project(about.name, about.version, about.entry_points)
    must = _merged([*runtime_needs(later), *runtime_needs(about)], about.name)
    wanted = _merged([*must, *extra, *needs_of_tests(later_tree, later)], about.name)
    env, dropped = _install(python, wanted, list(constraints), project, backend)
    roots = import_root(tree, about.modules)
    return Setting(env, project, tuple(roots), has_native_code(tree), tuple(dropped))


def dated(env: PyEnv, uploaded: str, index: Index) -> list[str]:
    """Bounds that keep every package of an environment at what existed when a release was published.

    Only packages that a newer version of has come out since are named; a package whose index states no dates is not.
    """
    bounds = []
    for pin in env.installed:
        name, _, version = pin.partition("==")
        try:
            listed = [each for each in index.releases(name) if each.uploaded]
        except RuntimeError:
            continue
        older = [each for each in listed if each.uploaded <= uploaded]
        if older and older[-1].version != version:
            bounds.append(f"{name}<={older[-1].version}")
    return bounds


def _merged(lines: Sequence[str], name: str) -> list[str]:
    """One requirement a package: the first that names it; nothing for the package itself."""
    found: dict[str, str] = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is not None and "extra" in str(requirement.marker):
            continue
        key = canonical(requirement.name) + (str(requirement.marker) if requirement.marker else "")
        if canonical(requirement.name) != canonical(name):
            found.setdefault(key, line)
    return list(found.values())


def _install(
    python: Interpreter, wanted: list[str], constraints: list[str], project: Project, backend: str
) -> tuple[PyEnv, list[str]]:
    """The environment, after dropping what cannot be installed; first pins are loosened, then names are left out."""
    dropped: list[str] = []
    loosened = False
    for _ in range(ATTEMPTS):
        try:
            env = python_env(python.version, wanted, constraints=constraints, project=project, backend=backend)
            return env, dropped
        except PythonEnvError as error:
            problem = str(error)
        guilty = {canonical(each) for each in _CULPRIT.findall(problem)}
        rest = [each for each in wanted if canonical(Requirement(each).name) not in guilty]
        if len(rest) < len(wanted) and loosened:
            dropped += sorted(set(wanted) - set(rest))
            wanted = rest
        elif not loosened:
            wanted, loosened = [_loose(each) for each in wanted], True
        elif constraints:
            constraints = []
        else:
            dropped += [each for each in wanted if Requirement(each).name != "pytest"]
            wanted = ["pytest"]
    raise MintError(f"its environment cannot be built: {problem}"[:300])


def _loose(line: str) -> str:
    """Without exact pins, which fit one Python only."""
    requirement = Requirement(line)
    bounds = [each for each in requirement.specifier if each.operator not in ("==", "===", "~=")]
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}{','.join(str(each) for each in bounds)}{marker}"
