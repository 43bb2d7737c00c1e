"""Python environments: found, built in a sandbox from a local index, cached, and without the package under repair."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from assay.envs.errors import InfraError
from assay.envs.swe_rl.pyenvs import (
    Project,
    PythonEnvError,
    cached_folder,
    env_of,
    find_python,
    host_pytest,
    python_env,
    running_python,
)
from assay.envs.swe_rl.pyenvs.build import MEMBERS, unpack
from assay.envs.swe_rl.pyenvs.environment import checked_requirements, freeze, remove_code


def wheel(name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> tuple[str, bytes]:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {r}\n" for r in requires
    )
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    whole = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": tags,
             f"{info}/entry_points.txt": f"[console_scripts]\n{name}-say = {name}:say\n"}  # fmt: skip
    whole[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*whole, f"{info}/RECORD"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in whole.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", out.getvalue()


@pytest.fixture
def index(tmp_path: Path, swe_backend: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder: ``upper`` 2.0 needs ``lower`` 1.0 or later."""
    packages = [
        wheel("lower", "1.0", {"lower/__init__.py": "def say(): print('low')\n"}),
        wheel("lower", "1.1", {"lower/__init__.py": "def say(): print('lower')\n", "lower/deep/x.py": ""}),
        wheel("upper", "2.0", {"upper/__init__.py": "import lower\ndef say(): print('up')\n"}, ("lower>=1.0",)),
    ]
    root = tmp_path / "pypi"
    for file, data in packages:
        folder = root / "simple" / file.split("-")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(data)
        with (folder / "index.html").open("a") as page:
            page.write(f'<a href="../../{file}#sha256={hashlib.sha256(data).hexdigest()}">{file}</a>\n')
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    for name in [each for each in os.environ if each.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", (root / "simple").as_uri())
    return root


def run(env_python: str, code: str) -> str:
    done = subprocess.run([env_python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_an_environment_is_built_once(index: Path, swe_backend: str) -> None:
    env = python_env("", ["upper"], backend=swe_backend)
    assert env.installed == ("lower==1.1", "upper==2.0")
    assert run(env.executable, "import upper; upper.say()") == "up"
    assert env.layers[0].source == env.layers[0].target == env.prefix
    assert not env.layers[0].writable
    assert subprocess.run([f"{env.prefix}/bin/upper-say"], capture_output=True, text=True, check=True).stdout == "up\n"
    assert stat.S_IMODE(os.stat(env.prefix).st_mode) == 0o755
    for path in Path(env.prefix).rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o004, path

    for file in index.glob("*.whl"):  # nothing is asked of the index again
        file.unlink()
    assert python_env("", ["upper"], backend=swe_backend) == env
    assert python_env("", env.installed, pinned=True, backend=swe_backend).prefix == env.prefix


def test_constraints_and_pins(index: Path, swe_backend: str) -> None:
    env = python_env("", ["upper"], constraints=["lower<1.1"], backend=swe_backend)
    assert env.installed == ("lower==1.0", "upper==2.0")
    alone = env_of({"python": "", "requirements": ["upper==2.0"], "pinned": True}, backend=swe_backend)
    assert alone.installed == ("upper==2.0",)


def test_the_package_under_repair_is_not_there(index: Path, swe_backend: str) -> None:
    points = "[console_scripts]\nlower-run = lower:say\n"
    about = {"name": "Lower", "version": "0.9", "entry_points": points}
    env = env_of({"requirements": ["upper"], "project": about}, backend=swe_backend)
    assert env.installed == ("upper==2.0",)
    assert "No module named 'lower'" in run(env.executable, "import lower")
    assert run(env.executable, "from importlib.metadata import version; print(version('lower'))") == "0.9"
    code = "from importlib.metadata import entry_points as e; print(e(group='console_scripts', name='lower-run'))"
    assert "lower:say" in run(env.executable, code)
    assert not list(Path(env.prefix).glob("lib/*/site-packages/lower"))


def test_what_pip_cannot_do_is_said_in_one_line(index: Path, swe_backend: str, tmp_path: Path) -> None:
    with pytest.raises(PythonEnvError, match="No matching distribution found for nothing-here") as caught:
        python_env("", ["nothing-here"], backend=swe_backend)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, InfraError)  # never a reward
    left = [each.name for each in (tmp_path / "cache" / "pyenvs").iterdir() if not each.name.endswith(".lock")]
    assert left == []


@pytest.mark.parametrize(
    "line", ["--index-url=http://x", "-e .", "x @ https://x/y.zip", "../x", "x; import os", "", "a b"]
)
def test_only_requirements_reach_pip(line: str) -> None:
    with pytest.raises(ValueError):
        checked_requirements(["ok", line])


def test_requirements_are_in_order_and_once() -> None:
    assert checked_requirements(["b>1", "a", "b>1"]) == ["a", "b>1"]


def test_pythons() -> None:
    mine = find_python()
    assert mine == running_python()
    assert mine.release[:2] == sys.version_info[:2]
    assert find_python(mine.minor).minor == mine.minor
    assert find_python(mine.version) == mine
    with pytest.raises(PythonEnvError, match=r"no Python 3\.99 .*`uv python install 3\.99`"):
        find_python("3.99")
    for bad in ("2.7", "3", "python3", "3.9; rm", "../3.9"):
        with pytest.raises(ValueError, match="looks like"):
            find_python(bad)


def test_host_pytest_works_alone() -> None:
    layer = host_pytest()
    assert layer.source == layer.target
    code = "import sys; sys.path.insert(0, sys.argv[1]); import pytest; print(pytest.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, layer.source], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(layer.source)
    names = {path.name for path in Path(layer.source).iterdir()}
    assert {"pytest", "_pytest", "pluggy"} <= names
    assert not {"torch", "numpy", "hypothesis"} & names


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    calls = []

    def make(part: Path) -> dict[str, int]:
        calls.append(part)
        (part / "x").write_text("1")
        (part / "x").chmod(0o600)
        return {"n": 1}

    def fail(part: Path) -> None:
        (part / "x").write_text("1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cached_folder(tmp_path / "c" / "a", fail)
    assert not (tmp_path / "c" / "a").exists()
    threads = [threading.Thread(target=cached_folder, args=(tmp_path / "c" / "a", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert stat.S_IMODE((tmp_path / "c" / "a" / "x").stat().st_mode) == 0o644
    assert sorted(each.name for each in (tmp_path / "c").iterdir()) == ["a", "a.lock"]


def tar(*members: tuple[str, bytes, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, data in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(data)
            member.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_what_comes_out_of_a_build_is_files_only(tmp_path: Path) -> None:
    blob = tar(("site/a/x.py", tarfile.REGTYPE, b"x"), ("site/link", tarfile.SYMTYPE, b""),
               ("site/dev", tarfile.CHRTYPE, b""), ("./site/b.py", tarfile.REGTYPE, b"b"))  # fmt: skip
    unpack(blob, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        "a/x.py",
        "b.py",
    }
    assert not (tmp_path / "link").exists()
    assert not (tmp_path / "dev").exists()
    with pytest.raises(InfraError, match="leads out"):
        unpack(tar(("site/../../evil", tarfile.REGTYPE, b"x")), tmp_path)
    assert MEMBERS > 10_000


def test_code_is_removed_and_nothing_else(tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "a_b-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "outside.py").write_text("")
    for path in ("ns/one/x.py", "ns/two/y.py", "flat.py"):
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text("")
    (info / "RECORD").write_text("ns/one/x.py,,\nflat.py,,\n../outside.py,,\n")
    assert freeze(site) == ["a-b==1.0"]
    remove_code(site, Project("A.B"))
    assert sorted(path.relative_to(site).as_posix() for path in site.rglob("*")) == ["ns", "ns/two", "ns/two/y.py"]
    assert (tmp_path / "outside.py").exists()
    assert freeze(site) == []


def test_bad_environments_of_rows() -> None:
    for bad in ({"project": {"version": "1"}}, {"project": "x"}, {"requirements": ["-r x"]}, {"python": "two"}):
        with pytest.raises(ValueError):
            env_of(bad)
