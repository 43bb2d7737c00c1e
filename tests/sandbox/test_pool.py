"""The pool: warm, bounded, fair, and rid of what is broken."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from assay.sandbox import ExecResult, SandboxDied, SandboxSpec, SandboxUnavailable
from assay.sandbox.pool import PoolClosed, PoolTimeout, SandboxPool
from assay.sandbox.turns import Turns


class Box:
    """A sandbox in memory that knows what was done to it, and can be broken."""

    made: list[Box] = []
    failures: list[Exception] = []

    def __init__(self, spec: SandboxSpec) -> None:
        if self.failures:
            raise self.failures.pop()
        self.spec = spec
        self.state = "fresh"
        self.resets = 0
        self.broken = False
        self.closed = False
        self.made.append(self)

    def exec(self, cmd: str, *, timeout: float, **_: Any) -> ExecResult:
        if self.broken:
            raise SandboxDied("broken")
        time.sleep(0.002)
        self.state = cmd
        return ExecResult(0, self.state.encode())

    def reset(self) -> None:
        if self.broken:
            raise SandboxDied("broken")
        self.state = "fresh"
        self.resets += 1

    def alive(self) -> bool:
        return not (self.broken or self.closed)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _clean() -> None:
    Box.made = []
    Box.failures = []


def make_pool(size: int = 2, **options: Any) -> SandboxPool:
    return SandboxPool(SandboxSpec(), size=size, opener=Box, **options)  # type: ignore[arg-type]


def test_one_is_reset_and_lent_again() -> None:
    pool = make_pool()
    with pool.lease() as box:
        box.exec("dirty", timeout=1)
    with pool.lease():
        assert [made.state for made in Box.made] == ["fresh"]
    stats = pool.stats()
    assert (stats.opened, stats.reused, stats.idle, stats.leased) == (1, 1, 1, 0)
    pool.close()
    assert [made.closed for made in Box.made] == [True]


def test_a_lease_that_has_ended_cannot_reach_the_next_ones_sandbox() -> None:
    pool = make_pool(1)
    with pool.lease() as old:
        pass
    with pool.lease() as new:
        for call in (lambda: old.exec("x", timeout=1), old.reset, old.kill_all):
            with pytest.raises(SandboxDied, match="ended"):
                call()
        assert not old.alive()
        assert new.alive()
        old.close()
        new.close()  # neither is the lessee's to close
        assert new.alive()


def test_a_lease_is_for_one_block() -> None:
    lease = make_pool().lease()
    with lease:
        pass
    with pytest.raises(ValueError, match="one block"), lease:
        pass


def test_never_more_than_its_size_and_the_longest_waiting_first() -> None:
    pool = make_pool(2)
    order: list[int] = []
    alive: list[int] = []

    def episode(number: int) -> None:
        with pool.lease(timeout=30) as box:
            order.append(number)
            alive.append(sum(not made.closed for made in Box.made))
            box.exec("x", timeout=1)

    gates = [pool.lease(), pool.lease()]
    for gate in gates:
        gate.__enter__()
    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=episode, args=(number,)))
        threads[-1].start()
        while pool.stats().waiting < number + 1:
            time.sleep(0.001)
    gates[0].give_back()
    for thread in threads:
        thread.join()
    gates[1].give_back()
    assert order == list(range(20))
    assert max(alive) == 2
    assert len(Box.made) == 2


def test_waiting_too_long_is_an_error_that_says_what_to_do() -> None:
    pool = make_pool(1)
    with pool.lease():
        with pytest.raises(PoolTimeout, match=r"all 1 are taken.*larger"), pool.lease(timeout=0.02):
            pass
        assert pool.stats().timeouts == 1
        assert pool.stats().waiting == 0
    with pool.lease(timeout=0.02):
        pass


@pytest.mark.parametrize("moment", ["in use", "while idle"])
def test_a_broken_one_is_replaced(moment: str) -> None:
    pool = make_pool(1)
    if moment == "in use":
        with pytest.raises(SandboxDied), pool.lease() as box:  # noqa: PT012 - it must leave the lease too
            Box.made[0].broken = True
            box.exec("x", timeout=1)
    else:
        with pool.lease():
            pass
        Box.made[0].broken = True
    with pool.lease() as box:
        assert box.exec("x", timeout=1).exit_code == 0
    assert [made.closed for made in Box.made] == [True, False]
    assert pool.stats().broken == 1
    assert pool.stats().opened == 2


def test_an_error_of_the_lessee_still_resets() -> None:
    pool = make_pool(1)
    with pytest.raises(KeyError), pool.lease() as box:  # noqa: PT012 - it must leave the lease too
        box.exec("dirty", timeout=1)
        raise KeyError
    assert Box.made[0].state == "fresh"
    assert pool.stats().idle == 1


def test_worn_ones_are_replaced() -> None:
    pool = make_pool(1, max_resets=3)
    for _ in range(7):
        with pool.lease():
            pass
    assert [made.resets for made in Box.made] == [2, 2, 1]
    assert pool.stats().worn == 2


def test_one_that_cannot_be_opened_gives_its_place_back() -> None:
    pool = make_pool(1)
    Box.failures = [SandboxUnavailable("no daemon", "start it")]
    with pytest.raises(SandboxUnavailable, match="start it"), pool.lease():
        pass
    with pool.lease(timeout=1):
        pass
    assert pool.stats().opened == 1


def test_several_specs_share_the_places_and_the_least_used_goes() -> None:
    pool = make_pool(2)
    a, b, c = (SandboxSpec(env={"name": name}) for name in "abc")
    for spec in (a, b, a, c, a):
        with pool.lease(spec) as box:
            assert box.spec == spec
    assert [made.spec.env["name"] for made in Box.made] == ["a", "b", "c"]
    assert [made.closed for made in Box.made] == [False, True, False]
    stats = pool.stats()
    assert (stats.evicted, stats.reused, stats.idle) == (1, 2, 2)


def test_a_factory_makes_them_all_alike() -> None:
    pool = SandboxPool(lambda: Box(SandboxSpec(workdir="/w")), size=1)  # type: ignore[return-value, arg-type]
    with pool.lease() as box:
        assert box.spec.workdir == "/w"
    with pytest.raises(ValueError, match="factory"):
        pool.lease(SandboxSpec())


def test_warm_ones_are_there_before_the_first_lease() -> None:
    pool = make_pool(3)
    pool.warm()
    assert (pool.stats().idle, len(Box.made)) == (3, 3)
    assert [made.resets for made in Box.made] == [0, 0, 0]
    with pool.lease():
        assert len(Box.made) == 3


def test_closing_frees_those_who_wait_and_takes_back_what_is_lent() -> None:
    pool = make_pool(1)
    told: list[Exception] = []

    def wait() -> None:
        try:
            with pool.lease():
                pass
        except PoolClosed as error:
            told.append(error)

    with pool.lease() as box:
        thread = threading.Thread(target=wait)
        thread.start()
        while not pool.stats().waiting:
            time.sleep(0.001)
        pool.close()
        thread.join()
        assert box.alive()
    assert len(told) == 1
    assert Box.made[0].closed
    with pytest.raises(PoolClosed), pool.lease():
        pass


def test_sizes_must_make_sense() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make_pool(0)
    with pytest.raises(ValueError, match="at least 1"):
        make_pool(1, max_resets=0)


def test_coroutines_and_threads_wait_in_one_queue() -> None:
    pool = make_pool(2)

    async def episode(number: int) -> int:
        async with pool.lease(timeout=30) as box:
            return int((await box.exec(str(number), timeout=1)).stdout)

    def threaded() -> None:
        with pool.lease(timeout=30) as box:
            box.exec("x", timeout=1)

    async def main() -> None:
        blocking = [asyncio.to_thread(threaded) for _ in range(4)]
        results = await asyncio.gather(*(episode(number) for number in range(50)), *blocking)
        assert results[:50] == list(range(50))

    asyncio.run(asyncio.wait_for(main(), 60))
    assert len(Box.made) == 2
    assert pool.stats().leased == 0
    pool.close()


def test_a_cancelled_wait_takes_nothing_along() -> None:
    pool = make_pool(1)

    async def main() -> None:
        async with pool.lease():
            waits = [asyncio.create_task(hold(pool)) for _ in range(5)]
            while pool.stats().waiting < 5:
                await asyncio.sleep(0.001)
            for wait in waits:
                wait.cancel()
            assert all(
                isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*waits, return_exceptions=True)
            )
            with pytest.raises(PoolTimeout):
                async with pool.lease(timeout=0.01):
                    pass
        async with pool.lease(timeout=5):
            pass

    async def hold(pool: SandboxPool) -> None:
        async with pool.lease():
            await asyncio.sleep(1000)

    asyncio.run(asyncio.wait_for(main(), 60))
    assert pool.stats().leased == 0


def test_a_cancelled_lease_is_returned() -> None:
    pool = make_pool(1)

    async def hold() -> None:
        async with pool.lease() as box:
            await box.exec("dirty", timeout=1)
            await asyncio.sleep(1000)

    async def main() -> None:
        for delay in (0, 0, 0.001, 0.003, 0.01):
            task = asyncio.create_task(hold())
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pool.stats().leased == 0
        async with pool.lease(timeout=5):
            assert all(box.state == "fresh" for box in Box.made)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_turns_are_never_lost() -> None:
    turns = Turns(3)
    taken: list[int] = []

    def worker() -> None:
        for _ in range(50):
            try:
                turns.take(timeout=0.0005)
            except TimeoutError:
                continue
            taken.append(1)
            time.sleep(0.0003)
            turns.give()

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken
    assert turns.waiting() == 0
    for _ in range(3):
        turns.take(timeout=1)
    with pytest.raises(TimeoutError):
        turns.take(timeout=0.001)
    turns.withdraw(1)
    turns.give()
    with pytest.raises(TimeoutError):
        turns.take(timeout=0.001)
