"""How our server gets into a container: over its standard input, before anything else; no file of ours is in there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

MAIN = "assay.sandbox.docker.guest"
_IMPORT = re.compile(r"^from (assay\.sandbox\.[\w.]+) import", re.MULTILINE)

# Runs in the container's own Python: takes the modules off its standard input, then hands over to the last one.
LOADER = """
import json, os, sys, types
def take(size):
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data
if sys.version_info < (3, 6):
    sys.exit("needs Python 3.6 or newer, found " + sys.version.split()[0])
parts = json.loads(take(int(take(16))).decode("ascii"))
for name in ("assay", "assay.sandbox", "assay.sandbox.docker"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name, source in parts["modules"]:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
module.main(parts["options"])
"""


def command(python: list[str]) -> list[str]:
    """The command line of PID 1, given how to run Python: isolated, without site-packages, output unbuffered."""
    return [*python, "-I", "-S", "-c", LOADER]


def first_bytes(options: Mapping[str, Any]) -> bytes:
    """What PID 1 is sent first: the modules, and the options of :func:`assay.sandbox.docker.guest.main`."""
    data = json.dumps({"modules": _modules(), "options": dict(options)}).encode("ascii")
    return b"%016d" % len(data) + data


@lru_cache
def _modules() -> list[tuple[str, str]]:
    """The module of :func:`guest.main` and what it imports of ours, each after what it needs itself."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        source = (files("assay.sandbox") / f"{name.removeprefix('assay.sandbox.').replace('.', '/')}.py").read_text(
            "utf-8"
        )
        for needed in _IMPORT.findall(source):
            if needed not in found:
                add(needed)
        found[name] = source

    add(MAIN)
    return list(found.items())
