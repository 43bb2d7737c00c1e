"""Making the questions of a run: videos beside the output until all are there, then the folder in one rename."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.envs.errors import InfraError
from assay.envs.record_files import FILE
from assay.envs.video_keyframes.events.footage import Stretch, of_split
from assay.envs.video_keyframes.events.spec import Spec, key_of, make_video
from assay.envs.video_keyframes.records import Record
from assay.envs.video_keyframes.sources.events import record_of_spec

REPORT = "report.md"


class Minter:
    """Questions on their way into a new folder.

    A killed run has left its videos in ``.<name>.parts`` beside the output; the same run goes on from them.

    Args:
        out: must not exist, or be empty.
        pool: all stretches of the footage.
        test_share: of them, for the test split.

    Raises:
        ValueError: one line; the output is there already.
    """

    def __init__(self, out: Path, pool: Sequence[Stretch], test_share: float) -> None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is not empty: choose another folder")
        self.out, self.pool, self.test_share = out, pool, test_share
        self.place = out.parent / f".{out.name}.parts"
        self.records: list[Record] = []
        self.dropped: Counter[str] = Counter()

    def add(self, spec: Spec) -> None:
        """Make a question and its video, or note why there is none.

        Raises:
            ValueError: one line, if the split has no footage or a file of it cannot be read.
        """
        pool = of_split(self.pool, spec.split, self.test_share, 0.0)
        key = key_of(spec, pool)
        name = f"videos/{key}.mp4"
        video = self.place / name
        if not video.is_file():
            video.parent.mkdir(parents=True, exist_ok=True)
            part = video.with_name(f".{key}.mp4")
            try:
                make_video(spec, part, pool)
                os.replace(part, video)
            except InfraError as error:
                self.dropped[str(error)] += 1
                part.unlink(missing_ok=True)
                return
        self.records.append(record_of_spec(spec, key, name))

    def finish(self, report: str) -> int:
        """Write records and report, give the folder its name, and say how many questions it has; nothing if none."""
        if not self.records:
            shutil.rmtree(self.place, ignore_errors=True)
            return 0
        known = {record.video for record in self.records}
        for video in (self.place / "videos").iterdir():  # of another run that was killed
            if f"videos/{video.name}" not in known:
                video.unlink()
        with (self.place / FILE).open("w", encoding="utf-8") as out:
            for record in self.records:
                out.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
            out.flush()
            os.fsync(out.fileno())
        (self.place / REPORT).write_text(report, encoding="utf-8")
        if self.out.exists():
            self.out.rmdir()
        os.replace(self.place, self.out)
        return len(self.records)


def report_text(minter: Minter, command: str, footage: Mapping[str, int]) -> str:
    """The report: what there is of each kind and split, from which footage, and what was dropped and why."""
    counts = Counter((record.kind, record.split) for record in minter.records)
    lines = [f"# Minted: {len(minter.records)} questions", "", f"    {command}", ""]
    lines += ["| kind | train | test |", "| --- | --- | --- |"]
    for kind in dict.fromkeys(record.kind for record in minter.records):
        lines.append(f"| {kind} | {counts[kind, 'train']} | {counts[kind, 'test']} |")
    lines += ["", "| footage | stretches |", "| --- | --- |"]
    lines += [f"| {name} | {count} |" for name, count in footage.items()]
    if minter.dropped:
        lines += ["", "## Dropped", "", *(f"- {count} x {why}" for why, count in minter.dropped.most_common())]
    return "\n".join(lines) + "\n"
