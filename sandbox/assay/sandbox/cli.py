"""``assay-sandbox``: what this host can do, what was left behind, and a try."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import get_args

from assay.sandbox.base import Image, Layer, Limits, SandboxSpec
from assay.sandbox.choose import Backend, choose_backend, open_sandbox
from assay.sandbox.doctor import Report, examine
from assay.sandbox.errors import SandboxError
from assay.sandbox.gc import collect

EPILOG = """\
A sandbox runs a stranger's commands: no network, no files of yours, limits on memory, processes, disk and output.
Four back-ends answer the same calls:

  native         Linux namespaces by our own code; nothing to install, no root; starts in milliseconds
  docker         containers of a Docker or Podman daemon; needs `pip install 'assay[docker]'`
  bubblewrap     the bwrap program with our server inside
  local-unsafe   no walls at all; only by this name, for code that you trust

`auto` takes the first of native, docker and bubblewrap that works here, and never local-unsafe.

examples:
  assay-sandbox doctor
  assay-sandbox run -- python3 -c 'print(1)'
  assay-sandbox run --mount ./project:/testbed --timeout 60 -- 'pytest -q; git status'
  assay-sandbox run --backend docker --image debian:12 -- cat /etc/os-release
  assay-sandbox gc
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.work(arguments))
    except (SandboxError, ValueError) as error:
        print(f"assay-sandbox: {error}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "assay-sandbox", description="Closed places for strangers' commands.", epilog=EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    doctor = commands.add_parser(
        "doctor",
        help="what this host can do, what is wrong, how to mend it",
        description="Tries every back-end and what it needs. Exit status 0 if `auto` would find one, else 1.",
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(work=_doctor)
    gc = commands.add_parser(
        "gc",
        help="remove what killed parents left",
        description="Removes containers, temporary directories and cgroups of sandboxes whose parent is gone.",
    )
    gc.add_argument("--dry-run", action="store_true", help="only say which temporary directories would go")
    gc.set_defaults(work=_gc)
    _add_run(commands.add_parser("run", help="try a command in a new sandbox", formatter_class=raw, epilog=RUN_EPILOG))
    return parser


RUN_EPILOG = """\
One argument after -- is a script for bash; several are a command as it is. Its exit status is ours; 124 means that the
time was over, 125 that there was no sandbox.
"""


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--backend", choices=get_args(Backend), default="auto")
    run.add_argument("--image", default="", help="container image to run in (docker)")
    run.add_argument(
        "--mount", action="append", default=[], metavar="DIR[:PATH[:ro]]", help="show a directory; the original is safe"
    )
    run.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="default: 60")
    run.add_argument("--memory", type=int, default=1024, metavar="MB", help="default: 1024")
    run.add_argument("--network", action="store_true", help="let it reach the network")
    run.add_argument("--diff", action="store_true", help="print what changed in the workdir as a patch")
    run.add_argument("command", nargs="+", metavar="CMD", help="after --")
    run.set_defaults(work=_run)


def _doctor(arguments: argparse.Namespace) -> int:
    report = examine()
    if arguments.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        _show(report)
    return 0 if report.chosen else 1


def _show(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table("", "", "found", "to mend it", box=None, pad_edge=False)
    for check in report.checks:
        mark = "ok" if check.ok else "MISSING" if check.needed_by else "no"
        table.add_row(mark, check.name, Text(check.said), Text(check.fix))
    table.add_section()
    for name, found in report.backends.items():
        table.add_row("ok" if found.ok else "no", f"back-end {name}", Text(found.reason or "works"), Text(found.fix))
    console.print(table)
    if report.chosen:
        console.print(f"\n`auto` takes {report.chosen}.")
    else:
        console.print("\n`auto` finds no back-end here; mend one of the above. Nothing runs without walls by itself.")


def _gc(arguments: argparse.Namespace) -> int:
    found = collect(dry=arguments.dry_run)
    for kind, names in found.items():
        for name in names:
            print(f"{kind}: {name}")
    if not found:
        print("nothing was left behind")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    layers = tuple(_layer(text) for text in arguments.mount)
    limits = Limits(memory_mb=arguments.memory, network=arguments.network)
    workdir = layers[0].target if layers else "/testbed"
    spec = SandboxSpec(layers=layers, limits=limits, workdir=workdir)
    if arguments.image:
        spec = SandboxSpec(Image(arguments.image), layers, limits, workdir=workdir)
    name = choose_backend(spec) if arguments.backend == "auto" else arguments.backend
    command = arguments.command[0] if len(arguments.command) == 1 else arguments.command
    box = open_sandbox(spec, name)
    try:
        result = box.exec(command, timeout=arguments.timeout)
        sys.stdout.buffer.write(result.stdout)
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(result.stderr)
        sys.stderr.buffer.flush()
        if arguments.diff:
            print(box.diff(), end="")
    finally:
        box.close()
    notes = [f"[{name}, {result.duration:.2f} s"]
    notes += [f"{result.truncated:,} bytes of output dropped"] if result.truncated else []
    notes += ["killed for its memory"] if result.oom else []
    notes += ["the time was over"] if result.timed_out else []
    print(", ".join(notes) + "]", file=sys.stderr)
    return 124 if result.exit_code is None else result.exit_code


def _layer(text: str) -> Layer:
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if mode not in ("", "ro", "rw") or (target and not target.startswith("/")):
        raise ValueError(f"--mount takes DIR, DIR:PATH or DIR:PATH:ro with an absolute PATH, got {text!r}")
    if not os.path.isdir(source):
        raise ValueError(f"--mount: {source!r} is not a directory")
    return Layer(os.path.abspath(source), target or "/testbed", writable=mode != "ro")
