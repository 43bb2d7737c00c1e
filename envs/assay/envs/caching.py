"""A cache for what is costly to make and asked for by many threads at once, such as the picture of a group's task."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_STRIPES = 16


def made_once(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """``functools.lru_cache``, but threads that ask for one thing at the same time wait for one of them to make it.

    What raises is not kept. Calls for different things may, rarely, wait for each other; a call must not ask for
    another thing of the same cache.

    Args:
        maxsize: results kept.
    """

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        cached = lru_cache(maxsize)(make)
        locks = [Lock() for _ in range(_STRIPES)]

        @wraps(make)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with locks[hash((args, tuple(sorted(kwargs.items())))) % _STRIPES]:
                return cached(*args, **kwargs)  # type: ignore[arg-type]

        return call

    return decorate
