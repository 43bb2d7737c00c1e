"""``assay-mint video``: the command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from assay.envs.errors import InfraError
from assay.envs.video_keyframes.events.footage import Stretch, files_of, stretches
from assay.envs.video_keyframes.events.quizzes import KINDS
from assay.envs.video_keyframes.events.spec import Spec, quiz_of
from assay.envs.video_keyframes.mint.write import Minter, report_text

ABOUT = """\
Make questions about videos out of any footage that you have, with answers that are exact.

  assay-mint video holiday.mp4 --out tasks --count 60      questions about signs put into that footage
  assay-mint video clips/ more.mkv --out tasks             several files, or all videos of a folder
  assay-mint video talk.mp4 --frames 16 --sheet out.png    16 telling frames, and the curve they were chosen by

A question is about signs that are spliced into the footage or laid over it at known times: what was shown, in which
order, how often, for how long, before which other, where on the screen. Each video is encoded as H.264 and decoded
again; the signs are looked for in its frames, and a question that these do not answer the same way is dropped. Signs
are never shown at the times of a uniform sample of --hidden-from frames. Footage is cut into stretches, and none is in
two splits. Use the tasks with `--env video_keyframes`, source "files" and path OUT. Needs 'assay[video]'."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status: 0 when done, 1 without a task, 2 for a wrong call, 130 interrupted."""
    options = _parser().parse_args(list(argv))
    try:
        if options.sheet:
            return _sheet(options)
        return _mint(options, f"assay-mint video {' '.join(argv)}")
    except (ValueError, ImportError, InfraError, OSError) as error:
        print(f"assay-mint video: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-mint video", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="videos, or folders with some")
    parser.add_argument("--out", metavar="DIR", help="new folder for tasks.jsonl, videos and a report")
    parser.add_argument("--count", type=int, default=60, metavar="N", help="questions (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="default: all")
    parser.add_argument(
        "--seconds", type=float, default=96.0, metavar="S", help="length of a video (default: %(default)g)"
    )
    parser.add_argument("--size", default="320x240", metavar="WxH", help="of the videos, even (default: %(default)s)")
    parser.add_argument(
        "--hidden-from", type=int, default=16, metavar="K",
        help="no sign at the times of a uniform sample of K frames; 0: signs at any time (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--test-share", type=float, default=0.2, metavar="P", help="of the questions and the footage (default: 0.2)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: %(default)s)")
    parser.add_argument("--sheet", metavar="PNG", help="instead of questions: draw the telling frames of one file")
    parser.add_argument("--frames", type=int, default=16, metavar="K", help="how many (default: %(default)s)")
    parser.add_argument("--fps", type=float, default=1.0, help="candidate frames a second (default: %(default)g)")
    return parser


def _sheet(options: argparse.Namespace) -> int:
    from assay.envs.video_keyframes.sheet import write_sheet

    if len(options.files) != 1:
        raise ValueError("--sheet draws one file")
    drawn = write_sheet(options.files[0], options.frames, options.sheet, options.fps)
    at = ", ".join(f"{second:.1f}" for second in drawn.seconds)
    print(f"{options.sheet}: {len(drawn.seconds)} of {drawn.candidates} frames, at {at} s")
    print(f"saliency {drawn.selection.saliency:.3f}")
    return 0


def _mint(options: argparse.Namespace, command: str) -> int:
    if not options.out:
        raise ValueError("give --out DIR for questions, or --sheet PNG for a sheet of frames")
    specs = _specs(options)
    pool = stretches([file for name in options.files for file in files_of(name)])
    minter = Minter(Path(options.out).expanduser(), pool, options.test_share)
    try:
        _run(minter, specs)
    except KeyboardInterrupt:
        print("interrupted; run the same command to go on", file=sys.stderr)
        return 130
    count = minter.finish(report_text(minter, command, _names(pool)))
    if not count:
        print("assay-mint video: none of the videos showed its signs; try a larger --size", file=sys.stderr)
        return 1
    print(f"{count} question{'s' * (count != 1)} in {minter.out}")
    return 0


def _specs(options: argparse.Namespace) -> list[Spec]:
    size = re.fullmatch(r"(\d{2,4})x(\d{2,4})", options.size)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if not (64 <= width <= 1920 and 64 <= height <= 1920) or width % 2 or height % 2:
        raise ValueError(f"--size is WIDTHxHEIGHT, both even and from 64 to 1920, got {options.size!r}")
    if options.count < 1:
        raise ValueError(f"--count must be at least 1, got {options.count}")
    if not 8 <= options.seconds <= 3600:
        raise ValueError(f"--seconds must be from 8 to 3600, got {options.seconds:g}")
    if not 0 <= options.test_share <= 1:
        raise ValueError(f"--test-share must be from 0 to 1, got {options.test_share:g}")
    if options.hidden_from < 0:
        raise ValueError(f"--hidden-from must be at least 0, got {options.hidden_from}")
    tests = round(options.count * options.test_share)
    kinds = list(dict.fromkeys(options.kinds))
    specs = [
        Spec(
            kind=kinds[number % len(kinds)], number=number // len(kinds), split=split, seed=options.seed,
            seconds=options.seconds, width=width, height=height, hidden_from=options.hidden_from, footage="path",
            test_share=options.test_share,
        )
        for split, count in (("train", options.count - tests), ("test", tests))
        for number in range(count)
    ]  # fmt: skip
    for spec in specs:
        quiz_of(spec)  # that the signs fit is known before anything is written
    return specs


def _run(minter: Minter, specs: Sequence[Spec]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        for spec in bar.track(specs, description="encoding"):
            minter.add(spec)


def _names(pool: Sequence[Stretch]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in pool:
        counts[Path(each.path).name] = counts.get(Path(each.path).name, 0) + 1
    return counts
