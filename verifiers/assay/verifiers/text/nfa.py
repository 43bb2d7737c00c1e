"""A finite automaton for the pattern language of :mod:`re`, so that no pattern can blow up.

The pattern is parsed by the standard library and compiled to a nondeterministic automaton, whose sets of states are
stepped through the text (Thompson 1968) and remembered, as a deterministic automaton built on demand. Time is the
length of the text times at most the number of states, whatever the pattern. What no finite automaton can do is
refused: back-references and look-around; so are atomic groups and possessive repeats, which only matter to
backtracking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as sre  # type: ignore[attr-defined]
from typing import Any

MAX_STATES = 1_000

# what stands before or after a position
EDGE, NEWLINE, LAST_NEWLINE, WORD, OTHER = range(5)

EPSILON, CHAR, ASSERT, ACCEPT = range(4)


@dataclass(slots=True)
class Program:
    """The automaton: parallel lists over states; state 0 is the start.

    ``kind`` says what a state does, ``arg`` what it tests (a set of single-character tests, or an assertion),
    ``next`` where it leads.
    """

    kind: list[int] = field(default_factory=list)
    arg: list[Any] = field(default_factory=list)
    next: list[list[int]] = field(default_factory=list)
    ignore_case: bool = False
    copies: int = 0

    def copy(self) -> None:
        """Count one copy of a repeated part; an empty part adds no state and would otherwise repeat for ever."""
        self.copies += 1
        if self.copies > MAX_STATES:
            raise ValueError(f"the pattern repeats its parts more than {MAX_STATES} times: use smaller repeat counts")

    def add(self, kind: int, arg: Any = None) -> int:
        """A new state; returns its number."""
        if len(self.kind) >= MAX_STATES:
            raise ValueError(f"the pattern needs more than {MAX_STATES} states: use smaller repeat counts")
        self.kind.append(kind)
        self.arg.append(arg)
        self.next.append([])
        return len(self.kind) - 1


def compile_pattern(pattern: str, flags: int = 0) -> Program:
    """The automaton of ``pattern``.

    Raises:
        ValueError: the pattern is no valid regular expression, uses what an automaton cannot do, or is too large.
    """
    try:
        tree = sre.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {pattern[:80]!r}: {error}") from None
    effective = tree.state.flags
    program = Program(ignore_case=bool(effective & re.IGNORECASE))
    start = program.add(EPSILON)
    try:
        end = _sequence(program, tree, start, effective)
    except RecursionError:
        raise ValueError("the pattern is nested too deeply") from None
    program.next[end].append(program.add(ACCEPT))
    return program


def _sequence(program: Program, tree: Any, start: int, flags: int) -> int:
    for code, argument in tree:
        start = _node(program, code, argument, start, flags)
    return start


def _node(program: Program, code: Any, argument: Any, start: int, flags: int) -> int:
    """Append one node of the parse tree behind ``start``; returns where it ends."""
    if code in (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY):
        state = program.add(CHAR, _char_test(code, argument, flags))
        program.next[start].append(state)
        end = program.add(EPSILON)
        program.next[state].append(end)
        return end
    if code is op.AT:
        state = program.add(ASSERT, _assertion(argument, flags))
        program.next[start].append(state)
        end = program.add(EPSILON)
        program.next[state].append(end)
        return end
    if code is op.SUBPATTERN:
        _, added, removed, body = argument
        if (added | removed) & (re.IGNORECASE | re.ASCII | re.UNICODE):
            raise ValueError("flags inside a group are not supported: give them for the whole pattern")
        return _sequence(program, body, start, (flags | added) & ~removed)
    if code is op.BRANCH:
        end = program.add(EPSILON)
        for branch in argument[1]:
            head = program.add(EPSILON)
            program.next[start].append(head)
            program.next[_sequence(program, branch, head, flags)].append(end)
        return end
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        low, high, body = argument
        return _repeat(program, low, high, body, start, flags)
    raise ValueError(
        f"{str(code).lower()} is not supported: no back-references, look-around, atomic or possessive parts"
    )


def _repeat(program: Program, low: int, high: int, body: Any, start: int, flags: int) -> int:
    for _ in range(low):
        program.copy()
        start = _sequence(program, body, start, flags)
    end = program.add(EPSILON)
    program.next[start].append(end)
    if high is op.MAXREPEAT or high == op.MAXREPEAT:
        loop = program.add(EPSILON)
        program.next[start].append(loop)
        last = _sequence(program, body, loop, flags)
        program.next[last] += [loop, end]
        return end
    for _ in range(high - low):
        program.copy()
        start = _sequence(program, body, start, flags)
        program.next[start].append(end)
    return end


def _char_test(code: Any, argument: Any, flags: int) -> tuple[bool, tuple[Any, ...], int]:
    """``(negated, items, flags)``; an item is ``(code, argument)`` as the standard library's parser gives it."""
    if code is op.ANY:
        return (False, ((op.ANY, None),), flags)
    if code is op.LITERAL:
        return (False, ((op.LITERAL, argument),), flags)
    if code is op.NOT_LITERAL:
        return (True, ((op.LITERAL, argument),), flags)
    negated = bool(argument) and argument[0][0] is op.NEGATE
    return (negated, tuple(argument[1:] if negated else argument), flags)


def _assertion(where: Any, flags: int) -> str:
    multiline = bool(flags & re.MULTILINE)
    names = {
        op.AT_BEGINNING: "line start" if multiline else "start",
        op.AT_BEGINNING_STRING: "start",
        op.AT_END: "line end" if multiline else "last line end",
        op.AT_END_STRING: "end",
        op.AT_BOUNDARY: "boundary",
        op.AT_NON_BOUNDARY: "no boundary",
    }
    return names[where]


def holds(assertion: str, before: int, after: int) -> bool:
    """Whether a zero-width assertion holds between two kinds of neighbours."""
    if assertion == "start":
        return before == EDGE
    if assertion == "line start":
        return before in (EDGE, NEWLINE)
    if assertion == "end":
        return after == EDGE
    if assertion == "last line end":
        return after in (EDGE, LAST_NEWLINE)
    if assertion == "line end":
        return after in (EDGE, LAST_NEWLINE, NEWLINE)
    boundary = (before == WORD) != (after == WORD)
    return boundary == (assertion == "boundary")
