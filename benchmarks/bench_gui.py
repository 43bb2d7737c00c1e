"""Screenshots and tasks per second and core of the sources of gui-grounding-v0.

    python benchmarks/bench_gui.py
    python benchmarks/bench_gui.py --windows 200 --source qt

A row is one step, its rate per second of CPU (the worker's own clock, the best of several parts, so that other load
matters little) and its milliseconds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, str, float]  # source, step, CPU seconds of one


def qt_part(first: int, windows: int) -> dict[str, float]:
    """CPU seconds of each step over some windows; runs inside a Qt worker."""
    from assay.envs.candidates import seeded
    from assay.envs.gui_grounding.instructions import write_instructions
    from assay.envs.gui_grounding.qt.scenes import grab, pixels, shown, survey
    from assay.envs.gui_grounding.qt.windows import KINDS

    spent = dict.fromkeys(("build and lay out a window", "find its elements", "write 4 instructions", "paint it"), 0.0)
    repaint = 0.0
    for number in range(first, first + windows):
        begun = time.process_time()
        with shown(list(KINDS)[number % len(KINDS)], number, False) as window:
            marks = [time.process_time()]
            elements, _ = survey(window.main)
            marks.append(time.process_time())
            write_instructions(elements, seeded("bench", number), 4)
            marks.append(time.process_time())
            pixels(grab(window.main))
            marks.append(time.process_time())
            pixels(grab(window.main))
            repaint += time.process_time() - marks[-1]
        for name, start, end in zip(spent, [begun, *marks], marks, strict=False):
            spent[name] += end - start
    spent["paint it again"] = repaint
    return {name: seconds / windows for name, seconds in spent.items()}


def qt_tasks(first: int, windows: int, split: str) -> float:
    """CPU seconds of one task of a split, four on each window; runs inside a Qt worker."""
    from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
    from assay.envs.gui_grounding.qt.draws import draw_scene
    from assay.envs.gui_grounding.qt.windows import KINDS

    begun = time.process_time()
    for number in range(first, first + windows):
        draw_scene(0, split, number, 4, list(KINDS), list(INSTRUCTIONS), "mixed", 0.2, 0.0)
    return (time.process_time() - begun) / (4 * windows)


def measure_qt(windows: int, parts: int = 4) -> Iterator[Row]:
    """Every step of the qt source."""
    from assay.envs.gui_grounding.qt.worker import QtWorker

    share = max(8, windows // parts)
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # the worker imports this file
    with QtWorker() as worker:
        worker.call("bench_gui:qt_part", first=0, windows=8)  # fonts and icons are loaded once
        runs = [worker.call("bench_gui:qt_part", first=8 * part, windows=share)[0] for part in range(parts)]
        best = {name: min(run[name] for run in runs) for name in runs[0]}
        yield from (("qt", name, seconds) for name, seconds in best.items())
        yield "qt", "a new screenshot", best["build and lay out a window"] + best["paint it"]
        for split in ("train", "test"):
            spent = [
                worker.call("bench_gui:qt_tasks", first=part * share, windows=max(4, share // 2), split=split)[0]
                for part in range(2)
            ]
            yield "qt", f"a task of the {split} split", min(spent)


def family_seconds(pid: int) -> float:
    """CPU seconds so far of a process and all below it: a browser works in processes of its own."""
    from assay.envs.gui_grounding.web.worker import descendants

    ticks = 0
    for each in (pid, *(child for child, _ in descendants(pid))):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure_web(windows: int, parts: int = 4) -> Iterator[Row]:
    """Every step of the web source, the browser's processes included."""
    from assay.envs.gui_grounding.instructions import KINDS as INSTRUCTIONS
    from assay.envs.gui_grounding.web.pages import KINDS, draw_page
    from assay.envs.gui_grounding.web.worker import BrowserWorker

    share, module = max(8, windows // parts), "assay.envs.gui_grounding.web"
    given = {"apps": list(KINDS), "kinds": list(INSTRUCTIONS), "hard": "mixed", "test_share": 0.2, "dev_share": 0.0}
    with BrowserWorker() as worker:

        def seconds(count: int, calls: Iterator[tuple[str, dict[str, Any]]]) -> float:
            before = family_seconds(worker.pid or 0)
            for target, arguments in calls:
                worker.call(f"{module}.{target}", **arguments)
            return (family_seconds(worker.pid or 0) - before) / count

        def pages(part: int, **what: bool) -> Iterator[tuple[str, dict[str, Any]]]:
            for number in range(part * share, (part + 1) * share):
                page = draw_page(list(KINDS)[number % len(KINDS)], number)
                seen = {"width": page.width, "height": page.height, "scale": page.scale, "scroll": page.scroll}
                yield "render:drawn_page", {"html": page.html, **seen, **what}

        def screens(part: int, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
            for number in range(part * share, (part + 1) * share):
                yield "draws:draw_screen", {"seed": 0, "split": split, "number": number, "count": 4, **given}

        worker.call(f"{module}.browser:version")  # starts the browser
        seconds(share, pages(0))  # and one page for each scale
        load = min(seconds(share, pages(part, harvest=False, picture=False)) for part in range(parts))
        harvest = min(seconds(share, pages(part, harvest=True, picture=False)) for part in range(parts))
        photo = min(seconds(share, pages(part, harvest=False, picture=True)) for part in range(parts))
        yield "web", "load and lay out a page", load
        yield "web", "find its elements", max(harvest - load, 0.0)
        yield "web", "paint it, as a PNG", max(photo - load, 0.0)
        yield "web", "a new screenshot", photo
        for split in ("train", "test"):
            spent = min(seconds(4 * share, screens(part, split)) for part in range(2))
            yield "web", f"a task of the {split} split", spent


SOURCES: dict[str, Callable[[int], Iterator[Row]]] = {"qt": measure_qt, "web": measure_web}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=160, help="windows or pages to draw")
    parser.add_argument("--source", choices=sorted(SOURCES), action="append", help="default: all")
    arguments: Any = parser.parse_args()
    print(f"{'source':8} {'step':34} {'per core and second':>20} {'ms':>9}")
    for source in arguments.source or sorted(SOURCES):
        for name, step, seconds in SOURCES[source](arguments.windows):
            print(f"{name:8} {step:34} {1 / max(seconds, 1e-9):20.1f} {1000 * seconds:9.2f}", flush=True)


if __name__ == "__main__":
    main()
