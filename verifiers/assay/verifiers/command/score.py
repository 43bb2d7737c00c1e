"""``assay-score NAME``: streaming responses through a verifier."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import IO, Any

from assay.verifiers.command.common import (
    Row,
    UsageError,
    all_options,
    as_truth,
    find_verifier,
    open_lines,
    parse_options,
    rows,
)
from assay.verifiers.command.summary import Progress, Summary, explain
from assay.verifiers.command.tasks import ById, ByOrder, Carried, Source
from assay.verifiers.registry import Verifier
from assay.verifiers.score import Score

_SHOWN_PROBLEMS = 10


@dataclass(frozen=True)
class Scored:
    """A response line with its verdict, or with what was wrong with it."""

    row: Row
    id: Any
    score: Score | None
    problem: str = ""


def run(args: argparse.Namespace) -> int:
    """Score, write, print a summary; returns the exit code."""
    verifier = find_verifier(args.name, args.imports)
    options = parse_options(verifier, args.option)
    with ExitStack() as stack:
        responses = stack.enter_context(open_lines(args.responses))
        source = _source(args, stack)
        out = _output(args.out, stack)
        progress = Progress(responses)
        report = sys.stderr if args.out == "-" else sys.stdout
        summary = Summary(verifier.name)
        for scored in score_lines(verifier, rows(responses), source, options, args.response_field, args.id_field):
            progress.step(summary.n)
            if scored.score is None:
                summary.bad += 1
                if summary.bad <= _SHOWN_PROBLEMS:
                    progress.clear()
                    print(f"{args.responses}:{scored.row.number}: {scored.problem}", file=sys.stderr)
                continue
            summary.add(scored.score)
            if out is not None:
                out.write(json.dumps({"id": scored.id, **scored.score.to_dict()}) + "\n")
            if args.explain:
                progress.clear()
                print(explain(scored.id, scored.score), file=report)
        progress.clear()
        print(summary.table(), file=report)
    low = args.fail_under is not None and (summary.n == 0 or summary.mean < args.fail_under)
    if low:
        print(f"assay-score: the mean reward is below {args.fail_under:g}", file=sys.stderr)
    return 1 if summary.bad or low or summary.n == 0 else 0


def _source(args: argparse.Namespace, stack: ExitStack) -> Source:
    if args.tasks is None:
        return Carried(args.truth_field)
    if args.tasks == "-" and args.responses == "-":
        raise UsageError("only one of --tasks and --responses can be stdin")
    file = stack.enter_context(open_lines(args.tasks))
    if args.join == "order":
        return ByOrder(file, args.truth_field)
    if not file.seekable():
        raise UsageError("--tasks must be a file, not a pipe, unless --join order is given")
    return ById(file, args.tasks, args.id_field, args.truth_field)


def _output(path: str | None, stack: ExitStack) -> IO[str] | None:
    if path is None or path == "-":
        return sys.stdout if path else None
    try:
        return stack.enter_context(open(path, "w", encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def score_lines(
    verifier: Verifier,
    lines: Iterator[Row],
    source: Source,
    options: Mapping[str, Any],
    response_field: str,
    id_field: str,
) -> Iterator[Scored]:
    """The verdict on every line, in order. A group verifier gets neighbouring lines of one id together."""
    if not verifier.group:
        for row in lines:
            yield from _score_group(verifier, [row], source, options, response_field, id_field)
        return
    for _, neighbours in groupby(lines, key=lambda row: json.dumps(row.data.get(id_field))):
        yield from _score_group(verifier, list(neighbours), source, options, response_field, id_field)


def _score_group(
    verifier: Verifier, group: list[Row], source: Source, options: Mapping[str, Any], response_field: str, id_field: str
) -> Iterator[Scored]:
    problems = [row.problem or _problem(row, response_field) for row in group]
    good = [row for row, problem in zip(group, problems, strict=True) if not problem]
    scores: Iterator[Score] = iter(())
    failure = ""
    if good:
        try:
            truth = as_truth(verifier, source.truth(good[0]))
            responses = [row.data[response_field] for row in good]
            scores = iter(verifier.score_group(responses, truth, **all_options(truth, options)))
        except (ValueError, TypeError, LookupError) as error:
            failure = str(error.args[0] if error.args else error)
    else:
        source.skip()
    for row, problem in zip(group, problems, strict=True):
        reason = problem or failure
        yield Scored(row, row.data.get(id_field, row.number), None if reason else next(scores), reason)


def _problem(row: Row, response_field: str) -> str:
    if not isinstance(row.data.get(response_field), str):
        return f"no text in the field {response_field!r}; name another with --response-field"
    return ""
