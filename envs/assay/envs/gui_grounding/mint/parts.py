"""Where minting has got to: a folder for each finished input beside the output, so that a killed run goes on."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.gui_grounding.mint.pages import Minted
from assay.envs.gui_grounding.records import Record, read_records, write_records
from assay.envs.record_files import FILE

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

REPORT = "report.md"
_FACTS = "facts.json"


class Parts:
    """The finished inputs of a run.

    Args:
        out: the output folder, which must not exist or be empty; what is finished lies in ``.<name>.parts`` beside it.

    Raises:
        ValueError: one line; the output is there already.
    """

    def __init__(self, out: Path) -> None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is not empty: choose another folder")
        self.out = out
        self.place = out.parent / f".{out.name}.parts"

    def done(self, key: str) -> dict[str, Any] | None:
        """What is known of a finished input, or None."""
        try:
            facts: dict[str, Any] = json.loads((self.place / key / _FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts

    def keep(self, key: str, name: str, made: Minted) -> dict[str, Any]:
        """Store an input, whole or not at all; returns what is known of it."""
        facts = {
            "name": name, "tasks": len(made.items), "elements": made.elements, "screens": made.screens,
            "dropped": dict(made.dropped), "kinds": dict(Counter(record.kind for record, _ in made.items)),
        }  # fmt: skip
        folder = self.place / key
        if folder.exists():
            shutil.rmtree(folder)
        write_records(folder, made.items)
        part = folder / f"{_FACTS}.part"
        part.write_text(json.dumps(facts), encoding="utf-8")
        os.replace(part, folder / _FACTS)
        return facts

    def finish(self, keys: list[str], report: str) -> int:
        """Make the output of the finished inputs, whole or not at all, and forget them; returns the count of tasks.

        Raises:
            ValueError: one line; there are no tasks.
        """
        whole = self.place / "whole"
        if whole.exists():
            shutil.rmtree(whole)
        count = write_records(whole, self._unique(keys))
        (whole / REPORT).write_text(report, encoding="utf-8")
        if self.out.exists():
            self.out.rmdir()
        os.replace(whole, self.out)
        shutil.rmtree(self.place)
        return count

    def drop(self) -> None:
        """Forget what is finished, if that is nothing."""
        if self.place.is_dir() and not any(self.place.iterdir()):
            self.place.rmdir()

    def _unique(self, keys: list[str]) -> Iterator[tuple[Record, Picture]]:
        from PIL import Image

        seen: set[str] = set()
        for key in keys:
            for record in read_records(self.place / key / FILE):
                if record.id in seen:
                    continue
                seen.add(record.id)
                with Image.open(self.place / key / record.image) as picture:
                    yield dataclasses.replace(record, image=""), picture.convert("RGB")


def report_text(facts: list[dict[str, Any]], failed: dict[str, str], command: str) -> str:
    """The report: what came of each input, and what was dropped and why."""
    tasks, dropped = sum(each["tasks"] for each in facts), Counter[str]()
    lines = [f"# Minted: {tasks} tasks", "", f"    {command}", ""]
    lines += ["| input | tasks | screenshots | elements | kinds |", "| --- | --- | --- | --- | --- |"]
    for each in facts:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(each["kinds"].items()))
        lines.append(f"| {each['name']} | {each['tasks']} | {each['screens']} | {each['elements']} | {kinds} |")
        dropped.update(each["dropped"])
    if failed:
        lines += ["", "## Inputs without tasks", "", *(f"- {reason}" for reason in failed.values())]
    lines += ["", "## Elements without tasks", "", "| reason | elements |", "| --- | --- |"]
    lines += [f"| {why} | {count} |" for why, count in dropped.most_common()]
    return "\n".join(lines) + "\n"
