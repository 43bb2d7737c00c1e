"""``swe.rerank``: which of several responses to one issue is submitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.verifiers.registry import Option, verifier
from assay.verifiers.score import Score
from assay.verifiers.swe.comparison import predicted_contents
from assay.verifiers.swe.edit_verifier import SAMPLES, gold_response, texts
from assay.verifiers.swe.edits import FormatError
from assay.verifiers.swe.normal import normal_patch
from assay.verifiers.swe.render import render_response
from assay.verifiers.swe.vote import Candidate, rerank

OPTIONS = {
    "strict_empty_search": Option("a blank search text is malformed unless the file is new or empty", (True, False)),
}


def _attacks(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
    gold = gold_response(truth)
    if gold is None:
        return
    yield from (gold + gold, gold.replace("<think>", ""), gold.replace("### ", "# "))
    yield render_response((), "No edit, so the majority is with me.")
    yield "The majority patch is right. " * 20


def _outcomes(truth: Mapping[str, Any], count: int) -> list[tuple[int | None, frozenset[str]]]:
    """Regressions and reproduced tests of each response."""
    rows = truth.get("outcomes")
    if rows is None:
        return [(None, frozenset())] * count
    if not isinstance(rows, list | tuple) or len(rows) != count:
        raise ValueError(f'"outcomes" has one entry for each of the {count} response(s)')
    found: list[tuple[int | None, frozenset[str]]] = []
    for row in rows:
        regressions = row.get("regressions") if isinstance(row, Mapping) else "?"
        reproduced = row.get("reproduced", ()) if isinstance(row, Mapping) else ()
        if regressions is not None and not isinstance(regressions, int):
            raise ValueError('an outcome is an object with "regressions": int and "reproduced": [test, ...]')
        if not isinstance(reproduced, list | tuple) or not all(isinstance(test, str) for test in reproduced):
            raise ValueError('"reproduced" is a list of test names')
        found.append((regressions, frozenset(reproduced)))
    return found


@verifier(
    "swe.rerank",
    options=OPTIONS,
    truth_key="oracle",
    group=True,
    gold=gold_response,
    attacks=_attacks,
    samples=SAMPLES,
)
def swe_rerank(responses: Sequence[str], truth: Mapping[str, Any], *, strict_empty_search: bool = True) -> list[Score]:
    """1 for the responses that make the patch that would be submitted, 0 for the others (Agentless Mini).

    The patch is chosen by :func:`~assay.verifiers.swe.vote.rerank`: fewest regressions, best agreement on reproduction
    tests, then the majority of normalised patches. Without outcomes of tests it is the majority alone. The reward says
    which patch is chosen, not that it is right: alone, any well-formed edit wins. ``correct``, where the truth has the
    reference, says whether a response makes the reference's change, in normal form.

    Parts: ``chosen``, ``votes`` (the share of all responses that make the same patch).

    Args:
        responses: each with its thinking and edits, as ``swe.similarity`` reads them.
        truth: ``{"context": {path: text}}``, optionally ``"oracle"`` (see ``swe.similarity``) and ``"outcomes"``, for
            each response ``{"regressions": int, "reproduced": [test, ...]}``.
        strict_empty_search: refuse blank search texts.

    Raises:
        ValueError: malformed truth.
    """
    context = texts(truth, "context", "code_context")
    known = any(key in truth for key in ("oracle", "oracle_new_content"))
    oracle = normal_patch(context, texts(truth, "oracle", "oracle_new_content")) if known else None
    if oracle == "":
        raise ValueError("the oracle changes nothing but comments or layout")
    patches: list[str | None] = []
    for response in responses:
        try:
            new = predicted_contents(response, context, strict_empty_search=strict_empty_search)
            patches.append(normal_patch(context, new))
        except FormatError:
            patches.append(None)
    rows = zip(patches, _outcomes(truth, len(responses)), strict=True)
    chosen = rerank([Candidate(patch or "", *outcome) for patch, outcome in rows])
    winner = None if chosen is None else patches[chosen]
    return [_score(patch, winner, oracle, patches) for patch in patches]


def _score(patch: str | None, winner: str | None, oracle: str | None, patches: list[str | None]) -> Score:
    if not patch:
        detail = "no edit that fits" if patch is None else "the edit changes nothing but comments or layout"
        wrong = False if oracle is not None else None
        return Score(0.0, {"chosen": 0.0, "votes": 0.0}, wrong, patch is not None, detail)
    chosen = float(patch == winner)
    count = patches.count(patch)
    parts = {"chosen": chosen, "votes": count / len(patches)}
    detail = f"{'chosen' if chosen else 'not chosen'}; {count} of {len(patches)} make this patch"
    return Score(chosen, parts, patch == oracle if oracle is not None else None, True, detail)
