"""No test may reach for a hub: what is not on this machine fails at once instead of being downloaded."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@functools.cache
def _without_qt() -> str:
    code = "from PySide6.QtWidgets import QApplication; QApplication([])"
    settings = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, timeout=120)
    if done.returncode == 0:
        return ""
    return f"no Qt here: {(done.stderr.strip().splitlines() or [f'exit status {done.returncode}'])[-1]}"


@pytest.fixture(scope="session")
def without_qt() -> Callable[[], str]:
    """Why no Qt window can be opened here; empty if one can. Tried once, in a process of its own."""
    return _without_qt
