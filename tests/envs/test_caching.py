"""What is costly is made once, however many threads ask."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.envs.caching import made_once


def test_threads_that_ask_at_once_share_one_making() -> None:
    made: list[int] = []

    @made_once(maxsize=4)
    def square(number: int) -> int:
        made.append(number)
        time.sleep(0.05)
        return number * number

    together = threading.Barrier(8)

    def ask(number: int) -> int:
        together.wait()
        return square(number)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, [3, 4] * 4)) == [9, 16] * 4
    assert sorted(made) == [3, 4]


def test_what_raises_is_tried_again_and_old_results_go() -> None:
    calls: list[int] = []

    @made_once(maxsize=1)
    def half(number: int) -> int:
        calls.append(number)
        if number % 2 and calls.count(number) == 1:
            raise ValueError("odd")
        return number // 2

    with pytest.raises(ValueError, match="odd"):
        half(3)
    assert half(3) == 1
    assert half(4) == 2
    assert half(3) == 1
    assert calls == [3, 3, 4, 3]
