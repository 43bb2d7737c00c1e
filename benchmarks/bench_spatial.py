"""How fast scenes are rendered, how fast tasks are made and read again, and what 64 environments cost in memory.

    python benchmarks/bench_spatial.py                     # everything
    python benchmarks/bench_spatial.py --only renders
    python benchmarks/bench_spatial.py --only tasks --count 54 --size 160

Seconds are of the processor, so that what else runs on the machine counts little.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

SIZES = ((96, 72), (160, 120), (320, 240))
LEVELS = ("L1", "L2", "L3", "L4")


def renders(things: int, repeats: int) -> None:
    """Renders a second by size, of a scene that is new, and of one that only another camera looks at."""
    from assay.envs.spatial_tree.engine import Camera, render
    from assay.envs.spatial_tree.engine.kinds import COLOURS, KINDS, thing
    from assay.envs.spatial_tree.engine.rooms import place, room
    from assay.envs.spatial_tree.engine.world import simulator

    rng = np.random.default_rng(0)
    names, colours = list(KINDS), list(COLOURS)
    crowd = [thing(names[rng.integers(len(names))], colours[k % 8], fit=0.6) for k in range(things)]
    scene = place(rng, room(rng, 7, 7, ("+x", "+y")), crowd, gap=0.05)
    if scene is None:
        raise SystemExit(f"{things} things do not fit into the room: take fewer")
    print(f"{'pixels':>9}  {'new scene':>12}  {'same scene':>12}   ({things} things in a room, shadows, smooth edges)")
    for width, height in SIZES:
        camera = Camera.looking((-5, -1, 3), (0, 0, 0.3), width=width, height=height)
        new, same = [], []
        for _ in range(repeats):
            with simulator():
                pass  # empties the world
            start = time.process_time()
            render(scene, camera)
            middle = time.process_time()
            render(scene, camera)
            new.append(middle - start)
            same.append(time.process_time() - middle)
        shown = (f"{np.median(each) * 1e3:6.1f} ms {1 / np.median(each):4.0f}/s" for each in (new, same))
        print(f"{width:>4}x{height:<4}  " + "  ".join(shown))


def tasks(count: int, size: int) -> None:
    """Tasks a second by level with their pictures, with an empty cache and again with what is in it then."""
    import gymnasium as gym

    import assay.envs  # noqa: F401 - registers the environments

    print(f"{'level':>5}  {'made':>10}  {'read again':>11}   ({count} tasks at {size} pixels, tasks a second)")
    for level in track(LEVELS, "making tasks", console=Console(stderr=True), transient=True,
                       disable=not sys.stderr.isatty()):  # fmt: skip
        rates = []
        for _ in range(2):
            start = time.process_time()
            env = gym.make("spatial-tree-v0", level=level, count=count, size=size)
            inner: Any = env.unwrapped
            made = sum(bool(inner.open_images(task)) for task in inner.tasks)
            rates.append(made / (time.process_time() - start))
            env.close()
        print(f"{level:>5}  {rates[0]:10.2f}  {rates[1]:11.0f}")


def memory(count: int, size: int, environments: int = 64) -> None:
    """Megabytes that many open environments add to a process, each in an episode."""
    import gymnasium as gym

    import assay.envs  # noqa: F401 - registers the environments

    first = gym.make("spatial-tree-v0", count=count, size=size)
    first.reset(seed=0)
    before = _resident()
    opened: list[Any] = [gym.make("spatial-tree-v0", count=count, size=size) for _ in range(environments)]
    for number, env in enumerate(opened):
        env.reset(seed=number)
    grown = _resident() - before
    print(f"{environments} environments in episodes: {grown:.0f} MB more than one ({before:.0f} MB)")
    for env in (first, *opened):
        env.close()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run what is asked for, with a cache of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("renders", "tasks", "memory"), help="one part; all three by default")
    parser.add_argument("--things", type=int, default=25, help="things in the rendered scene (25)")
    parser.add_argument("--repeats", type=int, default=7, help="renders of each size (7)")
    parser.add_argument("--count", type=int, default=54, help="tasks of each level (54)")
    parser.add_argument("--size", type=int, default=320, help="longer side of the tasks' pictures, pixels (320)")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSAY_CACHE"] = folder
        if told.only in (None, "renders"):
            renders(told.things, told.repeats)
        if told.only in (None, "tasks"):
            tasks(told.count, told.size)
        if told.only in (None, "memory"):
            memory(told.count, told.size)


if __name__ == "__main__":
    main()
