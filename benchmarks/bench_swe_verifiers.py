"""The software-repair verifiers: rates, and agreement with swebench's own parsers and grader.

    python benchmarks/bench_swe_verifiers.py
    python benchmarks/bench_swe_verifiers.py --peer-python OTHER_VENV/bin/python     # one with swebench 5.0.2
    python benchmarks/bench_swe_verifiers.py --peer-python ... --write-expected tests/verifiers/swe_logs.json

CPU seconds of the scoring process, best of three. Agreement is counted on seeded logs (``swe_logs.py``), whole and
damaged ones; with a peer the file of expected outcomes that the tests hold us to can be written anew.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import swe_logs

TESTS = 400
RUNS = {  # format -> swebench's parser, instance id, version
    "next": ("next", "x-1", "1.0"),
    "next_cypress": ("next", "x-1", "1.27"),
    "lighthouse_mocha": ("lighthouse", "x-1", "9.5"),
    "mocha_json": ("lighthouse", "x-1", "2.0"),
}
UNREGISTERED = {"emotion": "parse_log_emotion", "plotly_js": "parse_plotly_js", "cypress": "parse_log_cypress"}
HARNESS = (
    ">>>>> Start Test Output", ">>>>> End Test Output", ">>>>> Test Exit Code: 0", ">>>>> Test Exit Code: 1",
    ">>>>> Tests Timed Out", "Killed", "ModuleNotFoundError", "no tests ran", "Executed 0 of 0", "Executed 3 of 3",
    "0 passing", "10 passing", "Cannot allocate memory", "3 specs, 0 failures", "': ok", "# tests 10", "Tests:   3",
)  # fmt: skip


def run_of(name: str) -> tuple[str, str, str]:
    """swebench's parser for a format, and a task that makes it read that format."""
    return RUNS.get(name, (name, "x-1", "1"))


def whole_log(tests: int = TESTS) -> str:
    """A pytest log as an evaluation script writes it."""
    dots = "\n".join(f"tests/test_{k}.py {'.' * 40} [{k}%]" for k in range(10))
    summary = "\n".join(f"PASSED tests/test_{k % 10}.py::TestA::test_{k}[x-{k}]" for k in range(tests))
    return f"+ : '>>>>> Start Test Output'\n{dots}\n{summary}\n+ : '>>>>> End Test Output'\n>>>>> Test Exit Code: 0\n"


def listed(tests: int = TESTS) -> tuple[list[str], list[str]]:
    """The tests of :func:`whole_log` as FAIL_TO_PASS and PASS_TO_PASS."""
    names = [f"tests/test_{k % 10}.py::TestA::test_{k}[x-{k}]" for k in range(tests)]
    return names[:5], names[5:]


def rate(work: Callable[[], object], seconds: float) -> float:
    """Calls per CPU second, best of three."""
    best = 0.0
    for _ in range(3):
        count, start = 0, time.process_time()
        while (used := time.process_time() - start) < seconds:
            work()
            count += 1
        best = max(best, count / used)
    return best


def graded_logs(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Whole logs of evaluation scripts, some with forged or missing marks, with lists of tests to grade them by."""
    from assay.verifiers.swe.logs import parse_log

    rng = random.Random(seed)
    formats = [name for name in swe_logs.FORMATS if name not in {*RUNS, *UNREGISTERED} - {"next"}]
    jobs = []
    for k in range(count):
        name = rng.choice([*formats, *["pytest"] * 10])
        output = swe_logs.log(name, k, 60)
        words = parse_log(output, name, parity=True)
        good = [test for test, word in words.items() if word in ("PASSED", "XFAIL")] or ["x"]
        pool = [*words, "absent", "t/x.py::test_r[a", "tests/test_api.py::TestX::test_two[a"]
        parts = ["+ setup\n", "+ : '>>>>> Start Test Output'\n", output, "\n+ : '>>>>> End Test Output'\n"]
        if rng.random() < 0.5:
            parts.append(f">>>>> Test Exit Code: {rng.choice([0, 0, 1, 2])}\n")
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            parts.insert(rng.randrange(len(parts) + 1), rng.choice(HARNESS) + "\n")
        if rng.random() < 0.2:
            parts[rng.randrange(len(parts))] = "\n"
        f2p, p2p = (
            [rng.choice(good if rng.random() < 0.8 else pool) for _ in range(rng.randrange(4))] for _ in range(2)
        )
        log = "".join(parts).replace("\n", "\r\n" if rng.random() < 0.1 else "\n")
        jobs.append({"parser": name, "log": log, "f2p": f2p, "p2p": p2p, "fail_only": rng.random() < 0.2})
    return jobs


def ours_graded(job: dict[str, Any]) -> list[Any]:
    """Our verdict on one job, in parity, in the shape of :func:`peer_graded`."""
    from assay.verifiers.swe import Run, grade_log

    found = grade_log(
        job["log"], job["parser"], job["f2p"], job["p2p"], fail_only=job["fail_only"], run=Run("x-1", "1"), parity=True
    )
    infra = found.infra or ("", "")
    tests = [list(t) for t in (found.f2p_success, found.f2p_failure, found.p2p_success, found.p2p_failure)]
    return [found.resolved, infra[1] == "environment", infra[0], tests if found.valid else None]


def ours_speed(seconds: float) -> dict[str, float]:
    """Gradings a CPU second."""
    from assay.verifiers.swe import RunReport, grade_log, grade_report, parse_log, read_report

    f2p, p2p = listed()
    log, text = whole_log(), RunReport(dict.fromkeys([*f2p, *p2p], "passed"), 0, TESTS, nonce="n").to_json()
    for check in (grade_log(log, "pytest", f2p, p2p), grade_report(read_report(text, "n"), f2p, p2p)):
        assert check.resolved
    return {
        f"grade a report of {TESTS} tests": rate(lambda: grade_report(read_report(text, "n"), f2p, p2p), seconds),
        f"grade a pytest log of {TESTS} tests": rate(lambda: grade_log(log, "pytest", f2p, p2p), seconds),
        "parse that log": rate(lambda: parse_log(log, "pytest"), seconds),
    }


def peer_parse(name: str, text: str) -> dict[str, str] | str:
    """swebench's outcomes, or what it raised."""
    from swebench.harness.log_parsers import PARSER_REGISTRY, javascript
    from swebench.types import TestSpec

    parser, instance, version = run_of(name)
    spec = TestSpec(instance, "", [], "", version, [], [])
    read = getattr(javascript, UNREGISTERED[name]) if name in UNREGISTERED else PARSER_REGISTRY[f"parse_log_{parser}"]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found: dict[str, str] = read(text, spec)
    except Exception as error:
        return f"raised {type(error).__name__}"
    return found


def peer_graded(job: dict[str, Any], path: str) -> list[Any] | str:
    """swebench's verdict on one job: resolved, environment fault, its name, tests by list and outcome."""
    from swebench.harness.grading import get_eval_report
    from swebench.types import TestSpec

    kind = "fail_only" if job["fail_only"] else "pass_and_fail"
    spec = TestSpec("x-1", "", [], "", "1", job["f2p"], job["p2p"], f"parse_log_{job['parser']}", kind)
    Path(path).write_bytes(job["log"].encode())
    prediction = {"instance_id": "x-1", "model_patch": "x", "model_name_or_path": "m"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found = get_eval_report(spec, prediction, path, True)["x-1"]
    except Exception as error:
        return f"raised {type(error).__name__}"
    tests = found.get("tests_status")
    keys = [(a, b) for a in ("FAIL_TO_PASS", "PASS_TO_PASS") for b in ("success", "failure")]
    return [
        found["resolved"],
        found["infra_failure"],
        found.get("infra_failure_reason", ""),
        [tests[a][b] for a, b in keys] if tests else None,
    ]


def peer(seconds: float) -> None:
    """Answer what stands on standard input, in the peer's interpreter."""
    from swebench.harness.log_parsers import PARSER_REGISTRY

    asked = json.load(sys.stdin)
    handle, path = tempfile.mkstemp()
    os.close(handle)
    f2p, p2p = listed()
    job = {"parser": "pytest", "log": whole_log(), "f2p": f2p, "p2p": p2p, "fail_only": False}
    answer = {
        "registry": sorted(PARSER_REGISTRY),
        "parsed": [peer_parse(name, text) for name, text in asked["logs"]],
        "graded": [peer_graded(job, path) for job in asked["jobs"]],
        "speed": {
            f"grade a pytest log of {TESTS} tests": rate(lambda: peer_graded(job, path), seconds),
            "parse that log": rate(lambda: peer_parse("pytest", job["log"]), seconds),
        },
    }
    os.unlink(path)
    json.dump(answer, sys.stdout)


def plain_ratio(a: str, b: str) -> float:
    """The ratio as the paper's code computes it."""
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def similarity_table(seconds: float) -> list[str]:
    """The similarity of two diffs, beside plain difflib, by length and likeness."""
    from assay.verifiers.swe.ratio import ratio

    source = Path(difflib.__file__).read_text()
    rng = random.Random(0)
    rows = [
        "| diffs | characters | difflib, ms | ours, ms | ratio | same value |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for size in (500, 2_000, 8_000):
        b = source[20_000 : 20_000 + size]
        lines = [line for line in b.split("\n") if rng.random() < 0.95]
        near, far = "\n".join(lines).replace("self", "this"), source[50_000 : 50_000 + size]
        for name, a in (("alike", near), ("unlike", far)):
            theirs = 1e3 / rate(lambda a=a, b=b: plain_ratio(a, b), seconds)
            mine = 1e3 / rate(lambda a=a, b=b: ratio(a, b), seconds)
            same = "yes" if ratio(a, b)[0] == plain_ratio(a, b) else "NO"
            rows.append(f"| {name} | {size:,} | {theirs:.2f} | {mine:.3f} | {theirs / mine:.0f}x | {same} |")
    return rows


def agreement(per_format: int, jobs: list[dict[str, Any]], answer: dict[str, Any]) -> list[str]:
    """Outcomes equal to swebench's, format by format, and verdicts."""
    from assay.verifiers.swe import Run, parse_log

    rows = ["| format | logs | tests read | equal | raised by swebench |", "| --- | ---: | ---: | ---: | ---: |"]
    parsed = iter(answer["parsed"])
    for name in swe_logs.FORMATS:
        equal = tests = raised = 0
        parser, instance, version = run_of(name)
        for seed in range(per_format):
            theirs = next(parsed)
            mine = parse_log(swe_logs.log(name, seed), parser, Run(instance, version), parity=True)
            raised += isinstance(theirs, str)
            tests += len(mine)
            equal += mine == theirs
        mark = "" if equal + raised == per_format else " **differs**"
        rows.append(f"| {name} | {per_format} | {tests:,} | {equal}{mark} | {raised} |")
    known = [
        (ours_graded(job), theirs)
        for job, theirs in zip(jobs, answer["graded"], strict=True)
        if isinstance(theirs, list)
    ]
    same = sum(mine == theirs for mine, theirs in known)
    full = sum(theirs[0] for _, theirs in known)
    return [*rows, "", f"Verdicts on whole logs: {same:,} of {len(known):,} equal ({full:,} of them resolved)."]


def expected(per_format: int, answer: dict[str, Any]) -> dict[str, list[Any]]:
    """What swebench says of the first logs of each format; null where it raised."""
    parsed = iter(answer["parsed"])
    found = {name: [next(parsed) for _ in range(per_format)] for name in swe_logs.FORMATS}
    plain = {name: [None if isinstance(x, str) else x for x in outcomes] for name, outcomes in found.items()}
    return {"registry": answer["registry"], **plain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter of an environment that has swebench 5.0.2")
    parser.add_argument("--per-format", type=int, default=200, help="logs of each format (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2_000, help="whole logs to grade (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU seconds a measurement (default: %(default)s)")
    parser.add_argument("--write-expected", type=Path, help="write the peer's outcomes on the first 12 logs here")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        peer(options.seconds)
        return
    speed, answer, jobs = ours_speed(options.seconds), None, []
    if options.peer_python:
        per_format = 12 if options.write_expected else options.per_format
        jobs = [] if options.write_expected else graded_logs(options.jobs)
        logs = [(name, swe_logs.log(name, seed)) for name in swe_logs.FORMATS for seed in range(per_format)]
        command = [options.peer_python, __file__, "--as-peer", "--seconds", str(options.seconds)]
        done = subprocess.run(command, input=json.dumps({"logs": logs, "jobs": jobs}), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"the peer failed: {done.stderr.strip().splitlines()[-1]}")
        answer = json.loads(done.stdout)
        if options.write_expected:
            text = json.dumps(expected(per_format, answer), ensure_ascii=True, indent=None, separators=(",", ":"))
            options.write_expected.write_text(text.replace(":[{", ":[\n{").replace("},{", "},\n{") + "\n")
            print(f"wrote {options.write_expected}")
            return
    theirs = answer["speed"] if answer else {}
    print("| per CPU second | ours | swebench 5.0.2 | ratio |\n| --- | ---: | ---: | ---: |")
    for name, value in speed.items():
        other = theirs.get(name)
        beside = f"{other:,.0f} | {value / other:.1f}x" if other else " | "
        print(f"| {name} | {value:,.0f} | {beside} |")
    print("\n" + "\n".join(similarity_table(options.seconds)))
    if answer:
        print("\n" + "\n".join(agreement(options.per_format, jobs, answer)))


if __name__ == "__main__":
    main()
