"""The maintainers' own words about a release: the section of the change log that its version heads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.envs.swe_rl.mint.metadata import text_of
from assay.sandbox.patch import Entry

FILE = re.compile(
    r"(^|/)(change(s|[-_ ]?log)?|history|news|release([-_ ]?(notes|history))?s?|whats[-_]?new|versions?)"
    r"[^/]*\.?(md|rst|txt)?$",
    re.IGNORECASE,
)
NOT_TEXT = (".py", ".pyi", ".toml", ".cfg", ".json", ".html", ".yml", ".yaml", ".in", ".js", ".css", ".svg", ".png")
VERSION = re.compile(r"(?<![\w.])v?(\d+\.\d+(?:\.\d+)*(?:\.?(?:post|a|b|rc)\d+)?)(?![\w]|\.\d)")
UNDERLINE = re.compile(r"^\s*([=\-~^*#\"'`+])\1{2,}\s*$")
PEOPLE = re.compile(r"\s*\(?\b(?:thanks?(?: to)?|by|via|patch by)\s+@[\w-]+[^\n.)]*\)?", re.IGNORECASE)
MAX_CHARS = 6000
_LISTED = re.compile(r"^[-*] \**v?(\d+\.\d+(?:\.\d+)*)\**:?(?= \w{3})")


def release_notes(tree: Mapping[str, Entry], version: str) -> str:
    """What the release's change log says of ``version``, as plain text of at most 6,000 characters; may be empty.

    Looked for in change logs anywhere outside the tests (also files named after the version), then the read-me and the
    long description. The longest section wins, since a summary and the full list may stand beside each other.
    """
    found = [_clean(section(text_of(tree, path), version)) for path in _candidates(tree)]
    if not any(found):
        own = [path for path in tree if re.search(rf"(^|/)v?{re.escape(version)}\.(md|rst|txt)$", path)]
        found = [_clean(_without_title(text_of(tree, path))) for path in own]
    if not any(found):
        rest = [path for path in ("README.md", "README.rst", "README.txt", "README", "PKG-INFO") if path in tree]
        found = [_clean(section(text_of(tree, path), version)) for path in rest]
    return max(found, key=len, default="")[:MAX_CHARS]


def section(text: str, version: str) -> str:
    """The lines between the heading that names ``version`` and the next heading that names another version."""
    lines = text.splitlines()
    start = None
    for number in range(len(lines)):
        named = _heading_versions(lines, number)
        if start is None and _same(version, named):
            # In a list of versions the entry's own words follow the number on its line.
            start = number if _LISTED.match(lines[number]) else number + 1
        elif start is not None and named and not _same(version, named):
            return "\n".join(lines[start:number])
    return "\n".join(lines[start:]) if start is not None else ""


def points(notes: str) -> list[str]:
    """The bullet points of notes, each with its continuation lines, without its marker."""
    found: list[str] = []
    for line in notes.splitlines():
        match = re.match(r"\s*(?:[-*+•]|\d+[.)])\s+(.*)", line)
        if match:
            found.append(match[1].strip())
        elif found and line.startswith((" ", "\t")) and line.strip():
            found[-1] += " " + line.strip()
    return [each for each in found if len(each) > 8]


def _candidates(tree: Mapping[str, Entry]) -> list[str]:
    return sorted(
        path
        for path in tree
        if FILE.search(path)
        and not path.endswith(NOT_TEXT)
        and "test" not in path.lower()
        and len(tree[path].data) < 2**22
    )


def _heading_versions(lines: list[str], number: int) -> list[str]:
    """The versions in a line if it is a heading: marked, underlined, bold, or a bare version at the margin."""
    line = lines[number]
    text = line.strip()
    listed = _LISTED.match(line)
    if listed:
        return [listed[1]]
    if not text or len(text) > 120 or line.startswith(("  ", "\t")) or UNDERLINE.match(line):
        return []
    below = lines[number + 1] if number + 1 < len(lines) else ""
    bare = re.match(
        r"^(\[|\(|\*\*|`)?\s*(version|release|changes (in|for)|new in|v)?\s*\.?\s*v?\d+\.\d+", text, re.IGNORECASE
    )
    marked = text.startswith(("#", "**")) or UNDERLINE.match(below)
    # A sentence may begin with a version too; a heading is short and ends in no full stop.
    if not (marked or (bare and len(text) < 60 and not text.endswith((".", ",")))):
        return []
    return [match[1] for match in VERSION.finditer(text)]


def _same(version: str, named: list[str]) -> bool:
    return any(_trimmed(each) == _trimmed(version) for each in named)


def _trimmed(version: str) -> str:
    return re.sub(r"(\.0)+$", "", version)


def _without_title(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines[1:]) if lines else ""


def _clean(text: str) -> str:
    """Without rules, links that a solver cannot follow, and names of people."""
    lines = [line.rstrip() for line in text.splitlines() if not UNDERLINE.match(line)]
    lines = [
        line
        for line in lines
        if not re.match(r"^\s*(\.\. _|\.\. (towncrier|contents|code-block|versionadded)|<!--|\[[^\]]+\]:)", line)
    ]
    joined = _LISTED.sub("-", "\n".join(lines), count=1)
    joined = re.sub(r"\s*\(?:(?:pr|issue|ghsa|user|pull|gh|bug|commit):`[^`]*`\)?,?", "", joined)
    joined = re.sub(r"\[([^\]]+)\]\(https?://[^)]*\)", r"\1", joined)
    joined = re.sub(r"`([^`<]+?)\s*<https?://[^>]*>`_{1,2}", r"\1", joined)
    joined = re.sub(
        r"\s*\(?\b(?:thanks?(?: to)?|by|via|patch by)\s+@[\w-]+[^\n.)]*\)?", "", joined, flags=re.IGNORECASE
    )
    joined = re.sub(r"\n{3,}", "\n\n", joined).strip("\n")
    return joined if len(re.sub(r"\W", "", joined)) > 12 else ""
