"""Fill a virtual environment with packages: pip runs in a sandbox, since building a package runs its author's code."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assay.envs.errors import InfraError
from assay.envs.swe_rl.pyenvs.host import host_pip
from assay.envs.swe_rl.pyenvs.interpreters import Interpreter, PythonEnvError
from assay.envs.swe_rl.pyenvs.pip_settings import pip_settings
from assay.sandbox.base import HostBase, Layer, Limits, Sandbox, SandboxSpec
from assay.sandbox.errors import SandboxError

WORK = "/build"
SITE = f"{WORK}/site"
"""Commands name it ``site``, from the work directory, since not every back-end has such a path of its own."""
LIMITS = Limits(memory_mb=6144, disk_mb=4096, pids=512, cpus=2.0, network=True)
MAX_BYTES = 2 * 2**30
OLD_PIP = re.compile(r"^(?:[0-9]|1[0-9]|20)\.")
MEMBERS = 200_000


@dataclass(frozen=True, slots=True)
class Build:
    """What to install, and how.

    Attributes:
        python: the interpreter.
        requirements: as pip takes them on its command line (no options).
        constraints: upper bounds and the like, which install nothing by themselves.
        dependencies: whether what they require is installed too; off for a complete list of pins.
    """

    python: Interpreter
    requirements: Sequence[str]
    constraints: Sequence[str] = ()
    dependencies: bool = True


def build_site(build: Build, site: Path, backend: str, timeout: float) -> None:
    """Install into ``site`` (an empty folder, the future ``site-packages``; scripts come in ``site/bin``).

    Raises:
        PythonEnvError: if pip fails, with its reason, or the sandbox dies.
    """
    from assay.sandbox import open_sandbox

    spec, environment = build_spec(build.python)
    try:
        box = open_sandbox(spec, backend)
        try:
            _install(box, build, environment, timeout)
            unpack(box.download(SITE, MAX_BYTES), site)
        finally:
            box.close()
    except SandboxError as error:
        raise PythonEnvError(f"building a Python {build.python.minor} environment: {error}") from error


def build_spec(python: Interpreter) -> tuple[SandboxSpec, dict[str, str]]:
    """The sandbox of a build, which alone has network, and the environment of the pip in it."""
    settings = pip_settings()
    layers = [host_pip(python), *(Layer(path, path, writable=False) for path in settings.local_paths())]
    environment = {
        **settings.environment(),
        "LC_ALL": "C.UTF-8",
        "PIP_NO_INPUT": "1",
        "PIP_NO_CACHE_DIR": "off",  # any truth value means no cache, but pip 18 fails on "1"
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_PROGRESS_BAR": "off",
    }
    return SandboxSpec(HostBase(python.prefix), tuple(layers), LIMITS, {}, workdir=WORK), environment


def _install(box: Sandbox, build: Build, environment: dict[str, str], timeout: float) -> None:
    python = build.python.path
    where = f"{host_pip(build.python).target}/pip"
    pip = [python, where]
    run = _runner(box, environment, timeout)
    run(["mkdir", "-p", "site"], "making folders")
    version = run([*pip, "--version"], "pip")
    if OLD_PIP.match(version.split()[1]):  # too old to read today's wheels
        run([*pip, "install", "--target", "newer", "pip<22"], "a newer pip")
        pip = [python, "newer/pip"]
    if build.requirements:
        box.write_file(f"{WORK}/constraints.txt", "\n".join(build.constraints).encode())
        command = [*pip, "install", "--no-compile", "--target", "site", "-c", "constraints.txt"]
        command += [] if build.dependencies else ["--no-deps"]
        run([*command, *build.requirements], f"pip install {' '.join(build.requirements)}"[:300])
    # Compiled files that are never checked against the sources: a copy changes the times that would be compared.
    mode = [] if build.python.release < (3, 7) else ["--invalidation-mode", "unchecked-hash"]
    box.exec(
        [python, "-m", "compileall", "-q", *mode, "site"], timeout=timeout, env=environment
    )  # test data may not parse


def _runner(box: Sandbox, environment: dict[str, str], timeout: float) -> Callable[[list[str], str], str]:
    def run(command: list[str], what: str) -> str:
        done = box.exec(command, timeout=timeout, env=environment)
        if done.timed_out:
            raise PythonEnvError(f"{what}: not done after {timeout:.0f} s")
        if done.exit_code:
            raise PythonEnvError(f"{what}: {_reason(done.text())}")
        return done.stdout.decode("utf-8", "replace")

    return run


def _reason(output: str) -> str:
    """pip's own word for what went wrong: its error lines, without the noise around them."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")] or lines[-2:]
    return " ".join(errors)[-500:] or "no output"


def unpack(blob: bytes, site: Path) -> None:
    """Write the regular files of a tar of ``site`` below ``site``; anything else in it, links above all, is left out.

    Raises:
        InfraError: if a name leads out of the folder, or there are more files than any environment has.
    """
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        for number, member in enumerate(archive):
            if number > MEMBERS:
                raise InfraError(f"the built environment has over {MEMBERS} files")
            parts = PurePosixPath(member.name).parts
            if parts and parts[0] in (".", "/"):
                parts = parts[1:]
            if parts and parts[0] == PurePosixPath(SITE).name:
                parts = parts[1:]
            if not parts or not member.isfile():
                continue
            if ".." in parts:
                raise InfraError(f"the built environment has a file that leads out of it: {member.name[:200]}")
            target = site.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            if source is not None:
                with target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                target.chmod(0o755 if member.mode & stat.S_IXUSR else 0o644)
                os.utime(target, (member.mtime, member.mtime))
