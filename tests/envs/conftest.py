"""What the tests of swe-rl share: a small repository with a bug, and the back-ends that work here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.envs.swe_rl.boxes import BOXES, Place, borrowed, place_of
from assay.envs.swe_rl.grading import grade, grade_in
from assay.envs.swe_rl.rows import SweRow, row_of
from assay.envs.swe_rl.verdict import score_of
from assay.sandbox import probe
from assay.sandbox.patch import REGULAR, Entry, make_patch
from assay.verifiers.score import Score

TREE = {
    "shelf/__init__.py": '"""Things on a shelf."""\n\nfrom shelf.stock import missing, take\n',
    "shelf/stock.py": (
        "def take(stock, name, count):\n"
        '    """Take things off the shelf; what is left of them."""\n'
        "    left = stock.get(name, 0) - count\n"
        "    stock[name] = left\n"
        "    return left\n"
        "\n\n"
        "def missing(stock, wanted):\n"
        "    return sorted(name for name in wanted if not stock.get(name))\n"
    ),
    "tests/test_stock.py": (
        "from shelf import missing, take\n\n\n"
        "def test_take():\n    stock = {'cup': 3}\n    assert take(stock, 'cup', 1) == 2\n"
        "    assert stock == {'cup': 2}\n"
        "\n\ndef test_missing():\n    assert missing({'cup': 0}, ['cup', 'jar']) == ['cup', 'jar']\n"
    ),
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-ra'\n",
    "README.md": "# shelf\n",
}
FIXED = TREE["shelf/stock.py"].replace(
    "    stock[name] = left\n",
    "    if left < 0:\n        raise ValueError('there is not enough of it')\n    stock[name] = left\n",
)
HIDDEN = TREE["tests/test_stock.py"].replace("from shelf", "import pytest\n\nfrom shelf", 1) + (
    "\n\ndef test_too_many():\n    stock = {'cup': 3}\n    with pytest.raises(ValueError):\n"
    "        take(stock, 'cup', 4)\n    assert stock == {'cup': 3}\n"
    "\n\n@pytest.mark.parametrize('count', [1, 2])\ndef test_none_there(count):\n"
    "    with pytest.raises(ValueError):\n        take({}, 'jar', count)\n"
)


def patch(before: dict[str, str], after: dict[str, str]) -> str:
    """The git patch between two trees of texts."""
    trees = [
        {path: Entry(REGULAR, text.encode("utf-8", "surrogateescape")) for path, text in tree.items()}
        for tree in (before, after)
    ]
    return make_patch(*trees)


def record(folder: Path) -> dict[str, Any]:
    """The row of the shelf, whose files are written below ``folder``."""
    for path, text in TREE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    ids = "tests/test_stock.py::"
    return {
        "instance_id": "shop__shelf-1",
        "repo": "shop/shelf",
        "base_commit": "0" * 40,
        "patch": patch(TREE, {**TREE, "shelf/stock.py": FIXED}),
        "test_patch": patch(TREE, {**TREE, "tests/test_stock.py": HIDDEN}),
        "problem_statement": "take() lets the stock fall below zero\n\nIt should raise ValueError.",
        "FAIL_TO_PASS": [f"{ids}test_too_many", f"{ids}test_none_there[1]", f"{ids}test_none_there[2]"],
        "PASS_TO_PASS": [f"{ids}test_take", f"{ids}test_missing"],
        "environment": {"files": {"directory": str(folder)}, "pythonpath": ["."]},
        "meta": {"level": "mutation"},
    }


@functools.cache
def works(backend: str) -> str:
    """Why a back-end does not work here; empty if it does."""
    try:
        found = probe(backend)
    except ImportError as error:
        return str(error)
    return "" if found.ok else f"{found.reason} ({found.fix})"


@functools.cache
def best() -> str:
    """The first back-end with walls that works here, or the reason why there is none."""
    return next((name for name in ("native", "bubblewrap", "docker") if not works(name)), "")


@pytest.fixture(scope="session")
def needs(without_qt: Callable[[], str]) -> Callable[[str], None]:
    """Skips, with the reason, what an environment's default source cannot do here."""

    def check(name: str) -> None:
        if name in ("gui_grounding", "gui_agent") and without_qt():
            pytest.skip(without_qt())
        if name == "spatial_tree":
            pytest.importorskip("pybullet", reason="scenes need PyBullet")

    return check


class Shelf:
    """The shelf's row, and grading of changes to it."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder, self.backend = folder, backend
        self.record = record(folder)
        self.row: SweRow = row_of(self.record, "shelf")
        self.tree, self.fixed = dict(TREE), {**TREE, "shelf/stock.py": FIXED}

    @functools.cached_property
    def place(self) -> Place:
        return place_of(self.row, backend=self.backend)

    def open(self) -> Any:
        return borrowed(self.place.spec, self.backend, 4)

    def patch(self, after: dict[str, str]) -> str:
        return patch(self.tree, after)

    def grade(self, diff: str, timeout: float = 60.0, row: SweRow | None = None) -> Score:
        """The score of a patch; an empty one is run too."""
        row = row or self.row
        if diff.strip():
            return score_of(row, grade(row, diff, self.place, self.open, timeout), "tests")
        with self.open() as box:
            return score_of(row, grade_in(box, row, "", self.place, timeout), "tests")


@pytest.fixture(scope="session")
def swe_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of their own for tests that prepare repositories."""
    folder = tmp_path_factory.mktemp("assay-cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_CACHE", str(folder))
        yield folder
    BOXES.close()


@pytest.fixture(scope="session")
def swe_backend(swe_cache: Path) -> str:
    """A back-end with walls."""
    if not best():
        pytest.skip(f"no sandbox works here: {works('native')}")
    return best()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, swe_backend: str) -> Shelf:
    """The shelf on that back-end."""
    return Shelf(tmp_path_factory.mktemp("shelf"), swe_backend)


@pytest.fixture(scope="session")
def shelf_on(tmp_path_factory: pytest.TempPathFactory, swe_cache: Path) -> Callable[[str], Shelf]:
    """The shelf on a back-end of choice; skips where it does not work."""

    @functools.cache
    def make(backend: str) -> Shelf:
        if works(backend):
            pytest.skip(f"{backend} does not work here: {works(backend)}")
        return Shelf(tmp_path_factory.mktemp("shelf"), backend)

    return make
