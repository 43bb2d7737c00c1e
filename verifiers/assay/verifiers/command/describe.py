"""``assay-score list``."""

from __future__ import annotations

import argparse
import inspect
import textwrap

from assay.verifiers import registry
from assay.verifiers.command.common import find_verifier, import_modules


def run(args: argparse.Namespace) -> int:
    """Print all verifiers, or one in full."""
    import_modules(args.imports)
    if args.name:
        print(describe(find_verifier(args.name, [])))
        return 0
    known = registry.names()
    width = max(map(len, known))
    for name in known:
        print(f"{name:<{width}}  {registry.get(name).summary}")
    for name, error in registry.broken_plugins().items():
        print(f"{name:<{width}}  failed to load: {error}")
    return 0


def describe(verifier: registry.Verifier) -> str:
    """The docstring and the options of one verifier."""
    lines = [verifier.name, "", inspect.cleandoc(verifier.doc), "", "Options (--option KEY=VALUE):"]
    for name, option in verifier.options.items():
        lines.append(f"  {name} = {option.default!r}")
        lines += textwrap.wrap(option.doc, 100, initial_indent="      ", subsequent_indent="      ")
    if not verifier.options:
        lines.append("  none")
    return "\n".join(lines)
