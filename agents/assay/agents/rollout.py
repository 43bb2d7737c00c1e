"""An episode plus the exact tokens the policy saw and sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.envs.episode import Episode


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of tokens that were either all sampled by the policy or all given to it.

    Raises:
        ValueError: if it is empty, if a sampled segment has not one log-probability a token, or a given one has any.
    """

    ids: tuple[int, ...]
    sampled: bool
    logprobs: tuple[float, ...] = ()
    images: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if not self.ids:
            raise ValueError("a segment needs at least one token")
        wanted = len(self.ids) if self.sampled else 0
        if len(self.logprobs) != wanted:
            raise ValueError(
                f"a segment of {len(self.ids)} {'sampled' if self.sampled else 'given'} tokens needs "
                f"{wanted} logprobs, got {len(self.logprobs)}"
            )
        if self.sampled and self.images:
            raise ValueError("a sampled segment cannot hold images")


@dataclass(frozen=True, slots=True)
class Branch:
    """One training row: the tokens from the root of a conversation to one of its ends.

    Raises:
        ValueError: if it does not begin with given tokens.
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if not self.segments or self.segments[0].sampled:
            raise ValueError("a branch begins with the prompt")

    @property
    def ids(self) -> tuple[int, ...]:
        """All tokens in order."""
        return tuple(token for segment in self.segments for token in segment.ids)

    @property
    def sampled(self) -> tuple[bool, ...]:
        """Which tokens of :attr:`ids` the policy sampled: the only ones that carry loss."""
        return tuple(segment.sampled for segment in self.segments for _ in segment.ids)

    @property
    def logprobs(self) -> tuple[float, ...]:
        """The sampler's log-probability of each token of :attr:`ids`; 0.0 where it was given."""
        return tuple(
            value
            for segment in self.segments
            for value in (segment.logprobs if segment.sampled else (0.0,) * len(segment.ids))
        )

    @property
    def images(self) -> tuple[Any, ...]:
        """Images in the order of their placeholders."""
        return tuple(image for segment in self.segments for image in segment.images)


@dataclass(frozen=True, slots=True)
class Rollout:
    """An :class:`~assay.envs.episode.Episode` and its branches.

    One branch for an append-only conversation; where a chat template rewrites history the conversation forks, and each
    branch is one training row. Episodes that did not end in a score have no branches.
    """

    episode: Episode
    branches: tuple[Branch, ...] = ()
    finish: str = "stop"
    group: int = field(default=0)

    @property
    def sampled_tokens(self) -> int:
        """Number of tokens the policy sampled."""
        return sum(sum(branch.sampled) for branch in self.branches)


def check_images(branch: Branch, placeholder_ids: Sequence[int], per_image: int) -> None:
    """Refuse a branch whose image placeholders and images disagree.

    Raises:
        ValueError: naming both counts.
    """
    found = sum(token in set(placeholder_ids) for token in branch.ids)
    if found != per_image * len(branch.images):
        raise ValueError(f"{found} image placeholder tokens but {len(branch.images)} images of {per_image} tokens each")
