"""What the agent is told, in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assay.envs.tasks import Message

EDIT_SYSTEM = """\
You mend software. First think about the cause of the problem, then write the change. Your answer has this form and \
nothing else:

<think>
what you considered
</think>
<solution>
the edits
</solution>"""

EDIT_USER = """\
A user reports a problem with a repository:

--- BEGIN ISSUE ---
{issue}
--- END ISSUE ---

These files of the repository matter most; not all of them need to change:

--- BEGIN FILE ---
{files}
--- END FILE ---

Write edits that solve the problem. Each edit stands in a fence of its own:
- a line of ### and the path of the file
- the line <<<<<<< SEARCH
- whole lines as they stand in the file now, with their indentation; enough of them to occur only once
- the line =======
- the lines that take their place
- the line >>>>>>> REPLACE

For a new file the part to search for is empty. An example:

<think>
`mean` divides by a fixed number. It should divide by how many values there are.
</think>
<solution>
```python
### stats/mean.py
<<<<<<< SEARCH
    return sum(values) / 10
=======
    return sum(values) / len(values)
>>>>>>> REPLACE
```
</solution>"""

REPO_SYSTEM = """\
You mend a software repository with bash. Every answer holds exactly one block:

```bash
one command, or several lines
```

It runs in a new shell at the top of the repository, and its output is your next message. Files stay as you leave \
them; variables and the working folder do not. There is no network, and nobody answers a prompt of a program.

Besides the usual programs there are:
- view PATH [FIRST [LAST]]: numbered lines of a file, or the names in a folder
- search PATTERN [PATH]: lines that match a regular expression
- edit PATH: replace text; on standard input <<<<<<< SEARCH, lines, =======, lines, >>>>>>> REPLACE
- submit: the work is done

Others have written tests that decide whether the problem is solved. Changes to tests and to their configuration are \
not counted."""

REPO_USER = """\
A user reports a problem with the repository in the current folder:

--- BEGIN ISSUE ---
{issue}
--- END ISSUE ---

Its files:
{tree}

Find the cause, change the code, check that it works, and then submit."""

TREE_LINES = 60


def edit_prompt(issue: str, files: Mapping[str, str], template: str = "") -> list[Message]:
    """The messages of an edit task: the issue, and files in full, in the order of their paths."""
    shown = "\n\n".join(f"### {path}\n{files[path]}" for path in sorted(files))
    user = fill(template or EDIT_USER, issue=issue.strip(), files=shown)
    return [{"role": "system", "content": EDIT_SYSTEM}, {"role": "user", "content": user}]


def repo_prompt(issue: str, paths: list[str], template: str = "") -> list[Message]:
    """The messages of a repo task: the issue, and a summary of the tree."""
    user = fill(template or REPO_USER, issue=issue.strip(), tree=tree_summary(paths))
    return [{"role": "system", "content": REPO_SYSTEM}, {"role": "user", "content": user}]


def fill(template: str, **values: str) -> str:
    """``template`` with ``{name}`` replaced for each value, in one pass; other braces stay."""
    found = template
    marks = {f"{{{name}}}": f"\0{number}\0" for number, name in enumerate(values)}
    for mark, hole in marks.items():
        found = found.replace(mark, hole)
    for hole, value in zip(marks.values(), values.values(), strict=True):
        found = found.replace(hole, value.replace("\0", ""))
    return found


def read_template(given: str, needed: tuple[str, ...]) -> str:
    """A template: the text itself, or what is in the file of that name.

    Raises:
        ValueError: if it lacks one of the places ``needed``.
    """
    if not given:
        return ""
    text = given
    if "{" not in given:
        try:
            text = Path(given).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(f"prompt_template: {given}: {error.strerror}") from None
    for name in needed:
        if f"{{{name}}}" not in text:
            raise ValueError(f"prompt_template needs the place {{{name}}}")
    return text


def tree_summary(paths: list[str]) -> str:
    """The paths of a repository, one a line; of a large one its folders with how many files each has."""
    shown = sorted(path for path in paths if not path.startswith(".git/"))
    depth = 4
    lines = shown
    while len(lines) > TREE_LINES and depth:
        folders: dict[str, int] = {}
        for path in shown:
            head = "/".join(path.split("/")[:-1][:depth])
            folders[head] = folders.get(head, 0) + 1
        lines = [f"{folder or '.'}/ ({count} files)" for folder, count in sorted(folders.items())]
        depth -= 1
    if len(lines) > TREE_LINES:
        lines = [*lines[:TREE_LINES], f"and {len(lines) - TREE_LINES} more folders"]
    return "\n".join(lines)
