"""What a run directory holds, read back: its numbers as one record, and its episodes one by one."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.envs.base import TaskEnv
from assay.envs.episode import Episode
from assay.training.configfile import CONFIG, read_config, read_record, read_yaml
from assay.training.errors import UserError
from assay.training.logs import read_metrics

Line = dict[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """A run's numbers.

    Attributes:
        path: the run directory.
        settings: the configuration as plain data.
        record: command, resolved recipe and versions (:func:`assay.training.configfile.write_config`).
        train: ``train`` lines of metrics.jsonl in order.
        evals: ``eval`` lines of the held-out split, in order.
        baselines: the last ``baseline`` line of each name, the untrained model apart.
        alerts: ``alert`` lines.
        untrained: the ``baseline`` line of the untrained model, where a warm-up came before the first evaluation.
        sft: ``sft`` lines: the warm-up.
    """

    path: Path
    settings: dict[str, Any]
    record: dict[str, Any]
    train: list[Line]
    evals: list[Line]
    baselines: list[Line]
    alerts: list[Line]
    untrained: Line | None = None
    sft: Sequence[Line] = ()

    @property
    def before(self) -> Line | None:
        """The evaluation of the untrained model, where there was one."""
        if self.untrained is not None:
            return self.untrained
        return self.evals[0] if self.evals and self.evals[0]["step"] == 0 else None

    @property
    def warmed(self) -> Line | None:
        """The evaluation after the supervised warm-up, where there was one."""
        return self.evals[0] if self.sft and self.evals and self.evals[0]["step"] == 0 else None

    @property
    def after(self) -> Line | None:
        """The last evaluation of the trained model."""
        trained = [line for line in self.evals if line["step"] > 0 or line is self.warmed]
        return trained[-1] if trained else None

    def series(self, name: str) -> tuple[list[int], list[float | None]]:
        """Steps and values of a training metric; None where a step lacks it."""
        return [line["step"] for line in self.train], [_number(line.get(name)) for line in self.train]


def load_run(run_dir: str | Path) -> RunRecord:
    """Read a run directory.

    Raises:
        UserError: if it holds no run.
    """
    path = Path(run_dir)
    lines = read_metrics(path)
    if not lines and not (path / CONFIG).exists():
        raise UserError(f"{path} holds no run: it has neither {CONFIG} nor metrics.jsonl")
    settings = read_yaml(path / CONFIG) if (path / CONFIG).exists() else {}
    evals = [line for line in lines if line["kind"] == "eval"]
    split = (settings.get("eval") or {}).get("split") or (evals[-1].get("split") if evals else None)
    held_out = [line for line in evals if line.get("split") in (split, None)]
    baselines = {line.get("name"): line for line in lines if line["kind"] == "baseline"}
    return RunRecord(
        path=path,
        settings=settings,
        record=read_record(path),
        train=[line for line in lines if line["kind"] == "train"],
        evals=held_out or evals,
        untrained=baselines.pop("untrained", None),
        sft=[line for line in lines if line["kind"] == "sft"],
        baselines=list(baselines.values()),
        alerts=[line for line in lines if line["kind"] == "alert"],
    )


def environments(run_dir: Path) -> list[TaskEnv]:
    """The environments that a run held out and trained on; none where their data is out of reach by now."""
    from assay.envs.registry import env_class
    from assay.training.companion import served

    config = read_config(run_dir)
    training, held = served(config, run_dir)
    own = {"split": "train", **training}
    try:
        return [env_class(config.env)(**options) for options in ((held,) if held == own else (held, own))]
    except (ValueError, OSError):
        return []


def episode_files(run_dir: str | Path, kind: str = "") -> list[Path]:
    """Files of stored episodes, oldest first; ``kind`` is ``"train"``, ``"eval"`` or all."""
    return sorted((Path(run_dir) / "episodes").glob(f"{kind}*.jsonl"), key=lambda path: (_step(path), path.name))


def write_episodes(path: Path, episodes: Iterable[Episode]) -> None:
    """Write one :meth:`Episode.to_json` a line, atomically: a reader sees all of them or no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", errors="replace") as out:
        for episode in episodes:
            out.write(episode.to_json() + "\n")
    os.replace(temporary, path)


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """Episode files among files and run directories.

    Raises:
        UserError: for a path that does not exist, or a folder without episodes.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            found = episode_files(given) or sorted(given.glob("*.jsonl"), key=lambda path: (_step(path), path.name))
            found = [path for path in found if path.name != "metrics.jsonl"]
            if not found:
                raise UserError(f"{given} holds no episodes: give a run directory or a .jsonl file of episodes")
            files += found
        elif given.exists():
            files.append(given)
        else:
            raise UserError(f"no such file: {given}")
    return files


def read_episodes(paths: Sequence[Path]) -> Iterator[Episode]:
    """Every episode of the files, streamed. A torn last line, which a killed process leaves, is skipped.

    Raises:
        UserError: naming the line that is not an episode.
    """
    for path in paths:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                if not raw.strip():
                    continue
                try:
                    yield Episode.from_json(raw.decode("utf-8", "replace"))
                except ValueError as error:
                    if not raw.endswith(b"\n"):
                        break
                    what = str(error).removeprefix("not an episode: ")
                    raise UserError(f"{path}:{number}: not an episode: {what}") from None


def extremes(episodes: Iterable[Episode], n: int) -> tuple[list[Episode], list[Episode]]:
    """The ``n`` best and the ``n`` worst scored episodes by reward, different responses before repeated ones.

    Memory is bounded by ``n``; among equals the earlier episode wins.
    """
    top: _Keep = _Keep(n)
    bottom: _Keep = _Keep(n)
    for number, episode in enumerate(episodes):
        if episode.score is not None:
            top.offer(episode.score.reward, number, episode)
            bottom.offer(-episode.score.reward, number, episode)
    return top.ranked(), bottom.ranked()


class _Keep:
    """The n highest, preferring at equal height what has not been seen; two heaps of at most n."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._seen: set[tuple[float, int]] = set()
        self._fresh: list[tuple[float, int, Episode]] = []
        self._again: list[tuple[float, int, Episode]] = []

    def offer(self, height: float, number: int, episode: Episode) -> None:
        key = (height, hash(tuple(episode.actions)))
        heap = self._again if key in self._seen else self._fresh
        if len(self._seen) < 100_000:
            self._seen.add(key)
        item = (height, -number, episode)
        if len(heap) < self._n:
            heapq.heappush(heap, item)
        elif self._n and item[:2] > heap[0][:2]:
            heapq.heapreplace(heap, item)

    def ranked(self) -> list[Episode]:
        items = [(height, 1, order, episode) for height, order, episode in self._fresh]
        items += [(height, 0, order, episode) for height, order, episode in self._again]
        return [item[3] for item in sorted(items, key=lambda item: item[:3], reverse=True)[: self._n]]


def _step(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
