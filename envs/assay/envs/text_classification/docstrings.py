"""The embedded texts: what Python's own documentation says of its public functions and classes, by topic.

No labelled corpus of prose comes with the packages we need, but the standard library carries a few thousand sentences
that people wrote about things of different kinds. A row is the opening of one docstring; its label is the topic of the
module that it stands in. Sources are parsed, never run. What gives the topic away by name is replaced by ``[name]``:
the names of the topic's modules and anything written as code. The rows depend on the version of Python, so figures
compare only within one version. Texts are short, technical and often ambiguous: a linear model on words and pairs of
words gets three of four right (75 % in five-fold cross-validation on Python 3.11.7).
"""

from __future__ import annotations

import ast
import hashlib
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

TOPICS: dict[str, str] = {
    "mathematics": "_pydecimal statistics fractions random numbers",
    "dates and times": "_pydatetime datetime calendar zoneinfo _strptime sched timeit",
    "email": "email smtplib imaplib poplib mailbox",
    "networking": "socket socketserver ssl ipaddress ftplib http urllib xmlrpc wsgiref",
    "files and folders": "_pyio pathlib os posixpath ntpath genericpath shutil glob tempfile filecmp fileinput zipfile "
    "tarfile gzip bz2 lzma",
    "testing": "unittest doctest",
    "concurrency": "threading multiprocessing concurrent asyncio queue subprocess",
    "source code": "ast tokenize inspect dis symtable pdb bdb trace traceback pydoc importlib pkgutil modulefinder",
}
"""Modules and packages of each topic; those that a Python version lacks are passed over."""

DEFINITIONS: dict[str, str] = {
    "mathematics": "numbers, arithmetic, statistics and randomness",
    "dates and times": "clocks, calendars, time zones and durations",
    "email": "messages, their headers and bodies, mail servers and mailboxes",
    "networking": "sockets, addresses, web servers and protocols",
    "files and folders": "paths, reading and writing, archives and compression",
    "testing": "test cases, assertions, mocks and test runs",
    "concurrency": "threads, processes, tasks, locks and queues",
    "source code": "syntax, modules, frames, debugging and introspection",
}

COMPILED: dict[str, str] = {"mathematics": "math cmath", "dates and times": "time"}
"""Modules without Python sources; importing these does nothing else."""

CAP = 160
"""Most rows of one topic, so that topics stay near one another in size."""

_LONGEST = 240
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_CODE = re.compile(
    r"[*`'\"]{0,3}(?:"
    r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*)(?:\([^()]{0,60}\))?"
    r"|[A-Za-z_]\w*\([^()]{0,60}\)"
    r")[*`'\"]{0,3}"
)


@cache
def docstring_rows() -> tuple[tuple[str, str], ...]:
    """``(text, topic)`` pairs, distinct, ordered by topic and then by hash; gathered once a process.

    Raises:
        ValueError: if this Python comes without the sources of its standard library.
    """
    library = Path(sysconfig.get_path("stdlib"))
    found = {topic: {_fold(t): t for t in _texts(library, topic)} for topic in TOPICS}
    topics_of = Counter(key for texts in found.values() for key in texts)
    rows = []
    for topic, texts in found.items():
        own = sorted((t for key, t in texts.items() if topics_of[key] == 1), key=_digest)
        rows += [(text, topic) for text in own[:CAP]]
    if len({topic for _, topic in rows}) < len(TOPICS):
        raise ValueError(f"no standard-library sources under {library}: use another source, such as csv or synthetic")
    return tuple(rows)


def redact(text: str, names: frozenset[str]) -> str:
    """``text`` with code and the words of ``names`` replaced by ``[name]``."""
    text = _CODE.sub("[name]", text)
    if names:
        text = re.sub(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b", "[name]", text, flags=re.IGNORECASE)
    return text


def opening(doc: str) -> str:
    """The first sentence of a docstring; the second too where the first is short; at most 240 characters."""
    paragraph = " ".join(doc.strip().split("\n\n")[0].split())
    sentences = _SENTENCE_END.split(paragraph)
    kept = sentences[0]
    if len(sentences) > 1 and len(kept) < 60:
        kept += " " + sentences[1]
    return kept if len(kept) <= _LONGEST else kept[:_LONGEST].rpartition(" ")[0]


def _texts(library: Path, topic: str) -> Iterator[str]:
    modules = frozenset(name.strip("_") for name in f"{TOPICS[topic]} {COMPILED.get(topic, '')}".split())
    for module in TOPICS[topic].split():
        for path in _sources(library, module):
            names = frozenset(part.strip("_") for part in path.relative_to(library).with_suffix("").parts)
            yield from _prose(_docstrings(ast.parse(path.read_bytes()).body), names | modules)
    for module in COMPILED.get(topic, "").split():
        yield from _prose(_compiled_docstrings(import_module(module)), modules)


def _prose(docs: Iterable[str], names: frozenset[str]) -> Iterator[str]:
    for doc in docs:
        text = redact(opening(doc), names)
        words = re.findall(r"[A-Za-z]+", text.replace("[name]", ""))
        plain = sum(c.isalpha() or c in " ,.'-" for c in text)
        if len(words) >= 5 and text[0].isalpha() and plain >= 0.85 * len(text) and text.count("[name]") <= 2:
            yield text


def _sources(library: Path, module: str) -> list[Path]:
    file, folder = library / f"{module}.py", library / module
    if file.is_file():
        return [file]
    found = sorted(folder.rglob("*.py")) if folder.is_dir() else []
    return [path for path in found if not {"test", "tests", "__main__.py"} & set(path.relative_to(folder).parts)]


def _docstrings(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("_"):
                doc = ast.get_docstring(node)
                if doc:
                    yield doc
            if isinstance(node, ast.ClassDef):
                yield from _docstrings(node.body)
        elif isinstance(node, ast.If | ast.Try):
            yield from _docstrings(node.body + node.orelse)


def _compiled_docstrings(module: ModuleType) -> Iterator[str]:
    for name, value in sorted(vars(module).items()):
        members = sorted(vars(value).items()) if isinstance(value, type) else []
        for member, thing in [(name, value), *members]:
            doc = getattr(thing, "__doc__", None)
            if not member.startswith("_") and callable(thing) and isinstance(doc, str):
                # Some begin with a paragraph that only spells out the call.
                yield re.sub(r"\A\s*\w+\([^)]*\)[^\n]*\n\n", "", doc)


def _fold(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
