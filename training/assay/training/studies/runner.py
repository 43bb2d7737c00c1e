"""How the command of a study is carried out, whatever it compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def study_command(out: Path, study: Callable[[], str]) -> int:
    """Run a study that writes into ``out`` and print what it found; the exit status.

    Raises:
        UserError: one line, if ``out`` cannot be written; whatever the study raises.
    """
    from assay.training.cli import check_writable, quiet_libraries

    check_writable(out)
    quiet_libraries()
    try:
        found = study()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(": finished runs are kept; the same command goes on") from None
    print(found)
    return 0
