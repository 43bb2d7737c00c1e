"""Every code block of the package's README runs, and prints what the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assay.verifiers import names, registry

README = Path(__file__).parents[2] / "verifiers/README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
CONSOLE = [
    (code, BLOCKS[k + 1][1] if k + 1 < len(BLOCKS) and BLOCKS[k + 1][0] == "text" else None)
    for k, (language, code) in enumerate(BLOCKS)
    if language == "console" and not code.startswith("pip ")
]


@pytest.mark.parametrize("code", PYTHON)
def test_python_blocks_run(code, monkeypatch):
    names()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})


@pytest.mark.parametrize(("code", "expected"), CONSOLE)
def test_console_blocks_print_what_is_shown(code, expected, tmp_path):
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(
        ["bash", "-e"], input=code, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if expected is not None:
        assert done.stdout == expected


def test_nothing_else_hides_in_the_readme():
    assert len(PYTHON) == 3
    assert len(CONSOLE) == 2
    assert {language for language, _ in BLOCKS} <= {"python", "console", "text"}
    for name in names():
        assert f"`{name}`" in README.read_text(encoding="utf-8")
