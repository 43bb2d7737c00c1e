"""Latency and weight of every sandbox that runs here, beside plain Docker and swe-rex, in one table of one run.

    python benchmarks/bench_sandbox.py
    python benchmarks/bench_sandbox.py --peer-python VENV/bin/python --peer-image IMAGE
    python benchmarks/bench_sandbox.py --only native bubblewrap --live 50

Each column is measured in a process of its own, one after another. ``native user`` is the same code run as an
ordinary user (needs root, ``setpriv`` and a system Python from 3.11 on). ``reset`` is measured on trees of that many
files, after all were read, a tenth of the folders removed, and forty files edited or added. Plain Docker has no reset
but a new container, and no time-out. swe-rex (``pip install swe-rex aiohttp`` into VENV) has neither reset nor limits,
its local runtime has no walls, and its ``exec`` is a command in a session, with ``execute`` in brackets. All times are
medians in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
SANDBOX = HERE.parents[1] / "sandbox"
USER = 23_456
TREES = {14: 14_000, 2_000: 16_000, 7_000: 10_000}
"""files -> bytes of each."""
METRICS = {
    "start": ("cold start", 30.0),
    "exec": ("exec round trip", 12.0),
    "reset14": ("reset, 14 files", 10.0),
    "reset2000": ("reset, 2,000 files", 10.0),
    "reset7000": ("reset, 7,000 files", 50.0),
    "overshoot": ("time-out overshoot", 50.0),
    "grade": ("grade of a fixture's reference patch, twice run", None),
    "live_mb": ("MB of all that live at once", 1000.0),
    "live": ("how many those are", None),
}
"""key -> (row of the table, target of the native columns)."""
COLUMNS = ("native", "native user", "bubblewrap", "docker", "plain docker", "swe-rex local", "swe-rex docker")
CHANGE = """
grep -r nowhere . > /dev/null
for d in $(ls | head -n {folders}); do rm -rf $d; done
for f in $(find . -type f | head -n 20); do echo x >> $f; done
for n in $(seq 20); do echo y > added$n; done
"""

Row = dict[str, float | str]


def median_ms(action: Callable[[], Any], times: int, before: Callable[[], Any] = lambda: None) -> float:
    """Milliseconds of an action; ``before`` is not counted."""
    taken = []
    for _ in range(times):
        before()
        begin = time.perf_counter()
        action()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


def make_tree(top: Path, files: int) -> Path:
    """Files of random bytes, about forty to a folder."""
    noise = os.urandom(1 << 20)
    for number in range(files):
        folder = top / f"d{number // 40}"
        folder.mkdir(parents=True, exist_ok=True)
        start = number * 997 % (len(noise) - TREES[files])
        (folder / f"f{number}").write_bytes(noise[start : start + TREES[files]])
    return top


def proportional_mb(pids: Iterable[int]) -> float:
    """Memory of processes, what they share divided among them. Of other users' processes only root may know it."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):  # gone since it was listed
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def descendants(tops: set[int]) -> set[int]:
    """All that descend from these processes, without them."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = set(tops)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family - tops


def shims() -> set[int]:
    """The processes by which a Docker daemon holds its containers."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().startswith("containerd-shim"):
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def weigh_when_asked(process: subprocess.Popen[str]) -> str:
    """Talk with a column's process: it says when its sandboxes live, we say what they weigh; its row."""
    assert process.stdin is not None
    assert process.stdout is not None
    before, row = shims(), ""
    for line in process.stdout:
        row = line[4:] if line.startswith("row ") else row  # peers print other things too
        if line == "weigh\n":
            new = shims() - before
            try:
                weight = proportional_mb(descendants({process.pid}) | new | descendants(new))
            except PermissionError:
                weight = float("nan")
            process.stdin.write(f"{weight}\n")
            process.stdin.flush()
    process.stdin.close()
    process.wait()
    return row


def measure_ours(backend: str, folder: Path, times: int, live: int) -> Row:
    """A column of one of our back-ends."""
    from assay.sandbox import Layer, SandboxSpec, open_sandbox

    row: Row = {}
    first = open_sandbox(SandboxSpec(), backend)  # starts what is started once in a process
    row["exec"] = median_ms(lambda: first.exec("true", timeout=30), times * 5)
    row["overshoot"] = median_ms(lambda: first.exec("sleep 60", timeout=0.3), 7) - 300
    boxes = [first]
    row["start"] = median_ms(lambda: boxes.append(open_sandbox(SandboxSpec(), backend)), times)
    for box in boxes[1:]:
        box.close()
    for files in TREES:
        tree = make_tree(folder / str(files), files)
        box = open_sandbox(SandboxSpec(layers=(Layer(str(tree), "/testbed"),)), backend)
        change = CHANGE.format(folders=max(1, files // 400))
        row[f"reset{files}"] = median_ms(box.reset, times, lambda box=box, change=change: box.exec(change, timeout=120))
        box.close()
    boxes = [open_sandbox(SandboxSpec(), backend) for _ in range(live)]
    for box in boxes:
        box.exec("true", timeout=60)
    row["live"] = live
    print("weigh", flush=True)
    row["live_mb"] = float(sys.stdin.readline())
    for box in [first, *boxes]:
        box.close()
    return row


def measure_grade(backend: str, times: int) -> float:
    """Milliseconds of a whole verdict on warm sandboxes: apply, run the tests, and run them again made to fail."""
    from assay.envs.swe_rl.boxes import BOXES, borrowed, place_of
    from assay.envs.swe_rl.grading import grade
    from assay.envs.swe_rl.options import Options
    from assay.envs.swe_rl.sources import load_rows
    from assay.envs.swe_rl.verdict import score_of

    row = load_rows(Options())[0]
    place = place_of(row, backend=backend)

    def verdict() -> None:
        evidence = grade(row, row.patch, place, lambda: borrowed(place.spec, backend, 2))
        assert score_of(row, evidence, "tests").correct

    verdict()
    taken = median_ms(verdict, max(3, times // 2))
    BOXES.close()
    return taken


def measure_plain_docker(image: str, times: int) -> Row:
    """A container each time, through the SDK, with the limits that anyone would set."""
    import docker

    client = docker.from_env()
    limits = {"network_mode": "none", "mem_limit": "1g", "pids_limit": 128, "cap_drop": ["ALL"], "init": True}
    held: list[Any] = []

    def start() -> None:
        held.append(client.containers.create(image, ["sleep", "infinity"], **limits))
        held[-1].start()

    def again() -> None:
        held.pop().remove(force=True)
        start()

    row: Row = {"start": median_ms(start, times)}
    row["exec"] = median_ms(lambda: held[-1].exec_run(["true"]), times)
    row["reset14"] = median_ms(again, times)
    row["reset2000"] = row["reset7000"] = row["reset14"]
    row["overshoot"] = "none"
    for container in held:
        container.remove(force=True)
    return row


async def measure_swerex(image: str, times: int) -> Row:
    """swe-rex: a runtime with one bash session, its way to keep a place for commands."""
    from swerex.deployment.docker import DockerDeployment
    from swerex.deployment.local import LocalDeployment
    from swerex.runtime.abstract import BashAction, Command, CreateBashSessionRequest

    async def timed(make: Callable[[], Any], count: int) -> float:
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            try:
                await make()
            except Exception as error:
                if "timeout" not in f"{type(error).__name__} {error}".lower():
                    raise
            taken.append((time.perf_counter() - begin) * 1000)
        return statistics.median(taken)

    held: list[Any] = []

    async def start() -> None:
        held.append(DockerDeployment(image=image, pull="never") if image else LocalDeployment())
        await held[-1].start()
        await held[-1].runtime.create_session(CreateBashSessionRequest())

    row: Row = {"start": await timed(start, 3 if image else times)}
    runtime = held[-1].runtime
    session = await timed(lambda: runtime.run_in_session(BashAction(command="true")), times)
    bare = await timed(lambda: runtime.execute(Command(command=["true"])), times)
    row["exec"] = f"{session:,.1f} ({bare:,.1f})"
    row["overshoot"] = await timed(lambda: runtime.execute(Command(command=["sleep", "5"], timeout=0.3)), 3) - 300
    for deployment in held:
        await deployment.stop()
    return row


def column_command(column: str, options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """How to measure one column in a process of its own; an empty command: it cannot be."""
    arguments = [str(HERE), "--column", column, "--times", str(options.times), "--live", str(options.live)]
    arguments += ["--image", options.image, "--peer-image", options.peer_image]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if column.startswith("swe-rex"):
        wanted = options.peer_python and (column == "swe-rex local" or options.peer_image)
        return ([options.peer_python, *arguments] if wanted else []), environment
    if column == "plain docker" and not options.image:
        return [], environment
    if column == "native user":
        python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
        setpriv = shutil.which("setpriv")
        if os.geteuid() != 0 or not python or not setpriv:
            return [], environment
        who = [setpriv, f"--reuid={USER}", f"--regid={USER}", "--clear-groups", python]
        return [*who, *arguments], {"PYTHONPATH": str(SANDBOX), "PATH": os.environ["PATH"], "HOME": "/"}
    return [sys.executable, *arguments], environment


def measure(column: str, options: argparse.Namespace) -> Row:
    """One column, in this process."""
    if column.startswith("swe-rex"):
        return asyncio.run(measure_swerex(options.peer_image if column.endswith("docker") else "", options.times))
    if column == "plain docker":
        return measure_plain_docker(options.image, options.times)
    with tempfile.TemporaryDirectory() as folder:
        live = options.live if column != "docker" else min(options.live, 20)
        row = measure_ours(column.split()[0], Path(folder), options.times, live)
    if column != "native user":  # whose Python has only the sandbox
        row["grade"] = measure_grade(column, options.times)
    return row


def print_table(rows: dict[str, Row]) -> None:
    """Metrics down, back-ends across; a native figure that misses its target is marked."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="sandboxes: medians in ms")
    table.add_column("")
    for column in rows:
        table.add_column(column, justify="right")
    table.add_column("target", justify="right")
    for key, (title, target) in METRICS.items():
        cells = []
        for column, row in rows.items():
            value = row.get(key, "-")
            missed = target and column.startswith("native") and isinstance(value, float) and value > target
            shown = value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
            cells.append(f"[red]{shown} ![/red]" if missed else shown)
        table.add_row(title, *cells, f"< {target:,.0f}" if target else "")
    Console(width=180).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=COLUMNS, default=COLUMNS, metavar="COLUMN", help=", ".join(COLUMNS)
    )
    parser.add_argument("--times", type=int, default=20, help="samples of a median")
    parser.add_argument("--live", type=int, default=300, help="sandboxes that live at once (docker: at most 20)")
    parser.add_argument("--image", default="", help="an image with `sleep`, for plain Docker")
    parser.add_argument("--peer-python", default="", help="a Python with swe-rex and aiohttp")
    parser.add_argument("--peer-image", default="", help="an image with `swerex-remote` on its path")
    parser.add_argument("--json", default="", help="also write the figures to this file")
    parser.add_argument("--column", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.column:
        print(f"\nrow {json.dumps(measure(options.column, options))}")
        return
    from rich.progress import track

    rows: dict[str, Row] = {}
    for column in track(options.only, description="measuring"):
        command, environment = column_command(column, options)
        if not command:
            print(f"{column}: left out, see --help for what it needs", file=sys.stderr)
            continue
        with tempfile.TemporaryFile("w+") as trouble:
            process = subprocess.Popen(
                command, env=environment, cwd="/", text=True, stdin=-1, stdout=-1, stderr=trouble
            )
            last = weigh_when_asked(process)
            trouble.seek(0)
            said = trouble.read().strip().splitlines()
        if process.returncode:
            print(f"{column}: {(said or ['failed'])[-1]}", file=sys.stderr)
            continue
        rows[column] = json.loads(last)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    print_table(rows)


if __name__ == "__main__":
    main()
