"""Scaffolds: from an environment's messages to a policy's context, and from a completion to an action."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.agents.scaffolds.chat import Scaffold

CONFIDENCE = {
    "confidence": ("tabc", False),
    "confidence-long": ("tabc", True),
    "confidence-tac": ("tac", False),
    "confidence-tbac": ("tbac", False),
    "confidence-abc": ("abc", False),
    "confidence-ac": ("ac", False),
}
"""Versions of the scaffold that asks for a confidence: the blocks, and whether the instruction is the long one."""
SCAFFOLDS = ("chat", "shell", "edit", *CONFIDENCE)
"""What ``--scaffold`` can be for training and evaluation alike."""
PIPELINES = ("agentless-mini",)
"""What it can be for evaluation only: many completions and sandboxes make one action."""


def make_scaffold(name: str, tokenizer: Any = None, *, lenient: bool = False) -> Scaffold:
    """A scaffold by name.

    ``chat`` is :class:`~assay.agents.scaffolds.chat.ChatScaffold`, ``shell``
    :class:`~assay.agents.scaffolds.shell.ShellScaffold`, ``edit`` :class:`~assay.agents.scaffolds.edit.EditScaffold`,
    ``confidence`` and its versions :class:`~assay.agents.scaffolds.confidence.ConfidenceScaffold`.

    Args:
        name: one of :data:`SCAFFOLDS`.
        tokenizer: of the policy, or a :class:`~assay.agents.chat.Chat` of it; None for policies without tokens.
        lenient: read completions as an evaluation does, where the scaffold knows a difference.

    Raises:
        ValueError: one line that names the scaffolds there are.
    """
    check_scaffold(name)
    if name == "shell":
        from assay.agents.scaffolds.shell import ShellScaffold

        return ShellScaffold(tokenizer)
    if name == "edit":
        from assay.agents.scaffolds.edit import EditScaffold

        return EditScaffold(tokenizer)
    if name in CONFIDENCE:
        from assay.agents.scaffolds.confidence import ConfidenceScaffold

        pattern, long = CONFIDENCE[name]
        return ConfidenceScaffold(tokenizer, pattern=pattern, long=long, lenient=lenient)
    from assay.agents.scaffolds.chat import ChatScaffold

    return ChatScaffold(tokenizer)


def layout_tokens(name: str) -> int:
    """Tokens that a scaffold's layout takes beside the answer, where nobody says otherwise."""
    pattern, long = CONFIDENCE.get(name, ("", False))
    return sum({"t": 256, "a": 12, "b": 96 + 96 * long, "c": 16}[letter] for letter in pattern)


def check_scaffold(name: str, known: Sequence[str] = SCAFFOLDS) -> None:
    """Refuse a name that is not among ``known``.

    Raises:
        ValueError: one line with the closest name.
    """
    if name in PIPELINES and name not in known:
        raise ValueError(f"{name} makes many completions into one action, which only eval-agent can do: use one of "
                         f"{', '.join(known)}")  # fmt: skip
    if name not in known:
        close = get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown scaffold {name!r}; {hint}there are: {', '.join(known)}")
