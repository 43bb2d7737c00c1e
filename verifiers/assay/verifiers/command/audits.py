"""``assay-score audit``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from assay.verifiers.audit import audit
from assay.verifiers.command.common import UsageError, as_truth, find_verifier, open_lines, parse_options, rows
from assay.verifiers.registry import Verifier


def run(args: argparse.Namespace) -> int:
    """Audit, print the report; 1 if a promise was broken."""
    verifier = find_verifier(args.name, args.imports)
    options = parse_options(verifier, args.option)
    try:
        tasks = None if args.tasks is None else list(_tasks(verifier, args.tasks, args.truth_field))
        report = audit(verifier, tasks, full=args.full, floor=args.floor, seconds=args.seconds, **options)
    except ValueError as error:
        raise UsageError(str(error)) from None
    print(report.table(shown=5))
    return 0 if report.ok else 1


def _tasks(verifier: Verifier, path: str, field: str) -> Iterator[Mapping[str, Any]]:
    with open_lines(path) as file:
        for row in rows(file):
            if row.problem or field not in row.data:
                raise UsageError(
                    f"{path}:{row.number}: {row.problem or f'no field {field!r}; name another with --truth-field'}"
                )
            yield {"truth": as_truth(verifier, row.data[field]), "gold": row.data.get("gold")}
