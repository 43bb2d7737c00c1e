"""What minting reads out of source trees without running them: roles of files, metadata, needs, notes, names."""

from __future__ import annotations

import pytest

from assay.envs.swe_rl.mint.changelog import points, release_notes, section
from assay.envs.swe_rl.mint.changes import change_between, pytest_section, python_lines
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.layout import (
    base_files,
    import_root,
    is_generated_version,
    is_source,
    paths_of_tests,
    runnable,
)
from assay.envs.swe_rl.mint.metadata import read_metadata
from assay.envs.swe_rl.mint.names import code_of_tests, interface, texts
from assay.envs.swe_rl.mint.needs import needs_of_tests, runtime_needs
from assay.envs.swe_rl.mint.statement import behaviours, from_failures, from_notes, matching_points
from assay.envs.swe_rl.mint.workshop import choose_python, set_up
from assay.envs.swe_rl.pyenvs import Interpreter
from assay.sandbox.patch import REGULAR, Entry


def files(listed: dict[str, str]) -> dict[str, Entry]:
    return {path: Entry(REGULAR, text.encode()) for path, text in listed.items()}


PATHS = [
    "setup.py", "PKG-INFO", "pkg.egg-info/PKG-INFO", ".github/x.yml", "README.md", "docs/conf.py",
    "src/pkg/__init__.py", "src/pkg/test.py", "src/pkg/testing/__init__.py", "src/pkg/data.json",
    "tests/conftest.py", "tests/test_a.py",
    "tests/data/x.txt", "src/pkg/tests/test_b.py", "src/pkg/tests/helper.py", "test_top.py", "pkg_test.py", "tests.py",
    "examples/test/demo.py",
]  # fmt: skip


def test_roles_of_files() -> None:
    found = paths_of_tests(PATHS)
    assert found == {
        "tests/conftest.py", "tests/test_a.py", "tests/data/x.txt", "src/pkg/tests/test_b.py",
        "src/pkg/tests/helper.py", "test_top.py", "pkg_test.py", "tests.py",
    }  # fmt: skip
    assert runnable(PATHS) == ["pkg_test.py", "src/pkg/tests/test_b.py", "test_top.py", "tests.py", "tests/test_a.py"]
    source = [path for path in PATHS if is_source(path, found)]
    assert source == ["src/pkg/__init__.py", "src/pkg/test.py", "src/pkg/testing/__init__.py", "src/pkg/data.json"]
    assert not {"PKG-INFO", "pkg.egg-info/PKG-INFO", ".github/x.yml"} & set(base_files(files(dict.fromkeys(PATHS, ""))))


@pytest.mark.parametrize(
    ("listed", "names", "found"),
    [
        (["src/pkg/__init__.py"], ["pkg"], ["src", "."]),
        (["pkg.py", "src/other.c"], ["pkg"], ["."]),
        (["lib/pkg/a.py"], ["pkg"], ["lib", "."]),
        (["src/zope/interface/__init__.py"], ["zope.interface"], ["src", "."]),
        (["src/unknown/__init__.py"], ["pkg"], ["src", "."]),
        (["what.py"], ["pkg"], ["."]),
    ],
)
def test_where_to_import_from(listed: list[str], names: list[str], found: list[str]) -> None:
    assert import_root(files(dict.fromkeys(listed, "")), names) == found


PKG_INFO = """Metadata-Version: 2.4
Name: My.Pkg
Version: 1.5
Requires-Python: >=3.9
License-Expression: MIT
Classifier: Programming Language :: Python :: 3.10
Requires-Dist: attrs>=21
Requires-Dist: tomli; python_version < "3.11"
Requires-Dist: pytest>=7; extra == "test"
Requires-Dist: sphinx; extra == "docs"
Provides-Extra: test
Provides-Extra: docs
"""


def test_metadata_of_pkg_info() -> None:
    about = read_metadata(files({"PKG-INFO": PKG_INFO, "src/my_pkg/__init__.py": ""}))
    assert (about.name, about.version, about.python, about.minors, about.licence) == (
        "My.Pkg", "1.5", ">=3.9", ("3.10",), "MIT",
    )  # fmt: skip
    assert runtime_needs(about) == ["attrs>=21", 'tomli; python_version < "3.11"']
    assert needs_of_tests(files({"PKG-INFO": PKG_INFO}), about) == ["pytest>=7"]
    assert "my_pkg" in about.modules


REQUIRES = (
    "six\n\n[:python_version<'3.11']\ntomli\n\n[test]\npytest>=6\nfreezegun\n\n[test:python_version<'3.9']\nolder\n"
)
POETRY = """
[tool.poetry]
name = "poem"
version = "2.0"
[tool.poetry.dependencies]
python = "^3.9"
click = "^8.1"
rich = {version = "~13.0", optional = true}
[tool.poetry.group.test.dependencies]
pytest-mock = "*"
black = "^24"
[tool.poetry.plugins.pytest11]
poem = "poem.plugin"
[tool.poetry.scripts]
poem = "poem:main"
"""
GROUPS = """
[project]
name = "grouped"
dependencies = ["idna"]
[project.optional-dependencies]
all = ["grouped[extra]"]
[dependency-groups]
common = ["pretend"]
tests = ["hypothesis", {include-group = "common"}, "ruff", "pytest-xdist"]
"""


def test_metadata_of_every_back_end() -> None:
    egg = files({"PKG-INFO": "Name: old\nVersion: 1\n", "old.egg-info/requires.txt": REQUIRES,
                 "old.egg-info/top_level.txt": "oldmod\n"})  # fmt: skip
    about = read_metadata(egg)
    assert runtime_needs(about) == ["six", 'tomli; python_version < "3.11"']
    assert needs_of_tests(egg, about) == ["pytest>=6", "freezegun", 'older; python_version < "3.9"']
    assert about.modules[0] == "oldmod"

    poem = files({"pyproject.toml": POETRY})
    about = read_metadata(poem)
    assert (about.name, about.version) == ("poem", "2.0")
    assert runtime_needs(about) == ["click>=8.1"]
    assert needs_of_tests(poem, about) == ["pytest", "pytest-mock"]
    assert "[pytest11]\npoem = poem.plugin" in about.entry_points
    assert "[console_scripts]\npoem = poem:main" in about.entry_points

    grouped = files({"pyproject.toml": GROUPS})
    about = read_metadata(grouped)
    assert runtime_needs(about) == ["idna"]
    assert needs_of_tests(grouped, about) == ["pytest", "hypothesis", "pretend"]

    legacy = files({"setup.py": "from setuptools import setup\nsetup(name='x', install_requires=['six', 'attrs>1'])\n"})
    assert runtime_needs(read_metadata(legacy, "x")) == ["six", "attrs>1"]
    cfg = files({"setup.cfg": "[options]\ninstall_requires =\n    six\n    # no\n", "setup.py": ""})
    assert runtime_needs(read_metadata(cfg, "x")) == ["six"]


def test_needs_from_files_and_from_use() -> None:
    listed = {
        "tox.ini": "[testenv]\ndeps =\n    py39: requests-mock\n    -rreq.txt\n    coverage\n",
        "tests/test_x.py": "import yaml\nimport unknown_thing\nimport pytest\n\n"
        "@pytest.mark.asyncio\nasync def test_a(mocker): ...\n",
        "requirements-test.txt": "responses==0.1 --hash=sha256:00\n# no\n-e .\n",
    }
    found = needs_of_tests(files(listed), read_metadata(files(listed), "x"))
    assert found == ["pytest", "responses==0.1", "requests-mock", "pytest-asyncio", "pytest-mock", "pyyaml"]
    marked = {"requirements-test.txt": "pytest==4; python_version < '3'\npytest==8; python_version >= '3'\n"}
    assert needs_of_tests(files(marked), read_metadata(files(marked), "x"))[0] == "pytest"
    wide = {"requirements-dev.txt": "freezegun\nflake8\n"}
    assert needs_of_tests(files(wide), read_metadata(files(wide), "x")) == ["pytest", "freezegun"]


@pytest.mark.parametrize(
    "text", ["\x00\x01", "[project\nname", "[tool.poetry]\ndependencies = 3", "[project]\ndependencies = 'x'"]
)
def test_metadata_never_raises_on_nonsense(text: str) -> None:
    listed = files({"PKG-INFO": text, "pyproject.toml": text, "setup.cfg": text, "setup.py": text, "tox.ini": text})
    needs_of_tests(listed, read_metadata(listed, "x"))


MARKDOWN = (
    "# Changelog\n\n## 1.10 (2024)\n\n- ten\n\n## [1.1.0] - 2023\n\n### Fixed\n\n"
    "- Sizes are right in 1.0 files ([#3](https://x/3)).\n- More.\n\n## 1.0\n\n- one\n"
)
RST = (
    "Changes\n=======\n\nVersion 1.1.0\n-------------\n\n* Dates work. :pr:`12`\n  They did not.\n\n"
    "Version 1.0\n-----------\n\n* one\n"
)
LIST = "Read me\n\n- 1.1 Dates keep their zone (thanks @someone)\n  and their era.\n- 1.0 The first one\n"


@pytest.mark.parametrize(
    ("name", "text"), [("CHANGELOG.md", MARKDOWN), ("docs/changes.rst", RST), ("README.rst", LIST)]
)
def test_release_notes(name: str, text: str) -> None:
    found = release_notes(files({name: text}), "1.1.0")
    assert found
    assert "one" not in found.replace("zone", "")
    assert "ten" not in found
    assert "https" not in found
    assert ":pr:" not in found
    assert "@someone" not in found


def test_notes_named_after_the_version_and_none() -> None:
    assert release_notes(files({"docs/releases/2.0.md": "# 2.0\n\nEverything is new here.\n"}), "2.0").endswith(
        "new here."
    )
    assert release_notes(files({"CHANGELOG.md": MARKDOWN}), "3.0") == ""
    assert section("1.1 is mentioned here.\nnothing\n", "1.1") == ""
    assert points("* Dates work.\n  They did not.\n\n1. Another point\n* x\n") == [
        "Dates work. They did not.",
        "Another point",
    ]


OLD = {
    "CHANGES.md": "",
    "pkg/__init__.py": '__version__ = "1.0"\n\n\ndef size(x):\n    return len(x)\n',
    "pkg/_version.py": 'version = "1.0"\n',
    "pyproject.toml": '[project]\nversion = "1.0"\n[tool.pytest.ini_options]\naddopts = "-x"\n',
    "tests/test_size.py": "from pkg import size\n\ndef test_a():\n    assert size('ab') == 2\n",
}
NEW = {
    **OLD,
    "CHANGES.md": "1.1: sizes of None",
    "pkg/__init__.py": OLD["pkg/__init__.py"].replace("1.0", "1.1").replace("len(x)", "0 if x is None else len(x)"),
    "pkg/_version.py": 'version = "1.1"\n',
    "pyproject.toml": OLD["pyproject.toml"].replace("1.0", "1.1"),
    "tests/test_size.py": OLD["tests/test_size.py"] + "\ndef test_none():\n    assert size(None) == 0\n",
}


def test_change_between_two_releases() -> None:
    change = change_between(files(OLD), files(NEW), ("1.0", "1.1"))
    assert change.sources == ("pkg/__init__.py",)
    assert b'"1.0"' in change.after["pkg/__init__.py"].data  # a version says which release holds the answer
    assert change.after["pkg/_version.py"] == change.base["pkg/_version.py"]
    assert change.mid["pyproject.toml"] == change.base["pyproject.toml"]
    assert "test_none" in change.test_patch
    assert "test_none" not in change.patch
    assert python_lines(change.mid, change.after, change.sources) == 2
    assert change.tests == ("tests/test_size.py",)


def test_configuration_of_pytest_comes_with_the_tests() -> None:
    later = {**NEW, "pyproject.toml": NEW["pyproject.toml"].replace("-x", "-ra")}
    change = change_between(files(OLD), files(later), ("1.0", "1.1"))
    assert b"-ra" in change.mid["pyproject.toml"].data
    assert (
        pytest_section("setup.cfg", Entry(REGULAR, b"[a]\nx=1\n[tool:pytest]\naddopts = -q\n[b]\n")) == "addopts = -q"
    )
    assert pytest_section("pyproject.toml", Entry(REGULAR, b"[broken")) == ""


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ({**OLD, "pkg/__init__.py": NEW["pkg/__init__.py"]}, "no change of tests"),
        ({**NEW, "pkg/__init__.py": OLD["pkg/__init__.py"].replace("1.0", "1.1")}, "no change of source"),
        ({path: text for path, text in NEW.items() if "test" not in path}, "no tests"),
    ],
)
def test_changes_that_are_no_task(new: dict[str, str], why: str) -> None:
    with pytest.raises(MintError, match=why):
        change_between(files(OLD), files(new), ("1.0", "1.1"))


def test_generated_version_files() -> None:
    generated = b'try:\n    x\nexcept NameError:\n    pass\n__version__ = "1"\n'
    assert is_generated_version(
        "a/_version.py", b'TYPE_CHECKING = False\nif TYPE_CHECKING:\n    X = str\nversion = "1"\n'
    )
    assert not is_generated_version("a/_version.py", b"def get():\n    return 1\n")
    assert not is_generated_version("a/other.py", b"x = 1\n")
    assert not is_generated_version("a/version.py", generated)


def test_interface_lists_what_nobody_can_guess() -> None:
    base = files({"pkg/a.py": "def known(x):\n    return x\n"})
    after = files({
        "pkg/a.py": "def known(x, *, strict=False):\n    raise TooLong('it is far too long')\n\n"
        "class TooLong(ValueError):\n    limit = 3\n",
        "pkg/fresh.py": "def told(): ...\n",
    })  # fmt: skip
    code = (
        "from pkg.fresh import told\nfrom pkg.a import TooLong, known\nknown(1, strict=True)\n"
        "match='it is far too long'\nTooLong.limit\n"
    )
    found = interface(base, after, code, "call told() for it", ["pkg/a.py", "pkg/fresh.py"])
    assert found == [
        "class `TooLong(ValueError)` in `pkg/a.py`",
        "module `pkg/fresh.py`",
        "`TooLong.limit` in `pkg/a.py`",
        "argument `strict` of `known(x, *, strict=False)` in `pkg/a.py`",
    ]
    assert texts(base, after, code, "", ["pkg/a.py"]) == ["it is far too long"]
    assert texts(base, after, code, "say: it is far too long", ["pkg/a.py"]) == []


def test_code_of_tests_and_statements() -> None:
    body = "import os\n\nclass TestA:\n    def test_one(self): assert 1\n\n    def test_two(self): assert 2\n"
    code = code_of_tests(
        files({"t.py": body, "bad.py": "def ("}), ["t.py::TestA::test_two[x]", "bad.py::test_z", "gone.py::t"]
    )
    assert "assert 2" in code
    assert "assert 1" not in code
    assert behaviours(
        [
            "tests/test_size_limits.py::TestBig::test_of_emptyList[0]",
            "tests/test_size_limits.py::TestBig::test_of_emptyList[1]",
        ]
    ) == ["size limits: of empty list"]
    assert behaviours([f"t.py::test_{i}" for i in range(11)])[-1] == "and 3 more of the kind"
    text = from_notes("pkg", "Dates work.", [], ["`f(x)` in `a.py`"], ["too long"])
    assert "Dates work." in text
    assert "- `f(x)` in `a.py`" in text
    assert "- `too long`" in text
    broken = from_failures("pkg", ["tests/test_a.py::test_sum"], ["assert add(1, 2) == 3"])
    assert "a: sum" in broken
    assert "assert add(1, 2) == 3" in broken
    notes = "* Parsing of dates keeps the time zone.\n* New colours for the logo of the site.\n"
    assert matching_points(notes, "-dates(zone)\n+parsing(time, dates, zone)", ["t.py::test_zone"]) == (
        "- Parsing of dates keeps the time zone."
    )
    assert matching_points(notes, "+x", ["t.py::test_y"]) == ""


PYTHONS = [Interpreter(f"/p{minor}", f"/x{minor}", f"3.{minor}.1") for minor in (11, 13, 12, 10, 9, 7)]


@pytest.mark.parametrize(
    ("requires", "uploaded", "minor"),
    [("", "", "3.11"), (">=3.8", "2025-01-01", "3.11"), (">=3.8", "2022-01-01", "3.10"),
     (">=3.12", "2025-01-01", "3.13"), ("<3.8", "2025-01-01", "3.7"), (">=3.9", "2015-01-01", "3.9"),
     ("nonsense", "", "3.11")],
)  # fmt: skip
def test_python_for_a_release(requires: str, uploaded: str, minor: str) -> None:
    about = read_metadata(files({"PKG-INFO": f"Name: x\nVersion: 1\nRequires-Python: {requires}\n"}))
    assert choose_python(about, uploaded, PYTHONS).minor == minor


def test_no_python_for_a_release() -> None:
    about = read_metadata(files({"PKG-INFO": "Name: x\nVersion: 1\nRequires-Python: >=4\n"}))
    with pytest.raises(MintError, match=r"needs Python >=4; this machine has"):
        choose_python(about, "", PYTHONS)


def test_what_pytest_is_made_of_is_refused() -> None:
    listed = files({"PKG-INFO": "Name: Pluggy\nVersion: 1\n", "tests/test_a.py": ""})
    about = read_metadata(listed)
    with pytest.raises(MintError, match="pytest itself is made of it"):
        set_up(listed, about, about, listed, "", "native")
