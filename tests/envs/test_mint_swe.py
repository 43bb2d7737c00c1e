"""``assay-mint swe`` from end to end, offline: made-up packages on an index in a folder, a real sandbox, real runs."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from assay.envs import mint
from assay.envs.errors import InfraError
from assay.envs.swe_rl.boxes import borrowed, place_of
from assay.envs.swe_rl.grading import grade, grade_in
from assay.envs.swe_rl.mint import ledger as ledgers
from assay.envs.swe_rl.mint.ledger import Done, Ledger, report_text
from assay.envs.swe_rl.rows import SweRow, row_of
from assay.envs.swe_rl.verdict import score_of

INFO = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\nLicense-Expression: MIT\n"
SIZES = '''"""Sizes of things."""

__version__ = "{version}"


def total(values):
    """The sum of the sizes."""
    result = 0
    for value in values:
        result += size(value)
    return result


def size(value):
    """How long a thing is."""
    length = len(value)
    return length


def largest(values):
    """The largest size."""
    found = [size(value) for value in values]
    return max(found)
'''
TESTS = """from sizes import largest, size, total


def test_size():
    assert size("abc") == 3


def test_total():
    assert total(["a", "bc"]) == 3


def test_largest():
    assert largest(["a", "abc"]) == 3


def test_total_of_nothing():
    assert total([]) == 0
"""
OLD = {
    "pyproject.toml": "[project]\nname = 'sizes'\n[tool.pytest.ini_options]\naddopts = '--cov=sizes -x'\n",
    "CHANGES.md": "# 1.0\n\n- The first one.\n",
    "src/sizes/__init__.py": SIZES.format(version="1.0"),
    "tests/test_sizes.py": TESTS,
    "tests/test_odd.py": "import nowhere_to_be_found\n",
}
NEW = {
    **OLD,
    "CHANGES.md": "# 1.1\n\n- The size of `None` is 0.\n- The largest of nothing is 0.\n\n# 1.0\n\n- The first one.\n",
    "src/sizes/__init__.py": SIZES.format(version="1.1")
    .replace("length = len(value)", "length = 0 if value is None else len(value)")
    .replace("return max(found)", "return max(found, default=0)"),
    "tests/test_sizes.py": TESTS
    + "\n\ndef test_size_of_none():\n    assert size(None) == 0\n"
    + "\n\ndef test_largest_of_nothing():\n    assert largest([]) == 0\n",
}
LATEST = {**NEW, "src/sizes/__init__.py": NEW["src/sizes/__init__.py"].replace("1.1", "1.2")}


def sdist(name: str, version: str, tree: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, text in {**tree, "PKG-INFO": INFO.format(name=name, version=version)}.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def wheel_of_installed(name: str) -> tuple[str, bytes]:
    """A wheel made again of a distribution that is installed here."""
    found = importlib.metadata.distribution(name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = []
        for file in found.files or ():
            skipped = {"__pycache__", "..", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
            if not skipped & set(file.parts) and Path(str(file.locate())).is_file():
                archive.writestr(file.as_posix(), Path(str(file.locate())).read_bytes())
                names.append(file.as_posix())
        info = next(each.split("/")[0] for each in names if ".dist-info/" in each)
        archive.writestr(f"{info}/RECORD", "".join(f"{each},,\n" for each in (*names, f"{info}/RECORD")))
    return f"{info.removesuffix('.dist-info')}-py3-none-any.whl", out.getvalue()


@pytest.fixture(scope="module")
def pypi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with pytest, and with three releases of ``sizes`` and two of ``bare``, which carries no tests."""
    root = tmp_path_factory.mktemp("pypi")
    packages = [wheel_of_installed(name) for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments")]
    bare = {path: text for path, text in OLD.items() if not path.startswith("tests/")}
    sources = [
        ("sizes", "1.0", OLD),
        ("sizes", "1.1", NEW),
        ("sizes", "1.2", LATEST),
        ("bare", "1", bare),
        ("bare", "2", bare),
    ]
    packages += [(f"{name}-{version}.tar.gz", sdist(name, version, tree)) for name, version, tree in sources]
    for file, data in packages:
        folder = root / "simple" / file.split("-")[0].lower()
        folder.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(data)
        with (folder / "index.html").open("a") as page:
            page.write(f'<a href="../../{file}#sha256={hashlib.sha256(data).hexdigest()}">{file}</a>\n')
    return root


@pytest.fixture
def offline(pypi: Path, swe_backend: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings of a user whose only index is that folder; the name of a back-end."""
    for name in [each for each in os.environ if each.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", (pypi / "simple").as_uri())
    return swe_backend


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def resolved(row: SweRow, patch: str, backend: str) -> bool:
    place = place_of(row, backend=backend)
    if patch:
        evidence = grade(row, patch, place, lambda: borrowed(place.spec, backend, 4), 60.0)
    else:
        with borrowed(place.spec, backend, 4) as box:
            evidence = grade_in(box, row, "", place, 60.0)
    return bool(score_of(row, evidence, "tests").correct)


def test_releases_become_tasks(tmp_path: Path, offline: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tasks.jsonl"
    names = tmp_path / "names.txt"
    names.write_text("# ours\nsizes\nbare  # no tests\nmissing-package\n")
    command = ["swe", "--list", str(names), "--out", str(out), "--jobs", "1", "--backend", offline, "--no-split"]
    assert mint.main(command) == 0
    (record,) = rows(out)
    assert record["instance_id"] == "sizes__sizes-1.1"
    assert json.loads(record["FAIL_TO_PASS"]) == [
        "tests/test_sizes.py::test_largest_of_nothing", "tests/test_sizes.py::test_size_of_none",
    ]  # fmt: skip
    assert len(json.loads(record["PASS_TO_PASS"])) == 4
    assert "size of `None` is 0" in record["problem_statement"]
    assert "first one" not in record["problem_statement"]
    assert record["meta"]["level"] == "whole-release"
    assert record["meta"]["gold_lines"] == 4
    assert record["meta"]["licence"] == "MIT"
    assert record["code_context"].keys() == {"src/sizes/__init__.py"}
    environment = record["environment"]
    assert environment["pinned"]
    assert any(pin.startswith("pytest==") for pin in environment["requirements"])
    assert environment["files"]["sdist"]["sha256"]
    assert environment["pythonpath"] == ["src", "."]
    everything = json.dumps(record)
    assert "file:" not in everything
    assert str(tmp_path) not in everything

    row = row_of(record, "tasks")
    assert resolved(row, row.patch, offline)
    assert not resolved(row, "", offline)

    report = (tmp_path / "tasks.jsonl.report.md").read_text()
    assert "1 task from 1 of 3 packages" in report
    assert "release sizes 1.1 -> 1.2: no change of source" in report
    assert "read bare: its source releases carry no tests" in report
    assert "read missing-package: no package of this name on the index" in report

    # Again: nothing is done twice, and half a line of a killed run does no harm.
    with out.open("a") as half:
        half.write('{"instance_id": "hal')
    before = Path(f"{out}.state").read_text()
    assert mint.main(command) == 0
    assert Path(f"{out}.state").read_text() == before
    assert "1 task in" in capsys.readouterr().out


def test_a_lost_archive_is_fetched_again(tmp_path: Path, offline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "tasks.jsonl"
    assert mint.main(["swe", "sizes", "--out", str(out), "--backend", offline, "--no-split"]) == 0
    row = row_of(rows(out)[0], "tasks")
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "elsewhere"))
    assert resolved(row, row.patch, offline)
    spoiled = json.loads(json.dumps(row.to_dict()).replace(row.environment["files"]["sdist"]["sha256"], "0" * 64))
    with pytest.raises(Exception, match="not on the package index any more"):
        resolved(row_of(spoiled, "tasks"), row.patch, offline)


def test_a_wide_release_is_taken_apart(tmp_path: Path, offline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.envs.swe_rl.mint import split

    monkeypatch.setattr(split, "WIDE_LINES", 2)
    out = tmp_path / "tasks.jsonl"
    assert mint.main(["swe", "sizes", "--out", str(out), "--backend", offline]) == 0
    found = {each["instance_id"]: each for each in rows(out)}
    assert set(found) == {"sizes__sizes-1.1", "sizes__sizes-1.1.0", "sizes__sizes-1.1.1"}
    parts = [each for each in found.values() if each["meta"]["level"] == "split-release"]
    assert sorted(json.loads(each["FAIL_TO_PASS"])[0].split("::")[1] for each in parts) == [
        "test_largest_of_nothing", "test_size_of_none",
    ]  # fmt: skip
    for each in parts:
        assert each["meta"]["gold_lines"] == 2
        assert each["environment"]["files"]["sdist"]["version"] == "1.1"
        row = row_of(each, "tasks")
        assert resolved(row, row.patch, offline)
        assert not resolved(row, "", offline)
        other = next(rest for rest in parts if rest is not each)
        assert not resolved(row, other["patch"], offline)


def test_bugs_are_put_into_a_folder(tmp_path: Path, offline: str) -> None:
    folder = tmp_path / "sizes"
    for path, text in NEW.items():
        if "odd" not in path:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    out = tmp_path / "bugs.jsonl"
    command = ["swe", "--inject", str(folder), "--out", str(out), "--backend", offline, "--per-package", "2"]
    assert mint.main(command) == 0
    found = rows(out)
    assert len(found) == 2
    for each in found:
        assert each["meta"]["level"] == "mutation"
        assert each["test_patch"] == ""
        statement = each["problem_statement"]
        assert "sizes" in statement
        assert "src/sizes" not in statement
        assert "__init__" not in statement
        row = row_of(each, "bugs")
        assert resolved(row, row.patch, offline)
        assert not resolved(row, "", offline)
    (folder / "README.md").write_text("changed since\n")
    with pytest.raises(InfraError, match="not what it was when the task was made"):
        resolved(row, row.patch, offline)


def git(folder: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
           "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}  # fmt: skip
    subprocess.run(["git", *words], cwd=folder, env=who, check=True, capture_output=True)


def test_commits_become_tasks(tmp_path: Path, offline: str) -> None:
    folder = tmp_path / "sizes"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for tree, message in (
        ({path: text for path, text in OLD.items() if "odd" not in path}, "Begin"),
        (
            {path: NEW[path] for path in ("src/sizes/__init__.py", "tests/test_sizes.py")},
            "Sizes of nothing (#7)\n\nFixes #6.",
        ),
        ({"README.md": "# sizes\n"}, "Words"),
    ):
        for path, text in tree.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", message)
    out = tmp_path / "tasks.jsonl"
    assert mint.main(["swe", "--git", str(folder), "--out", str(out), "--backend", offline]) == 0
    (record,) = rows(out)
    assert record["meta"]["kind"] == "commit"
    assert "Sizes of nothing" in record["problem_statement"]
    assert "#6" not in record["problem_statement"]
    row = row_of(record, "tasks")
    assert resolved(row, row.patch, offline)
    assert not resolved(row, "", offline)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of the three"),
        (["a", "--inject", "b"], "one of the three"),
        (["a b"], "not a package name: 'a b'"),
        (["--list", "/nowhere/names"], "cannot read /nowhere/names"),
        (["--git", "/nowhere"], "there is no folder /nowhere"),
        (["a", "--since", "last week"], "--since is a date"),
        (["a", "--jobs", "0"], "--jobs must be at least 1"),
        (["a", "--backend", "castle"], "no sandbox back-end is called 'castle'"),
    ],
)
def test_wrong_calls_are_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert mint.main(["swe", *words, "--out", str(tmp_path / "x.jsonl")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.jsonl").exists()


def test_the_dispatcher_lists_its_minters(capsys: pytest.CaptureFixture[str]) -> None:
    assert mint.main(["--help"]) == 0
    assert "swe" in capsys.readouterr().out
    assert mint.main([]) == 2
    assert mint.main(["gold"]) == 2
    assert "no minter is called 'gold'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        mint.main(["swe", "--help"])
    assert end.value.code == 0
    assert "--inject" in capsys.readouterr().out


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "t.jsonl")
    with pytest.raises(ValueError, match="another assay-mint is writing"):
        Ledger(tmp_path / "t.jsonl")
    first.add(Done("a", "p", ledgers.KEPT, "", ("x",), 2.0), [{"instance_id": "x"}])
    first.add(Done("b", "p", ledgers.FAILED, "no\nnet"), [])
    first.close()
    again = Ledger(tmp_path / "t.jsonl")
    assert set(again.done) == {"a"}  # what failed is tried again
    assert again.kept_of("p") == 1
    again.add(Done("a2", "p", ledgers.KEPT, "", ("x",), 1.0), [{"instance_id": "x"}])
    again.close()
    assert len(rows(tmp_path / "t.jsonl")) == 1
    text = report_text([Done("b", "p", ledgers.DROPPED, "no\nreason", (), 1.0)], 3.0, "cmd")
    assert "- b: no reason (1 s)" in text
    (tmp_path / "t.jsonl.state").write_text('{"other": 1}\n')
    with pytest.raises(ValueError, match="not a state file"):
        Ledger(tmp_path / "t.jsonl")


@pytest.mark.slow
def test_a_real_package_from_the_index(tmp_path: Path, swe_backend: str) -> None:
    out = tmp_path / "tasks.jsonl"
    code = mint.main(["swe", "parse", "--per-package", "1", "--out", str(out), "--backend", swe_backend])
    if code != 0 and "does not answer" in Path(f"{out}.report.md").read_text():
        pytest.skip("no package index can be reached")
    assert code == 0
    row = row_of(rows(out)[0], "tasks")
    assert resolved(row, row.patch, swe_backend)
