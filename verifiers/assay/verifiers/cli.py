"""``assay-score``: score files of responses, list and audit verifiers, answer over HTTP."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

EXAMPLES = """\
examples:
  assay-score list                                  every verifier, one line each
  assay-score list classify.label                   one verifier: what it does, its options
  assay-score math.numeric --tasks tasks.jsonl --responses out.jsonl
  assay-score classify.label --tasks tasks.jsonl --responses out.jsonl --option think_mode=think --explain
  assay-score text.f1 --responses rows-with-truth.jsonl --out scores.jsonl --fail-under 0.8
  assay-score audit math.numeric                    does it keep its promises?
  assay-score audit classify.label --tasks tasks.jsonl
  assay-score serve --port 8000                     POST /score, and /reward for trainers

files (JSON lines):
  tasks      {"id": "t1", "truth": {"answer": "42"}}
  responses  {"id": "t1", "response": "The answer is 42."}      any number of lines for one id
  scores     {"id": "t1", "reward": 1.0, "parts": {}, "correct": true, "parsed": true, "detail": "..."}

exit codes: 0 all is well; 1 a line could not be scored, the mean reward is below --fail-under, or an audit failed;
            2 the command itself is wrong.
"""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples as they are, and shows defaults."""


def _score_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-score",
        usage="assay-score NAME --responses FILE [--tasks FILE] [options]\n       assay-score list|audit|serve ...",
        description="Score responses with a verifier. Streams: memory does not grow with the files.",
        epilog=EXAMPLES,
        formatter_class=Formatter,
    )
    parser.add_argument("name", help="a verifier, such as math.numeric; see: assay-score list")
    parser.add_argument("--responses", required=True, metavar="FILE", help="JSON lines with the responses; - for stdin")
    parser.add_argument(
        "--tasks", metavar="FILE", help="JSON lines with the truths (else each response carries its own)"
    )
    parser.add_argument("--out", metavar="FILE", help="write one JSON line per response; - for stdout")
    parser.add_argument(
        "--option", action="append", default=[], metavar="K=V", help="an option of the verifier; repeatable"
    )
    parser.add_argument("--explain", action="store_true", help="print a line that a person can read for every response")
    parser.add_argument(
        "--join", choices=("id", "order"), default="id", help="match tasks by id (default) or line by line"
    )
    parser.add_argument("--id-field", default="id", metavar="F", help="field that joins the two files (default: id)")
    parser.add_argument("--response-field", default="response", metavar="F", help="default: response")
    parser.add_argument(
        "--truth-field", default="truth", metavar="F", help="a mapping, or a bare answer (default: truth)"
    )
    parser.add_argument("--fail-under", type=float, metavar="R", help="exit with 1 if the mean reward is below R")
    _add_import(parser)
    return parser


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module that registers verifiers",
    )


def _list_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assay-score list", description="List verifiers, or describe one.")
    parser.add_argument("name", nargs="?", help="describe this one in full")
    _add_import(parser)
    return parser


def _audit_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-score audit",
        formatter_class=Formatter,
        description="Does a verifier keep its promises? Gold earns full reward; empty responses, lists, hedges, other\n"
        "tasks' answers and its attack set earn nothing; any text is scored, twice the same, in bounded time.",
    )
    parser.add_argument("name", help="a verifier")
    parser.add_argument(
        "--tasks", metavar="FILE", help='JSON lines with "truth" and optionally "gold" (default: its samples)'
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="K=V", help="an option of the verifier; repeatable"
    )
    parser.add_argument("--full", type=float, help="what a gold response earns (default: as registered)")
    parser.add_argument("--floor", type=float, help="the most a wrong response may earn (default: as registered)")
    parser.add_argument("--seconds", type=float, default=1.0, help="processor time allowed per response (default: 1)")
    parser.add_argument("--truth-field", default="truth", metavar="F", help="default: truth")
    _add_import(parser)
    return parser


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-score serve",
        formatter_class=Formatter,
        description="Answer over HTTP.\n\n"
        '  POST /score   {"name", "response", "truth", "options"} or {"name", "items": [{"response", "truth"}, ...]}\n'
        '  POST /reward  {"query": [...], "prompts": [...], "labels": [...]} -> {"rewards", "scores", "extra_logs"},\n'
        "                the shape that OpenRLHF's remote reward URL expects; needs --name\n"
        "  GET  /        the verifiers",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    parser.add_argument("--name", help="the verifier behind /reward, and the default for /score")
    parser.add_argument("--option", action="append", default=[], metavar="K=V", help="its options; repeatable")
    parser.add_argument("--max-mb", type=float, default=32.0, help="largest request body (default: 32)")
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds for one request, reading included (default: 60)"
    )
    _add_import(parser)
    return parser


def _run_score(arguments: list[str]) -> int:
    args = _score_parser().parse_args(arguments)
    from assay.verifiers.command.score import run

    return run(args)


def _run_list(arguments: list[str]) -> int:
    args = _list_parser().parse_args(arguments)
    from assay.verifiers.command.describe import run

    return run(args)


def _run_audit(arguments: list[str]) -> int:
    args = _audit_parser().parse_args(arguments)
    from assay.verifiers.command.audits import run

    return run(args)


def _run_serve(arguments: list[str]) -> int:
    args = _serve_parser().parse_args(arguments)
    from assay.verifiers.command.serve import run

    return run(args)


COMMANDS: dict[str, Callable[[list[str]], int]] = {"list": _run_list, "audit": _run_audit, "serve": _run_serve}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0, 1 or 2, 130 when interrupted)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        _score_parser().print_help()
        return 2
    command = COMMANDS.get(arguments[0])
    from assay.verifiers.command.common import UsageError

    try:
        return _run_score(arguments) if command is None else command(arguments[1:])
    except UsageError as problem:
        print(f"assay-score: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("assay-score: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
