"""What a verdict on a patch rests on: kept with the episode, so that it can be scored again without any sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """What grading saw.

    Attributes:
        patch: the agent's change, without caches and the like.
        applied: whether it could be applied.
        message: how, or why not.
        tampered: paths of tests and test configuration that it changed; those changes were undone.
        report: of the test run: in the format of :mod:`assay.verifiers.swe.report` with ``problems``, or ``log``,
            ``parser`` and ``exit`` of an official script; None where nothing was run.
    """

    patch: str
    applied: bool
    message: str = ""
    tampered: tuple[str, ...] = ()
    report: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-serialisable data."""
        return {
            "patch": self.patch,
            "applied": self.applied,
            "message": self.message,
            "tampered": list(self.tampered),
            "report": None if self.report is None else dict(self.report),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: if a part is missing or of another kind.
        """
        patch, applied, report = data.get("patch"), data.get("applied"), data.get("report")
        if not isinstance(patch, str) or not isinstance(applied, bool) or not isinstance(report, Mapping | None):
            raise ValueError("the evidence needs a patch, whether it was applied, and a report or null")
        return cls(patch, applied, str(data.get("message", "")), tuple(map(str, data.get("tampered", ()))), report)
