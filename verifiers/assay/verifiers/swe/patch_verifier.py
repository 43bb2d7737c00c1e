"""``swe.unidiff``: a patch against the developers' own patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.swe.comparison import MAX_CHARS, compare
from assay.verifiers.swe.patches import file_diffs

OPTIONS = {
    "discrete": Option("pay 1 for an equal patch and 0 for any other, instead of the similarity", (False, True)),
    "max_chars": Option("characters of each file's diff that are compared; 0 for all of them, in unbounded time"),
    "parity": Option("score as the official code does, quirks included", (False, True)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "patch": "diff --git a/pkg/clamp.py b/pkg/clamp.py\n--- a/pkg/clamp.py\n+++ b/pkg/clamp.py\n"
        "@@ -1,4 +1,4 @@\n def clamp(x, low, high):\n     if x < low:\n-        return high\n+        return low\n"
        "     return min(x, high)\n"
    },
    {
        "patch": "diff --git a/old.py b/new.py\nsimilarity index 80%\nrename from old.py\nrename to new.py\n"
        "--- a/old.py\n+++ b/new.py\n@@ -1 +1 @@ \n-import json\n+import simplejson as json\n"
        "diff --git a/logo.png b/logo.png\nindex 1..2 100644\nBinary files a/logo.png and b/logo.png differ\n"
    },
    {
        "patch": "diff --git a/setup.cfg b/setup.cfg\n--- a/setup.cfg\n+++ b/setup.cfg\n@@ -3 +3,2 @@\n [options]\n"
        "+python_requires = >=3.8\ndiff --git a/demo/version.py b/demo/version.py\nnew file mode 100644\n"
        '--- /dev/null\n+++ b/demo/version.py\n@@ -0,0 +1 @@\n+VERSION = "1.0"\n'
    },
)


def _read(text: str, parity: bool) -> dict[str, str]:
    if parity:
        return file_diffs(text)
    text = text.replace("\r\n", "\n").lstrip()
    found = file_diffs(text if text.endswith("\n") else text + "\n", merge=True)
    return {path: body for path, body in found.items() if body}


def _oracle(truth: Mapping[str, Any], parity: bool) -> dict[str, str]:
    patch = truth.get("patch")
    if not isinstance(patch, str):
        raise ValueError('the truth needs "patch": str, a unified diff')
    found = _read(patch, parity)
    if not found and not parity:
        raise ValueError("the reference patch changes no text file: an empty response would earn full reward")
    return found


def _gold(truth: Mapping[str, Any], **options: Any) -> str:
    _oracle(truth, parity=True)
    return str(truth["patch"])


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = _gold(truth)
    lines = gold.split("\n")
    if "rename from" not in gold:  # a rename alone is part of the change
        yield "\n".join(line for line in lines if not line.startswith("@@"))
        yield gold.replace("@@ -", "@@ -9,9 -")
    yield "\n".join(line for line in lines if line.startswith("@@"))
    yield "\n".join(line for line in lines if line[:1] in ("+", "-") and line[:3] not in ("+++", "---"))
    yield "\n".join(line for line in lines if not line.startswith(("---", "diff")))
    yield "# " + gold.replace("\n", "\n# ")
    yield "--- a/x.py\n+++ b/x.py\n@@ -1 +1,9999 @@\n-x\n" + "\n".join("+" + line for line in lines)
    yield f"--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,{len(lines)} @@\n" + "\n".join("+" + line for line in lines)
    yield "Binary files a/x and b/x differ\n" * 9


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    """Other changes of the same files."""
    gold = _gold(truth)
    yield gold
    for ending in ("  # fixed", " + 1", " or None"):
        yield "".join(
            line[:-1] + ending + "\n" if line[0] == "+" and line[:3] != "+++" else line
            for line in gold.splitlines(keepends=True)
        )


def _ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = _gold(truth)
    elsewhere = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-x\n+y\n"
    yield from ("", gold + elsewhere.format("x.py") + elsewhere.format("y.py"), gold + elsewhere.format("x.py"), gold)


@verifier(
    "swe.unidiff",
    options=OPTIONS,
    truth_key="patch",
    gold=_gold,
    attacks=_attacks,
    candidates=_candidates,
    monotone=_ladder,
    samples=SAMPLES,
    partial=True,
)
def unidiff(
    response: str,
    truth: Mapping[str, Any],
    *,
    discrete: bool = False,
    max_chars: int = MAX_CHARS,
    parity: bool = False,
) -> Score:
    r"""A unified diff by its similarity to the reference patch (SWE-RL, arXiv 2502.18449).

    As ``swe.similarity``, with the hunks of both patches compared as they are written: binary files are left out, a
    renamed file has a line that says so above its hunks and stands under its old name, and a diff that cannot be read
    changes nothing, so it earns 0, never less. Both empty: 1.

    The default differs from the official scorer, which ``parity=True`` reproduces, thus: two sections for one file are
    joined (the official code keeps the last); ``\r\n`` is read as ``\n``; blank lines before the diff and a missing
    newline after it do not matter; a change of file mode alone counts as none; a reference that changes no text file
    is refused. A stray ``\r`` before a line's sign is malformed in both, where the official parser drops the line.

    Parts: ``format`` (1 if a change of a text file could be read), ``similarity``, ``files`` (how many were compared).

    Args:
        response: a unified diff; text around it is ignored.
        truth: ``{"patch": str}``, the reference diff.
        discrete: pay only for an equal patch.
        max_chars: how much of each file's diff is compared, see ``swe.similarity``.
        parity: the official behaviour.

    Raises:
        ValueError: malformed truth, or a negative ``max_chars``.
    """
    if not isinstance(max_chars, int) or max_chars < 0:
        raise ValueError(f"max_chars is a whole number from 0 on, got {max_chars!r}")
    oracle = _oracle(truth, parity)
    predicted = _read(response, parity)
    found = compare(predicted, oracle, max_chars)
    parts = {"format": float(bool(predicted)), "similarity": found.mean, "files": float(len(found.files))}
    bound = "" if found.exact else " or a little more, past what is compared"
    detail = f"{found.mean:.4f} alike{bound}, over {len(found.files)} file(s)" if predicted else "no change was read"
    reward = float(found.same) if discrete else found.mean
    return Score(reward, parts, correct=found.same, parsed=bool(predicted), detail=detail)
