"""Names and texts that the tests need and nobody could guess: they are told, or the task is unfair."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping

from assay.sandbox.patch import Entry

WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
MAX_NAMES = 24
MAX_TEXTS = 6


def interface(
    base: Mapping[str, Entry], after: Mapping[str, Entry], test_code: str, told: str, changed: Iterable[str]
) -> list[str]:
    """What a solution has to be called, for the names that only the solution and the tests know.

    A name counts if the code of the tests uses it, the changed source defines it, the base's source does not have it
    and the statement does not mention it.

    Args:
        base: the source tree (without tests) before the change.
        after: the same after it.
        test_code: source of the tests that must turn.
        told: what the statement says so far.
        changed: the paths of source that the change touches.

    Returns:
        One line each: a signature where there is one, else the name; at most 24.
    """
    used = _used(test_code)
    known = set(WORD.findall(told)) | set(dir(builtins))
    paths = [path for path in changed if path.endswith((".py", ".pyi"))]
    defined: dict[str, str] = {}
    for path in paths:
        for name, line in _definitions(path, after.get(path)):
            defined.setdefault(name, line)
    wanted = {name for name in defined if name in used and name not in known and len(name) > 1}
    wanted = {name for name in wanted if not name.startswith(("test", "__"))}
    if wanted:
        for path, entry in base.items():
            if path.endswith((".py", ".pyi")):
                wanted -= set(WORD.findall(entry.data.decode("utf-8", "replace")))
    return [defined[name] for name in sorted(wanted)][:MAX_NAMES]


def texts(
    base: Mapping[str, Entry], after: Mapping[str, Entry], test_code: str, told: str, changed: Iterable[str]
) -> list[str]:
    """Messages that the tests compare with and only the solution has: at most 6, of 8 characters or more."""
    expected = {each for each in _strings(test_code) if 8 <= len(each) <= 200 and each not in told}
    if not expected:
        return []
    before = "\n".join(entry.data.decode("utf-8", "replace") for path, entry in base.items() if path.endswith(".py"))
    found = []
    for path in changed:
        entry = after.get(path)
        if entry is not None and path.endswith(".py"):
            text = entry.data.decode("utf-8", "replace")
            found += [each for each in expected if each in text and each not in before and " " in each]
    return sorted(set(found))[:MAX_TEXTS]


def code_of_tests(tree: Mapping[str, Entry], tests: Iterable[str]) -> str:
    """The source of test functions by their node ids, with the imports of their files."""
    wanted: dict[str, set[str]] = {}
    for each in tests:
        path, _, rest = each.partition("::")
        wanted.setdefault(path, set()).add(re.split(r"\[", rest)[0].split("::")[-1])
    parts = []
    for path, names in sorted(wanted.items()):
        entry = tree.get(path)
        text = entry.data.decode("utf-8", "replace") if entry else ""
        try:
            nodes = list(ast.walk(ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in nodes:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names
            if function or isinstance(node, ast.Import | ast.ImportFrom):
                parts.append(ast.get_source_segment(text, node) or "")
                parts += [ast.get_source_segment(text, each) or "" for each in getattr(node, "decorator_list", ())]
    return "\n".join(parts)


def expectations(tree: Mapping[str, Entry], tests: Iterable[str], most: int = 4) -> list[str]:
    """A short assertion of each of some tests, in the tests' own words; those with names of their own only are last."""
    found: dict[str, None] = {}
    for each in tests:
        try:
            nodes = list(ast.walk(ast.parse(code_of_tests(tree, [each]))))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        lines = [ast.unparse(node) for node in nodes if isinstance(node, ast.Assert) or _is_unittest(node)]
        short = sorted((line for line in lines if 10 < len(line) <= 120), key=lambda line: "(" not in line[8:])
        if short:
            found.setdefault(short[0])
        if len(found) >= most:
            break
    return list(found)


def _is_unittest(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("assert")


def _used(code: str) -> set[str]:
    return set(WORD.findall(code))


def _strings(code: str) -> set[str]:
    found = set()
    for match in re.finditer(r"""(?s)("([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*')""", code):
        try:
            value = ast.literal_eval(match[0])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(value, str):
            found.add(value)
            found.add(re.sub(r"\\(.)", r"\1", value))  # as a pattern for pytest.raises(match=...)
    return found


def _definitions(path: str, entry: Entry | None) -> Iterator[tuple[str, str]]:
    """Every name that a module defines, with a line that tells how."""
    if entry is None:
        return
    stem = path.rsplit("/", 1)[-1].removesuffix(".py").removesuffix(".pyi")
    yield stem, f"module `{path}`"
    try:
        tree = ast.parse(entry.data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _walk(tree, path, "")


def _walk(node: ast.AST, path: str, owner: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            line = f"`{owner}{child.name}({ast.unparse(child.args)})` in `{path}`"
            yield child.name, line
            for argument in (*child.args.args, *child.args.kwonlyargs):
                yield argument.arg, f"argument `{argument.arg}` of {line}"
            yield from _walk(child, path, f"{owner}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            bases = ", ".join(ast.unparse(each) for each in child.bases)
            yield child.name, f"class `{owner}{child.name}{f'({bases})' if bases else ''}` in `{path}`"
            yield from _walk(child, path, f"{owner}{child.name}.")
        elif isinstance(child, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            for target in targets:
                for each in ast.walk(target):
                    if isinstance(each, ast.Name):
                        yield each.id, f"`{owner}{each.id}` in `{path}`"
                    elif isinstance(each, ast.Attribute):
                        yield each.attr, f"attribute `{each.attr}` in `{path}`"
        else:
            yield from _walk(child, path, owner)
