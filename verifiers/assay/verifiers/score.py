"""What every verifier returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one response.

    Attributes:
        reward: what learning sees; finite.
        parts: each named component of the reward, before weighting, logged separately.
        correct: the task's own unshaped verdict, which is what evaluation reports; None where there is none.
        parsed: whether an answer could be read out of the response at all.
        detail: one line that a person can read.

    Raises:
        ValueError: if ``reward`` or a part is not finite.
    """

    reward: float
    parts: dict[str, float] = field(default_factory=dict)
    correct: bool | None = None
    parsed: bool = True
    detail: str = ""

    def __post_init__(self) -> None:
        for name, value in (("reward", self.reward), *self.parts.items()):
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON-serialisable data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """The inverse of :meth:`to_dict`."""
        return cls(
            reward=float(data["reward"]),
            parts={str(k): float(v) for k, v in data.get("parts", {}).items()},
            correct=data.get("correct"),
            parsed=bool(data.get("parsed", True)),
            detail=str(data.get("detail", "")),
        )
