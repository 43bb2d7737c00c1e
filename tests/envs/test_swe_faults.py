"""Sandboxes that die, disks that fill, daemons that go: no episode is scored for it, all are played again."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.agents.engines.scripted import ActionsPolicy
from assay.agents.policy import Completion, Request
from assay.envs import Episode, rescore
from assay.envs.episode import Outcome
from assay.envs.swe_rl import SweRlEnv
from assay.envs.swe_rl.boxes import BOXES
from assay.sandbox import SandboxDied, SandboxError, SandboxSpec, SandboxUnavailable, open_sandbox
from assay.sandbox.pool import SandboxPool
from assay.sandbox.proxy import SandboxProxy
from assay.training.rollout import Collector, specs_for

KINDS = ("killed", "closed", "disk full", "daemon gone", "no daemon")


class Faults:
    """Decides which call fails and how; counts what it did."""

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._draw, self._lock = share, random.Random(seed), threading.Lock()
        self.counts: Counter[str] = Counter()
        self.boxes: list[Any] = []
        self.processes: list[tuple[int, str]] = []
        self.on = True

    def next(self, kinds: tuple[str, ...]) -> str:
        with self._lock:
            if not self.on or self._draw.random() >= self._share:
                return ""
            kind = self._draw.choice(kinds)
            self.counts[kind] += 1
            return kind

    def open(self, spec: SandboxSpec, backend: str) -> FaultyBox:
        if self.next(("no daemon",)):
            raise SandboxUnavailable("cannot connect to the Docker daemon", "start dockerd")
        box = open_sandbox(spec, backend)
        with self._lock:
            self.boxes.append(box)
            self.processes.append((box._pid, started(box._pid)))
        return FaultyBox(box, self)


class FaultyBox(SandboxProxy):
    """A real sandbox that is really killed now and then, or whose daemon seems to be gone."""

    def __init__(self, box: Any, faults: Faults) -> None:
        self.spec, self._box, self._faults = box.spec, box, faults

    def alive(self) -> bool:
        return bool(self._box.alive())

    def close(self) -> None:
        self._box.close()

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in ("exec", "diff", "read_file"):
            kind = self._faults.next(("killed", "closed", "disk full", "daemon gone"))
            if kind == "killed":
                os.kill(self._box._pid, signal.SIGKILL)
            elif kind == "closed":
                self._box.close()
            elif kind == "disk full":
                raise SandboxError("no space left on device")
            elif kind == "daemon gone":
                raise SandboxDied("the connection to the daemon was lost")
        return getattr(self._box, name)(*args, **kwargs)


class Mixed:
    """One episode in ten mends the bug, the others look round and submit nothing."""

    def __init__(self, gold: str) -> None:
        looking = ["```bash\ngit status --short; ls\n```", "```bash\ncat shelf/stock.py | head -3\n```", "submit"]
        self._right, self._wrong = ActionsPolicy([looking[0], gold]), ActionsPolicy(looking)

    def generate(self, requests: list[Request]) -> list[Completion]:
        return [
            (self._right if request.context["right"] else self._wrong).generate([request])[0] for request in requests
        ]


def collected(shelf: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> tuple[Any, Faults]:
    """``count`` episodes with about one fault in twenty of them at each call."""
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(shelf.record) + "\n")
    faults = Faults(0.05, seed=7)
    pool = SandboxPool(size=8, opener=lambda spec: faults.open(spec, "native"))
    monkeypatch.setattr(BOXES, "_pools", {(os.getpid(), "native", 8): pool})

    def make() -> SweRlEnv:
        return SweRlEnv(task="repo", source="jsonl", path=str(path), split="test", test_share=1.0, backend="native",
                        timeout=120.0, boxes=8)  # fmt: skip

    env = make()
    task = env.tasks[0]
    gold = env.gold(task)
    assert gold is not None
    context: Callable[..., dict[str, Any]] = lambda spec, env: {"right": spec.index % 10 == 0}  # noqa: E731
    with Collector(make, Mixed(gold), concurrency=8, retries=12, retry_delay=0.0, context=context) as collector:
        result = collector.collect(specs_for([task], samples=count))
    faults.on = False
    pool.close()
    return result, faults


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_faults_are_never_scored_and_leave_nothing(shelf_on, tmp_path, monkeypatch, count):
    shelf = shelf_on("native")
    result, faults = collected(shelf, tmp_path, monkeypatch, count)
    assert sum(faults.counts.values()) >= count / 20
    assert set(faults.counts) == set(KINDS) or count < 1000
    episodes = [rollout.episode for rollout in result.rollouts]
    assert len(episodes) == count
    assert {episode.outcome for episode in episodes} == {Outcome.SCORED}
    for index, episode in enumerate(episodes):
        assert episode.score.correct is (index % 10 == 0), (index, episode.score.detail)
        assert rescore(Episode.from_json(episode.to_json())) == episode.score
    assert not [box for box in faults.boxes if box.alive()]
    assert all(time for _, time in faults.processes)
    assert not [pid for pid, time in faults.processes if started(pid) == time]


def started(pid: int) -> str:
    """When a process was started, which tells it from a later one of the same number; empty if there is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]
