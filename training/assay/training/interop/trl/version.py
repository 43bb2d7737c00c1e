"""Which TRL the adapters are for. Its inner workings change from one minor release to the next."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from assay.training.errors import UserError

SUPPORTED = (1, 16)
REQUIREMENT = "trl>=1.16,<1.17"


def require_trl() -> None:
    """Refuse a missing or untested TRL, without importing it.

    Raises:
        UserError: one line that names the extra to install.
    """
    try:
        found = version("trl")
    except PackageNotFoundError:
        raise UserError(f"needs {REQUIREMENT}, and there is none: pip install 'assay[trl]'") from None
    if tuple(found.split(".")[:2]) != tuple(map(str, SUPPORTED)):
        raise UserError(f"needs {REQUIREMENT}, found {found}: pip install 'assay[trl]'")
