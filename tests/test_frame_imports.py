"""Imports: which part may see which, what may be loaded with a part, and what loading it costs."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = {"gymnasium", "numpy", "PIL", "rich", "yaml"}
TRAIN = {"accelerate", "gguf", "matplotlib", "peft", "safetensors", "torch", "transformers", "tyro"}
RUNS_A_MODEL = ("engines", "decoding", "models.py")
BUNDLED = {"fixtures", "inside"}
"""Folders of repositories to be mended, and of files that run in a sandbox, where they find each other."""
OPTIONAL_IN_VERIFIERS = {"sympy"}


def imports(tree: ast.AST, nested: bool) -> Iterator[str]:
    """Top-level package names imported at module level (``nested``: anywhere), type-checking blocks left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        elif nested or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node, nested)


def allowed_at_import(part: str, file: Path) -> set[str]:
    """Packages that a file may import at module level besides the standard library and our own."""
    if part in ("verifiers", "sandbox"):
        return set()
    if part == "envs":
        return REQUIRED | ({"packaging"} if "mint" in file.parts else set())  # loaded by assay-mint alone
    runs_a_model = any(piece in RUNS_A_MODEL for piece in file.relative_to(ROOT / part / "assay" / part).parts)
    return REQUIRED | TRAIN if part == "training" or runs_a_model else REQUIRED


def foreign(names: Iterator[str]) -> set[str]:
    return set(names) - set(sys.stdlib_module_names) - {"assay"}


@pytest.mark.parametrize("part", ["verifiers", "sandbox", "envs", "agents", "training"])
def test_module_level_imports_are_light(part: str) -> None:
    files = [file for file in sorted((ROOT / part / "assay").rglob("*.py")) if not BUNDLED & set(file.parts)]
    assert files
    found = {}
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if heavy := foreign(imports(tree, nested=False)) - allowed_at_import(part, file):
            found[str(file.relative_to(ROOT))] = heavy
        if part == "verifiers" and (extra := foreign(imports(tree, nested=True)) - OPTIONAL_IN_VERIFIERS):
            found[str(file.relative_to(ROOT))] = extra
    assert not found, f"import these where they are used: {found}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn", {"torch"}),
        ("try:\n    from sklearn.x import y\nexcept ImportError: pass", {"sklearn"}),
        ("def f():\n    import torch", set()),
        ("class A:\n    import torch", {"torch"}),
        ("if TYPE_CHECKING:\n    import torch", set()),
        ("import json, assay.envs", set()),
    ],
)
def test_the_import_reader_sees_what_loads(source: str, expected: set[str]) -> None:
    assert foreign(imports(ast.parse(source), nested=False)) == expected


def test_a_function_level_import_is_seen_when_asked_for() -> None:
    assert foreign(imports(ast.parse("def f():\n    import torch"), nested=True)) == {"torch"}


def lint_imports(cwd: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(tool), "--no-cache", "--config", "pyproject.toml"],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(cwd), "PYTHONUTF8": "1"},
    )


def test_arrows_only_run_down() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


def test_an_arrow_that_runs_up_is_refused(tmp_path: Path) -> None:
    for part in ("verifiers", "sandbox", "envs", "agents", "training"):
        (tmp_path / "assay" / part).mkdir(parents=True)
        (tmp_path / "assay" / part / "__init__.py").write_text("")
    (tmp_path / "assay/envs/wrong.py").write_text("def f():\n    import assay.training\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout
    assert "assay.envs.wrong -> assay.training" in result.stdout


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def loaded_by(module: str) -> set[str]:
    code = f"import sys; old = set(sys.modules); import {module}; print(*(set(sys.modules) - old))"
    return {name.split(".")[0] for name in fresh(code).split()}


def best_cpu_seconds(module: str, runs: int = 5) -> float:
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    return min(float(fresh(code)) for _ in range(runs))


def test_verifiers_need_only_the_standard_library() -> None:
    assert "assay" in loaded_by("assay.verifiers")
    assert loaded_by("assay.verifiers") - set(sys.stdlib_module_names) == {"assay"}
    with (ROOT / "verifiers/pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["dependencies"] == []


def test_sandboxes_need_only_the_standard_library() -> None:
    assert loaded_by("assay.sandbox") - set(sys.stdlib_module_names) == {"assay"}


def test_verifiers_load_in_50_ms_of_cpu() -> None:
    assert best_cpu_seconds("assay.verifiers") < 0.050


def test_envs_load_without_a_model_library() -> None:
    assert not loaded_by("assay.envs") & (TRAIN | {"datasets", "sklearn", "pandas", "pyarrow", "scipy", "sympy"})


def test_envs_load_in_350_ms_of_cpu() -> None:
    assert best_cpu_seconds("assay.envs") < 0.350


def test_the_root_requires_at_most_six_packages() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert len(tomllib.load(file)["project"]["dependencies"]) <= 6
