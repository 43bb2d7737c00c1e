"""The symbolic tier: sympy in a process that can be killed."""

import os
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("sympy", reason="the symbolic tier is an extra")

from assay.verifiers import score
from assay.verifiers.maths import symbolic
from assay.verifiers.maths.parser import parse
from assay.verifiers.maths.symbolic import Pool, encode, prove
from assay.verifiers.maths.worker import build, equal


@pytest.mark.parametrize(
    ("gold", "answer", "verdict"),
    [
        (r"e^{i\pi/3}", r"\frac{1}{2}+\frac{\sqrt{3}}{2}i", True),
        (r"e^{i\pi/3}", r"\frac{1}{2}-\frac{\sqrt{3}}{2}i", False),
        (r"e^{i\pi}", "-1", True),
        (r"(-8)^{1/3}", r"1+\sqrt{3}i", True),
        (r"\sin(i)", r"i\sinh(1)", True),
        (r"\ln(-1)", r"i\pi", True),
    ],
)
def test_complex_functions(gold, answer, verdict):
    found = score("math.numeric", rf"\boxed{{{answer}}}", {"answer": gold}, form="value")
    assert (found.correct, "symbolic" in found.detail) == (verdict, True)
    assert (
        score("math.numeric", rf"\boxed{{{answer}}}", {"answer": gold}, form="value", symbolic=False).correct is False
    )


def test_a_question_that_takes_too_long_is_killed_and_the_next_one_served():
    pool = Pool()
    hard, easy = encode(parse("i^{9^{9^{9}}}")), encode(parse("i"))
    try:
        import json

        assert pool.ask(json.dumps([hard, easy]), 0.2) is None
        assert pool.ask(json.dumps([easy, easy]), 10.0) is True
        assert pool.ask("this is no question", 10.0) is None
        assert pool.ask(json.dumps([easy, encode(parse("2i"))]), 10.0) is False
    finally:
        pool.close()


def test_threads_share_the_workers():
    answers = []
    trees = [
        (parse(rf"e^{{i\pi/{k}}}"), parse(rf"\cos\frac{{\pi}}{{{k}}}+i\sin\frac{{\pi}}{{{k}}}")) for k in range(2, 8)
    ]
    threads = [threading.Thread(target=lambda a=a, b=b: answers.append(prove(a, b, 20.0))) for a, b in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * len(trees)


def test_a_forked_child_gets_its_own_worker():
    assert prove(parse("i"), parse("i"), 20.0) is True
    child = os.fork()
    if child == 0:
        os._exit(0 if symbolic._pool is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert prove(parse("i"), parse("i"), 20.0) is True


def test_the_processes_end_with_the_program():
    code = (
        "from assay.verifiers.maths import symbolic\n"
        "from assay.verifiers.maths.parser import parse\n"
        "assert symbolic.prove(parse('i'), parse('i'), 20.0) is True\n"
        "worker = symbolic._pool._idle[0]\n"
        "print(worker._process.pid, worker._server)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for pid in done.stdout.split():
        for _ in range(100):
            state = subprocess.run(
                ["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False
            ).stdout.strip()
            if not state or state.startswith("Z"):
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"process {pid} is still running: {state}")


def test_trees_become_sympy_without_any_text_being_evaluated():
    import sympy

    x = sympy.Symbol("v_x", positive=True)
    assert build(encode(parse(r"\frac{x^2}{3}-\sqrt{x}+\log_2 x"))) == x**2 / 3 - sympy.sqrt(x) + sympy.log(
        x
    ) / sympy.log(2)
    assert build(encode(parse(r"12\%+\arcsin 1+|x|+2\frac12"))) == sympy.Rational(
        12, 100
    ) + sympy.pi / 2 + x + sympy.Rational(5, 2)
    assert equal(encode(parse(r"\binom{x}{2}")), encode(parse(r"\frac{x(x-1)}{2}"))) is True
    assert equal(encode(parse("1/0")), encode(parse("1"))) is None
    with pytest.raises(ValueError):
        build(["rel", "=", []])


def test_without_sympy_the_tier_is_left_out(monkeypatch):
    monkeypatch.setattr(symbolic, "available", lambda: False)
    found = score("math.numeric", r"\boxed{\cos 1+i\sin 1}", {"answer": "e^{i}"})
    assert (found.correct, "undecided" in found.detail) == (False, True)
