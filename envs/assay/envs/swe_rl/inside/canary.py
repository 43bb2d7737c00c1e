"""Tests that must fail. If one does not, something in the session makes failures look like successes."""

# Must run on Python 3.6:
# ruff: noqa: RUF005, SIM905, UP006, UP031, UP035
import random
from typing import List, Tuple

_BODY = """import unittest

import pytest


def test_{0}():
    assert int("{6}") == {7}


def test_{1}():
    with pytest.raises(LookupError):
        int("{6}")


def test_{2}():
    raise ValueError("{6}")


@pytest.mark.parametrize("value", [{7}])
def test_{3}(value):
    assert value in ({6}, {6} + 1), "{8}"


class Test{8}(unittest.TestCase):
    def test_{4}(self):
        self.assertEqual(int("{6}"), {7})

    def test_{5}(self):
        with self.assertRaises(KeyError):
            int("{6}")
"""
_WORDS = "order value parse empty range total merge index split label limit round query shape token batch".split()


def canary(path: str, seed: int) -> Tuple[str, List[str]]:
    """The text of a test file at ``path`` and the node ids of its tests, other names and numbers for each seed."""
    draw = random.Random(seed)
    names = ["%s_%s_%d" % (draw.choice(_WORDS), draw.choice(_WORDS), draw.randrange(10**4)) for _ in range(6)]
    low, group = draw.randrange(10, 1000), draw.choice(_WORDS).title() + str(draw.randrange(10**4))
    high = low + draw.randrange(2, 50)
    text = _BODY.format(*(names + [low, high, group]))
    ids = ["%s::test_%s" % (path, name) for name in names[:3]]
    ids.append("%s::test_%s[%d]" % (path, names[3], high))
    ids += ["%s::Test%s::test_%s" % (path, group, name) for name in names[4:]]
    return text, ids
