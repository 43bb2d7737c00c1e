"""Letters among options, as a turn's answer."""

from __future__ import annotations

from collections.abc import Sequence

from assay.verifiers.spatial.choosing import chosen
from assay.verifiers.spatial.layout import Layout, answer_in


def letter_of(response: str, layout: Layout, options: Sequence[str]) -> str | None:
    """The one letter that a response chooses; None where there is none, or where it is an action object."""
    text, _ = answer_in(response, layout)
    return None if text is None or "{" in text else chosen(text, options)
