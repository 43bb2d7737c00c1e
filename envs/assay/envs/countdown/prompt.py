"""How an instance is put, and what a demonstration answers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from assay.envs.answers import request
from assay.envs.candidates import seeded
from assay.envs.countdown.draw import join_at_random
from assay.envs.countdown.options import Options
from assay.envs.countdown.solver import solve
from assay.envs.tasks import Message, Task
from assay.verifiers.maths.arithmetic import Expression, write
from assay.verifiers.maths.arithmetic import numbers as numbers_of
from assay.verifiers.maths.countdown import lay_out

_SOLVED_ANEW = 4
"""Numbers up to which every solution is found in milliseconds; above, the one that made the instance is shown."""


def prompt_of(numbers: Sequence[int], target: int, options: Options) -> list[Message]:
    """The messages that put an instance: what is the same for all in the first one, so that it is encoded once."""
    shown = " ".join(map(str, numbers))
    if options.terse:
        return [{"role": "user", "content": f"{shown} = {target}"}]
    each = "using every number exactly once" if options.use == "all" else "using each number at most once"
    reply = "Your last line is your answer."
    if options.think_mode != "none":
        reply = request("expression", options.think_mode)
    task = f"Write an expression with + - * / and brackets that equals the target, {each}. {reply}"
    return [{"role": "system", "content": task}, {"role": "user", "content": f"Numbers: {shown}\nTarget: {target}"}]


def demonstration(task: Task) -> str:
    """A right answer, drawn by the task's id from all that there are, after some wrong tries if asked for.

    How many, and the seed, stand in ``truth["demonstration"]``.
    """
    truth: Mapping[str, Any] = task.truth
    how, options = truth.get("demonstration", {}), truth.get("options", {})
    most = int(how.get("tries", 0))
    rng = seeded("demonstration", how.get("seed", 0), task.id)
    numbers, target = list(truth["numbers"]), int(truth["target"])
    solution = str(truth.get("solution") or "")
    if len(numbers) <= _SOLVED_ANEW or not solution:
        solution = _drawn(solve(numbers, target, use=options.get("use", "any")), rng) or solution
    tries = _wrong_tries(numbers, target, rng.randint(0, most), rng)
    answer = f"{solution}={target}" if most else solution
    return lay_out(answer, options.get("think_mode", "none"), "\n".join(tries))


def _drawn(known: Sequence[Expression], rng: random.Random) -> str:
    """One of ``known``, "" of none: a length first, each half as likely as the next shorter one, then one of it.

    Most solutions use all the numbers; drawn evenly they would show little else.
    """
    by_length: dict[int, list[Expression]] = {}
    for each in known:
        by_length.setdefault(len(numbers_of(each)), []).append(each)
    if not by_length:
        return ""
    lengths = sorted(by_length)
    length = rng.choices(lengths, [2.0**-place for place in range(len(lengths))])[0]
    return write(rng.choice(by_length[length]))


def _wrong_tries(numbers: list[int], target: int, count: int, rng: random.Random) -> list[str]:
    """Lines such as ``3+4*5=23`` that miss the target; fewer than ``count`` where luck runs out."""
    lines: list[str] = []
    for _ in range(20 * count):
        if len(lines) == count:
            break
        expression, reached = join_at_random(rng.sample(numbers, rng.randint(2, len(numbers))), rng)
        if reached is not None and reached.denominator == 1 and reached >= 0 and reached != target:
            lines.append(f"{write(expression)}={reached}")
    return lines
