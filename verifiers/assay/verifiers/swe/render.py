"""Writing a known change as a response: what a perfect answer looks like."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from assay.verifiers.swe.edits import Edit, FormatError, apply_edits, parse_edits

_CONTEXT = (0, 1, 3, 8, 20)


def render_edits(context: Mapping[str, str], new: Mapping[str, str]) -> list[Edit] | None:
    """Edits that turn the files of ``context`` into those of ``new``, as small as they can be unambiguous.

    Returns None where the format cannot say it, as for a file that itself holds the format's markers.
    """
    edits: list[Edit] = []
    for path, text in new.items():
        old = context.get(path, "")
        if text == old:
            continue
        for attempt in _attempts(path, old, text):
            if _makes(context, attempt, path, text):
                edits += attempt
                break
        else:
            return None
    return edits


def render_response(edits: Iterable[Edit], thought: str) -> str:
    """A whole response: the thinking in its tags, then the edits in theirs, one fence each."""
    return f"<think>\n{thought}\n</think>\n<solution>\n{_blocks(edits)}</solution>"


def _blocks(edits: Iterable[Edit]) -> str:
    return "".join(
        f"```\n### {edit.path}\n<<<<<<< SEARCH\n{edit.search}\n=======\n{edit.replace}\n>>>>>>> REPLACE\n```\n"
        for edit in edits
    )


def _attempts(path: str, old: str, new: str) -> Iterator[list[Edit]]:
    """Edits of changed lines with more and more lines around them, at last of the whole file."""
    before, after = (text.replace("\r\n", "\n").split("\n") for text in (old, new))
    for context in _CONTEXT if old else ():
        groups = difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(context)
        yield [Edit(path, "\n".join(before[g[0][1] : g[-1][2]]), "\n".join(after[g[0][3] : g[-1][4]])) for g in groups]
    yield [Edit(path, "\n".join(before), "\n".join(after))]


def _makes(context: Mapping[str, str], edits: list[Edit], path: str, text: str) -> bool:
    try:
        return apply_edits(context, edits) == {path: text} and parse_edits(_blocks(edits).strip()) == edits
    except FormatError:
        return False
