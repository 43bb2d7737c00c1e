"""``swe.similarity``: SEARCH/REPLACE edits against the developers' own change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.swe.comparison import MAX_CHARS, compare, predicted_contents
from assay.verifiers.swe.diff import diffs
from assay.verifiers.swe.edits import Edit, FormatError
from assay.verifiers.swe.render import render_edits, render_response

OPTIONS = {
    "discrete": Option("pay 1 for an equal change and 0 for any other, instead of the similarity", (False, True)),
    "strict_empty_search": Option(
        "a blank search text is malformed unless the file is new or empty; False lets it insert before every line",
        (True, False),
    ),
    "max_chars": Option("characters of each diff that are compared; 0 for all of them, in unbounded time"),
    "parity": Option("score as the official code does, quirks included", (False, True)),
}
SAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "context": {"b.py": "def sort_list(lst):\n    return sorted(lst)"},
        "oracle": {"b.py": "def sort_list(lst: list[int]) -> list[int]:\n    return sorted(lst)"},
    },
    {
        "code_context": {
            "pkg/clamp.py": "def clamp(x, low, high):\n    if x < low:\n        return high\n    return min(x, high)\n",
            "pkg/__init__.py": "from pkg.clamp import clamp\n",
        },
        "oracle_new_content": {
            "pkg/clamp.py": "def clamp(x, low, high):\n    if x < low:\n        return low\n    return min(x, high)\n"
        },
    },
    {
        "context": {"setup.cfg": "[metadata]\nname = demo\n\n[options]\npackages = find:\n"},
        "oracle": {
            "setup.cfg": "[metadata]\nname = demo\n\n[options]\npackages = find:\npython_requires = >=3.8\n",
            "demo/version.py": 'VERSION = "1.0"\n',
        },
    },
)


def files(truth: Mapping[str, Any], parity: bool = False) -> tuple[Mapping[str, str], dict[str, str]]:
    """The context of a task, and the diffs of its oracle.

    Raises:
        ValueError: one of them is missing or no mapping of paths to texts, or the oracle changes nothing.
    """
    context = texts(truth, "context", "code_context")
    oracle = diffs(context, texts(truth, "oracle", "oracle_new_content"))
    if not oracle and not parity:
        raise ValueError("the oracle changes nothing: any no-op would earn full reward")
    return context, oracle


def texts(truth: Mapping[str, Any], *keys: str) -> Mapping[str, str]:
    """The object of paths and texts under the first of two keys that the truth has.

    Raises:
        ValueError: there is none, or something else.
    """
    found = next((truth[key] for key in keys if truth.get(key) is not None), None)
    if not isinstance(found, Mapping) or not all(isinstance(x, str) for pair in found.items() for x in pair):
        raise ValueError(f'the truth needs "{keys[0]}" (or "{keys[1]}"): an object of paths and texts')
    return found


def gold_response(truth: Mapping[str, Any], **options: Any) -> str | None:
    """The response that makes exactly the oracle's change; None where the edit format cannot express it."""
    context, _ = files(truth, parity=True)
    edits = render_edits(context, texts(truth, "oracle", "oracle_new_content"))
    return render_response(edits, "The reference change.") if edits else None


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = gold_response(truth)
    if gold is None:
        return
    context, oracle = files(truth, parity=True)
    path = next(path for path in context if path in oracle)
    first = context[path].split("\n")[0]
    yield render_response([Edit(path, "", "pass")], "Before every line.")
    yield render_response([Edit(path, "    ", "    pass\n    ")], "Before every indented line.")
    yield render_response([Edit(path, first, first)], "A no-op.")
    yield render_response([Edit(path, first[1:], "x")], "A search that begins inside a line.")
    yield render_response([Edit("elsewhere.py", "", "\n".join(oracle.values()))], "The diff as a file elsewhere.")
    yield render_response([Edit(path, first, first + "\n" + first)] * 64, "Twice as many at every step.")
    yield gold.replace("The reference change.", " ")
    yield gold + gold
    yield f"<think>x</think>\n{gold}"
    yield gold.replace("<think>", "").replace("</think>", "")
    yield gold.replace("<solution>", "").replace("</solution>", "")
    yield gold.partition("</think>")[2].strip() + "<think>x</think>"
    yield "<think>x</think><solution>" + "\n".join(oracle.values()) + "</solution>"
    yield gold.replace("### ", "# ")


def _candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = gold_response(truth)
    context, oracle = files(truth, parity=True)
    if gold is None:
        return
    yield gold
    for path in oracle:
        old = context.get(path, "")
        for line in (line for line in old.split("\n") if line.strip()):
            yield render_response([Edit(path, line, line + "  # fixed")], "A guess.")


def _ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    context, _ = files(truth, parity=True)
    edits = render_edits(context, texts(truth, "oracle", "oracle_new_content"))
    if not edits:
        return
    extra = Edit("elsewhere.py", "", "x = 1")
    yield from ("", render_response([extra], "Elsewhere."))
    yield render_response([*edits, extra, Edit("elsewhere_too.py", "", "x = 1")], "More.")
    yield from (render_response([*edits, extra], "More."), render_response(edits, "Just so."))


@verifier(
    "swe.similarity",
    options=OPTIONS,
    truth_key="oracle",
    gold=gold_response,
    attacks=_attacks,
    candidates=_candidates,
    monotone=_ladder,
    samples=SAMPLES,
    partial=True,
)
def similarity(
    response: str,
    truth: Mapping[str, Any],
    *,
    discrete: bool = False,
    strict_empty_search: bool = True,
    max_chars: int = MAX_CHARS,
    parity: bool = False,
) -> Score:
    r"""Search-and-replace edits by the similarity of their diff to the reference's (SWE-RL, arXiv 2502.18449).

    The reward is -1 for a malformed response; else the mean over all files that either change touches of
    ``SequenceMatcher(predicted diff, reference diff).ratio()``, 0 for a file that only one of them touches.
    ``correct`` means that the two changes are equal. No test is run.

    The default differs from the official scorer (facebookresearch/swe-rl, commit 5aa10d6), which ``parity=True``
    reproduces, thus: the four tags must stand in order; a blank search text is malformed unless the file is new or
    empty; ``\r\n`` is read as ``\n`` in the response and in files that use nothing else; a reference that changes
    nothing is refused. In both, what would take unbounded time or memory does not: edits that make a file longer than
    2 million characters more than twice its size are malformed; of each diff ``max_chars`` characters are compared and
    what lies past them counts as unlike; a comparison ends after about half a second, and what was not yet compared
    counts as unlike; where diffing lines would take more than 3 million steps the change is taken as one block. The
    first and the last are lifted by nothing, the other two by ``max_chars=0``. What is not compared is never paid.

    Parts: ``format`` (1 unless malformed), ``similarity`` (0 if malformed), ``files`` (how many were compared).

    Args:
        response: ``<think>...</think>``, then ``<solution>...</solution>`` with at least one edit.
        truth: ``{"context": {path: text}, "oracle": {path: text}}``: the files shown, and those that the reference
            changes, in full; ``code_context`` and ``oracle_new_content`` are other names of the two.
        discrete: pay only for an equal change.
        strict_empty_search: refuse blank search texts.
        max_chars: how much of a diff is compared.
        parity: the official behaviour.

    Raises:
        ValueError: malformed truth, or a negative ``max_chars``.
    """
    if not isinstance(max_chars, int) or max_chars < 0:
        raise ValueError(f"max_chars is a whole number from 0 on, got {max_chars!r}")
    context, oracle = files(truth, parity)
    try:
        new = predicted_contents(response, context, strict_empty_search=strict_empty_search, parity=parity)
    except FormatError as error:
        parts = {"format": 0.0, "similarity": 0.0, "files": 0.0}
        return Score(-1.0, parts, correct=False, parsed=False, detail=str(error))
    found = compare(diffs(context, new), oracle, max_chars)
    parts = {"format": 1.0, "similarity": found.mean, "files": float(len(found.files))}
    bound = "" if found.exact else " or a little more, past what is compared"
    detail = f"{found.mean:.4f} alike{bound}, over {len(found.files)} file(s)"
    return Score(float(found.same) if discrete else found.mean, parts, correct=found.same, detail=detail)
