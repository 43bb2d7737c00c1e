"""Running an automaton of :mod:`assay.verifiers.text.nfa` over text, remembering the sets of states that it meets."""

from __future__ import annotations

import threading
from functools import lru_cache
from re import ASCII
from re import _constants as op  # type: ignore[attr-defined]
from typing import Any

from assay.verifiers.text.nfa import (
    ACCEPT,
    ASSERT,
    CHAR,
    EDGE,
    LAST_NEWLINE,
    NEWLINE,
    OTHER,
    WORD,
    Program,
    compile_pattern,
    holds,
)

SHORT = 1_000
BUDGET = 3_000_000
_MANY_NODES = 20_000
_FAILED, _FOUND = 0, 1


class Automaton:
    """A deterministic automaton built on demand; a node is a set of states and what was read last.

    Thread-safe: nodes are only ever added, under a lock.
    """

    def __init__(self, program: Program, search: bool) -> None:
        self.program, self.search = program, search
        self.looks_around = any(kind == ASSERT for kind in program.kind)
        self.work = 0
        self._lock = threading.Lock()
        self._ids: dict[tuple[frozenset[int], int], int] = {}
        self._nodes: list[tuple[frozenset[int], int]] = [(frozenset(), OTHER), (frozenset(), OTHER)]
        self.moves: list[dict[str, int]] = [{}, {}]
        self.first = self._node(frozenset([0]), EDGE)

    def matches(self, text: str, budget: int) -> bool | None:
        """Whether the text matches; None once more than ``budget`` states were visited without a verdict."""
        node, moves = self.first, self.moves
        for char in text[:-1]:
            following = moves[node].get(char)
            node = self._move(node, char, self._kind(char)) if following is None else following
            if node <= _FOUND:
                return node == _FOUND
            if self.work > budget:
                return None
        if text:
            char = text[-1]
            node = self._step(node, char, LAST_NEWLINE if char == "\n" else self._kind(char))
            if node <= _FOUND:
                return node == _FOUND
        return self._closure(node, EDGE)[1]

    @property
    def large(self) -> bool:
        """Whether it has grown so much that it is better started anew."""
        return len(self._nodes) > _MANY_NODES

    def _move(self, node: int, char: str, kind: int) -> int:
        following = self._step(node, char, kind)
        self.moves[node][char] = following
        return following

    def _step(self, node: int, char: str, kind: int) -> int:
        with self._lock:
            states, accepts = self._closure(node, kind)
            if accepts and self.search:
                return _FOUND
            program = self.program
            reached = {
                target
                for state in states
                if _accepts(program.arg[state], char, program.ignore_case)
                for target in program.next[state]
            }
            if self.search:
                reached.add(0)
            if not reached:
                return _FAILED
            return self._node(frozenset(reached), NEWLINE if kind == LAST_NEWLINE else kind)

    def _node(self, states: frozenset[int], before: int) -> int:
        key = (states, before if self.looks_around else OTHER)
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._nodes)
            self._nodes.append(key)
            self.moves.append({})
        return found

    def _closure(self, node: int, after: int) -> tuple[list[int], bool]:
        """The character-testing states reachable without reading, and whether the accepting one is."""
        start, before = self._nodes[node]
        program, seen, stack = self.program, set(start), list(start)
        testing: list[int] = []
        accepts = False
        while stack:
            state = stack.pop()
            kind = program.kind[state]
            if kind == CHAR:
                testing.append(state)
                continue
            accepts = accepts or kind == ACCEPT
            if kind == ASSERT and not holds(program.arg[state], before, after):
                continue
            for target in program.next[state]:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        self.work += len(seen)
        return testing, accepts

    def _kind(self, char: str) -> int:
        if char == "\n":
            return NEWLINE
        return WORD if char.isalnum() or char == "_" else OTHER


def _accepts(test: tuple[bool, tuple[Any, ...], int], char: str, ignore_case: bool) -> bool:
    negated, items, flags = test
    variants = {char, char.lower(), char.upper()} if ignore_case else (char,)
    return negated != any(_item(code, argument, variant, flags) for code, argument in items for variant in variants)


def _item(code: Any, argument: Any, char: str, flags: int) -> bool:
    if len(char) != 1:
        return False
    if code is op.LITERAL:
        return bool(ord(char) == argument)
    if code is op.RANGE:
        return bool(argument[0] <= ord(char) <= argument[1])
    if code is op.ANY:
        return char != "\n" or bool(flags & 16)
    return _category(argument, char, bool(flags & ASCII))


def _category(category: Any, char: str, ascii_only: bool) -> bool:
    plain = char.isascii() or not ascii_only
    if category in (op.CATEGORY_DIGIT, op.CATEGORY_NOT_DIGIT):
        return (plain and char.isdecimal()) == (category is op.CATEGORY_DIGIT)
    if category in (op.CATEGORY_SPACE, op.CATEGORY_NOT_SPACE):
        return (plain and char.isspace() and not (ascii_only and char in "\x1c\x1d\x1e\x1f")) == (
            category is op.CATEGORY_SPACE
        )
    return (plain and (char.isalnum() or char == "_")) == (category is op.CATEGORY_WORD)


@lru_cache(maxsize=256)
def _program(pattern: str, flags: int) -> Program:
    return compile_pattern(pattern, flags)


@lru_cache(maxsize=256)
def _shared(pattern: str, flags: int, search: bool) -> list[Automaton]:
    return [Automaton(_program(pattern, flags), search)]


def matches(pattern: str, text: str, flags: int = 0, search: bool = False) -> bool | None:
    """Whether ``pattern`` matches all of ``text`` (with ``search``, some of it); None where that would cost too much.

    Time is bounded whatever pattern and text are. None is only possible for a text of over 1,000 characters, and
    depends on nothing but pattern and text: such a text gets an automaton of its own, so that nobody's earlier call
    can matter.

    Raises:
        ValueError: see :func:`assay.verifiers.text.nfa.compile_pattern`.
    """
    if len(text) > SHORT:
        return Automaton(_program(pattern, flags), search).matches(text, BUDGET)
    holder = _shared(pattern, flags, search)
    automaton = holder[0]
    if automaton.large:
        automaton = holder[0] = Automaton(automaton.program, search)
    verdict = automaton.matches(text, 1 << 62)
    return bool(verdict)
