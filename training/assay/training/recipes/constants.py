"""The constants of a recipe: their documentation, and reading them from a command line or a file."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from assay.training.recipes.base import Recipe
from assay.training.recipes.ranges import Range, ranges


@dataclass(frozen=True)
class Constant:
    """One field of a recipe."""

    name: str
    type: Any
    default: Any
    doc: str
    range: Range | None = None

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values allowed; empty where there is no list."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()


def field_docs(cls: type) -> dict[str, str]:
    """The docstring below each annotated field of a class and its bases, on one line."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        docs.update(_own_docs(base))
    return docs


@cache
def _own_docs(base: Any) -> Mapping[str, str]:
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}  # built-in, or its source is not at hand
    docs: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for statement, following in pairwise(statements):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = " ".join(following.value.value.split())
    return docs


def constants(cls: type[Recipe]) -> dict[str, Constant]:
    """The fields of a recipe by name, in order."""
    hints, docs, limits = get_type_hints(cls), field_docs(cls), ranges(cls)
    found = {}
    for item in fields(cls):
        found[item.name] = Constant(
            item.name, hints[item.name], item.default, docs.get(item.name, ""), limits.get(item.name)
        )
    return found


def build(cls: type[Recipe], overrides: Mapping[str, Any]) -> Recipe:
    """The recipe with some constants replaced. ``-`` and ``_`` in names are the same; text is read as its type.

    Raises:
        ValueError: in one line, for an unknown constant (with the nearest names), a value of the wrong type or
            one out of range.
    """
    known = constants(cls)
    values = {}
    for given, value in overrides.items():
        name = given.replace("-", "_")
        if name not in known:
            close = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(close)}?" if close else f"it has {', '.join(known)}"
            raise ValueError(f"recipe {cls.name} has no constant {given!r}; {hint}")
        try:
            values[name] = read(value, known[name].type)
        except ValueError as error:
            raise ValueError(f"recipe {cls.name}: {name} wants {error}, got {value!r}") from None
        limits = known[name].range
        if limits is not None and values[name] is not None and values[name] not in limits:
            raise ValueError(f"recipe {cls.name}: {name} {limits}, got {values[name]:g}")
    return cls(**values)


def read(value: Any, wanted: Any) -> Any:
    """A value as the wanted type: bool, int, float, str, a Literal, a tuple of one of them, or one of them or None.

    Raises:
        ValueError: whose text says what was wanted.
    """
    origin, args = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        for choice in args:
            if value == choice or (isinstance(value, str) and value == str(choice)):
                return choice
        raise ValueError("one of " + ", ".join(map(str, args)))
    if origin in (Union, UnionType):
        if value is None or (isinstance(value, str) and value.lower() in ("none", "null", "")):
            return None
        return read(value, next(arg for arg in args if arg is not NoneType))
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError("a list")
        return tuple(read(item.strip() if isinstance(item, str) else item, args[0]) for item in items)
    if wanted is bool:
        return _boolean(value)
    if wanted in (int, float):
        return _number(value, wanted)
    if wanted is str and isinstance(value, str):
        return value
    raise ValueError(f"a value of type {getattr(wanted, '__name__', wanted)}")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return value.lower() in ("true", "yes", "on", "1")
    raise ValueError("true or false")


def _number(value: Any, wanted: type) -> int | float:
    name = "a whole number" if wanted is int else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(name)
    try:
        number = float(value)
    except ValueError:
        raise ValueError(name) from None
    if not math.isfinite(number) or (wanted is int and number != int(number)):
        raise ValueError(name)
    return int(number) if wanted is int else number
