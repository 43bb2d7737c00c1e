"""Options of an environment: a frozen dataclass, read from keywords with errors that a person can act on."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def read_options(cls: type[T], given: Mapping[str, Any], owner: str) -> T:
    """Build the options dataclass ``cls`` from ``given``.

    A comma-separated string or a list is read as a tuple where the field is one; an int where the field is a float.

    Raises:
        ValueError: one line; the option is unknown, is not one of the values of its ``Literal``, or has another type.
    """
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    unknown = [name for name in given if name not in names]
    if unknown:
        from difflib import get_close_matches

        close = get_close_matches(unknown[0], names, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"{owner} has no option {unknown[0]!r}; {hint}options: {', '.join(names)}")
    hints = _hints(cls)  # type: ignore[arg-type]  # a class is hashable
    return cls(**{name: _read(value, hints[name], f"{owner} option {name!r}") for name, value in given.items()})


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(value: Any, kind: Any, what: str) -> Any:
    origin = get_origin(kind)
    if origin is Literal:
        allowed = get_args(kind)
        if any(value == choice and type(value) is type(choice) for choice in allowed):
            return value
        raise ValueError(f"{what} must be one of {', '.join(map(str, allowed))}; got {value!r}")
    if origin in (Union, types.UnionType):
        return _read_union(value, get_args(kind), what)
    if origin is tuple:
        items = [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"{what} must be a list; got {value!r}")
        return tuple(_read(item, get_args(kind)[0], what) for item in items)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in _KINDS and (not isinstance(value, kind) or (kind is not bool and value is True)):
        raise ValueError(f"{what} must be {_KINDS[kind]}; got {value!r}")
    return value


def _read_union(value: Any, kinds: tuple[Any, ...], what: str) -> Any:
    problems = []
    for kind in kinds:
        if kind is type(None):
            if value is None:
                return None
            continue
        try:
            return _read(value, kind, what)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError(problems[0])
