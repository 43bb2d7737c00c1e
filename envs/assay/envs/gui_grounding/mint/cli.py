"""``assay-mint gui``: the command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assay.envs.errors import InfraError
from assay.envs.gui_grounding.instructions import KINDS
from assay.envs.gui_grounding.mint.pages import Minted, Wish, mint_page
from assay.envs.gui_grounding.mint.parts import REPORT, Parts, report_text
from assay.envs.tasks import content_id

ABOUT = """\
Make tasks of the form "Click Save" out of real programs, each with the exact box of what is meant.

  assay-mint gui --url https://example.org/shop --out tasks     a page on the web, as a browser shows it
  assay-mint gui --html form.html list.html --out tasks         HTML files, without a network
  assay-mint gui --qt my_program.windows:main --out tasks       the windows that a function of a Qt program shows

Pages are seen from top to bottom at every scale, Qt windows as they come up. A box comes from the program: the DOM and
the accessibility tree, or the geometry of widgets. An element is kept if it is enabled, nothing covers or clips it, it
is what a click on it hits, and an instruction fits it and nothing else. Use the tasks with `--env gui_grounding`,
source "jsonl" and path OUT. Several inputs: run the same command again to go on where a killed one stopped.

Needs 'assay[web]' and Chromium (apt-get install chromium, or playwright install chromium), or 'assay[gui]' for --qt."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status: 0 with tasks, 1 without, 2 for a wrong call, 130 when interrupted."""
    options = _parser().parse_args(list(argv))
    try:
        kind, names = _inputs(options)
        wish, parts = _wish(options), Parts(Path(options.out).expanduser())
        return _run(kind, names, wish, parts, f"assay-mint gui {' '.join(argv)}")
    except (ValueError, ImportError, InfraError, OSError) as error:
        print(f"assay-mint gui: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-mint gui", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--url", nargs="+", metavar="URL", help="pages on the web, http or https")
    inputs.add_argument("--html", nargs="+", metavar="FILE", help="HTML files; they see the files beside them only")
    inputs.add_argument(
        "--qt", nargs="+", metavar="MODULE:FUNCTION", help="what shows windows, called without arguments"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="new folder for tasks.jsonl, images and a report")
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help="tasks of each input at most (default: %(default)s)"
    )
    parser.add_argument(
        "--scale", type=float, nargs="+", default=[1.0], metavar="S",
        help="device pixels for one CSS pixel, such as 1 1.5 2 (default: 1); pages only",
    )  # fmt: skip
    parser.add_argument(
        "--size", default="1280x800", metavar="WxH", help="the browser's window in CSS pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--screens", type=int, default=5, metavar="N", help="scroll positions of a page at most (default: %(default)s)"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="kinds of instruction (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which elements, and their wording (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="longest loading of a page (default: %(default)g)"
    )
    return parser


def _inputs(options: argparse.Namespace) -> tuple[str, list[str]]:
    """The kind of input and the inputs.

    Raises:
        ValueError: one line.
    """
    kind = next(name for name in ("url", "html", "qt") if getattr(options, name))
    names = list(dict.fromkeys(getattr(options, kind)))
    for name in names:
        if kind == "url" and (urlsplit(name).scheme.lower() not in ("http", "https") or not urlsplit(name).hostname):
            raise ValueError(f"--url takes an address that begins with http:// or https://, got {name!r}")
        if kind == "html" and not Path(name).expanduser().is_file():
            raise ValueError(f"no such file: {name}")
    return kind, names


def _wish(options: argparse.Namespace) -> Wish:
    """What is wanted of each input.

    Raises:
        ValueError: one line.
    """
    size = re.fullmatch(r"(\d+)x(\d+)", options.size)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if not (200 <= width <= 4096 and 200 <= height <= 4096):
        raise ValueError(f"--size is WIDTHxHEIGHT, both between 200 and 4096, got {options.size!r}")
    if not all(0.5 <= scale <= 4 for scale in options.scale):
        raise ValueError("--scale takes numbers from 0.5 to 4")
    if any(side * scale != int(side * scale) for scale in options.scale for side in (width, height)):
        raise ValueError(f"--size {options.size} is no whole number of pixels at every --scale: choose other sides")
    for name, value in (("--limit", options.limit), ("--screens", options.screens)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if options.seconds <= 0:
        raise ValueError("--seconds must be above 0")
    return Wish(
        options.limit, tuple(dict.fromkeys(options.scale)), (width, height), options.screens, tuple(options.kinds),
        options.seed, options.seconds,
    )  # fmt: skip


def _run(kind: str, names: list[str], wish: Wish, parts: Parts, command: str) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    facts: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    keys: list[str] = []
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip
    try:
        with bar, _Minter(kind, wish) as minter:
            line = bar.add_task("minting", total=len(names))
            for name in names:
                bar.update(line, description=f"{sum(each['tasks'] for each in facts)} tasks; {name[:60]}")
                key = content_id("mint", kind, name, str(wish), minter.stamp(name))
                known = parts.done(key)
                try:
                    facts.append(known or parts.keep(key, name, minter.mint(name)))
                    keys.append(key)
                except (ValueError, InfraError) as error:
                    reason = str(error).splitlines()[0]
                    failed[name] = reason if name in reason else f"{name}: {reason}"
                    console.print(f"assay-mint gui: {failed[name]}", markup=False, highlight=False, soft_wrap=True)
                bar.advance(line)
    except KeyboardInterrupt:
        print(f"interrupted after {len(keys)} of {len(names)} inputs; run the same command to go on", file=sys.stderr)
        return 130
    if not keys:
        parts.drop()
        return 1 if len(names) > 1 else 2
    count = parts.finish(keys, report_text(facts, failed, command))
    print(f"{count} task{'s' * (count != 1)} in {parts.out}; what was dropped and why: {parts.out / REPORT}")
    return 0


class _Minter:
    """Mints one input after the other; holds the browser, if one is needed."""

    def __init__(self, kind: str, wish: Wish) -> None:
        from assay.envs.gui_grounding.web.worker import BrowserWorker

        self.kind, self.wish = kind, wish
        self.worker = BrowserWorker()
        makers: dict[str, Callable[[str], Minted]] = {"url": self._url, "html": self._html, "qt": self._qt}
        self.mint = makers[kind]

    def __enter__(self) -> _Minter:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.close()

    def stamp(self, name: str) -> str:
        """What else an input depends on: a file's content."""
        if self.kind != "html":
            return ""
        return content_id(Path(name).expanduser().read_bytes().hex())

    def _url(self, name: str) -> Minted:
        return mint_page(self.worker, name, True, self.wish)

    def _html(self, name: str) -> Minted:
        return mint_page(self.worker, str(Path(name).expanduser()), False, self.wish)

    def _qt(self, name: str) -> Minted:
        from assay.envs.gui_grounding.qt.mint import mint_qt

        items = mint_qt(name, count=self.wish.limit, seed=self.wish.seed, kinds=self.wish.kinds)
        return Minted(
            items, len({record.box for record, _ in items}), screens=len({record.image for record, _ in items})
        )
