"""How much agentless-mini samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AgentlessOptions:
    """How much of everything; the paper takes 500 patches and 30 tests."""

    locations: int = 4
    """Samples that name the files to change."""
    patches: int = 8
    """Samples that propose edits, spread over the sets of files."""
    tests: int = 4
    """Samples that write a script to reproduce the issue; 0 goes without."""
    regression: bool = True
    """Run the repository's own tests on every patch."""
    temperature: float = 1.0
    """Sampling temperature of all of them."""
    show_tokens: int = 60_000
    """Tokens of files shown at most; fewer where the model takes fewer."""
    jobs: int = 2
    """Problems whose sandboxes run at once."""
