"""What a source tree says of itself without any of it being run: names, requirements, entry points."""

from __future__ import annotations

import ast
import configparser
import email.parser
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from assay.sandbox.patch import Entry


@dataclass(frozen=True, slots=True)
class Metadata:
    """The static metadata of a source release.

    Attributes:
        name: of the distribution.
        version: of the release.
        python: its ``Requires-Python``.
        requires: its requirements, with markers, of all extras.
        extras: names of the extras.
        minors: Python versions that its classifiers name, such as ``3.9``.
        licence: as it states it, at most 60 characters.
        modules: importable top-level names.
        entry_points: in the form of ``entry_points.txt``.
        pyproject: the parsed ``pyproject.toml``.
    """

    name: str
    version: str
    python: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]
    minors: tuple[str, ...]
    licence: str
    modules: tuple[str, ...]
    entry_points: str
    pyproject: Mapping[str, Any]


def read_metadata(tree: Mapping[str, Entry], name: str = "", version: str = "") -> Metadata:
    """Read ``PKG-INFO``, ``*.egg-info`` and ``pyproject.toml``; a tree of a git repository has only the last.

    Args:
        tree: the files of a source archive or a checkout, egg-info included.
        name: used where the tree does not say.
        version: likewise.
    """
    info = email.parser.HeaderParser().parsestr(_text(tree, "PKG-INFO") or _egg(tree, "PKG-INFO"))
    pyproject = parse_toml(_text(tree, "pyproject.toml"))
    project = _table(pyproject, "project")
    poetry = _table(pyproject, "tool", "poetry")
    requires = [line for line in info.get_all("Requires-Dist") or [] if _is_requirement(line)]
    extras = list(info.get_all("Provides-Extra") or [])
    if not requires:
        listed, named = _egg_requires(_egg(tree, "requires.txt"))
        requires, extras = listed, extras or named
    if not requires and isinstance(project.get("dependencies"), list):
        requires, extras = _from_project(project)
    if not requires:
        requires = poetry_requirements(_table(poetry, "dependencies")) or _legacy_requires(tree)
    classifiers = info.get_all("Classifier") or project.get("classifiers") or poetry.get("classifiers") or []
    stated = str(info.get("Name") or project.get("name") or poetry.get("name") or name)
    minors = [match[1] for line in classifiers if (match := re.search(r":: Python :: (3\.\d+)$", str(line)))]
    return Metadata(
        name=stated,
        version=version or str(info.get("Version") or project.get("version") or poetry.get("version") or "0"),
        python=str(info.get("Requires-Python") or project.get("requires-python") or ""),
        requires=tuple(dict.fromkeys(requires)),
        extras=tuple(extras),
        minors=tuple(minors),
        licence=_licence(info.get("License-Expression"), info.get("License"), classifiers),
        modules=_modules(tree, stated),
        entry_points=_egg(tree, "entry_points.txt") or _entry_points(project, poetry),
        pyproject=pyproject,
    )


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document, or nothing if it is none."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def poetry_requirements(table: Mapping[str, Any]) -> list[str]:
    """The names of a poetry table; a caret or tilde bound becomes a lower bound, anything else no bound."""
    found = []
    for name, spec in table.items():
        bound = spec.get("version", "") if isinstance(spec, dict) else spec if isinstance(spec, str) else ""
        match = re.fullmatch(r"[\^~]=?\s*([\d.]+)", str(bound).strip())
        line = f"{name}>={match[1]}" if match else name
        optional = isinstance(spec, dict) and (spec.get("optional") or "git" in spec or "path" in spec or "url" in spec)
        if name.lower() != "python" and not optional and _is_requirement(line):
            found.append(line)
    return found


def text_of(tree: Mapping[str, Entry], path: str) -> str:
    """A file as text; empty if it is absent."""
    return _text(tree, path)


def _text(tree: Mapping[str, Entry], path: str) -> str:
    entry = tree.get(path)
    return entry.data.decode("utf-8", "replace") if entry else ""


def _egg(tree: Mapping[str, Entry], file: str) -> str:
    found = sorted((path for path in tree if re.search(rf"(^|/)[^/]+\.egg-info/{re.escape(file)}$", path)), key=len)
    return _text(tree, found[0]) if found else ""


def _is_requirement(line: str) -> bool:
    try:
        return Requirement(line).url is None
    except InvalidRequirement:
        return False


def _egg_requires(text: str) -> tuple[list[str], list[str]]:
    """``requires.txt``: sections ``[extra]``, ``[:marker]`` and ``[extra:marker]``."""
    found, extras = [], []
    extra = marker = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            if extra and extra not in extras:
                extras.append(extra)
        elif line:
            conditions = [f"({marker})"] * bool(marker) + [f'extra == "{extra}"'] * bool(extra)
            full = f"{line} ; {' and '.join(conditions)}" if conditions else line
            if _is_requirement(full):
                found.append(full)
    return found, extras


def _from_project(project: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    found = [str(line) for line in project["dependencies"] if _is_requirement(str(line))]
    optional = project.get("optional-dependencies")
    extras = optional if isinstance(optional, dict) else {}
    for extra, lines in extras.items():
        for line in lines if isinstance(lines, list) else []:
            base, _, marker = str(line).partition(";")
            full = f'{base} ; ({marker}) and extra == "{extra}"' if marker else f'{base} ; extra == "{extra}"'
            if _is_requirement(full):
                found.append(full)
    return found, list(extras)


def _legacy_requires(tree: Mapping[str, Entry]) -> list[str]:
    """``install_requires`` of ``setup.cfg``, or of ``setup.py`` where it is a literal list."""
    parser = configparser.RawConfigParser(strict=False)
    found: list[str] = []
    try:
        parser.read_string(_text(tree, "setup.cfg"))
        found = parser.get("options", "install_requires", fallback="").splitlines()
    except configparser.Error:
        pass
    if not any(line.strip() for line in found) and "setup.py" in tree:
        try:
            nodes = list(ast.walk(ast.parse(tree["setup.py"].data)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        for node in nodes:
            if isinstance(node, ast.keyword) and node.arg == "install_requires" and isinstance(node.value, ast.List):
                found = [str(each.value) for each in node.value.elts if isinstance(each, ast.Constant)]
    lines = [str(line).split(" #")[0].strip() for line in found]
    return [line for line in lines if line and _is_requirement(line)]


def _modules(tree: Mapping[str, Entry], name: str) -> tuple[str, ...]:
    listed = _egg(tree, "top_level.txt").split()
    own = [each for each in listed if not each.startswith("_") and each not in ("tests", "test", "docs", "examples")]
    guess = re.sub(r"[-.]+", "_", name).lower()
    dotted = re.sub(r"-+", "_", name).lower()  # a namespace package such as zope.interface
    return tuple(
        dict.fromkeys([*own, guess, dotted, name, guess.removeprefix("python_"), guess.removesuffix("_python")])
    )


def _licence(expression: str | None, stated: str | None, classifiers: Any) -> str:
    if expression:
        return expression[:60]
    for line in classifiers if isinstance(classifiers, list) else []:
        if str(line).startswith("License ::"):
            return str(line).rsplit("::", 1)[-1].strip()[:60]
    return (stated or "").strip().splitlines()[0][:60] if (stated or "").strip() else ""


def _entry_points(project: Mapping[str, Any], poetry: Mapping[str, Any]) -> str:
    groups: dict[str, Mapping[str, Any]] = {
        "console_scripts": _table(project, "scripts") or _table(poetry, "scripts"),
        **_table(poetry, "plugins"),
        **_table(project, "entry-points"),
    }
    writer = configparser.RawConfigParser(delimiters=("=",))
    writer.optionxform = str  # type: ignore[assignment,method-assign]
    for group, entries in groups.items():
        plain = {key: value for key, value in entries.items() if isinstance(value, str)} if entries else {}
        if plain and re.fullmatch(r"[\w.-]+", group):
            writer[group] = {key: value.replace("\n", " ") for key, value in plain.items()}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in writer[group].items()) for group in writer.sections()]
    return "\n".join(lines)


def _table(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}
