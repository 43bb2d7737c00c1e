"""Published SWE-bench rows without any container image: does the reference solution resolve them, and nothing not?

    python benchmarks/bench_swe_official.py --rows lite_dev.jsonl --repos DIR
    python benchmarks/bench_swe_official.py --rows lite_dev.jsonl --repos DIR --only marshmallow --out table.md

``--repos`` is a folder with git repositories of the projects, ``owner+name`` each, bare or not. Environments are built
once, in a sandbox with network, and kept in the cache. With ``--partial`` files that a repository lacks (a partial
clone has no large ones) are done without. For each row the tests run twice, with the empty patch and with
the reference solution; a row that does not come out as it should says why.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from assay.envs.errors import InfraError
from assay.envs.swe_rl.boxes import borrowed, place_of
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.grading import grade_in
from assay.envs.swe_rl.options import Options
from assay.envs.swe_rl.rows import SweRow
from assay.envs.swe_rl.sources import load_rows
from assay.envs.swe_rl.verdict import report_of


@dataclass(frozen=True)
class Result:
    row: SweRow
    gold: str
    empty: str
    reason: str
    seconds: float

    @property
    def good(self) -> bool:
        return self.gold == "resolved" and self.empty == "unresolved"


def try_row(row: SweRow, repos: str, backend: str, timeout: float) -> Result:
    begin = time.monotonic()
    try:
        place = place_of(row, repos, backend)
        seen = []
        for patch in ("", row.patch):
            with borrowed(place.spec, backend, 2) as box:
                seen.append(grade_in(box, row, patch, place, timeout))
    except InfraError as error:
        return Result(row, "-", "-", str(error), time.monotonic() - begin)
    empty, gold = (words(row, each) for each in seen)
    return Result(row, gold, empty, why(row, seen[1]) if gold != "resolved" else "", time.monotonic() - begin)


def words(row: SweRow, evidence: Evidence) -> str:
    report = report_of(row, evidence)
    if report is None:
        return "does not apply"
    return ("resolved" if report.resolved else "unresolved") if report.valid else "invalid"


def why(row: SweRow, evidence: Evidence) -> str:
    report = report_of(row, evidence)
    if report is None or evidence.report is None:
        return evidence.message
    if not report.valid:
        broken = next(iter(dict(evidence.report.get("uncollectable", {})).values()), "")
        return f"{report.reason} {broken}".strip()
    ran = evidence.report["tests"]
    failed = [*report.f2p_failure, *report.p2p_failure]
    shown = ", ".join(f"{name.partition('::')[2]} ({ran.get(name, 'absent')})" for name in failed[:2])
    lists = f"{len(report.f2p_failure)} FAIL_TO_PASS and {len(report.p2p_failure)} PASS_TO_PASS tests fail"
    return f"{lists}: {shown}{' ...' if len(failed) > 2 else ''}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True, help="a .jsonl, .json or .parquet of rows in SWE-bench's columns")
    parser.add_argument("--repos", required=True, help="folder of git repositories, owner+name each")
    parser.add_argument("--backend", default="auto", help="sandbox back-end (auto)")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one run of the tests (600)")
    parser.add_argument("--only", default="", help="only rows whose id contains this")
    parser.add_argument("--partial", action="store_true", help="do without files that a repository lacks")
    parser.add_argument("--out", default="", help="also write the table here, as Markdown")
    given = parser.parse_args()
    options = Options(split="test", task="repo", source="jsonl", path=given.rows, repos=given.repos, test_share=1.0)
    rows = [row for row in load_rows(options) if given.only in row.instance_id]
    if given.partial:
        rows = [replace(row, environment={**row.environment, "partial": True}) for row in rows]
    console = Console(stderr=True)
    results = [
        try_row(row, given.repos, given.backend, given.timeout)
        for row in track(rows, "rows", console=console, transient=True, disable=not console.is_terminal)
    ]
    lines = ["| row | empty patch | reference | s | reason |", "|---|---|---|---|---|"]
    for each in sorted(results, key=lambda result: (not result.good, result.row.instance_id)):
        reason = each.reason.replace("|", "/").replace("\n", " ")[:220]
        lines.append(f"| {each.row.instance_id} | {each.empty} | {each.gold} | {each.seconds:.0f} | {reason} |")
    lines.append(f"\n{sum(each.good for each in results)} of {len(results)} rows as they should be")
    print("\n".join(lines))
    if given.out:
        Path(given.out).write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
