"""What is tracked: no paths of somebody's machine, no promises to finish later, links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOME_FOLDERS = re.compile(rb"(?<![\w.~])/(?:home/(?!agent\b)|(?:Users|root|work|workspace|mnt|scratch)/)[A-Za-z]")
PROMISES = re.compile(rb"#[^\n]*\b(?:TO" + rb"DO|FIX" + rb"ME|XX" + rb"X)\b")
CONFLICTS = re.compile(rb"^(?:<{7}|>{7})(?: (?!SEARCH|REPLACE)|$)", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def hits(pattern: re.Pattern[bytes]) -> list[str]:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            found += [f"{path.relative_to(ROOT)}: {match.group().decode()}" for match in pattern.finditer(data)]
    return found


@pytest.mark.parametrize("pattern", [HOME_FOLDERS, PROMISES, CONFLICTS], ids=["machine", "promise", "conflict"])
def test_no_tracked_file_contains(pattern: re.Pattern[bytes]) -> None:
    assert not hits(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (HOME_FOLDERS, b"see /ho" + b"me/ada/x"),
        (PROMISES, b"# TO" + b"DO: later"),
        (CONFLICTS, b"a\n" + b"<" * 7 + b" HEAD"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[bytes], text: bytes) -> None:
    assert pattern.search(text)


def test_source_files_stay_small() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in tracked() if p.suffix == ".py" and (n := p.read_bytes().count(b"\n")) > 400
    }
    assert not long, f"one idea a file: {long}"


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda p: p.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
