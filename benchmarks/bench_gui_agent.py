"""Live applications: how fast they are, and how much memory 16 of them take.

    python benchmarks/bench_gui_agent.py --live 16 --steps 60

Memory is the proportional set size (PSS) of every process of the group, this one included: shared pages count once.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assay.envs.gui_agent import GuiAgentEnv


def pss(pid: int | str) -> float:
    """Proportional set size of a process, MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu(pid: int) -> float:
    """Seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def random_steps(env: GuiAgentEnv, count: int) -> None:
    """Play a random agent for so many steps."""
    answer = env.baselines()["random"].answer
    over, done = True, 0
    while done < count:
        if over:
            env.reset(seed=done)
        *_, terminated, truncated, _ = env.step(answer(env.current_task, (), done))
        over, done = terminated or truncated, done + 1


def speed(env: GuiAgentEnv, steps: int) -> list[tuple[str, float, float]]:
    """(what, wall seconds, worker's processor seconds), each for one."""
    env.reset(seed=0)
    pid = env.session.pid
    assert pid is not None
    rows = []
    jobs: dict[str, tuple[int, Any]] = {
        "reset": (20, lambda: [env.reset(seed=seed) for seed in range(20)]),
        "step": (steps, lambda: random_steps(env, steps)),
        "expert's look": (20, lambda: [env.session.elements() for _ in range(20)]),
    }
    for name, (count, job) in jobs.items():
        wall, used = time.perf_counter(), cpu(pid)
        job()
        rows.append((name, (time.perf_counter() - wall) / count, (cpu(pid) - used) / count))
    return rows


def memory(tasks: Any, live: int, steps: int) -> tuple[float, float]:
    """(MB of all processes, MB of this one) with ``live`` applications open and used."""
    envs = [GuiAgentEnv(tasks=tasks) for _ in range(live)]
    try:
        for seed, env in enumerate(envs):
            env.reset(seed=seed)
            random_steps(env, steps)
        own = pss("self")
        return own + sum(pss(env.session.pid) for env in envs if env.session.pid is not None), own
    finally:
        for env in envs:
            env.close()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=16, help="applications open at once")
    parser.add_argument("--steps", type=int, default=60, help="steps timed")
    flags = parser.parse_args()
    console = Console()
    with console.status("drawing goals"):
        env = GuiAgentEnv(count=48)
    with console.status("timing"):
        rows = speed(env, flags.steps)
    table = Table("", "a second, wall", "ms of the worker's core", title="gui-agent-v0")
    for name, wall, used in rows:
        table.add_row(name, f"{1 / wall:.1f}", f"{1000 * used:.1f}")
    console.print(table)
    with console.status(f"opening {flags.live}"):
        total, own = memory(env.tasks, flags.live, 15)
    env.close()
    console.print(f"{flags.live} live: {total:.0f} MB (PSS) in all, {own:.0f} MB of them this process")


if __name__ == "__main__":
    main()
