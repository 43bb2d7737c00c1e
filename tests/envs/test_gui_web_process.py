"""Browsers die with their worker, and workers with their owner. Skipped where there is no Playwright or Chromium."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.envs.errors import InfraError
from assay.envs.gui_grounding.web.worker import BrowserWorker, descendants

DRAWN = "assay.envs.gui_grounding.web.render:drawn_page"


@pytest.fixture(scope="module")
def worker() -> Iterator[BrowserWorker]:
    with BrowserWorker() as made:
        try:
            made.call("assay.envs.gui_grounding.web.browser:version")
        except (ImportError, ValueError) as error:
            pytest.skip(str(error))
        yield made


def alive(pid: int) -> bool:
    """Whether a process lives; what waits to be reaped by a container's first process does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_dead_browser_is_an_infrastructure_error_and_is_replaced(worker: BrowserWorker) -> None:
    with BrowserWorker() as mine:
        mine.call(DRAWN, html="<p>x", width=300, height=200, scale=1.0)
        family = descendants(mine.pid or 0)
        assert len(family) >= 3
        os.kill(mine.pid or 0, signal.SIGKILL)
        with pytest.raises(InfraError, match="browser worker"):
            mine.call(DRAWN, html="<p>x", width=300, height=200, scale=1.0, born=mine.started)
        mine.call(DRAWN, html="<p>x", width=300, height=200, scale=1.0)
        assert mine.started == 2
        family += descendants(mine.pid or 0)
        newest = descendants(mine.pid or 0)
        parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid, _ in newest}
        driver = next(pid for pid, parent in parents.items() if parent == mine.pid)
        os.kill(next(pid for pid, parent in parents.items() if parent == driver), signal.SIGKILL)  # the browser
        with pytest.raises(InfraError):
            mine.call(DRAWN, html="<p>y", width=300, height=200, scale=1.0)
        mine.call(DRAWN, html="<p>z", width=300, height=200, scale=1.0)
        family += descendants(mine.pid or 0)
    assert gone([pid for pid, _ in family])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_nothing_is_left_when_the_owner_is_killed(worker: BrowserWorker) -> None:
    program = (
        "import time\nfrom assay.envs.gui_grounding.web.worker import BrowserWorker\nw = BrowserWorker()\n"
        f"w.call({DRAWN!r}, html='<p>x', width=300, height=200, scale=1.0)\nprint(w.pid, flush=True)\ntime.sleep(600)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    family = [pid, *(each for each, _ in descendants(pid))]
    assert len(family) >= 4
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone(family)
