"""The browser worker's side: Playwright and the browsers it has started, until the owner is gone.

When the owner dies this process dies too, Playwright's driver sees its pipe close, and it ends the browsers.
"""

from __future__ import annotations

import os
import signal
import sys

from assay.envs.gui_grounding.serving import serve
from assay.envs.gui_grounding.web.browser import close_browsers


def main(argv: list[str]) -> int:
    """Serve until the requests end, then close the browsers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what an interrupt means
    try:
        return serve(argv, lambda: None)
    finally:
        close_browsers()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
