"""What agentless-mini asks: where is it, how is it mended, how is it shown. In our own words."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from assay.envs.tasks import Message

REPRODUCED, RESOLVED, OTHER = "Issue reproduced", "Issue resolved", "Other issues"

_LOCALISE = """\
An issue was reported about a Python repository. Name the files that have to be changed to resolve it.

{issue}

The Python files of the repository, without its tests:
{tree}

Answer with at most {count} full paths between ```, one a line, the likeliest first, and nothing else between them:

```
folder/file.py
```"""

_REPAIR = """\
An issue was reported about a Python repository. Resolve it by editing some of the files below.

{issue}

--- BEGIN FILES ---
{files}
--- END FILES ---

Think first. Then write each edit as one block of this form:

```python
### folder/file.py
<<<<<<< SEARCH
lines of the file as they stand there
=======
the lines that shall stand there instead
>>>>>>> REPLACE
```

The lines searched for must be whole lines, copied with their indentation, and few; an edit may not leave the file \
without valid syntax. Change no tests."""

_REPRODUCE = """\
An issue was reported about a Python repository. Write a script that shows whether it is still there.

{issue}
{files}
The script runs in the root of the repository, whose packages it can import. It prints one of three lines, to the word:

{reproduced}   if the behaviour that the issue complains of still occurs;
{resolved}     if what the issue wants happens instead;
{other}        if anything else goes wrong.

It asks nothing, needs no network and ends within seconds. Answer with the whole script in one ```python block."""


def localise(issue: str, paths: Sequence[str], count: int, indent: int, rng: random.Random | None) -> list[Message]:
    """Ask for at most ``count`` paths; ``rng`` shuffles the tree, None leaves it sorted."""
    tree = tree_text(paths, indent, rng)
    return _user(_LOCALISE.format(issue=_framed(issue), tree=tree, count=count))


def repair(issue: str, files: Mapping[str, str]) -> list[Message]:
    """Ask for edits of ``files``, shown in their order."""
    return _user(_REPAIR.format(issue=_framed(issue), files=shown(files.items())))


def reproduce(issue: str, files: Mapping[str, str]) -> list[Message]:
    """Ask for a script that prints whether the issue is there."""
    context = f"\nThe files that it is probably about:\n\n{shown(files.items())}\n" if files else ""
    words = {"reproduced": REPRODUCED, "resolved": RESOLVED, "other": OTHER}
    return _user(_REPRODUCE.format(issue=_framed(issue), files=context, **words))


def shown(files: Iterable[tuple[str, str]]) -> str:
    """Files under their paths."""
    return "\n\n".join(f"### {path}\n{text}" for path, text in files)


def tree_text(paths: Sequence[str], indent: int = 4, rng: random.Random | None = None) -> str:
    """Paths as an indented tree, folders with a slash; siblings sorted, or shuffled by ``rng``."""
    root: dict[str, object] = {}
    for path in sorted(paths):
        node = root
        for part in path.split("/")[:-1]:
            child = node.setdefault(f"{part}/", {})
            node = child if isinstance(child, dict) else node
        node[path.rsplit("/", 1)[-1]] = None
    return "\n".join(_tree_lines(root, 0, indent, rng))


def _tree_lines(node: dict[str, object], depth: int, indent: int, rng: random.Random | None) -> list[str]:
    names = list(node)
    if rng is not None:
        rng.shuffle(names)
    lines = []
    for name in names:
        lines.append(" " * (indent * depth) + name)
        child = node[name]
        if isinstance(child, dict):
            lines += _tree_lines(child, depth + 1, indent, rng)
    return lines


def _framed(issue: str) -> str:
    return f"--- BEGIN ISSUE ---\n{issue.strip()}\n--- END ISSUE ---"


def _user(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]
