"""Answers scored per CPU second, beside math-verify; verdicts on known-hard cases; attack success rates.

    python benchmarks/bench_verifiers.py
    python benchmarks/bench_verifiers.py --peer-python OTHER_VENV/bin/python     # one with math-verify installed

CPU seconds of the scoring process, best of five, so that other load matters little. Peers run in their own interpreter
on the same seeded answers; where none has the peer, its columns stay empty.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable

Pair = tuple[str, str, bool]  # gold, response, whether it is right

HARD: list[Pair] = [
    ("$42$", "The answer is $42$.", True),
    ("$42$", r"$41$ or $42$ or $43$", False),
    (r"\boxed{42}", r"\boxed{41} \boxed{42} \boxed{43}", False),
    (r"\boxed{42}", r"Maybe \boxed{42}. No, the final answer is \boxed{7}", False),
    (r"\boxed{42}", r"\boxed{7}. Final: \boxed{42}", True),
    (r"$1 - \frac{1}{\mathrm{e}}$", r"$1 + \frac{1}{\mathrm{e}}$", False),
    ("3x + 4y + 14=0", "3*x-1*y+13=0", False),
    (r"$\frac{1}{2^{99}}$", r"$\frac{1}{2^{98}}$", False),
    (r"$\sqrt{1/n}$", r"$\frac{1}{\sqrt{n}}$", True),
    ("$73$", "Final Answer: **73**", True),
    (r"$\{1,2,3\}$", "$1,2,3$", True),
    ("$1000$", "$1,000$", True),
    ("$0.5$", r"$50\%$", True),
    ("$(1,2)$", "$[1,2]$", False),
    ("$12:00$", "$1:00$", False),
    (r"$\pm 2021$", "$2021$", False),
]
HOSTILE = "$9^{9^{9^{9}}}$"


def mixed(count: int, seed: int = 0, largest: int = 90) -> list[Pair]:
    """Integers, fractions, roots, intervals and sets in a sentence; every second answer is right."""
    rng = random.Random(seed)
    pairs = []
    for k in range(count):
        a, b = rng.randrange(2, largest), rng.randrange(2, largest)
        gold, same, other = (
            (f"${a}$", f"${a}$", f"${a + 1}$"),
            (rf"$\frac{{{a}}}{{{b}}}$", rf"${a}/{b}$", rf"$\frac{{{b}}}{{{a + b}}}$"),
            (rf"$\sqrt{{{a}}}$", rf"${a}^{{1/2}}$", rf"$\sqrt{{{a + b}}}$"),
            (rf"$({a}, {a + b}]$", rf"$({a}, {a + b}]$", rf"$[{a}, {a + b}]$"),
            (rf"$\{{{a}, {a + b}\}}$", rf"$\{{{a + b}, {a}\}}$", rf"$\{{{a}\}}$"),
        )[k % 5]
        right = k % 2 == 1
        pairs.append((gold, f"We work step by step. So the answer is {same if right else other}.", right))
    return pairs


def boxed() -> list[Pair]:
    """Boxed integers; every second answer is right."""
    return [(rf"\boxed{{{a}}}", rf"Thus \boxed{{{a + k % 2}}}", k % 2 == 0) for k, a in enumerate(range(100, 300))]


def rate(batch: Callable[[], int], seconds: float, repeats: int = 5) -> float:
    """Events per CPU second, best of ``repeats``; ``batch`` does some and says how many."""
    batch()
    best = 0.0
    for _ in range(repeats):
        count, start = 0, time.process_time()
        while (used := time.process_time() - start) < seconds:
            count += batch()
        best = max(best, count / used)
    return best


def over(pairs: list[Pair], verdict: Callable[[str, str], object]) -> Callable[[], int]:
    """A batch that judges all pairs."""

    def batch() -> int:
        for gold, response, _ in pairs:
            verdict(gold, response)
        return len(pairs)

    return batch


def fresh(verdict: Callable[[str, str], object]) -> Callable[[], int]:
    """A batch of pairs that were never seen before, so that no cache can help."""
    seeds = iter(range(1, 1_000_000))
    ready: list[list[Pair]] = []

    def batch() -> int:
        if not ready:
            ready.append(mixed(200, next(seeds), 10**9))
        pairs = ready.pop()
        for gold, response, _ in pairs:
            verdict(gold, response)
        return len(pairs)

    return batch


def measure(verdict: Callable[[str, str], object], seconds: float) -> dict[str, object]:
    """Rates and verdicts of one scorer of mathematical answers."""
    found: dict[str, object] = {
        "mixed LaTeX": rate(over(mixed(200), verdict), seconds),
        "mixed LaTeX, never seen": rate(fresh(verdict), seconds),
        "boxed integers": rate(over(boxed(), verdict), seconds),
    }
    pairs = mixed(200) + boxed()
    found["wrong of 400"] = sum(bool(verdict(gold, response)) is not right for gold, response, right in pairs)
    found["wrong of 16 hard"] = sum(bool(verdict(gold, response)) is not right for gold, response, right in HARD)
    start = time.perf_counter()
    verdict("$1$", HOSTILE)
    found["hostile answer, s"] = time.perf_counter() - start
    outcome: list[str] = []

    def elsewhere() -> None:
        try:
            outcome.append("yes" if verdict("$1$", "$1$") else "wrong")
        except Exception as error:
            outcome.append(f"raises {type(error).__name__}")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    found["works in threads"] = outcome[0]
    return found


def math_verify() -> Callable[[str, str], object]:
    """The peer, as its documentation uses it."""
    import logging

    from math_verify import parse, verify  # type: ignore[import-not-found]

    logging.disable(logging.ERROR)
    return lambda gold, response: verify(parse(gold), parse(response))


def ours() -> Callable[[str, str], object]:
    from assay.verifiers import get

    numeric = get("math.numeric")
    return lambda gold, response: numeric(response, {"answer": gold}).correct


def others(seconds: float) -> dict[str, float]:
    """Rates of our other verifiers on their own samples: gold and attacks in turn."""
    from assay.verifiers import get, names

    found = {}
    for name in names():
        verifier = get(name)
        cases = [(r, t) for t in verifier.samples for r in (verifier.gold(t), *list(verifier.attacks(t))[:3])]

        def batch(verifier=verifier, cases=cases) -> int:  # type: ignore[no-untyped-def]
            for response, truth in cases:
                verifier(response, truth)
            return len(cases)

        found[name] = rate(batch, seconds)
    labels = [f"intent number {k}" for k in range(77)]
    label, truth = get("classify.label"), {"label": labels[5], "labels": labels}
    found["classify.label, 77 labels"] = rate(lambda: [label(text, truth) for text in labels] and 77, seconds)
    return found


def peer(python: str, seconds: float) -> dict[str, object] | None:
    """The peer's figures, measured by this file in another interpreter; None where that lacks the peer."""
    command = [python, __file__, "--measure-peer", "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, object] | None = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    return found


def shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)


def report(mine: dict[str, object], theirs: dict[str, object] | None) -> None:
    targets = {"mixed LaTeX": 2_000, "boxed integers": 20_000}
    print(f"{'answers per CPU second':<28}{'math.numeric':>14}{'math-verify':>14}{'ratio':>9}{'target':>10}")
    for key, value in mine.items():
        other = theirs.get(key) if theirs else None
        ratio = f"{value / other:,.0f}x" if isinstance(value, float) and isinstance(other, float) else ""
        if key == "hostile answer, s":
            ratio = ""
        print(f"{key:<28}{shown(value):>14}{shown(other):>14}{ratio:>9}{shown(targets.get(key)):>10}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has math-verify")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of each of five repeats (default: 1)")
    parser.add_argument("--measure-peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure_peer:
        print(json.dumps(measure(math_verify(), args.seconds)))
        return 0
    theirs = peer(args.peer_python, args.seconds)
    report(measure(ours(), args.seconds), theirs)
    if theirs is None:
        print(f"\nmath-verify is not installed for {args.peer_python}: give --peer-python an interpreter that has it")
    print(f"\n{'our verifiers':<28}{'per CPU s':>14}")
    for name, value in others(args.seconds).items():
        print(f"{name:<28}{shown(value):>14}")
    return attacks()


def attacks() -> int:
    """Print the share of each attack set that earns anything; 1 if any does."""
    from assay.verifiers import names
    from assay.verifiers.audit import audit

    print(f"\n{'attack success rate':<28}{'tried':>14}{'earned':>14}{'rate':>9}{'audit':>10}")
    broken = 0
    for name in names():
        found = audit(name)
        tried = next(check for check in found.checks if check.name == "attacks")
        broken += not found.ok
        verdict = "kept" if found.ok else "BROKEN"
        print(f"{name:<28}{tried.tried:>14}{len(tried.failures):>14}{found.attack_rate:>9.0%}{verdict:>10}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
