"""A cache for what is costly to make and asked for by many threads at once, such as the picture of a group's task."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, update_wrapper
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_STRIPES = 16


class MadeOnce(Generic[P, T]):
    """A function with a cache; ``cache_clear`` and ``cache_info`` are those of ``functools.lru_cache``."""

    def __init__(self, make: Callable[P, T], maxsize: int) -> None:
        self._cached: Any = lru_cache(maxsize)(make)
        self._locks = [Lock() for _ in range(_STRIPES)]
        self.cache_clear = self._cached.cache_clear
        self.cache_info = self._cached.cache_info
        update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``make`` gives for these arguments."""
        with self._locks[hash((args, tuple(sorted(kwargs.items())))) % _STRIPES]:
            found: T = self._cached(*args, **kwargs)
        return found


def made_once(maxsize: int) -> Callable[[Callable[P, T]], MadeOnce[P, T]]:
    """``functools.lru_cache``, but threads that ask for one thing at the same time wait for one of them to make it.

    What raises is not kept. Calls for different things may, rarely, wait for each other; a call must not ask for
    another thing of the same cache.

    Args:
        maxsize: results kept.
    """
    return lambda make: MadeOnce(make, maxsize)
