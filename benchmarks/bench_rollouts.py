"""256 concurrent episodes of 4 turns: how far the rollout engine is from the ideal wall time.

    python benchmarks/bench_rollouts.py
    python benchmarks/bench_rollouts.py --peer skyrl-gym=VENV/bin/python --peer gem-vec=OTHER/bin/python

A scripted policy takes 50 ms a turn (``const``) or an exponential time of that mean (``tail``, which is what makes
lockstep designs wait); ``slow`` is ``const`` with an environment whose step blocks for 100 ms, as a call into a
container does; ``tools`` is 64 episodes of 4 such steps and a policy that takes no time. The ideal is the largest sum
of latencies of one episode. ``floor`` is bare asyncio with a plain class as the environment: what Python itself costs.
Wall times are the best of ``--repeat``; ``one-turn`` is CPU time of the process for each one-turn episode, batched.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TURNS, LATENCY_S, BLOCK_S = 4, 0.05, 0.1
MODES = {
    "const": (256, "const", 0.0),
    "tail": (256, "tail", 0.0),
    "slow": (256, "const", BLOCK_S),
    "tools": (64, "none", BLOCK_S),
}
"""mode -> (episodes, policy latency, seconds that a step blocks)."""
TARGETS = {"const": 0.03, "tail": 0.03, "slow": 0.1, "tools": 0.2}
"""Largest overhead over the ideal, seconds."""
ONE_TURN_TARGET_MS = 0.2

Run = Callable[[], float]
Rows = Sequence[Sequence[float]]


def latencies(episodes: int, kind: str) -> list[list[float]]:
    """Seconds of each turn of each episode."""
    if kind == "none":
        return [[0.0] * TURNS for _ in range(episodes)]
    if kind == "const":
        return [[LATENCY_S] * TURNS for _ in range(episodes)]
    rng = random.Random(0)
    return [[rng.expovariate(1 / LATENCY_S) for _ in range(TURNS)] for _ in range(episodes)]


class Counter:
    """The environment body that everyone shares: say the number of the turn."""

    def __init__(self, block: float) -> None:
        self.turn, self.block = 0, block

    def reset(self) -> str:
        self.turn = 0
        return "Say the number of the turn."

    def step(self, text: str) -> tuple[str, float, bool]:
        self.turn += 1
        if self.block:
            time.sleep(self.block)
        return f"turn {self.turn}", float(text == str(self.turn)), self.turn >= TURNS


def floor(rows: Rows, block: float) -> Run:
    """Bare asyncio; one thread an episode only where the environment blocks."""
    pool = ThreadPoolExecutor(max_workers=len(rows))

    async def episode(row: Sequence[float]) -> float:
        env, total = Counter(block), 0.0
        env.reset()
        for turn, seconds in enumerate(row, 1):
            await asyncio.sleep(seconds)
            if block:
                result = await asyncio.get_running_loop().run_in_executor(pool, env.step, str(turn))
            else:
                result = env.step(str(turn))
            total += result[1]
        return total

    async def main() -> list[float]:
        return await asyncio.gather(*(episode(row) for row in rows))

    return lambda: sum(asyncio.run(main()))


def assay(rows: Rows, block: float) -> Run:
    """Our engine, with a full environment: messages, spaces, seeding, score, and the record of every turn."""
    from assay.agents.policy import Completion, Request
    from assay.envs.base import Step, TaskEnv
    from assay.envs.tasks import Task, TaskSet
    from assay.training.rollout import Collector, RolloutSpec
    from assay.verifiers.score import Score

    tasks = TaskSet(
        Task(f"{i:04d}", [{"role": "user", "content": "Say the number of the turn."}], {"row": i})
        for i in range(len(rows))
    )

    class CounterEnv(TaskEnv):
        blocking = block > 0

        def open(self, task: Task) -> Any:
            self.body = Counter(block)
            return super().open(task)

        def act(self, task: Task, action: str) -> Step:
            text, reward, done = self.body.step(action)
            if done:
                return Step((), reward, True, False, Score(float(TURNS), correct=True))
            return Step(({"role": "user", "content": text},), reward, False)

    class Scripted:
        async def agenerate(self, request: Request) -> Completion:
            turn = len(request.messages) // 2
            await asyncio.sleep(request.context["row"][turn])
            return Completion(str(turn + 1))

        def generate(self, requests: Sequence[Request]) -> list[Completion]:
            raise AssertionError("the engine prefers agenerate")

    collector = Collector(
        lambda: CounterEnv(tasks=tasks), Scripted(), context=lambda spec, env: {"row": rows[spec.task.truth["row"]]}
    )
    specs = [RolloutSpec(task, index=i, seed=i) for i, task in enumerate(tasks)]

    def run() -> float:
        return sum(turn.reward for r in collector.collect(specs).rollouts for turn in r.episode.turns)

    return run


def gem_vec(rows: Rows, block: float) -> Run:
    """GEM's AsyncVectorEnv: one thread an environment, all step together, so each turn waits for its slowest row."""
    import logging

    import gem

    logging.disable(logging.INFO)

    class Env(gem.Env):  # type: ignore[misc]
        def __init__(self, **_: Any) -> None:
            self.body = Counter(block)

        def reset(self, seed: int | None = None) -> Any:
            super().reset(seed)
            return self.body.reset(), {}

        def step(self, action: str) -> Any:
            text, reward, done = self.body.step(action)
            return text, reward, done, done, {}

    gem.register("bench:Counter-v0", Env)
    vector = gem.make_vec(["bench:Counter-v0"] * len(rows), async_mode=True)

    def run() -> float:
        vector.reset()
        total = 0.0
        for turn in range(TURNS):
            time.sleep(max(row[turn] for row in rows))
            total += float(vector.step([str(turn + 1)] * len(rows))[1].sum())
        return total

    return run


def skyrl_gym(rows: Rows, block: float) -> Run:
    """skyrl-gym as SkyRL's generator calls it by default: every environment call in a pool of 32 threads."""
    import skyrl_gym as peer
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

    class Env(BaseTextEnv):  # type: ignore[misc]
        def __init__(self, env_config: Any = None, extras: Any = None) -> None:
            super().__init__()
            self.body = Counter(block)

        def step(self, action: str) -> Any:
            text, reward, done = self.body.step(action)
            said = [{"role": "user", "content": text}]
            return BaseTextEnvStepOutput(observations=said, reward=reward, done=done, metadata={})

    peer.register("bench_counter", entry_point=Env)
    pool = ThreadPoolExecutor(max_workers=32)

    async def episode(row: Sequence[float]) -> float:
        loop, total = asyncio.get_running_loop(), 0.0
        env = peer.make("bench_counter", env_config={}, extras={})
        await loop.run_in_executor(pool, env.init, [{"role": "user", "content": "go"}])
        for turn, seconds in enumerate(row, 1):
            await asyncio.sleep(seconds)
            total += (await loop.run_in_executor(pool, env.step, str(turn)))["reward"]
        return total

    async def main() -> list[float]:
        return await asyncio.gather(*(episode(row) for row in rows))

    return lambda: sum(asyncio.run(main()))


WHO: dict[str, Callable[[Rows, float], Run]] = {
    "floor": floor,
    "assay": assay,
    "gem-vec": gem_vec,
    "skyrl-gym": skyrl_gym,
}


def measure(who: str, mode: str, repeat: int) -> dict[str, Any]:
    """Best wall time of ``repeat`` runs against the ideal, in this process."""
    episodes, latency, block = MODES[mode]
    rows = latencies(episodes, latency)
    ideal = max(sum(row) for row in rows) + TURNS * block
    run = WHO[who](rows, block)
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        total = run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if total != episodes * TURNS:
            raise RuntimeError(f"{who} earned {total} where {episodes * TURNS} were to be had")
    return {
        "mode": mode,
        "who": who,
        "ideal_s": ideal,
        "wall_s": min(walls),
        "overhead_s": min(walls) - ideal,
        "cpu_s": min(cpus),
        "threads": threading.active_count() - 1,
        "load": os.getloadavg()[0],
    }


def measure_one_turn(repeat: int) -> dict[str, Any]:
    """CPU milliseconds of a one-turn episode: 2048 of them, batched, a policy that answers at once."""
    from assay.agents.policy import Completion, Request
    from assay.envs.base import Step, TaskEnv
    from assay.envs.tasks import Task, TaskSet
    from assay.training.rollout import Collector, specs_for
    from assay.verifiers.score import Score

    class Sum(TaskEnv):
        def act(self, task: Task, action: str) -> Step:
            right = action == task.truth["sum"]
            return Step(score=Score(float(right), correct=right))

    class Adder:
        def generate(self, requests: Sequence[Request]) -> list[Completion]:
            return [Completion("4") for _ in requests]

    tasks = TaskSet([Task("sum", [{"role": "user", "content": "What is 2 + 2?"}], {"sum": "4"})])
    specs, cpus = specs_for(tasks, samples=2048), []
    with Collector(lambda: Sum(tasks=tasks), Adder()) as collector:
        for _ in range(repeat):
            cpu = time.process_time()
            result = collector.collect(specs)
            cpus.append(time.process_time() - cpu)
            if any(rollout.episode.score != Score(1.0, correct=True) for rollout in result.rollouts):
                raise RuntimeError("an episode was not scored as right")
    return {"mode": "one-turn", "who": "assay", "cpu_ms": 1000 * min(cpus) / len(specs), "load": os.getloadavg()[0]}


def in_process_of(python: str, who: str, mode: str, repeat: int) -> dict[str, Any]:
    """:meth:`measure` by another interpreter: every contender starts fresh, peers in their own environment."""
    command = [python, str(Path(__file__)), "--child", who, mode, "--repeat", str(repeat)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{who} in {mode} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="gem-vec or skyrl-gym")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows there")
    parser.add_argument("--child", nargs=2, metavar=("WHO", "MODE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(*args.child, args.repeat)))
        return
    pythons = {"floor": sys.executable, "assay": sys.executable}
    for peer in args.peer:
        name, _, python = peer.partition("=")
        if name not in WHO or not python:
            parser.error(f"--peer {peer}: give NAME=PYTHON with NAME one of gem-vec, skyrl-gym")
        pythons[name] = python
    lines = []
    heads = ("ideal s", 9), ("wall s", 9), ("over s", 9), ("target", 8), ("CPU s", 8), ("threads", 9), ("load", 7)
    print(f"{'mode':9}{'who':11}" + "".join(f"{head:>{width}}" for head, width in heads))
    for mode in args.modes:
        for who, python in pythons.items():
            lines.append(line := in_process_of(python, who, mode, args.repeat))
            target = f"{TARGETS[mode]:.2f}" if who == "assay" else ""
            print(
                f"{mode:9}{who:11}{line['ideal_s']:9.3f}{line['wall_s']:9.3f}{line['overhead_s']:9.3f}{target:>8}"
                f"{line['cpu_s']:8.3f}{line['threads']:9d}{line['load']:7.2f}",
                flush=True,
            )
    lines.append(line := measure_one_turn(args.repeat))
    print(f"one-turn episode: {line['cpu_ms']:.3f} ms CPU (target {ONE_TURN_TARGET_MS}), load {line['load']:.2f}")
    if args.json:
        args.json.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
