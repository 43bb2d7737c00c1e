"""Skills compared and found in text, whatever their spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from assay.verifiers.parse.fold import fold
from assay.verifiers.resume.aliases import ALIASES

_LOOSE = re.compile(r"[\s.\-_/]+")
_MOST = 200

Aliases = Mapping[str, Sequence[str]]


def skill_key(text: str) -> str:
    """``text`` without case, spaces, dots, hyphens, underscores and slashes; of long text the first 200 characters."""
    return _LOOSE.sub("", fold(text[:_MOST]))


@lru_cache(maxsize=8)
def _table(extra: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    table: dict[str, str] = {}
    for name, spellings in (*ALIASES.items(), *extra):  # the caller's own win
        home = table.get(skill_key(name), name)
        for spelling in (name, *spellings):
            table[skill_key(spelling)] = home
    return table


def _frozen(aliases: Aliases | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((str(name), tuple(map(str, spellings))) for name, spellings in (aliases or {}).items())


def canonical(skill: str, aliases: Aliases | None = None) -> str:
    """The name of a skill: the same for two spellings of one; of an unknown skill its folded spelling.

    Args:
        skill: any spelling.
        aliases: further names with their spellings; on a clash they win.
    """
    key = skill_key(skill)
    return _table(_frozen(aliases)).get(key, key)


def canonical_set(skills: Iterable[str], aliases: Aliases | None = None) -> set[str]:
    """The names of several skills; empty ones are passed over."""
    table = _table(_frozen(aliases))
    keys = {skill_key(skill) for skill in skills} - {""}
    return {table.get(key, key) for key in keys}


@lru_cache(maxsize=8)
def _spelled(extra: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, tuple[str, ...]]:
    table, known = _table(extra), dict[str, dict[str, None]]()
    for name, others in (*extra, *ALIASES.items()):
        home = known.setdefault(table[skill_key(name)], {})
        home.update(dict.fromkeys(fold(each) for each in (name, *others)))
    return {name: tuple(spelled) for name, spelled in known.items()}


def spellings(skill: str, aliases: Aliases | None = None) -> tuple[str, ...]:
    """Every known spelling of a skill, its own first, lower case."""
    known = _spelled(_frozen(aliases)).get(canonical(skill, aliases), ())
    return tuple(dict.fromkeys((fold(skill[:_MOST]), *known)))


def occurs(spelling: str, text: str) -> bool:
    """Whether a spelling stands in ``text`` as whole words, without regard to case; ``text`` is folded already."""
    return bool(spelling) and _word(spelling).search(text) is not None


@lru_cache(maxsize=4096)
def _word(spelling: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w+#.]){re.escape(fold(spelling))}(?![\w+#])")


def found_in(text: str, skills: Iterable[str], aliases: Aliases | None = None) -> list[str]:
    """Those of ``skills`` of which any spelling stands in ``text``, in their order and spelling.

    A spelling inside that of another listed skill does not count there: "react native" shows no "react" where both are
    asked for.
    """
    wanted = list(dict.fromkeys(skills))
    owners: dict[str, str] = {}
    for skill in wanted:
        for spelling in spellings(skill, aliases):
            owners.setdefault(spelling, skill)
    if not owners:
        return []
    shown = {owners[match] for match in _any_of(tuple(sorted(owners))).findall(fold(text))}
    return [skill for skill in wanted if skill in shown]


@lru_cache(maxsize=1024)
def _any_of(known: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(filter(None, known), key=len, reverse=True)
    return re.compile(rf"(?<![\w+#.])(?:{'|'.join(map(re.escape, longest_first))})(?![\w+#])")
