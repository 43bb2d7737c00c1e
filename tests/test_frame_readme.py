"""Every code block of the README and of the documentation is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.sandbox import SandboxUnavailable
from assay.sandbox.choose import choose_backend

ROOT = Path(__file__).resolve().parents[1]

FENCE = re.compile(
    r"(?:<!-- test: (?:smaller (?P<smaller>.*?)|needs (?P<needs>\w+)) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)

SIZE_FLAGS = {
    "--steps",
    "--rollout.groups",
    "--rollout.group-size",
    "--rollout.max-tokens",
    "--eval.tasks",
    "--tasks",
    "--sft.examples",
}
"""All that a test may add to a command: how much of the same work is done."""


@dataclass(frozen=True)
class Block:
    """One fenced block. ``smaller`` holds flags that a test appends; ``needs``: sandbox, qt, ocr or spatial."""

    page: str
    line: int
    language: str
    text: str
    smaller: tuple[str, ...] = ()
    needs: str = ""

    def script(self) -> str:
        """What a test runs.

        Raises:
            ValueError: if a flag changes anything but the size, or there is more than one command to append to.
        """
        if not self.smaller:
            return self.text
        commands = self.text.strip().replace("\\\n", " ").splitlines()
        if len(commands) != 1:
            raise ValueError(f"{self.page}:{self.line}: a block with smaller sizes holds one command")
        if unknown := {word for word in self.smaller if word.startswith("-")} - SIZE_FLAGS:
            raise ValueError(f"{self.page}:{self.line}: {', '.join(sorted(unknown))} changes more than the size")
        return f"{commands[0]} {shlex.join(self.smaller)}\n"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    source = page.read_text(encoding="utf-8")
    return [
        Block(
            page=str(page.relative_to(ROOT)),
            line=source.count("\n", 0, match.start("text")),
            language=match["language"],
            text=match["text"],
            smaller=tuple(shlex.split(match["smaller"] or "")),
            needs=match["needs"] or "",
        )
        for match in FENCE.finditer(source)
    ]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN_HERE = {"make demo", "make test"}
"""They set up a machine and take minutes: tests/test_frame_setup.py holds that they exist, and CI runs the second."""


def run(block: Block, folder: Path) -> None:
    """Run a block as a reader would who has activated .venv in the root of the repository."""
    bin_folder = Path(sys.executable).parent
    env = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    command = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run(
        [*command, block.script()], cwd=folder, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{block.page}:{block.line}\n{done.stdout}\n{done.stderr}"


def needs_sandbox() -> None:
    """Skip, with the reasons, where no sandbox can be had."""
    try:
        choose_backend()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the root of a clone holds, but what a block writes goes elsewhere. Blocks share it, in order."""
    made = tmp_path_factory.mktemp("readme")
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name != "runs":
            (made / path.name).symlink_to(path)
    return made


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language], ids=lambda block: f"{block.page}:{block.line}"
)
def test_a_block_runs(block: Block, folder: Path, without_qt: Callable[[], str]) -> None:
    if block.needs == "sandbox":
        needs_sandbox()
    if block.needs == "qt" and without_qt():
        pytest.skip(without_qt())
    if block.needs == "ocr":
        pytest.importorskip("rapidocr_onnxruntime")
    if block.needs == "spatial":
        pytest.importorskip("pybullet")
    commands = {line.partition("#")[0].strip() for line in block.text.splitlines()}
    if NOT_RUN_HERE & commands:
        assert commands == NOT_RUN_HERE
    else:
        run(block, folder)


def test_every_block_says_what_it_is() -> None:
    assert {block.needs for block in BLOCKS} <= {"", "sandbox", "qt", "ocr", "spatial"}
    assert {block.language for block in BLOCKS} <= {"python", "bash", ""}
    assert all(block.language for block in blocks(ROOT / "README.md"))
    assert sum(page.read_text(encoding="utf-8").count("```") for page in PAGES) == 2 * len(BLOCKS)


def test_a_block_that_fails_fails(tmp_path: Path) -> None:
    for block in (Block("x.md", 1, "python", "raise SystemExit(3)"), Block("x.md", 1, "bash", "false | cat\n")):
        with pytest.raises(AssertionError, match=r"x\.md:1"):
            run(block, tmp_path)


def test_sizes_are_appended_and_nothing_else_may_be() -> None:
    assert Block("x.md", 1, "bash", "a --b \\\n  c\n", ("--steps", "2")).script() == "a --b    c --steps 2\n"
    with pytest.raises(ValueError, match="--lr changes more than the size"):
        Block("x.md", 1, "bash", "a\n", ("--lr", "2")).script()
    with pytest.raises(ValueError, match="one command"):
        Block("x.md", 1, "bash", "a\nb\n", ("--steps", "2")).script()
