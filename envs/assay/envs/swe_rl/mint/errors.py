"""Why something was not minted."""

from __future__ import annotations


class MintError(RuntimeError):
    """One line that says why a package, release, commit or change gives no task. Expected; it goes into the report."""
